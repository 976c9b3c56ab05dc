//! The hub's CSV reader: quote-aware cutting into chunks, and rows of raw cells that a chunk's
//! thread turns into typed columns.
//!
//! Dialect: UTF-8 (what comes in another encoding is turned into it before, see [`Encoding`]), separator `,` `;` or tab (found in the header), LF or CRLF. A cell is quoted when
//! its first byte is `"`; inside, `""` is one quote. A quote anywhere else is an ordinary character,
//! because real files hold names such as `SP "Orlik"` without quoting them.

use bytes::Bytes;

mod cutter;
mod encoding;
mod record;
#[cfg(test)]
mod tests;

pub use cutter::Cutter;
pub use encoding::{Encoding, Letters, Unclear, foreign};
pub(crate) use record::Span;
pub use record::{Cells, Misfit, unquote};

/// A run of whole records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Records with their line ends, the header not among them.
    pub data: Bytes,
    /// Line number of the first record, the header being line 1.
    pub first_line: u64,
}

/// A fault that makes the rest of the file unreadable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CutError {
    /// A record that the reader would have to hold whole.
    #[error("line {line} is longer than {limit} bytes")]
    LineTooLong {
        /// Line on which the record begins.
        line: u64,
        /// Most bytes of a record.
        limit: usize,
    },
    /// All that follows the quote would be one cell.
    #[error("a quote opened in line {line} is never closed")]
    QuoteUnclosed {
        /// Line of the quote.
        line: u64,
    },
    /// No text holds one; the file is of another format or encoding.
    #[error("line {line} holds a NUL byte")]
    NulByte {
        /// Line of the byte.
        line: u64,
    },
}

/// The separators that a header may use, the first winning a tie.
const SEPARATORS: [u8; 3] = *b",;\t";

/// The separator of a header record: the one it holds most often outside quotes.
pub fn separator(header: &[u8]) -> u8 {
    let mut counts = [0_usize; SEPARATORS.len()];
    let mut quoted = false;
    for byte in header {
        match SEPARATORS.iter().position(|s| s == byte) {
            Some(index) if !quoted => counts[index] += 1,
            _ => quoted ^= *byte == b'"',
        }
    }
    let most = counts.iter().copied().max().unwrap_or(0);
    counts.iter().position(|c| *c == most).map_or(b',', |index| SEPARATORS[index])
}

/// Number of line ends in a run of bytes.
fn line_ends(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}
