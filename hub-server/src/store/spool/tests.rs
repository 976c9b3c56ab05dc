//! The spool against restarts, power cuts, faults and many writers.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::record::{FRAME_BYTES, Record, body_length, mark_after_sync};
use super::scan::{Scan, Stretch};
use super::{CommitOrder, Spool, SpoolHeader};
use crate::config::limits::{SPOOL_SMALL_BYTES, SPOOL_UNSYNCED_BYTES};
use crate::store::disk::sim::{Fault, Op, SimDisk};
use crate::store::disk::{Disk, LocalDisk};
use crate::store::hex;

const ROOT: &str = "/hub";

fn header(id: &str) -> SpoolHeader {
    SpoolHeader {
        id: id.into(),
        caller: "gmina-100201".into(),
        request_id: format!("r-{id}"),
        publisher: "gmina-100201".into(),
        pattern: "rb28s".into(),
        period: "2022-Q4".into(),
        media_type: "text/csv".into(),
        declared_size: None,
        declared_sha256: None,
        nothing_to_report: false,
        created_at: 1,
        commit: None,
        waits: false,
    }
}

fn order(data: &[u8]) -> CommitOrder {
    CommitOrder {
        seen_revision: None,
        recalled: false,
        parent_revision: None,
        replace_all: false,
        confirm_deletions: false,
        strict: true,
        explanations: Vec::new(),
        size: data.len() as u64,
        sha256: hex(&Sha256::digest(data)),
    }
}

/// Bytes that differ from place to place.
fn data(length: u64, salt: u64) -> Bytes {
    (0..length).map(|n| u8::try_from((n * 31 + n / 251 + salt) % 251).unwrap()).collect::<Vec<u8>>().into()
}

fn open_on(disk: Arc<dyn Disk>, root: &Path) -> Spool {
    for name in ["spool", "evidence"] {
        disk.make_dir(&root.join(name)).unwrap();
    }
    Spool::open(&disk, root).unwrap()
}

fn open(disk: &SimDisk) -> Spool {
    open_on(Arc::new(disk.clone()), Path::new(ROOT))
}

fn read(mut reader: Box<dyn Read + Send>) -> Vec<u8> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).unwrap();
    bytes
}

/// A whole payload, durable.
async fn put(spool: &Spool, header: SpoolHeader, data: &Bytes) {
    spool.put_whole(header, data.clone()).await.unwrap().wait().await.unwrap();
}

fn names(disk: &SimDisk) -> Vec<String> {
    disk.list(&Path::new(ROOT).join("spool")).unwrap().into_iter().map(|e| e.name).collect()
}

#[tokio::test]
async fn small_and_large_payloads_come_back_after_a_restart() {
    let disk = SimDisk::new();
    let spool = open(&disk);
    let (small, large) = (data(100_000, 1), data(3 << 20, 2));
    for (id, bytes) in [("small", &small), ("large", &large)] {
        spool.create(header(id)).await.unwrap();
        let mut offset = 0;
        for chunk in bytes.chunks(70_000) {
            offset = spool.append(id, offset, Bytes::copy_from_slice(chunk)).await.unwrap();
        }
        assert_eq!(spool.offset(id), Some(bytes.len() as u64));
        spool.order(id, order(bytes)).await.unwrap();
        assert_eq!(read(spool.reader(id).unwrap()), *bytes);
    }
    put(&spool, SpoolHeader { commit: Some(order(&small)), ..header("whole") }, &small).await;
    put(&spool, SpoolHeader { nothing_to_report: true, ..header("nothing") }, &Bytes::new()).await;
    for disk in [disk.after_power_loss(0), disk.killed()] {
        let again = open(&disk);
        assert_eq!(again.unfinished().len(), 4);
        for (id, bytes) in [("small", &small), ("large", &large), ("whole", &small)] {
            assert_eq!(again.header(id).unwrap().commit, Some(order(bytes)), "{id}");
            assert_eq!(read(again.reader(id).unwrap()), *bytes, "{id}");
        }
        assert_eq!(read(again.reader("nothing").unwrap()), b"");
    }
}

