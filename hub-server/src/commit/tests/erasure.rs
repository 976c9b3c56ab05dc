//! Erasures beside corrections, merges, archives and vacuums, in all orders and with the power cut at each call:
//! the rows are in no state, others' rows in all states that did not hold them, and a marker in no byte.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use arrow::array::AsArray;
use bytes::Bytes;
use hub_proto::Reason;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::harness::{House, Push, Row, blocking, commit, oracle, push};
use super::works::{Course, Work, schedules};
use crate::commit::erase::steps::{Words, clear, entomb};
use crate::commit::put::{GroupEnd, Putter};
use crate::commit::{CommitError, JobRows};
use crate::store::StoreError;
use crate::store::disk::sim::SimDisk;
use crate::store::log::pack::Pack;
use crate::store::table::Removed;

/// A slice that only the erased submission sends.
const MARKER: &str = "Zaznaczona-Osoba-7";
/// Its `_seq`.
const ERASED: i64 = 4;

/// Erases a submission as the command does, but for the catalogue; gives the data files that went.
pub(super) fn erased(house: &House, putter: &mut Putter, seq: i64) -> Result<Removed, CommitError> {
    let table = house.context.files.table();
    let failed = |error: StoreError| CommitError::store("rb28s_v1", error);
    let id = format!("s{seq}");
    let version = house.context.state().by_id(&id).map(|recorded| recorded.log_version).unwrap();
    let entry = table.read(version).map_err(failed)?.unwrap();
    let of = entry.info.submissions.iter().find(|submission| submission.id == id).unwrap();
    let tombstone = || table.snapshot().erased.iter().find(|one| one.erasure.submission == id).cloned();
    if tombstone().is_none() {
        let holding = table.holding(seq).map_err(failed)?;
        let words = Words { reason: "art. 17", by: "operator" };
        entomb(&house.context, putter, (of, words), &holding, &mut GroupEnd::default())?;
    }
    let parts = (table.as_ref(), house.store().as_ref());
    let now = table.snapshot().committed_at.unwrap();
    Ok(clear(parts, of, &tombstone().unwrap(), false, now).map_err(failed)?.data)
}

/// Paths of files in which a text is, as bytes or in what they pack.
pub(super) fn found(disk: &SimDisk, text: &str) -> Vec<PathBuf> {
    let files = disk.files().into_iter();
    let holding = files.filter(|(path, bytes)| {
        let raw = bytes.windows(text.len()).any(|window| window == text.as_bytes());
        raw || unpacked(disk, path, bytes).iter().any(|unpacked| unpacked.contains(text))
    });
    holding.map(|(path, _)| path).collect()
}

fn unpacked(disk: &SimDisk, path: &Path, bytes: &[u8]) -> Vec<String> {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    match ending {
        "parquet" => {
            let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::copy_from_slice(bytes)).unwrap();
            let batches = reader.build().unwrap().map(Result::unwrap);
            let mut texts = Vec::new();
            for batch in batches {
                // Columns of a checkpoint are nested; printed they show all.
                for column in batch.columns() {
                    match column.as_string_opt::<i32>() {
                        Some(column) => texts.extend(column.iter().flatten().map(str::to_owned)),
                        None => texts.push(format!("{column:?}")),
                    }
                }
            }
            texts
        }
        "pack" => {
            let mut pack = Pack::open(disk, path).unwrap();
            let (first, last) = pack.range().unwrap();
            let state = pack.state().unwrap().unwrap_or_default();
            let mut texts = vec![String::from_utf8(state).unwrap()];
            for version in first..=last {
                texts.push(String::from_utf8(pack.version(version).unwrap().unwrap().to_vec()).unwrap());
            }
            texts
        }
        _ => Vec::new(),
    }
}

/// What was committed before the works: the erased submission shares its file with another, and corrects an
/// earlier revision.
fn first() -> [Push; 5] {
    [
        push(1, "c", &[("u1", 2)]),
        push(2, "b", &[("u1", 1), ("u2", 1)]),
        push(3, "a", &[("u1", 1), ("u9", 1)]),
        push(ERASED, "a", &[("u1", 2), (MARKER, 3)]),
        push(5, "d", &[("u1", 1)]),
    ]
}

async fn begun<'a>(later: &'a [Push]) -> Course<'a> {
    let mut course = Course::new(true, later).await;
    let first = first();
    course.commit(&first[..2]).await;
    course.commit(&first[2..3]).await;
    course.commit(&first[3..]).await;
    course
}

