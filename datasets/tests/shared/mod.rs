//! What the tests of samples and of kits share.

use std::sync::Arc;

use hub_datasets::MediaType;
use hub_datasets::check::{Checked, Checker, PieceLimits, Stop};
use hub_datasets::report::Findings;

/// Reads whole bytes, piece by piece; `each` gets what was checked. Gives the findings and the rows that were read.
pub(crate) fn read(
    checker: &Checker,
    media: MediaType,
    bytes: Vec<u8>,
    limits: PieceLimits,
    mut each: impl FnMut(Checked),
) -> (Findings, u64) {
    let mut pieces = checker.pieces(media, Arc::new(bytes::Bytes::from(bytes)), limits);
    let (mut findings, mut rows) = (Findings::default(), 0);
    loop {
        match pieces.next_piece() {
            Ok(Some(piece)) => {
                findings.merge(pieces.early());
                let mut checked = piece.check(checker);
                findings.merge(std::mem::take(&mut checked.findings));
                rows += checked.rows;
                each(checked);
            }
            Ok(None) => break,
            Err(Stop::Findings(fault)) => {
                findings.merge(*fault);
                break;
            }
            Err(Stop::Io(error)) => panic!("bytes in memory can be read: {error}"),
        }
    }
    findings.merge(pieces.early());
    (findings, rows)
}
