//! Where a violation's value is read from: the raw cells of a chunk, or a batch.

use arrow::array::ArrayRef;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use crate::csv::Cells;

/// The cells of a part as they came, by the pattern's columns.
pub(super) enum Source<'a> {
    Cells {
        cells: &'a Cells<'a>,
        /// Column of the file for each column of the pattern.
        files: &'a [Option<usize>],
        /// The decoded columns, for those that the file lacks.
        decoded: &'a [ArrayRef],
        /// Column of the file that says something to rows.
        explanation: Option<usize>,
    },
    Batch(&'a [ArrayRef]),
}

impl Source<'_> {
    /// Text of a cell; empty when it is null.
    pub(super) fn text(&self, row: usize, column: usize) -> String {
        match self {
            Self::Cells { cells, files, decoded, .. } => match files[column] {
                Some(file) => String::from_utf8_lossy(&cells.text(row, file)).into_owned(),
                None => array_text(&decoded[column], row),
            },
            Self::Batch(columns) => array_text(&columns[column], row),
        }
    }

    /// What the sender says to a row; empty when nothing.
    pub(super) fn explanation(&self, row: usize) -> String {
        match self {
            Self::Cells { cells, explanation: Some(file), .. } => {
                String::from_utf8_lossy(&cells.text(row, *file)).trim().to_owned()
            }
            Self::Cells { .. } | Self::Batch(_) => String::new(),
        }
    }
}

/// Text of an array's value; empty when it is null or cannot be shown.
pub(super) fn array_text(array: &ArrayRef, row: usize) -> String {
    let options = FormatOptions::default();
    match ArrayFormatter::try_new(array.as_ref(), &options) {
        Ok(formatter) => formatter.value(row).try_to_string().unwrap_or_default(),
        Err(_) => String::new(),
    }
}
