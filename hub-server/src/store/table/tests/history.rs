//! The history in bounded memory: it reaches back to the first commit, and what it holds is counted.

use std::collections::BTreeMap;
use std::mem::size_of;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use hub_datasets::Patterns;

use super::keeping::{keep, names, next, states};
use super::{log_path, open, paths};
use crate::store::disk;
use crate::store::disk::sim::SimDisk;
use crate::store::index::{Bound, ColumnStats, DataFile};
use crate::store::log::tests::submission;
use crate::store::log::{self, Entry, SubmissionEntry};
use crate::store::table::history::{Line, Step};
use crate::store::table::{AsOf, LogLimits, Table, VersionInfo};

/// Commits whose puts are left out, which makes thousands of them cheap.
pub(super) fn many(disk: &SimDisk, commits: u64, limits: LogLimits) -> (Table, Vec<Entry>) {
    let table = open(disk).unwrap();
    let mut log = vec![table.read(0).unwrap().unwrap()];
    for number in 1..=commits {
        let entry = next(&table, number);
        disk::publish(disk, &log_path(number), &log::write(&entry).unwrap()).unwrap();
        table.advance(number, &entry).unwrap();
        log.push(entry);
        if number.is_multiple_of(50) {
            keep(&table, limits).unwrap();
        }
    }
    (table, log)
}

/// What the catalogue must list, worked out from the whole log.
fn listed(log: &[Entry]) -> Vec<VersionInfo> {
    let (mut rows, mut of_file, mut infos) = (0, BTreeMap::new(), Vec::new());
    for entry in log {
        entry.removes.iter().for_each(|remove| rows -= of_file.remove(&remove.path).unwrap_or(0));
        for file in &entry.adds {
            rows += file.rows;
            of_file.insert(file.path.clone(), file.rows);
        }
        if !entry.info.submissions.is_empty() {
            infos.push(VersionInfo {
                version: entry.info.dataset_version,
                committed_at: entry.info.committed_at,
                rows,
                submissions: entry.info.submissions.iter().map(|s| s.id.clone()).collect(),
            });
        }
    }
    infos.reverse();
    infos
}

fn paged(table: &Table, publisher: Option<&str>) -> Vec<VersionInfo> {
    let mut all = Vec::new();
    loop {
        let before = all.last().map(|info: &VersionInfo| info.version);
        let page = table.versions(publisher, before, 300).unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

#[test]
fn memory_is_bounded_and_the_history_reaches_back_to_the_first_commit() {
    let disk = SimDisk::new();
    let limits = LogLimits { checkpoint_versions: 100, margin_versions: 300 };
    let (live, log) = many(&disk, 3_000, limits);
    assert_eq!(names(&disk, "_hub/log").len(), 27);
    let states = states(&log);
    let times: Vec<DateTime<Utc>> = log.iter().map(|entry| entry.info.committed_at).collect();
    let reopened = open(&disk.killed()).unwrap();
    for table in [&live, &reopened] {
        let (lines, steps, marks) = table.history().held();
        assert_eq!(lines, 2_400, "of five commits one makes no dataset version");
        assert!((1_024..1_280).contains(&steps) && marks <= 6, "{steps} steps, {marks} marks");
        for remembered in (0..60).map(|n: usize| n * 50 + 7).chain([0, 1, 99, 100, 101, 2_699, 2_700, 3_000])
        {
            let version = remembered as u64;
            assert_eq!(
                paths(&table.as_of(AsOf::LogVersion(version)).unwrap()),
                states[remembered],
                "{version}"
            );
            let at_time = table.as_of(AsOf::Time(times[remembered]));
            match at_time {
                Ok(state) => assert_eq!(state.dataset_version, log[remembered].info.dataset_version),
                Err(error) => assert!(remembered == 0, "{error}"),
            }
        }
        let expected = listed(&log);
        assert_eq!(paged(table, None), expected);
        assert_eq!(paged(table, Some("a")), expected, "all rows are of one publisher");
        let of_none = paged(table, Some("b"));
        assert!(of_none.iter().all(|info| info.rows == 0 && info.submissions.is_empty()));
        assert_eq!(of_none.len(), expected.len());
    }
}

/// A commit of one report of rb28s, as it is kept: with bounds of the key's columns and the hub's.
fn commit_of_one_report() -> Entry {
    let table = open(&SimDisk::new()).unwrap();
    let pattern = Patterns::embedded().unwrap().get("rb28s").unwrap();
    let text = |text: &str| Bound::Text(text.into());
    let key = pattern.key.iter().map(|name| (name.as_str(), text("000524720")));
    let own = [
        ("_publisher", text("gmina-100201")),
        ("_period_end", Bound::Date(19_357)),
        ("_seq", Bound::Int64(7)),
    ];
    let stats = |bound: Bound| ColumnStats { min: Some(bound.clone()), max: Some(bound), nulls: 0 };
    let stats = key.chain(own).map(|(name, bound)| (name, stats(bound))).collect();
    let file = DataFile {
        path: format!("d/{}.parquet", uuid::Uuid::nil()),
        sha256: "00".repeat(32),
        publishers: vec!["gmina-100201".into()],
        stats,
        ..(*super::data_file(1)).clone()
    };
    super::entry(&table.snapshot(), 1, &[], vec![Arc::new(file)], false)
}

/// Bytes of a step and of all that it points to.
fn bytes_of(entry: &Entry) -> usize {
    let texts =
        |texts: &[String]| texts.iter().map(|text| size_of::<String>() + text.capacity()).sum::<usize>();
    let of_submission = |s: &SubmissionEntry| {
        let alone = [&s.id, &s.caller, &s.request_id, &s.publisher, &s.period, &s.partition, &s.media_type];
        let more = [&s.sha256, &s.pattern, &s.bundle_sha256, &s.report_sha256];
        let alone: usize = alone.into_iter().chain(more).map(String::capacity).sum();
        size_of::<SubmissionEntry>()
            + alone
            + [&s.slices, &s.carried, &s.dropped].map(|t| texts(t)).iter().sum::<usize>()
    };
    let of_bound = |bound: &Option<Bound>| bound.as_ref().and_then(Bound::text).map_or(0, str::len);
    let of_file = |file: &Arc<DataFile>| {
        let columns = file.stats.iter().map(|(_, stats)| {
            size_of::<(Arc<str>, ColumnStats)>() + of_bound(&stats.min) + of_bound(&stats.max)
        });
        let own = size_of::<DataFile>() + file.path.capacity() + file.sha256.capacity();
        own + (file.seqs.len() + file.publisher_rows.len()) * 8
            + file.publishers.len() * size_of::<Arc<str>>()
            + columns.sum::<usize>()
    };
    let submissions: usize = entry.info.submissions.iter().map(of_submission).sum();
    size_of::<Step>() + submissions + entry.adds.iter().map(of_file).sum::<usize>()
}

/// What the decision page says of the memory of a commit.
#[test]
fn the_memory_of_a_commit_is_what_is_told() {
    assert_eq!(size_of::<Line>(), 24, "of a dataset version, for ever");
    let mut entry = commit_of_one_report();
    entry.info.submissions = vec![submission("0197c0de-0000-7000-8000-000000000000", 1, "gmina-100201")];
    let step = bytes_of(&entry);
    assert!((2_000..2_500).contains(&step), "{step} bytes");
}
