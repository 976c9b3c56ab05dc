//! Compaction: small files of one period become one larger file, sorted by publisher and key. Rows,
//! dataset version and history stay as they are; files that leave stay on the disk for earlier versions.
//!
//! It is prepared beside the committer like a rewrite, and goes into the log only while all its files
//! are still live: a correction that was faster wins, and the work is thrown away.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{Days, NaiveDate};
use hub_datasets::Period;

use super::CommitError;
use super::context::Context;
use super::merge::merge;
use crate::config::limits::{
    COMPACT_CLOSED_BYTES, COMPACT_FILES_MAX, COMPACT_FILES_MIN, COMPACT_OPEN_BYTES, CORRECTION_WINDOW_DAYS,
};
use crate::store::index::DataFile;

/// Live files and the file that takes their place.
#[derive(Debug)]
pub(crate) struct Compacted {
    pub(crate) inputs: Vec<Arc<DataFile>>,
    pub(crate) output: Arc<DataFile>,
}

/// Ends a compaction that nobody waits for any more.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    pub(crate) fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
    pub(crate) fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Makes the next compaction; None when there is nothing worth it. Calm: no commit came lately. Blocking.
pub(crate) fn compact(
    context: &Context,
    today: NaiveDate,
    calm: bool,
    stop: &Stop,
) -> Result<Option<Compacted>, CommitError> {
    let snapshot = context.files.table().snapshot();
    let Some(inputs) = choose(snapshot.files.iter(), today, calm) else { return Ok(None) };
    let output = merge(&context.files, &inputs, stop)?;
    Ok(output.map(|output| Compacted { inputs, output: Arc::new(output) }))
}

/// Files below this length are of the lowest tier; each tier's files are eight times as long.
const TIER_BYTES: u64 = 256 << 10;
const TIER_STEP: u64 = 8;

/// Chooses files of one period to become one. While more is to come files of one tier come together, so
/// that each row is written a few times at most; a closed period becomes few large files once it is calm.
pub(crate) fn choose<'a>(
    files: impl Iterator<Item = &'a Arc<DataFile>>,
    today: NaiveDate,
    calm: bool,
) -> Option<Vec<Arc<DataFile>>> {
    let mut groups: BTreeMap<(&str, u32), Vec<&Arc<DataFile>>> = BTreeMap::new();
    for file in files {
        let is_open = !calm || is_open(&file.partition, today);
        let target = if is_open { COMPACT_OPEN_BYTES } else { COMPACT_CLOSED_BYTES };
        // A file that is half as long as it may become is left alone.
        if file.bytes < target / 2 {
            let tier = if is_open { tier(file.bytes) } else { CLOSED };
            groups.entry((&file.partition, tier)).or_default().push(file);
        }
    }
    let ((_, tier), mut fullest) = groups.into_iter().max_by_key(|(_, files)| files.len())?;
    let (target, least) = match tier {
        CLOSED => (COMPACT_CLOSED_BYTES, 2),
        0 => (COMPACT_OPEN_BYTES, COMPACT_FILES_MIN),
        _ => (COMPACT_OPEN_BYTES, TIER_STEP as usize),
    };
    fullest.sort_by_key(|file| file.bytes);
    let mut bytes = 0;
    let within = fullest.iter().take(COMPACT_FILES_MAX).take_while(|file| {
        bytes += file.bytes;
        bytes <= target
    });
    let mut chosen: Vec<&Arc<DataFile>> = within.copied().collect();
    // A late correction is no reason to write a long file again.
    while let [rest @ .., longest] = chosen.as_slice()
        && !rest.is_empty()
        && longest.bytes > TIER_STEP * rest.iter().map(|file| file.bytes).sum::<u64>()
    {
        chosen.pop();
    }
    (chosen.len() >= least).then(|| chosen.into_iter().map(Arc::clone).collect())
}

/// The tier of all files of a closed period.
const CLOSED: u32 = u32::MAX;

fn tier(bytes: u64) -> u32 {
    let mut tier = 0;
    let mut end = TIER_BYTES;
    while bytes >= end {
        tier += 1;
        end = end.saturating_mul(TIER_STEP);
    }
    tier
}

/// May corrections of a period still be expected? A partition is a day or the label of a period.
fn is_open(partition: &str, today: NaiveDate) -> bool {
    let last = partition.parse().ok().or_else(|| partition.parse::<Period>().ok().map(|p| p.last_day()));
    let end = last.and_then(|last: NaiveDate| last.checked_add_days(Days::new(CORRECTION_WINDOW_DAYS)));
    end.is_none_or(|end| today <= end)
}