/// Rows of all states are what the log and the erasures say, live and replayed.
async fn assert_erased(house: &House, pushes: &[Push], what: &str) {
    let log = house.log();
    let at = log.iter().position(|entry| entry.info.erasure.is_some()).expect("an erasure");
    let is_erased = |row: &Row| row.3 == ERASED;
    let fresh = House::open(&house.disk.killed(), true).await.unwrap();
    assert_eq!(*fresh.context.state(), *house.context.state(), "replayed state = state: {what}");
    for version in 0..log.len() {
        let mut wanted = oracle(&log[..=version], pushes);
        let held = wanted.iter().any(is_erased);
        wanted.retain(|row| !is_erased(row));
        for house in [house, &fresh] {
            let what = format!("{what}: version {version}");
            match house.try_rows_at(version as u64) {
                Ok(rows) => {
                    assert!(!held || version >= at, "{what} held it");
                    assert_eq!(rows, wanted, "{what}");
                }
                Err(error) => {
                    assert_eq!(error.reason(), Reason::Erased, "{what}: {error}");
                    assert!(held && version < at, "{what} did not hold it: {error}");
                }
            }
        }
    }
    assert_eq!(found(&house.disk, MARKER), Vec::<PathBuf>::new(), "{what}");
    let named: BTreeSet<&str> = log
        .iter()
        .flat_map(|entry| {
            let stand_ins = entry.info.erasure.iter().flat_map(|erasure| &erasure.stand_ins);
            let files = entry.adds.iter().chain(stand_ins.map(|stand_in| &stand_in.file));
            files.filter(|file| !file.seqs.contains(&ERASED)).map(|file| file.path.as_str())
        })
        .collect();
    // A start sweeps what a merge under way has staged.
    let there = fresh.data_files();
    assert!(there.iter().all(|file| named.contains(file.as_str())), "{what}: {there:?}");
}

async fn run(schedule: &[usize], works: &[Work], later: &[Push]) {
    let mut course = begun(later).await;
    for at in schedule {
        course.step(works[*at]).await;
    }
    let (pushes, what) = ([&first(), later].concat(), format!("{schedule:?}"));
    assert_erased(&course.house, &pushes, &what).await;
    course.step(Work::Vacuum).await;
    course.step(Work::Keeping).await;
    assert_erased(&course.house, &pushes, &format!("{what}, then a vacuum")).await;
    assert_eq!(blocking(|| erased_again(&course.house)), Removed::default(), "{what}: nothing is left to do");
}

