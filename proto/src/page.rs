//! The rule of `page_size` (AIP-158): 0 means the default, more than the most means the most. A page is
//! also full when its messages are, since one answer has at most 4 MiB.

pub use prost::Message;

use crate::convert::TypeConversionError;

/// Entries of a page when the request does not say.
pub const PAGE_SIZE_DEFAULT: u32 = 100;
/// Most entries of a page.
pub const PAGE_SIZE_MAX: u32 = 1_000;

/// Bytes of a page's entries; one entry alone may have more.
pub const PAGE_BYTES: usize = 3 << 20;
/// Bytes besides an entry's own that it takes in a list: its field number and its length.
const ENTRY_HEAD_BYTES: usize = 8;

/// Bytes that an entry takes in a list.
pub fn entry_bytes(entry: &impl Message) -> usize {
    entry.encoded_len() + ENTRY_HEAD_BYTES
}

/// Entries to give for a request's `page_size`; `message` names the request in the error.
pub fn page_size(message: &'static str, asked: i32) -> Result<u32, TypeConversionError> {
    match u32::try_from(asked) {
        Ok(0) => Ok(PAGE_SIZE_DEFAULT),
        Ok(size) => Ok(size.min(PAGE_SIZE_MAX)),
        Err(_) => Err(TypeConversionError::invalid(message, "page_size", "it must not be negative")),
    }
}

#[cfg(test)]
mod tests {
    use super::page_size;

    #[test]
    fn zero_is_the_default_and_the_most_is_the_most() {
        assert_eq!(page_size("M", 0), Ok(100));
        assert_eq!(page_size("M", 1), Ok(1));
        assert_eq!(page_size("M", 1_000), Ok(1_000));
        assert_eq!(page_size("M", i32::MAX), Ok(1_000));
        assert_eq!(page_size("M", -1).unwrap_err().to_string(), "M.page_size: it must not be negative");
    }
}
