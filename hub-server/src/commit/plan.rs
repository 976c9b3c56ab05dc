//! What a job does to the state of its dataset: a pure decision, taken anew at each attempt of a put.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hub_datasets::check::standing::LOSS_CONFIRMED_PERCENT;

use super::CommitJob;
use super::state::{Current, CurrentSlice, Recorded, State};
use crate::store::index::DataFile;

/// (`_seq`, slices) whose rows a commit takes out of the live files.
pub(crate) type Superseded = BTreeMap<i64, BTreeSet<String>>;

/// What becomes of a job.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Decision {
    /// The request was answered before with this submission.
    Repeated(Arc<Recorded>),
    /// All its slices are current from the same bytes.
    Unchanged(Arc<Recorded>),
    Refused(Refusal),
    Accepted(Accepted),
}

/// Why a job is refused by the state.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Refusal {
    /// The request id belongs to another content.
    RequestIdReused { submission: String },
    /// The request was answered before with a submission that is erased.
    Erased { submission: String },
    /// The sender saw another revision.
    RevisionMoved { seen: u64, current: u64 },
    /// Slices hold rows and would be dropped, or would lose most of theirs.
    DeletionUnconfirmed { drops: Vec<(i64, String)>, shrinks: Vec<Shrunk> },
    /// Slices stand in another period that has days in common with the job's.
    Overlaps { other: String, slices: Vec<String> },
    /// Nothing is current of the submission that it takes back.
    NotCurrent { submission: String },
    /// It neither sends a slice nor says that there is nothing to report.
    Empty,
}

/// A slice that would lose most of its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shrunk {
    /// Empty when the pattern has no slices.
    pub(crate) slice: String,
    /// Its rows as they are sent, and as they are current.
    pub(crate) sent: u64,
    pub(crate) current: u64,
}

/// The next revision of a (publisher, partition).
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Accepted {
    pub(crate) revision: u64,
    pub(crate) parent: Option<u64>,
    /// Slices of the earlier revision that stay as they are.
    pub(crate) carried: Vec<String>,
    /// Slices of the earlier revision that are gone.
    pub(crate) dropped: Vec<String>,
    /// Rows that are replaced or dropped.
    pub(crate) superseded: Vec<(i64, String)>,
}

/// Decides what becomes of a job in a state.
pub(crate) fn decide(state: &State, job: &CommitJob) -> Decision {
    if let Some(earlier) = state.by_request(&job.caller, &job.request_id) {
        return repeated(state, earlier, job);
    }
    let current = state.current(&job.publisher, &job.partition);
    if let Some(earlier) = current.and_then(|current| unchanged(state, current, job)) {
        return Decision::Unchanged(earlier);
    }
    if let Some(submission) = job.withdraws.as_ref().filter(|id| !is_current(current, id)) {
        return Decision::Refused(Refusal::NotCurrent { submission: submission.clone() });
    }
    if job.slices.is_empty() && !job.nothing_to_report && job.withdraws.is_none() {
        return Decision::Refused(Refusal::Empty);
    }
    if let Some((other, slices)) = job.excludes.then(|| state.overlapping(job)).flatten() {
        return Decision::Refused(Refusal::Overlaps { other, slices });
    }
    let revision = current.map_or(0, |current| current.revision);
    if let Some(seen) = job.parent_revision.filter(|seen| *seen != revision) {
        return Decision::Refused(Refusal::RevisionMoved { seen, current: revision });
    }
    let accepted = next_revision(current, job);
    let shrinks = current.map(|current| shrinks(current, job)).unwrap_or_default();
    // A slice is current because rows of it were sent, so each dropped slice holds rows.
    if !(accepted.dropped.is_empty() && shrinks.is_empty() || job.confirm_deletions) {
        let drops = accepted.superseded.into_iter().filter(|(_, slice)| accepted.dropped.contains(slice));
        return Decision::Refused(Refusal::DeletionUnconfirmed { drops: drops.collect(), shrinks });
    }
    Decision::Accepted(accepted)
}

/// True when a submission sent something that is current, or is current by itself.
fn is_current(current: Option<&Arc<Current>>, submission: &str) -> bool {
    current.is_some_and(|current| {
        current.slices.values().any(|slice| slice.submission == submission)
            || current.slices.is_empty() && current.submission == submission
    })
}

/// Slices that a job leaves with so few of their rows that its sender has to confirm it.
fn shrinks(current: &Current, job: &CommitJob) -> Vec<Shrunk> {
    let replaced = job.slices.iter().zip(&job.slice_facts);
    let of = replaced.filter_map(|(slice, sent)| Some((slice, sent, current.slices.get(slice)?.facts?)));
    let lost = of.filter(|(_, sent, held)| held.loses_over(LOSS_CONFIRMED_PERCENT, sent));
    lost.map(|(slice, sent, held)| Shrunk { slice: slice.clone(), sent: sent.rows, current: held.rows })
        .collect()
}