fn erased_again(house: &House) -> Removed {
    erased(house, &mut house.putter(), ERASED).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_a_correction_a_compaction_and_a_vacuum_in_all_orders() {
    // It carries the marked slice over.
    let later = [push(6, "a", &[("u3", 1), ("u1", 1)])];
    let works = [Work::Correction(0), Work::Compaction, Work::Vacuum, Work::Erasure(ERASED)];
    let all = schedules(&works);
    assert_eq!(all.len(), 180);
    for schedule in all {
        run(&schedule, &works, &later).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_corrections_of_a_shared_file_and_archives_in_all_orders() {
    let later =
        [push(6, "b", &[("u2", 2)]), Push { replace_all: true, confirm: true, ..push(7, "a", &[("u1", 1)]) }];
    let works = [Work::Correction(0), Work::Append(1), Work::Keeping, Work::Erasure(ERASED)];
    let all = schedules(&works);
    assert_eq!(all.len(), 60);
    for schedule in all {
        run(&schedule, &works, &later).await;
    }
}

/// A dataset in which everything happened to the submission that is to go.
async fn lived(disk: &SimDisk) -> (House, Vec<Push>) {
    let house = House::open(disk, true).await.unwrap();
    let mut putter = house.putter();
    let later = [push(6, "a", &[("u3", 1)]), push(7, "b", &[("u2", 2)]), push(8, "d", &[("u1", 4)])];
    let pushes = [&first(), later.as_slice()].concat();
    for (at, group) in [&pushes[..2], &pushes[2..3], &pushes[3..5], &pushes[5..6]].into_iter().enumerate() {
        send(&house, &mut putter, group).await;
        if at == 1 {
            merge(&house, &mut putter);
        }
    }
    merge(&house, &mut putter);
    blocking(|| house.vacuum());
    send(&house, &mut putter, &pushes[6..7]).await;
    blocking(|| house.keep_log());
    merge(&house, &mut putter);
    send(&house, &mut putter, &pushes[7..]).await;
    (house, pushes)
}

async fn send(house: &House, putter: &mut Putter, pushes: &[Push]) {
    let mut items = Vec::new();
    for push in pushes {
        let (item, _) = house.item(push).await;
        assert!(matches!(item.job.payload, JobRows::Batches(_)));
        items.push(item);
    }
    commit(house, putter, items, None);
}

fn merge(house: &House, putter: &mut Putter) {
    let compacted = super::works::made(house).unwrap();
    blocking(|| putter.compact(compacted, &mut GroupEnd::default()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_cut_of_an_erasure_leaves_the_old_state_or_one_that_a_repetition_ends() {
    let whole = SimDisk::new();
    let (house, pushes) = lived(&whole).await;
    assert!(!found(&whole, MARKER).is_empty());
    let before: Vec<Vec<Row>> = (0..house.log().len() as u64).map(|version| house.rows_at(version)).collect();
    let begun = whole.operations();
    let removed = blocking(|| erased(&house, &mut house.putter(), ERASED)).unwrap();
    assert!(removed.files >= 2, "{removed:?}");
    let operations = whole.operations();
    assert_erased(&house, &pushes, "without a cut").await;
    assert!(operations > begun + 20, "{operations}");
    for cut in begun..=operations {
        let disk = SimDisk::new();
        let (house, _) = lived(&disk).await;
        disk.cut_after(cut);
        drop(blocking(|| erased(&house, &mut house.putter(), ERASED)));
        for seed in [0, 1, u64::MAX] {
            let what = format!("cut {cut}, seed {seed}");
            let disk = disk.after_power_loss(seed);
            let house = House::open(&disk, true).await.unwrap_or_else(|error| panic!("{what}: {error}"));
            let mut putter = house.putter();
            if house.context.files.table().snapshot().erased.is_empty() {
                for (version, rows) in before.iter().enumerate() {
                    assert_eq!(house.rows_at(version as u64), *rows, "{what}: version {version}");
                }
            }
            blocking(|| erased(&house, &mut putter, ERASED))
                .unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_erased(&house, &pushes, &what).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_erasures_leave_the_rows_of_the_others() {
    let disk = SimDisk::new();
    let (house, pushes) = lived(&disk).await;
    blocking(|| erased(&house, &mut house.putter(), 2)).unwrap();
    blocking(|| erased(&house, &mut house.putter(), ERASED)).unwrap();
    let log = house.log();
    let is_gone = |row: &Row| row.3 == 2 || row.3 == ERASED;
    let fresh = House::open(&disk.killed(), true).await.unwrap();
    let mut read = 0;
    for version in 0..log.len() {
        let wanted = oracle(&log[..=version], &pushes);
        for house in [&house, &fresh] {
            match house.try_rows_at(version as u64) {
                Ok(rows) => {
                    let others: Vec<Row> = wanted.iter().filter(|row| !is_gone(row)).cloned().collect();
                    assert_eq!(rows, others, "version {version}");
                    read += 1;
                }
                Err(error) => {
                    assert_eq!(error.reason(), Reason::Erased, "version {version}: {error}");
                    assert!(wanted.iter().any(is_gone), "version {version}");
                }
            }
        }
    }
    assert!(read >= 4, "{read}");
    assert_eq!(found(&disk, MARKER), Vec::<PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_erased_is_not_current_and_the_chain_goes_on() {
    let disk = SimDisk::new();
    let (house, _) = lived(&disk).await;
    let mut putter = house.putter();
    let receipt = |house: &House| {
        let log = house.log();
        let all = log.iter().flat_map(|entry| &entry.info.submissions);
        all.clone()
            .find(|one| one.seq == ERASED)
            .map(|one| (one.receipt.clone(), one.sha256.clone()))
            .unwrap()
    };
    let before = receipt(&house);
    blocking(|| erased(&house, &mut putter, ERASED)).unwrap();
    assert_eq!(receipt(&house), before, "receipt and hash stay");
    let log = house.log();
    let id = log
        .iter()
        .flat_map(|entry| &entry.info.submissions)
        .find(|one| one.seq == ERASED)
        .unwrap()
        .id
        .clone();
    let mut changed = 0;
    for one in log.iter().flat_map(|entry| &entry.info.submissions) {
        let says: serde_json::Value = serde_json::from_str(&one.receipt).unwrap();
        let is_changed = one.carried.iter().chain(&one.dropped).any(|slice| slice.starts_with("erased:"));
        let told = is_changed.then(|| serde_json::json!([id]));
        assert_eq!(says.get("erasures"), told.as_ref(), "what was changed says so, and nothing else: {says}");
        changed += u64::from(is_changed);
    }
    assert!(changed > 0);
    let slices: Vec<String> = {
        let state = house.context.state();
        let current = state.current("a", "2022-12-31").unwrap();
        assert_eq!(current.revision, 3);
        current.slices.keys().cloned().collect()
    };
    assert_eq!(slices, ["u3", "u9"], "what it had corrected does not come back");
    // The same content is a new submission; the same request is told what became of it.
    let again = Push { request_id: "again".into(), id: "s9".into(), seq: 9, ..first()[3].clone() };
    send(&house, &mut putter, &[again]).await;
    assert_eq!(house.context.state().current("a", "2022-12-31").unwrap().revision, 4);
    let (item, answered) = house.item(&first()[3]).await;
    commit(&house, &mut putter, vec![item], None);
    assert_eq!(answered.await.unwrap().unwrap_err().reason(), Reason::Erased);
}
