//! Text columns: cells are copied once, into the column's own bytes.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};

use crate::csv::{Cells, unquote};

use super::super::lenient::text::{BREAK, is_suspect, meant};
use super::{Decoded, Reading, null_buffer};

pub(super) fn column(cells: &Cells<'_>, file: usize, reading: &Reading<'_>) -> Decoded {
    let rows = cells.rows();
    let mut tidied = Vec::new();
    let mut bytes: Vec<u8> = Vec::with_capacity(rows * 8);
    let mut offsets: Vec<i32> = Vec::with_capacity(rows + 1);
    let mut nulls = Vec::new();
    offsets.push(0);
    for row in 0..rows {
        let (raw, quoted) = cells.raw(row, file);
        let before = bytes.len();
        if quoted {
            bytes.extend_from_slice(&unquote(raw));
        } else {
            bytes.extend_from_slice(raw);
        }
        let text = &bytes[before..];
        if (reading.lenient && is_suspect(text)) || (reading.breaks && text.contains(&BREAK)) {
            let (text, changes) = meant(&bytes[before..]);
            bytes.truncate(before);
            bytes.extend_from_slice(&text);
            tidied.extend(changes.into_iter().map(|change| (row as u32, change)));
        }
        if is_empty(&bytes[before..], reading.missing) {
            bytes.truncate(before);
            nulls.push(row as u32);
        }
        // A chunk is shorter than 2 GiB, so its cells are too.
        offsets.push(bytes.len() as i32);
    }
    let nulls = null_buffer(&nulls, rows);
    Decoded { array: strings(bytes, offsets, nulls), faults: Vec::new(), noise: Vec::new(), tidied }
}

/// A cell of nothing but blanks is empty, as are the pattern's words for it.
#[inline]
fn is_empty(text: &[u8], missing: &[Box<[u8]>]) -> bool {
    let blank = match text.first() {
        None => true,
        Some(b' ' | b'\t') => text.trim_ascii().is_empty(),
        Some(_) => false,
    };
    blank || missing.iter().any(|m| **m == *text)
}

/// The chunk was checked to be UTF-8 and cells are cut at ASCII, so the first way always works; the
/// second keeps the function total without a panic.
fn strings(bytes: Vec<u8>, offsets: Vec<i32>, nulls: Option<NullBuffer>) -> ArrayRef {
    let buffer = Buffer::from_vec(bytes);
    let kept = OffsetBuffer::new(ScalarBuffer::from(offsets));
    match StringArray::try_new(kept.clone(), buffer.clone(), nulls.clone()) {
        Ok(array) => Arc::new(array),
        Err(_) => {
            let texts = kept.windows(2).enumerate().map(|(row, ends)| {
                let valid = nulls.as_ref().is_none_or(|n| n.is_valid(row));
                valid.then(|| String::from_utf8_lossy(&buffer[ends[0] as usize..ends[1] as usize]))
            });
            Arc::new(texts.collect::<StringArray>())
        }
    }
}