/// The answer to a request id that is known: the earlier answer, if the request is the same.
pub(crate) fn repeated(state: &State, earlier: &Arc<Recorded>, job: &CommitJob) -> Decision {
    let same = earlier.sha256 == job.sha256
        && earlier.period == job.period
        && earlier.publisher == job.publisher
        && pattern_id(&earlier.pattern) == pattern_id(&job.pattern)
        && earlier.nothing_to_report == job.nothing_to_report
        && earlier.withdraws.as_deref() == job.withdraws.as_deref();
    if same && state.is_erased(&earlier.id) {
        Decision::Refused(Refusal::Erased { submission: earlier.id.clone() })
    } else if same {
        Decision::Repeated(Arc::clone(earlier))
    } else {
        Decision::Refused(Refusal::RequestIdReused { submission: earlier.id.clone() })
    }
}

pub(crate) fn pattern_id(reference: &str) -> &str {
    reference.split('/').next().unwrap_or(reference)
}

/// The submission whose bytes are those of the job and for which all slices of the job are current.
/// The label of the period counts too: `2022-M12` after `2022-Q4` is another statement. So does what they were judged
/// by: a report under other rules is another one.
fn unchanged(state: &State, current: &Current, job: &CommitJob) -> Option<Arc<Recorded>> {
    if job.nothing_to_report || job.slices.is_empty() {
        return None;
    }
    if job.replace_all && current.slices.len() > job.slices.len() {
        return None;
    }
    let first = current.slices.get(job.slices.first()?)?;
    let one_sender = job.slices.iter().all(|slice| {
        current.slices.get(slice).is_some_and(|c| c.sha256 == job.sha256 && c.submission == first.submission)
    });
    let earlier = state.by_id(&first.submission)?;
    let is_judged_alike = earlier.pattern == job.pattern && earlier.media_type == job.media_type;
    let same = one_sender && earlier.period == job.period && is_judged_alike;
    same.then(|| Arc::clone(earlier))
}

fn next_revision(current: Option<&Arc<Current>>, job: &CommitJob) -> Accepted {
    let Some(current) = current else {
        return Accepted { revision: 1, ..Accepted::default() };
    };
    let sent: BTreeSet<&str> = job.slices.iter().map(String::as_str).collect();
    let all = job.replace_all || job.nothing_to_report;
    let drops = |held: &CurrentSlice| all || job.withdraws.as_ref() == Some(&held.submission);
    let mut next =
        Accepted { revision: current.revision + 1, parent: Some(current.revision), ..Accepted::default() };
    for (slice, held) in &current.slices {
        if sent.contains(slice.as_str()) {
            next.superseded.push((held.seq, slice.clone()));
        } else if drops(held) {
            next.dropped.push(slice.clone());
            next.superseded.push((held.seq, slice.clone()));
        } else {
            next.carried.push(slice.clone());
        }
    }
    next
}

/// Live files that hold superseded rows.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Touched {
    /// All their rows are superseded: they leave.
    pub(crate) whole: Vec<Arc<DataFile>>,
    /// They may hold other rows too: they are rewritten without the superseded ones.
    pub(crate) shared: Vec<Arc<DataFile>>,
}

/// Finds the live files that hold rows of `superseded`, in the order of their paths.
pub(crate) fn touched(state: &State, superseded: &Superseded, slice_column: Option<&str>) -> Touched {
    let ends = |seq: &i64| superseded.get(seq).map_or(0, BTreeSet::len) >= state.live_slices(*seq);
    let files: BTreeMap<&str, &Arc<DataFile>> =
        superseded.keys().flat_map(|seq| state.homes(*seq)).map(|file| (file.path.as_str(), file)).collect();
    let mut touched = Touched::default();
    for file in files.into_values() {
        if file.seqs.iter().all(ends) {
            touched.whole.push(Arc::clone(file));
        } else if may_hold(file, superseded, slice_column) {
            touched.shared.push(Arc::clone(file));
        }
    }
    touched
}

/// False only when the bounds of the slice column say that no superseded slice is in the file.
fn may_hold(file: &DataFile, superseded: &Superseded, slice_column: Option<&str>) -> bool {
    let Some(stats) = slice_column.and_then(|column| file.stats.get(column)) else { return true };
    let (Some(min), Some(max)) = (&stats.min, &stats.max) else { return true };
    let (Some(min), Some(max)) = (min.text(), max.text()) else { return true };
    let range = min..=max;
    let held = file.seqs.iter().filter_map(|seq| superseded.get(seq));
    held.flatten().any(|slice| range.contains(&slice.as_str()))
}
