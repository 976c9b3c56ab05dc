//! The sum of an entry: the SHA-256 of all its bytes, at their beginning. JSON that parses may still have
//! rotted, in a digit of a size or of a bound. Outside engines pass over the field.

use sha2::{Digest, Sha256};

use crate::store::hex;

/// How each entry begins; the sum follows, then [`AFTER`] and the bytes that it covers.
const BEFORE: &str = r#"{"commitInfo":{"hubSha256":""#;
const AFTER: &str = r#"","#;
/// Hexadecimal digits of a SHA-256.
const DIGITS: usize = 64;

/// An entry's bytes: `info` is the commitInfo object, `actions` are the lines behind it.
pub(super) fn sealed(info: &str, actions: &str) -> Vec<u8> {
    let fields = info.strip_prefix('{').unwrap_or(info);
    let covered = format!("{fields}}}\n{actions}");
    let sum = hex(&Sha256::digest(covered.as_bytes()));
    [BEFORE, &sum, AFTER, &covered].concat().into_bytes()
}

/// Whether an entry's bytes are those that were written.
pub(super) fn holds(text: &str) -> bool {
    let Some((sum, rest)) = text.strip_prefix(BEFORE).and_then(|rest| rest.split_at_checked(DIGITS)) else {
        return false;
    };
    rest.strip_prefix(AFTER).is_some_and(|covered| hex(&Sha256::digest(covered.as_bytes())) == sum)
}
