//! Which file is what: media types of payloads and formats of rows, by extension.

use std::path::Path;

use hub_proto::v1::RowFormat;

/// Formats in which a payload is pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaType {
    /// `text/csv`
    Csv,
    /// `application/vnd.apache.arrow.stream`
    ArrowStream,
}

impl MediaType {
    /// By extension: `.csv`, `.arrow`, `.arrows`.
    pub fn of(path: &Path) -> Option<Self> {
        match extension(path)?.as_str() {
            "csv" => Some(Self::Csv),
            "arrow" | "arrows" => Some(Self::ArrowStream),
            _ => None,
        }
    }

    /// As it is declared to the hub.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "text/csv",
            Self::ArrowStream => "application/vnd.apache.arrow.stream",
        }
    }
}

/// The row format of a file to write, by extension: parquet, csv, arrow, ndjson.
pub fn row_format(path: &Path) -> Option<RowFormat> {
    match extension(path)?.as_str() {
        "parquet" => Some(RowFormat::Parquet),
        "csv" => Some(RowFormat::Csv),
        "arrow" | "arrows" => Some(RowFormat::Arrow),
        "ndjson" | "jsonl" => Some(RowFormat::Ndjson),
        _ => None,
    }
}

fn extension(path: &Path) -> Option<String> {
    Some(path.extension()?.to_str()?.to_ascii_lowercase())
}

#[cfg(test)]
mod tests;