#[tokio::test]
async fn offsets_repeat_known_bytes_and_refuse_gaps() {
    let disk = SimDisk::new();
    let spool = open(&disk);
    for (id, length) in [("small", 1_000), ("large", SPOOL_SMALL_BYTES + 1_000)] {
        let bytes = data(length, 3);
        spool.create(header(id)).await.unwrap();
        spool.create(header(id)).await.unwrap();
        assert_eq!(spool.append(id, 0, bytes.slice(..600)).await.unwrap(), 600);
        assert_eq!(spool.append(id, 0, bytes.slice(..500)).await.unwrap(), 600, "known");
        let error = spool.append(id, 601, bytes.slice(601..)).await.unwrap_err();
        assert_eq!(error.reason(), hub_proto::Reason::OffsetStale);
        assert!(error.to_string().contains("offset 601, the hub has 600"), "{error}");
        assert_eq!(spool.append(id, 300, bytes.slice(300..)).await.unwrap(), length);
        assert_eq!(read(spool.reader(id).unwrap()), bytes);
    }
    let changed = SpoolHeader { period: "2023-Q1".into(), ..header("small") };
    assert!(spool.create(changed).await.is_err(), "other content under the same id");
    for id in ["", "../x", "a/b", &"x".repeat(65)] {
        assert!(spool.create(header(id)).await.is_err(), "{id}");
    }
    let error = spool.append("none", 0, Bytes::new()).await.unwrap_err();
    assert_eq!(error.reason(), hub_proto::Reason::SubmissionUnknown);
}

#[tokio::test]
async fn lazy_bytes_are_seen_bounded_and_durable_after_sync() {
    let disk = SimDisk::new();
    let spool = open(&disk);
    spool.create(header("a")).await.unwrap();
    let bytes = data(SPOOL_UNSYNCED_BYTES * 3, 5);
    let mut offset = 0;
    for chunk in bytes.chunks(600_000) {
        offset = spool.append_lazily("a", offset, Bytes::copy_from_slice(chunk)).await.unwrap();
        assert!(offset - spool.offset("a").unwrap() <= SPOOL_UNSYNCED_BYTES);
        assert_eq!(read(spool.reader("a").unwrap()).len() as u64, offset);
    }
    assert!(spool.offset("a").unwrap() < offset);
    assert_eq!(spool.sync("a").await.unwrap(), offset);
    let again = open(&disk.after_power_loss(0));
    assert_eq!(read(again.reader("a").unwrap()), bytes);
}

#[tokio::test]
async fn ended_submissions_leave_evidence_or_nothing() {
    let disk = SimDisk::new();
    let spool = open(&disk);
    let (small, large) = (data(5_000, 1), data(2 << 20, 2));
    let sent = [
        ("small-kept", &small, true),
        ("small-refused", &small, false),
        ("large-kept", &large, true),
        ("large-refused", &large, false),
        ("large-again", &large, true),
    ];
    for (id, bytes, keep) in sent {
        spool.create(header(id)).await.unwrap();
        spool.append(id, 0, bytes.clone()).await.unwrap();
        spool.order(id, order(bytes)).await.unwrap();
        spool.end(id, keep).await.unwrap();
        assert!(spool.header(id).is_none() && spool.reader(id).is_err());
        assert!(spool.end(id, keep).await.is_err());
    }
    assert!(names(&disk).iter().all(|n| n.ends_with(".segment")), "{:?}", names(&disk));
    for spool in [spool, open(&disk.after_power_loss(0))] {
        assert_eq!(spool.unfinished(), []);
        for (id, bytes, keep) in sent {
            let hash = order(bytes).sha256;
            match spool.evidence(id, &hash) {
                Ok(found) => assert_eq!(read(found), *bytes, "{id}"),
                Err(error) => assert!(!keep, "{id}: {error}"),
            }
        }
        assert!(spool.evidence("small-refused", &order(&small).sha256).is_err());
        assert!(spool.evidence("x", "../../etc/passwd").is_err());
    }
}

#[tokio::test]
async fn segments_go_when_nobody_needs_them() {
    const SEGMENT: u64 = 20_000;
    let disk = SimDisk::new();
    drop(open(&disk));
    let spool =
        Spool::open_with(&(Arc::new(disk.clone()) as Arc<dyn Disk>), Path::new(ROOT), SEGMENT).unwrap();
    let chunk = data(5_000, 1);
    let per_segment = SEGMENT / 5_000;
    // "first" begins in segment 0 and ends after segment 1 was begun; "kept" stays in segment 2.
    spool.create(header("first")).await.unwrap();
    for n in 0..per_segment * 2 + 2 {
        let id = format!("s{n}");
        put(&spool, header(&id), &chunk).await;
        spool.end(&id, false).await.unwrap();
    }
    assert_eq!(names(&disk)[0], "000000000000.segment", "still needed");
    put(&spool, header("kept"), &chunk).await;
    spool.end("kept", true).await.unwrap();
    spool.end("first", false).await.unwrap();
    assert_eq!(names(&disk), ["000000000002.segment"]);
    drop(spool);
    let again = open(&disk.after_power_loss(0));
    assert_eq!(again.unfinished(), []);
    assert_eq!(read(again.evidence("kept", "").unwrap()), chunk);
}

