//! What stays of a submission that was erased: the tombstone in commitInfo, and the log without its values.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use hub_datasets::receipt::canonical;
use serde_json::{Value, json};

use super::actions::{add_action, number, parse_add, text};
use super::{Entry, SubmissionEntry};
use crate::store::index::{ColumnStats, DataFile};

/// The operation of a commit that erases a submission.
pub(crate) const ERASE: &str = "ERASE";

/// Columns of the hub, whose bounds tell nothing that a submission sent.
const OWN_COLUMNS: [&str; 3] = ["_period_end", "_publisher", "_seq"];

/// A submission is gone for good: its rows from all states, its bytes from the folder.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Erasure {
    pub(crate) submission: String,
    pub(crate) seq: i64,
    pub(crate) publisher: String,
    /// Value of `_period`.
    pub(crate) partition: String,
    /// As the operator gave them.
    pub(crate) reason: String,
    pub(crate) by: String,
    /// The states that held rows of it; None: none did.
    pub(crate) held: Option<HeldBy>,
    /// Paths of all files that held rows of it.
    pub(crate) files: Vec<String>,
    /// Files that stand in for some of them, with the rows of others.
    pub(crate) stand_ins: Vec<StandIn>,
}

/// States from one to another, both among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HeldBy {
    pub(crate) log_versions: (u64, u64),
    pub(crate) dataset_versions: (u64, u64),
}

/// A file with the rows of others that were in an erased one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StandIn {
    /// Path of the erased file.
    pub(crate) of: String,
    /// Log version at which the erased file left the table; None: it was live until the erasure.
    pub(crate) left: Option<u64>,
    pub(crate) file: Arc<DataFile>,
}

pub(super) fn write(erasure: &Erasure) -> Value {
    let stand_in = |stand_in: &StandIn| {
        let mut value = add_action(&stand_in.file, 0, false);
        value["of"] = json!(stand_in.of);
        value["left"] = json!(stand_in.left);
        value
    };
    json!({
        "submission": erasure.submission,
        "seq": erasure.seq,
        "publisher": erasure.publisher,
        "partition": erasure.partition,
        "reason": erasure.reason,
        "by": erasure.by,
        "log_versions": erasure.held.map(|held| held.log_versions),
        "dataset_versions": erasure.held.map(|held| held.dataset_versions),
        "files": erasure.files,
        "stand_ins": erasure.stand_ins.iter().map(stand_in).collect::<Vec<_>>(),
    })
}

pub(super) fn parse(value: &Value, schema: &SchemaRef) -> Result<Erasure, String> {
    let range = |name: &str| -> Result<Option<(u64, u64)>, String> {
        serde::Deserialize::deserialize(&value[name]).map_err(|error| format!("{name}: {error}"))
    };
    let held = range("log_versions")?.zip(range("dataset_versions")?);
    let mut stand_ins = Vec::new();
    for one in value["stand_ins"].as_array().ok_or("stand_ins lacks")? {
        let left = if one["left"].is_null() { None } else { Some(number(one, "left")?) };
        let file = Arc::new(parse_add(&one["add"], schema)?);
        stand_ins.push(StandIn { of: text(one, "of")?, left, file });
    }
    Ok(Erasure {
        submission: text(value, "submission")?,
        seq: value["seq"].as_i64().ok_or("seq lacks")?,
        publisher: text(value, "publisher")?,
        partition: text(value, "partition")?,
        reason: text(value, "reason")?,
        by: text(value, "by")?,
        held: held.map(|(log_versions, dataset_versions)| HeldBy { log_versions, dataset_versions }),
        files: serde::Deserialize::deserialize(&value["files"]).map_err(|error| format!("files: {error}"))?,
        stand_ins,
    })
}

/// What the log must not say any more of an erased submission.
#[derive(Debug)]
pub(crate) struct Scrub {
    seq: i64,
    submission: String,
    publisher: String,
    partition: String,
    /// Names of slices that it alone sent → what stands in their place.
    names: BTreeMap<String, String>,
}

