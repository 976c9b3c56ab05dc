//! Are keys unique? Rows that come in key order are compared with their neighbours, others with
//! what was seen.

use std::collections::{BTreeMap, HashMap};
use std::io;

use arrow::array::RecordBatch;
use hub_datasets::Violation;
use hub_datasets::check::Checker;
use hub_datasets::check::keys::{KeyOrder, Last};
use hub_datasets::report::Findings;
use sha2::{Digest as _, Sha256};

/// Bytes of a file whose keys are held at once: some millions of rows at 24 bytes each.
const PART_BYTES: u64 = 128 << 20;

/// Rows came in another order than the key's.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Disorder;

/// Into how many parts the keys of a file of this length are split.
pub(super) fn parts(length: u64) -> u64 {
    length / PART_BYTES + 1
}

pub(super) enum Keys {
    /// The pattern has no key.
    None,
    InOrder {
        order: KeyOrder,
        last: Option<Last>,
    },
    Seen(Box<Seen>),
}

/// Keys that were seen, by a hash so long that two keys never share one.
pub(super) struct Seen {
    order: KeyOrder,
    part: u64,
    parts: u64,
    first_lines: HashMap<u128, u64>,
    /// The first repeats in key order, as the hub lists them.
    listed: BTreeMap<(Vec<u8>, u64), Violation>,
    /// Repeats that found no room in the list.
    unlisted: Findings,
}

impl Keys {
    pub(super) fn in_order(checker: &Checker) -> io::Result<Self> {
        Ok(key_order(checker)?.map_or(Self::None, |order| Self::InOrder { order, last: None }))
    }

    pub(super) fn seen(checker: &Checker, part: u64, parts: u64) -> io::Result<Self> {
        let Some(order) = key_order(checker)? else { return Ok(Self::None) };
        Ok(Self::Seen(Box::new(Seen {
            order,
            part,
            parts,
            first_lines: HashMap::new(),
            listed: BTreeMap::new(),
            unlisted: Findings::default(),
        })))
    }

    /// Compares the rows of a batch that follows those before it.
    pub(super) fn take(
        &mut self,
        batch: &RecordBatch,
        lines: &[u64],
        checker: &Checker,
    ) -> io::Result<Result<Findings, Disorder>> {
        let mut findings = Findings::default();
        match self {
            Self::None => {}
            Self::InOrder { order, last } => {
                let walk = order.walk(batch, lines, last.as_ref()).map_err(io::Error::other)?;
                if !walk.sorted {
                    return Ok(Err(Disorder));
                }
                for repeat in walk.repeats {
                    findings.add(checker.key_repeated(
                        batch,
                        repeat.row,
                        repeat.line,
                        Some(repeat.first_line),
                    ));
                }
                *last = walk.last;
            }
            Self::Seen(seen) => seen.take(batch, lines, checker)?,
        }
        Ok(Ok(findings))
    }

    /// Takes over what another part found.
    pub(super) fn join(&mut self, other: Self) {
        if let (Self::Seen(seen), Self::Seen(other)) = (self, other) {
            seen.unlisted.merge(other.unlisted);
            for (key, violation) in other.listed {
                seen.list(key, violation);
            }
        }
    }

    /// What is known only at the end.
    pub(super) fn into_findings(self) -> Findings {
        let Self::Seen(seen) = self else { return Findings::default() };
        let mut findings = Findings::default();
        seen.listed.into_values().for_each(|violation| findings.add(violation));
        findings.merge(seen.unlisted);
        findings
    }
}

impl Seen {
    fn take(&mut self, batch: &RecordBatch, lines: &[u64], checker: &Checker) -> io::Result<()> {
        let rows = self.order.rows(batch).map_err(io::Error::other)?;
        for (row, (key, line)) in rows.iter().zip(lines.iter().copied()).enumerate() {
            let hash = hash(key.as_ref());
            if hash % u128::from(self.parts) != u128::from(self.part) || self.order.is_partial(batch, row) {
                continue;
            }
            let first_line = *self.first_lines.entry(hash).or_insert(line);
            if first_line != line {
                let violation = checker.key_repeated(batch, row, line, Some(first_line));
                self.list((key.as_ref().to_vec(), line), violation);
            }
        }
        Ok(())
    }

    /// Keeps the first in key order; the rest is only counted.
    fn list(&mut self, key: (Vec<u8>, u64), violation: Violation) {
        self.listed.insert(key, violation);
        if self.listed.len() > Findings::LISTED_MAX
            && let Some((_, last)) = self.listed.pop_last()
        {
            self.unlisted.count(last.code, last.severity, &last.rule, 1);
            self.unlisted.refuse(last.row);
        }
    }
}

fn key_order(checker: &Checker) -> io::Result<Option<KeyOrder>> {
    KeyOrder::new(&checker.schema(), &checker.context().pattern.key).map_err(io::Error::other)
}

fn hash(key: &[u8]) -> u128 {
    let digest = Sha256::digest(key);
    digest.iter().take(16).fold(0, |hash, byte| hash << 8 | u128::from(*byte))
}