#[tokio::test]
async fn concurrent_writers_share_syncs() {
    let root = tempfile::tempdir().unwrap();
    let spool = Arc::new(open_on(Arc::new(LocalDisk), root.path()));
    let tasks: Vec<_> = (0..64_u64)
        .map(|n| {
            let spool = Arc::clone(&spool);
            tokio::spawn(async move {
                let id = format!("s{n}");
                put(&spool, header(&id), &data(3_000, n)).await;
                read(spool.reader(&id).unwrap()) == data(3_000, n)
            })
        })
        .collect();
    for task in tasks {
        assert!(task.await.unwrap());
    }
    drop(Arc::into_inner(spool).unwrap());
    let again = open_on(Arc::new(LocalDisk), root.path());
    assert_eq!(again.unfinished().len(), 64);
    assert_eq!(read(again.reader("s63").unwrap()), data(3_000, 63));
}

/// Payloads become durable together, once somebody waits for one of them; a fault is told to all.
#[tokio::test]
async fn payloads_that_wait_share_one_sync_or_its_fault() {
    let disk = SimDisk::new();
    let spool = open(&disk);
    put(&spool, header("before"), &data(3_000, 0)).await;
    for fails in [false, true] {
        let ids = ["a", "b", "c"].map(|id| format!("{id}-{fails}"));
        let mut arriving = Vec::new();
        for (id, n) in ids.iter().zip(0_u64..) {
            arriving.push(spool.put_whole(header(id), data(3_000, n)).await.unwrap());
        }
        assert!(ids.iter().all(|id| spool.header(id).is_none()), "nobody asked for a sync");
        if fails {
            let (op, error) = (Op::SyncFile, ErrorKind::Other);
            disk.fail(Fault { op, path: String::new(), skip: 0, error, after_effect: false });
        }
        for one in arriving.iter().rev() {
            assert_eq!(one.wait().await.is_err(), fails);
        }
        for disk in [disk.after_power_loss(0), disk.killed()] {
            let open = open(&disk).unfinished();
            assert!(open.iter().any(|header| header.id == "before"));
            assert!(ids.iter().all(|id| open.iter().any(|header| header.id == *id) != fails));
        }
    }
    put(&spool, header("after"), &data(3_000, 9)).await;
    assert_eq!(open(&disk.after_power_loss(0)).unfinished().len(), 5);
}

/// What a client was told, to be compared with what is there after a cut.
#[derive(Default)]
struct Told {
    /// Durable offset, order, ended (kept or not).
    open: BTreeMap<&'static str, (u64, bool)>,
    ended: BTreeMap<&'static str, bool>,
}

const SMALL: u64 = 3_000;
const LARGE: u64 = SPOOL_SMALL_BYTES + 50_000;

static PAYLOADS: LazyLock<(Bytes, Bytes)> = LazyLock::new(|| (data(SMALL, 1), data(LARGE, 2)));

async fn script(disk: &SimDisk, told: &mut Told) -> Result<(), crate::store::StoreError> {
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let _made = shared.make_dir(&Path::new(ROOT).join("spool"));
    let _made = shared.make_dir(&Path::new(ROOT).join("evidence"));
    let spool = Spool::open(&shared, Path::new(ROOT))?;
    let (small, large) = PAYLOADS.clone();
    spool
        .put_whole(SpoolHeader { commit: Some(order(&small)), ..header("whole") }, small.clone())
        .await?
        .wait()
        .await
        .map_err(|error| crate::store::StoreError::TaskLost(error.to_string()))?;
    told.open.insert("whole", (SMALL, true));
    for (id, bytes) in [("small", &small), ("large", &large)] {
        spool.create(header(id)).await?;
        told.open.insert(id, (0, false));
        let half = bytes.len() / 2;
        let offset = spool.append(id, 0, bytes.slice(..half)).await?;
        told.open.insert(id, (offset, false));
        spool.append_lazily(id, offset, bytes.slice(half..)).await?;
        spool.order(id, order(bytes)).await?;
        told.open.insert(id, (bytes.len() as u64, true));
    }
    for (id, keep) in [("small", true), ("large", true), ("whole", false)] {
        // Once asked for, the end may or may not have happened.
        told.ended.insert(id, false);
        spool.end(id, keep).await?;
        told.ended.insert(id, true);
    }
    Ok(())
}