impl Scrub {
    /// `chain`: all submissions of its publisher and partition; `is_erased`: those that are erased, by id.
    pub(crate) fn new<'a>(
        erasure: &Erasure,
        chain: impl IntoIterator<Item = &'a SubmissionEntry>,
        is_erased: impl Fn(&str) -> bool,
    ) -> Self {
        let (mut own, mut others) = (Vec::new(), BTreeSet::new());
        for entry in chain {
            if entry.id == erasure.submission {
                own.clone_from(&entry.slices);
            } else if !is_erased(&entry.id) {
                others.extend(entry.slices.iter().cloned());
            }
        }
        let names =
            own.into_iter().enumerate().filter(|(_, name)| !name.is_empty() && !others.contains(name));
        let place =
            |(number, name): (usize, String)| (name, format!("erased:{}:{}", erasure.seq, number + 1));
        Self {
            seq: erasure.seq,
            submission: erasure.submission.clone(),
            publisher: erasure.publisher.clone(),
            partition: erasure.partition.clone(),
            names: names.map(place).collect(),
        }
    }

    /// The entry without values of the submission; None: it holds none.
    pub(crate) fn entry(&self, entry: &Entry) -> Result<Option<Entry>, String> {
        let mut next = entry.clone();
        for file in &mut next.adds {
            self.file(file);
        }
        for submission in &mut next.info.submissions {
            self.submission(submission)?;
        }
        if let Some(erasure) = &mut next.info.erasure {
            let mut scrubbed = erasure.as_ref().clone();
            for stand_in in &mut scrubbed.stand_ins {
                self.file(&mut stand_in.file);
            }
            *erasure = Arc::new(scrubbed);
        }
        Ok((next != *entry).then_some(next))
    }

    /// Takes the bounds of a file that holds rows of the submission; false: there are none.
    pub(crate) fn file(&self, file: &mut Arc<DataFile>) -> bool {
        let tells = |file: &DataFile| {
            let mut told = file.stats.iter().filter(|(name, _)| !OWN_COLUMNS.contains(name));
            told.any(|(_, stats)| stats.min.is_some() || stats.max.is_some())
        };
        if file.seqs.binary_search(&self.seq).is_err() || !tells(file) {
            return false;
        }
        let mut next = file.as_ref().clone();
        let untold = |(name, stats): (&str, &ColumnStats)| match OWN_COLUMNS.contains(&name) {
            true => (name.to_owned(), stats.clone()),
            false => (name.to_owned(), ColumnStats { min: None, max: None, nulls: stats.nulls }),
        };
        next.stats = file.stats.iter().map(untold).collect();
        *file = Arc::new(next);
        true
    }

    fn submission(&self, entry: &mut SubmissionEntry) -> Result<(), String> {
        if entry.publisher != self.publisher || entry.partition != self.partition {
            return Ok(());
        }
        if entry.id == self.submission {
            // It tells cells; its SHA-256 stays.
            entry.report = String::new();
            self.rename(&mut entry.slices);
        }
        if self.rename(&mut entry.carried) | self.rename(&mut entry.dropped) {
            let mut receipt: Value =
                serde_json::from_str(&entry.receipt).map_err(|error| error.to_string())?;
            receipt["carried"] = json!(entry.carried);
            receipt["dropped"] = json!(entry.dropped);
            // The publisher holds the receipt that was issued, with the names. This one says itself why it is another.
            let mut erasures: BTreeSet<String> =
                serde::Deserialize::deserialize(&receipt["erasures"]).unwrap_or_default();
            erasures.insert(self.submission.clone());
            receipt["erasures"] = json!(erasures);
            entry.receipt = canonical(&receipt).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    fn rename(&self, slices: &mut [String]) -> bool {
        let mut renamed = false;
        for slice in slices {
            if let Some(place) = self.names.get(slice) {
                slice.clone_from(place);
                renamed = true;
            }
        }
        renamed
    }
}
