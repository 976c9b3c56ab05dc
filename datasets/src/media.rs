//! The formats in which a payload is pushed.

use std::path::Path;

/// A format that the check reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaType {
    /// `text/csv`
    Csv,
    /// A workbook of Excel, `.xlsx`.
    Xlsx,
    /// A workbook of older versions of Excel, `.xls`.
    Xls,
    /// An OpenDocument spreadsheet.
    Ods,
    /// `application/xml`: a document of another system, that a mapping of the pattern knows.
    Xml,
    /// `application/json`: a document of another system, as `application/xml`.
    Json,
    /// `application/x-ndjson`: one JSON object a line.
    Ndjson,
    /// `application/vnd.apache.arrow.stream`
    ArrowStream,
    /// `application/vnd.apache.parquet`
    Parquet,
}

impl MediaType {
    /// All of them, the plainest first.
    pub const ALL: [Self; 9] = [
        Self::Csv,
        Self::Xlsx,
        Self::Xls,
        Self::Ods,
        Self::Xml,
        Self::Json,
        Self::Ndjson,
        Self::ArrowStream,
        Self::Parquet,
    ];

    /// As it is declared to the hub.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "text/csv",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Xls => "application/vnd.ms-excel",
            Self::Ods => "application/vnd.oasis.opendocument.spreadsheet",
            Self::Xml => "application/xml",
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
            Self::ArrowStream => "application/vnd.apache.arrow.stream",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// The format that was declared; parameters such as `charset` are left aside.
    pub fn named(text: &str) -> Option<Self> {
        let essence = text.split(';').next().unwrap_or_default().trim();
        Self::ALL.into_iter().find(|media| essence.eq_ignore_ascii_case(media.as_str()))
    }

    /// The format that the first bytes of a payload tell, for who declares none; what is no other is a CSV.
    pub fn by_bytes(first: &[u8]) -> Self {
        let text = first.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(first).trim_ascii_start();
        match first {
            [b'P', b'K', 3, 4, ..] => Self::Xlsx,
            [0xD0, 0xCF, 0x11, 0xE0, ..] => Self::Xls,
            [b'P', b'A', b'R', b'1', ..] => Self::Parquet,
            [0xFF, 0xFF, 0xFF, 0xFF, ..] => Self::ArrowStream,
            _ if text.starts_with(b"[") => Self::Json,
            _ if text.starts_with(b"{") => Self::of_object(text),
            _ if text.starts_with(b"<?xml") => Self::Xml,
            _ => Self::Csv,
        }
    }

    /// A line that an object begins and does not end is the first of a document.
    fn of_object(text: &[u8]) -> Self {
        let mut lines = text.split(|byte| *byte == b'\n');
        let first = lines.next().unwrap_or_default().trim_ascii_end();
        let goes_on = lines.next().is_some() && !first.ends_with(b"}");
        if goes_on { Self::Json } else { Self::Ndjson }
    }

    /// True where reading can begin only when all bytes are there: at the end of the file, or all at once.
    pub fn is_read_whole(self) -> bool {
        matches!(self, Self::Xlsx | Self::Xls | Self::Ods | Self::Xml | Self::Json | Self::Parquet)
    }

    /// The format of a file, by its extension in any case: `.csv`, `.txt`, `.tsv`, `.xlsx`, `.xlsm`, `.xls`, `.ods`,
    /// `.xml`, `.json`, `.ndjson`, `.jsonl`, `.arrow`, `.arrows`, `.parquet`.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" | "txt" | "tsv" => Some(Self::Csv),
            "xlsx" | "xlsm" => Some(Self::Xlsx),
            "xls" => Some(Self::Xls),
            "ods" => Some(Self::Ods),
            "xml" => Some(Self::Xml),
            "json" => Some(Self::Json),
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            "arrow" | "arrows" => Some(Self::ArrowStream),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_declared_is_what_is_read() {
        for media in MediaType::ALL {
            assert_eq!(MediaType::named(media.as_str()), Some(media));
        }
        assert_eq!(MediaType::named("Text/CSV; charset=utf-8"), Some(MediaType::Csv));
        assert_eq!(MediaType::named("application/pdf"), None);
    }

    #[test]
    fn bytes_tell_the_format_where_nobody_declares_it() {
        let cases: [(&[u8], MediaType); 10] = [
            (b"PK\x03\x04", MediaType::Xlsx),
            (b"\xD0\xCF\x11\xE0", MediaType::Xls),
            (b"PAR1", MediaType::Parquet),
            (b"\xFF\xFF\xFF\xFF\x10", MediaType::ArrowStream),
            (b" {\"a\":1}", MediaType::Ndjson),
            (b"{\r\n \"a\": [", MediaType::Json),
            (b"[{", MediaType::Json),
            (b"\xEF\xBB\xBF<?xml version=\"1.0\"?>", MediaType::Xml),
            (b"<html>", MediaType::Csv),
            (b"", MediaType::Csv),
        ];
        for (bytes, media) in cases {
            assert_eq!(MediaType::by_bytes(bytes), media);
        }
    }

    #[test]
    fn extensions_decide_in_any_case() {
        let of = |name: &str| MediaType::of(Path::new(name));
        assert_eq!(of("a/Kutno.CSV"), Some(MediaType::Csv));
        assert_eq!(of("x.arrows"), Some(MediaType::ArrowStream));
        assert_eq!(of("x.jsonl"), Some(MediaType::Ndjson));
        assert_eq!(of("x.parquet"), Some(MediaType::Parquet));
        assert_eq!((of("x.xlsx"), of("x.XLS")), (Some(MediaType::Xlsx), Some(MediaType::Xls)));
        assert_eq!((of("x.pdf"), of("csv")), (None, None));
    }
}