fn check(disk: &SimDisk, told: &Told, context: &str) {
    if disk.list(&Path::new(ROOT).join("evidence")).is_err() {
        assert!(told.open.is_empty(), "{context}");
        return;
    }
    let spool = open(disk);
    for (id, (offset, ordered)) in &told.open {
        let bytes = if *id == "large" { &PAYLOADS.1 } else { &PAYLOADS.0 };
        match (told.ended.get(id), spool.header(id)) {
            (Some(_), None) => {}
            // The end of a kept small payload is durable with the next write.
            (Some(true), Some(_)) if *id != "small" => panic!("{context}: {id} ended"),
            (_, found) => {
                let found = found.unwrap_or_else(|| panic!("{context}: {id} was acknowledged"));
                assert!(found.commit.is_some() || !ordered, "{context}: {id} was ordered");
                let there = spool.offset(id).unwrap();
                assert!(there >= *offset, "{context}: {id} has {there}, told {offset}");
                let read = read(spool.reader(id).unwrap());
                assert!(read == bytes[..read.len()], "{context}: {id}");
                if found.commit.is_some() {
                    assert_eq!(read.len(), bytes.len(), "{context}: {id} an order stands on whole bytes");
                }
            }
        }
        let was_kept = *id != "whole";
        if spool.header(id).is_none() && was_kept {
            let kept = spool.evidence(id, &order(bytes).sha256).unwrap_or_else(|e| panic!("{context}: {e}"));
            assert!(read(kept) == *bytes, "{context}: evidence of {id}");
        }
    }
}

/// Every operation index × torn variants.
#[test]
fn power_cuts_lose_nothing_acknowledged() {
    let run = |disk: &SimDisk| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut told = Told::default();
        let done = runtime.block_on(script(disk, &mut told));
        (told, done.is_ok())
    };
    let whole = SimDisk::new();
    let (told, done) = run(&whole);
    assert!(done && told.ended.values().all(|ended| *ended));
    for cut in 0..=whole.operations() {
        let disk = SimDisk::new();
        disk.cut_after(cut);
        let (told, _) = run(&disk);
        for seed in [0, 1, 2, 3, 4, u64::MAX] {
            check(&disk.after_power_loss(seed), &told, &format!("cut {cut} seed {seed}"));
        }
        check(&disk.killed(), &told, &format!("kill {cut}"));
    }
}

/// Each call once fails, before or after its effect: the caller is told, the spool goes on, and what is
/// sent again is there once.
#[tokio::test]
async fn faults_are_told_and_do_not_stop_the_spool() {
    for op in [Op::Create, Op::Append, Op::SyncFile, Op::SyncDir, Op::Truncate] {
        for after_effect in [false, true] {
            for skip in 0..6 {
                let disk = SimDisk::new();
                let spool = open(&disk);
                let error = ErrorKind::StorageFull;
                disk.fail(Fault { op, path: "spool".into(), skip, error, after_effect });
                let mut refused = 0;
                let mut again = |result: Result<u64, crate::store::StoreError>| match result {
                    Ok(offset) => Some(offset),
                    Err(error) => {
                        refused += 1;
                        assert!(refused < 3, "{op:?} {skip}: {error}");
                        assert_eq!(error.reason(), hub_proto::Reason::StorageFull, "{error}");
                        None
                    }
                };
                let bytes = data(LARGE, 7);
                while again(spool.create(header("a")).await.map(|()| 0)).is_none() {}
                while spool.offset("a").unwrap() < LARGE {
                    let at = spool.offset("a").unwrap();
                    let start = usize::try_from(at).unwrap();
                    let end = bytes.len().min(start + 400_000);
                    again(spool.append("a", at, bytes.slice(start..end)).await);
                }
                while again(spool.order("a", order(&bytes)).await.map(|()| 0)).is_none() {}
                assert_eq!(read(spool.reader("a").unwrap()), bytes, "{op:?} {after_effect} {skip}");
                drop(spool);
                let recovered = open(&disk.after_power_loss(0));
                assert_eq!(read(recovered.reader("a").unwrap()), bytes, "{op:?} {after_effect} {skip}");
                assert_eq!(recovered.header("a").unwrap().commit, Some(order(&bytes)));
            }
        }
    }
}

