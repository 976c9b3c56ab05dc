//! The hash that a verdict names.
//!
//! It covers what decides a verdict: `pattern.yaml`, `schema.json` and the code lists that the pattern
//! references; not the samples. It is SHA-256 over the sorted lines `<name> <SHA-256 of the bytes, hex>\n`,
//! so the order in which files were found does not matter.

use sha2::{Digest, Sha256};

/// Digest of named files, order-independent.
pub(crate) fn file_digest(files: impl IntoIterator<Item = (String, impl AsRef<[u8]>)>) -> String {
    digest(files.into_iter().map(|(name, bytes)| (name, hex(&Sha256::digest(bytes.as_ref())))))
}

/// Digest of a pattern: its files and, as `codelist:<id>`, the digests of its lists.
pub(super) fn bundle_digest<'a>(
    files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    lists: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    let files = files.into_iter().map(|(name, bytes)| (name.to_owned(), hex(&Sha256::digest(bytes))));
    let lists = lists.into_iter().map(|(id, sha256)| (format!("codelist:{id}"), sha256.to_owned()));
    digest(files.chain(lists))
}

fn digest(named: impl Iterator<Item = (String, String)>) -> String {
    let mut lines: Vec<String> = named.map(|(name, sha256)| format!("{name} {sha256}\n")).collect();
    lines.sort_unstable();
    lines.dedup();
    hex(&Sha256::digest(lines.concat()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
