//! Counts rows in the bytes of an answer, so that a short answer is not taken for a whole one.

use arrow::buffer::Buffer;
use arrow::ipc::reader::StreamDecoder;
use hub_proto::v1::RowFormat;

use super::ipc;

/// Counts what comes, independent of what the hub tells.
#[derive(Debug)]
pub(crate) enum Counter {
    /// Whole messages, as gRPC brings them.
    Arrow(u64),
    /// Bytes however they are cut.
    ArrowBytes(Box<StreamDecoder>, u64),
    Ndjson(u64),
    Csv {
        lines: u64,
        quoted: bool,
    },
    /// The footer tells, once the file is whole.
    Parquet,
}

impl Counter {
    pub(super) fn new(format: RowFormat) -> Self {
        match format {
            RowFormat::Csv => Self::Csv { lines: 0, quoted: false },
            RowFormat::Ndjson => Self::Ndjson(0),
            RowFormat::Parquet => Self::Parquet,
            RowFormat::Arrow | RowFormat::Unspecified => Self::Arrow(0),
        }
    }

    /// For an answer that is cut anywhere.
    pub(crate) fn of_bytes(format: RowFormat) -> Self {
        match Self::new(format) {
            Self::Arrow(rows) => Self::ArrowBytes(Box::default(), rows),
            other => other,
        }
    }

    pub(crate) fn add(&mut self, data: &[u8]) -> Result<(), String> {
        match self {
            Self::ArrowBytes(decoder, rows) => {
                let mut rest = Buffer::from(data);
                while let Some(batch) = decoder.decode(&mut rest).map_err(|error| error.to_string())? {
                    *rows += batch.num_rows() as u64;
                }
            }
            Self::Arrow(rows) => *rows += ipc::rows(data)?,
            Self::Ndjson(rows) => *rows += data.iter().filter(|byte| **byte == b'\n').count() as u64,
            Self::Csv { lines, quoted } => {
                for byte in data {
                    match byte {
                        // A doubled quote turns twice and changes nothing.
                        b'"' => *quoted = !*quoted,
                        b'\n' if !*quoted => *lines += 1,
                        _ => {}
                    }
                }
            }
            Self::Parquet => {}
        }
        Ok(())
    }

    /// Rows seen; none where only the whole file tells.
    pub(crate) fn rows(&self) -> Option<u64> {
        match self {
            Self::Arrow(rows) | Self::ArrowBytes(_, rows) | Self::Ndjson(rows) => Some(*rows),
            // The first line is the header.
            Self::Csv { lines, .. } => Some(lines.saturating_sub(1)),
            Self::Parquet => None,
        }
    }

    /// Compares with what the hub says that it sent.
    pub(super) fn check(&self, sent: u64) -> Result<(), String> {
        match self.rows() {
            Some(rows) if rows != sent => Err(format!("{rows} rows came where the hub sent {sent}")),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_inside_quotes_are_no_rows() {
        let mut csv = Counter::new(RowFormat::Csv);
        for piece in ["a,b\r\n1,\"x\n", "\"\"y\"\n2,z\n"] {
            csv.add(piece.as_bytes()).unwrap();
        }
        assert_eq!(csv.rows(), Some(2));
        assert!(csv.check(2).is_ok());
        assert!(csv.check(3).unwrap_err().contains("2 rows came"));
    }

    #[test]
    fn each_json_line_is_a_row() {
        let mut json = Counter::new(RowFormat::Ndjson);
        json.add(b"{\"a\":1}\n{\"a\":\"\\n\"}\n").unwrap();
        assert_eq!(json.rows(), Some(2));
    }
}