#[test]
fn a_record_that_is_not_whole_is_recognised() {
    let record = Record::Whole(header("a"), data(500, 1));
    let bytes = record.encode("a").unwrap().bytes;
    let disk = SimDisk::new();
    let path = Path::new("/record");
    disk.create(path).unwrap().append(&bytes).unwrap();
    let read_back = || {
        let file = disk.open(path).unwrap();
        Scan::of(file.as_ref()).unwrap().next().unwrap().unwrap()
    };
    let whole = |found: &Stretch| matches!(found, Stretch::Record { record: found, .. } if **found == record);
    assert!(whole(&read_back()));
    for at in (0..bytes.len()).step_by(7) {
        disk.flip(path, at);
        assert!(matches!(read_back(), Stretch::Torn { at: 0, .. }), "byte {at}");
        disk.flip(path, at);
    }
    assert_eq!(body_length(&[0; FRAME_BYTES as usize]), None, "zeros are no record");
}

/// Records of one sync may be lost in any order, which is no rot; one behind a later sync says that it is.
#[test]
fn rot_is_told_from_records_of_a_sync_that_was_cut() {
    let record = |id: &str| Record::Whole(header(id), data(100, 1)).encode(id).unwrap().bytes;
    let (disk, path) = (SimDisk::new(), Path::new("/segment"));
    let mut file = disk.create(path).unwrap();
    let first = record("a");
    [first.clone(), record("b")].iter().for_each(|bytes| file.append(bytes).unwrap());
    let found = || {
        let file = disk.open(path).unwrap();
        Scan::of(file.as_ref()).unwrap().next().unwrap().unwrap()
    };
    disk.flip(path, 40);
    assert!(matches!(found(), Stretch::Torn { at: 0, .. }));
    let mut synced = record("c");
    mark_after_sync(&mut synced);
    file.append(&synced).unwrap();
    let bytes = first.len() as u64;
    assert!(matches!(found(), Stretch::Rot { at: 0, bytes: rotten } if rotten == bytes));
}

/// Rot of one record is told and takes no other bytes along, not even those of the segment's later records.
#[tokio::test]
async fn a_segment_that_rots_stays_and_its_whole_records_are_known() {
    let disk = SimDisk::new();
    let spool = open(&disk);
    let bytes: Vec<Bytes> = (0..3).map(|salt| data(5_000, salt)).collect();
    for (id, bytes) in ["a", "b", "c"].iter().zip(&bytes) {
        let ordered = SpoolHeader { commit: Some(order(bytes)), ..header(id) };
        put(&spool, ordered, bytes).await;
        spool.end(id, true).await.unwrap();
    }
    drop(spool);
    let segment = Path::new(ROOT).join("spool/000000000000.segment");
    let length = crate::store::disk::read_all(&disk, &segment).unwrap().len();
    let look = |disk: &SimDisk| {
        let told = std::sync::Mutex::new(Vec::new());
        let tell = |finding| told.lock().unwrap().push(finding);
        let payloads = super::payloads(disk, Path::new(ROOT), &tell).unwrap();
        let known = ["a", "b", "c"].map(|id| payloads.of(id).map(|(_, sha256)| sha256.to_owned()));
        (known, payloads.unreadable().len(), told.into_inner().unwrap())
    };
    let all: Vec<_> = bytes.iter().map(|bytes| Some(order(bytes).sha256)).collect();
    assert_eq!(look(&disk).0.to_vec(), all);
    for at in (0..length).step_by(97) {
        disk.flip(&segment, at);
        let (known, unreadable, told) = look(&disk);
        assert_eq!(unreadable, 1, "byte {at}");
        let wrong = known.iter().zip(&all).filter(|(known, right)| known.is_some() && known != right);
        assert_eq!(wrong.count(), 0, "byte {at}: no other bytes are taken for these");
        let named = told.iter().any(|finding| format!("{finding:?}").contains("000000000000.segment"));
        assert!(named, "byte {at}: {told:?}");
        let started = disk.killed();
        drop(open(&started));
        assert!(names(&started).contains(&"000000000000.segment".to_owned()), "byte {at}: it stays");
        disk.flip(&segment, at);
    }
    // Rot in the body of the first record leaves the others readable.
    disk.flip(&segment, 700);
    assert_eq!(look(&disk).0.to_vec()[1..], all[1..]);
}
