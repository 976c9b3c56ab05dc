//! Formats of rows, by extension; those of payloads are the core's.

use std::path::Path;

use hub_proto::v1::RowFormat;

/// The row format of a file to write, by extension: parquet, csv, arrow, ndjson.
pub fn row_format(path: &Path) -> Option<RowFormat> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "parquet" => Some(RowFormat::Parquet),
        "csv" => Some(RowFormat::Csv),
        "arrow" | "arrows" => Some(RowFormat::Arrow),
        "ndjson" | "jsonl" => Some(RowFormat::Ndjson),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
