//! Why a commit did not happen.

use std::sync::Arc;

use hub_proto::Reason;

use super::plan::Shrunk;
use crate::catalog::CatalogError;
use crate::store::StoreError;

/// A slice that a commit would drop, with the rows that it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DroppedSlice {
    /// Empty when the pattern has no slices.
    pub(crate) slice: String,
    pub(crate) rows: u64,
}

#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum CommitError {
    #[error("this hub keeps no dataset `{dataset}`; `hub datasets list` shows those that it keeps")]
    DatasetUnknown { dataset: String },
    #[error(
        "revision {current} of {publisher} for {period} is current, but the submission was made after \
         revision {seen}; look at the current revision and send again"
    )]
    RevisionMoved { publisher: String, period: String, seen: u64, current: u64 },
    #[error(
        "of {publisher} for {period} the commit would {}; confirm the deletion \
         (--confirm-deletions), or send what is missing too", losses(.drops, .shrinks)
    )]
    DeletionUnconfirmed { publisher: String, period: String, drops: Vec<DroppedSlice>, shrinks: Vec<Shrunk> },
    #[error(
        "request id `{request_id}` was used for submission {submission} with another content; \
         draw a new request id"
    )]
    RequestIdReused { request_id: String, submission: String },
    #[error(
        "this request was answered with submission {submission}, which the hub's operator erased; \
         draw a new request id to send the content anew"
    )]
    Erased { submission: String },
    #[error(
        "{} of {publisher} for {other} would count twice, for {period} has days in common with it; correct the report \
         for {other}, or withdraw it first", name_slices(.slices)
    )]
    PeriodOverlaps { publisher: String, period: String, other: String, slices: Vec<String> },
    #[error("nothing of submission {submission} is current any more; there is nothing to withdraw")]
    NotCurrent { submission: String },
    #[error("a submission without rows must say that there is nothing to report")]
    Empty,
    #[error("submissions of {dataset} wait already up to the limit of {limit}; send again in a few seconds")]
    Busy { dataset: String, limit: String },
    #[error("the hub is stopping; send again with the same request id when it is back")]
    Closed,
    #[error(
        "the disk did not tell whether the commit to {dataset} is kept; send again with the same request \
         id, the hub answers once it knows"
    )]
    OutcomeUnknown { dataset: String },
    #[error("the rows of the submission do not fit {dataset}: {message}")]
    Rows { dataset: String, message: String },
    #[error("the log of {dataset} was changed in a way that this hub does not understand: {message}")]
    LogForeign { dataset: String, message: String },
    #[error("the commit to {dataset} failed: {source}")]
    Store { dataset: String, source: Arc<StoreError> },
    #[error("the projection of {dataset} cannot be caught up: {source}")]
    Catalog { dataset: String, source: Arc<CatalogError> },
}

impl CommitError {
    pub(crate) fn store(dataset: &str, source: StoreError) -> Self {
        Self::Store { dataset: dataset.to_owned(), source: Arc::new(source) }
    }

    pub(crate) fn reason(&self) -> Reason {
        match self {
            Self::DatasetUnknown { .. } => Reason::DatasetUnknown,
            Self::RevisionMoved { .. } => Reason::RevisionMoved,
            Self::DeletionUnconfirmed { .. } => Reason::DeletionUnconfirmed,
            Self::PeriodOverlaps { .. } => Reason::PeriodOverlaps,
            Self::RequestIdReused { .. } => Reason::RequestIdReused,
            Self::Erased { .. } => Reason::Erased,
            Self::NotCurrent { .. } => Reason::StateConflict,
            Self::Empty => Reason::PayloadEmpty,
            Self::Busy { .. } => Reason::Busy,
            Self::Closed | Self::OutcomeUnknown { .. } => Reason::Unavailable,
            Self::Rows { .. } | Self::LogForeign { .. } => Reason::Internal,
            Self::Store { source, .. } => source.reason(),
            Self::Catalog { source, .. } => source.reason(),
        }
    }
}

