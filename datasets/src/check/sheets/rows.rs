//! The rows of a sheet as text: one line each, cells between tabs, as many as the widest row has.

use bytes::Bytes;

use super::{Fault, SEPARATOR, limits};
use crate::check::lenient::text::BREAK;

/// Rows as they are read, from the top.
#[derive(Debug, Default)]
pub(in crate::check) struct RowText {
    text: Vec<u8>,
    /// Where the text of each row ends, and how many cells it has.
    rows: Vec<(usize, u32)>,
    /// Cells of the row that is open.
    open: u32,
    width: u32,
    cells: u64,
    /// The first cell of a formula without a result, by row, and how many there are.
    unresolved: Option<(u32, u64)>,
}

impl RowText {
    /// Adds a cell; rows and, within a row, columns ascend from 0.
    pub(super) fn cell(&mut self, row: u32, column: u32, text: &str) -> Result<(), Fault> {
        if row >= limits::ROWS {
            return Err(Fault::over("za dużo wierszy", "too many rows", limits::ROWS));
        }
        if column >= limits::COLUMNS {
            return Err(Fault::over("za dużo kolumn", "too many columns", limits::COLUMNS));
        }
        self.cells += 1;
        if self.cells > limits::CELLS {
            return Err(Fault::over("za dużo komórek", "too many cells", limits::CELLS));
        }
        if (row as usize) < self.rows.len() || ((row as usize) == self.rows.len() && column < self.open) {
            return Err(Fault::new("komórki nie są po kolei", "its cells are not in order"));
        }
        while self.rows.len() < row as usize {
            self.end_row();
        }
        let first = usize::from(self.open == 0);
        self.text.extend(std::iter::repeat_n(SEPARATOR, (column + 1 - self.open) as usize - first));
        self.open = column + 1;
        self.width = self.width.max(self.open);
        self.put(text);
        if self.text.len() > limits::TEXT_BYTES {
            let most = format!("{} MiB", limits::TEXT_BYTES >> 20);
            return Err(Fault::over("za dużo tekstu w arkuszu", "too much text in the sheet", most));
        }
        Ok(())
    }

    /// Notes a formula whose result the file does not hold.
    pub(super) fn formula_unresolved(&mut self, row: u32) {
        let (first, count) = self.unresolved.unwrap_or((row, 0));
        self.unresolved = Some((first, count + 1));
    }

    pub(super) fn unresolved(&self) -> Option<(u32, u64)> {
        self.unresolved
    }

    /// Ends the last row.
    pub(super) fn close(&mut self) {
        if self.open > 0 {
            self.end_row();
        }
    }

    fn end_row(&mut self) {
        self.rows.push((self.text.len(), self.open));
        self.open = 0;
    }

    /// The text of a cell: in quotes where it needs them, its line breaks replaced so that a row stays a line.
    fn put(&mut self, text: &str) {
        let text = text.trim_end_matches(['\r', '\n']);
        let quoted = text.starts_with('"') || text.as_bytes().contains(&SEPARATOR);
        if quoted {
            self.text.push(b'"');
        }
        let mut bytes = text.bytes().peekable();
        while let Some(byte) = bytes.next() {
            match byte {
                b'\r' if bytes.peek() == Some(&b'\n') => {}
                b'\n' | b'\r' => self.text.push(BREAK),
                // No text holds one, and a sheet that does is refused where texts are checked.
                b'"' if quoted => self.text.extend_from_slice(b"\"\""),
                byte => self.text.push(byte),
            }
        }
        if quoted {
            self.text.push(b'"');
        }
    }

    /// The next rows, until they fill `most` bytes; `given` counts them. A row of nothing is an empty line.
    pub(super) fn block(&self, given: &mut usize, most: usize) -> Option<Bytes> {
        let mut block = Vec::with_capacity(most.min(self.text.len() + 1024));
        while let Some((end, cells)) = self.rows.get(*given).copied() {
            let start = given.checked_sub(1).and_then(|before| self.rows.get(before)).map_or(0, |row| row.0);
            block.extend_from_slice(self.text.get(start..end).unwrap_or_default());
            if cells > 0 {
                block.extend(std::iter::repeat_n(SEPARATOR, (self.width - cells) as usize));
            }
            block.push(b'\n');
            *given += 1;
            if block.len() >= most {
                break;
            }
        }
        (!block.is_empty()).then(|| block.into())
    }
}
