//! A small table of text, as code list files hold it: header and rows of the same width.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;

/// Header and rows of text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) header: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

impl Table {
    /// Reads CSV with a one-byte separator: byte order mark, CRLF, quotes and empty lines are known.
    pub(super) fn parse(bytes: &[u8], separator: char) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|e| format!("is not UTF-8: {e}"))?;
        let mut records = records(text.trim_start_matches('\u{feff}'), separator)?.into_iter();
        let (_, header) = records.next().ok_or("is empty; write a header line")?;
        let mut rows = Vec::with_capacity(records.len());
        for (line, record) in records {
            if record.len() != header.len() {
                return Err(format!("line {line} has {} cells, the header {}", record.len(), header.len()));
            }
            rows.push(record);
        }
        if rows.is_empty() {
            return Err("holds no values; write at least one line below the header".to_owned());
        }
        Ok(Self { header: header.into_iter().map(|h| h.to_lowercase()).collect(), rows })
    }

    /// Position of a column.
    pub(super) fn position(&self, name: &str) -> Result<usize, String> {
        self.header.iter().position(|h| h == name).ok_or_else(|| format!("has no column `{name}`"))
    }

    /// The table in Arrow; an empty cell is null.
    pub(super) fn batch(&self) -> Result<RecordBatch, String> {
        let fields: Vec<Field> = self.header.iter().map(|h| Field::new(h, DataType::Utf8, true)).collect();
        let columns = (0..self.header.len())
            .map(|i| {
                let cells = self.rows.iter().map(|r| Some(r[i].as_str()).filter(|c| !c.is_empty()));
                Arc::new(cells.collect::<StringArray>()) as ArrayRef
            })
            .collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(|e| e.to_string())
    }
}

/// Records with the number of their first line; lines without any cell text are skipped.
fn records(text: &str, separator: char) -> Result<Vec<(usize, Vec<String>)>, String> {
    let (mut records, mut record, mut cell) = (Vec::new(), Vec::new(), String::new());
    let (mut line, mut first_line, mut quoted) = (1, 1, false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        line += usize::from(c == '\n');
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => cell.extend(chars.next()),
            '"' if quoted => quoted = false,
            '"' if cell.is_empty() => quoted = true,
            '\r' if !quoted && chars.peek() == Some(&'\n') => {}
            '\n' if !quoted => {
                end_record(&mut records, first_line, &mut record, &mut cell);
                first_line = line;
            }
            c if c == separator && !quoted => record.push(std::mem::take(&mut cell)),
            c => cell.push(c),
        }
    }
    if quoted {
        return Err(format!("a quote opened in line {first_line} is never closed"));
    }
    end_record(&mut records, first_line, &mut record, &mut cell);
    Ok(records)
}

fn end_record(
    records: &mut Vec<(usize, Vec<String>)>,
    line: usize,
    record: &mut Vec<String>,
    cell: &mut String,
) {
    if record.is_empty() && cell.is_empty() {
        return;
    }
    record.push(std::mem::take(cell));
    records.push((line, std::mem::take(record)));
}