impl CommitError {
    /// What a clerk reads, of refusals that a clerk meets.
    pub(crate) fn message_pl(&self) -> Option<String> {
        match self {
            Self::DeletionUnconfirmed { publisher, period, drops, shrinks } => Some(format!(
                "{publisher}, okres {period}: {}; potwierdź to (--confirm-deletions) albo przyślij też to, czego brakuje",
                losses_pl(drops, shrinks)
            )),
            Self::RevisionMoved { publisher, period, seen, current } => Some(format!(
                "{publisher}, okres {period}: obowiązuje wersja {current}, a przesyłkę przygotowano po wersji {seen}; \
                 obejrzyj obowiązującą i wyślij jeszcze raz"
            )),
            Self::NotCurrent { submission } => {
                Some(format!("z przesyłki {submission} nic już nie obowiązuje, więc nie ma czego wycofać"))
            }
            Self::PeriodOverlaps { publisher, period, other, slices } => Some(format!(
                "{publisher}: {} już w sprawozdaniu za {other}, a okres {period} ma z nim wspólne dni, więc liczyłyby się \
                 dwa razy; popraw sprawozdanie za {other} albo najpierw je wycofaj",
                match slices.iter().all(String::is_empty) {
                    true => "te wiersze są".to_owned(),
                    false => format!("części {} są", first_slices(slices, "innych")),
                }
            )),
            _ => None,
        }
    }
}

/// What a commit would take away, in Polish.
fn losses_pl(drops: &[DroppedSlice], shrinks: &[Shrunk]) -> String {
    let more = |all: usize| {
        if all > DROPS_NAMED { format!(" i {} innych", all - DROPS_NAMED) } else { String::new() }
    };
    let dropped = match drops {
        [] => None,
        [DroppedSlice { slice, rows }] if slice.is_empty() => {
            Some(format!("zniknęłyby wszystkie wiersze ({rows})"))
        }
        drops => {
            let names = drops
                .iter()
                .take(DROPS_NAMED)
                .map(|drop| format!("`{}` (wierszy: {})", drop.slice, drop.rows));
            let names: Vec<String> = names.collect();
            Some(format!("zniknęłyby części: {}{}", names.join(", "), more(drops.len())))
        }
    };
    let shrunk = match shrinks {
        [] => None,
        [Shrunk { slice, sent, current }] if slice.is_empty() => {
            Some(format!("z wierszy w liczbie {current} zostałoby {sent}"))
        }
        shrinks => {
            let names = shrinks.iter().take(DROPS_NAMED);
            let names: Vec<String> =
                names.map(|of| format!("`{}` (wierszy: {} z {})", of.slice, of.sent, of.current)).collect();
            Some(format!("zmalałyby części: {}{}", names.join(", "), more(shrinks.len())))
        }
    };
    dropped.into_iter().chain(shrunk).collect::<Vec<_>>().join("; ")
}

/// Slices named in a message, before it says how many more there are.
const DROPS_NAMED: usize = 20;

/// What a commit would take away.
fn losses(drops: &[DroppedSlice], shrinks: &[Shrunk]) -> String {
    let dropped = (!drops.is_empty()).then(|| format!("drop {}", name_drops(drops)));
    let shrunk = (!shrinks.is_empty()).then(|| format!("leave {}", name_shrinks(shrinks)));
    dropped.into_iter().chain(shrunk).collect::<Vec<_>>().join(" and ")
}

/// What stands already.
fn name_slices(slices: &[String]) -> String {
    match slices.iter().all(String::is_empty) {
        true => "the rows".to_owned(),
        false => first_slices(slices, "more"),
    }
}

/// The first slices, and how many others there are.
fn first_slices(slices: &[String], others: &str) -> String {
    let mut names: Vec<String> = slices.iter().take(DROPS_NAMED).map(|slice| format!("`{slice}`")).collect();
    if slices.len() > DROPS_NAMED {
        names.push(format!("{} {others}", slices.len() - DROPS_NAMED));
    }
    names.join(", ")
}

fn name_shrinks(shrinks: &[Shrunk]) -> String {
    if let [Shrunk { slice, sent, current }] = shrinks
        && slice.is_empty()
    {
        return format!("{sent} of {current} rows");
    }
    let name = |Shrunk { slice, sent, current }: &Shrunk| format!("{sent} of {current} rows in `{slice}`");
    let mut names: Vec<String> = shrinks.iter().take(DROPS_NAMED).map(name).collect();
    if shrinks.len() > DROPS_NAMED {
        names.push(format!("so in {} more slices", shrinks.len() - DROPS_NAMED));
    }
    names.join(", ")
}

fn name_drops(drops: &[DroppedSlice]) -> String {
    let rows: u64 = drops.iter().map(|drop| drop.rows).sum();
    if let [DroppedSlice { slice, .. }] = drops
        && slice.is_empty()
    {
        return format!("all {rows} rows");
    }
    let mut names: Vec<String> =
        drops.iter().take(DROPS_NAMED).map(|drop| format!("`{}` ({} rows)", drop.slice, drop.rows)).collect();
    if drops.len() > DROPS_NAMED {
        names.push(format!("{} more", drops.len() - DROPS_NAMED));
    }
    format!("{rows} rows in {} slices: {}", drops.len(), names.join(", "))
}
