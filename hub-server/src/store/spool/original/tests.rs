use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::store::disk::sim::SimDisk;
use crate::store::spool::{CommitOrder, Spool, SpoolHeader};

const ROOT: &str = "/hub";

fn open(disk: &SimDisk) -> Spool {
    for name in ["spool", "evidence"] {
        disk.make_dir(&Path::new(ROOT).join(name)).unwrap();
    }
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    Spool::open(&disk, Path::new(ROOT)).unwrap()
}

fn sha256(data: &[u8]) -> String {
    hex(&Sha256::digest(data))
}

fn data(length: usize) -> Bytes {
    (0..length).map(|n| u8::try_from((n * 31 + n / 251) % 251).unwrap()).collect::<Vec<u8>>().into()
}

/// A submission that came in pieces and is ordered.
async fn ordered(spool: &Spool, id: &str, bytes: &Bytes) {
    let header = SpoolHeader {
        id: id.into(),
        caller: "a".into(),
        request_id: format!("r-{id}"),
        publisher: "a".into(),
        pattern: "rb28s".into(),
        period: "2022-Q4".into(),
        media_type: "text/csv".into(),
        declared_size: None,
        declared_sha256: None,
        nothing_to_report: false,
        created_at: 1,
        commit: None,
        waits: false,
    };
    spool.create(header).await.unwrap();
    let mut offset = 0;
    for chunk in bytes.chunks(70_000) {
        offset = spool.append(id, offset, Bytes::copy_from_slice(chunk)).await.unwrap();
    }
    let order = CommitOrder {
        parent_revision: None,
        replace_all: false,
        confirm_deletions: false,
        strict: false,
        explanations: Vec::new(),
        seen_revision: None,
        recalled: false,
        size: bytes.len() as u64,
        sha256: sha256(bytes),
    };
    spool.order(id, order).await.unwrap();
}

fn back(spool: &Spool, id: &str, bytes: &Bytes) -> Original {
    spool.original(id, bytes.len() as u64, &sha256(bytes)).unwrap()
}

fn assert_same(original: &Original, bytes: &Bytes) {
    let mut whole = vec![0; bytes.len()];
    original.read_exact_at(0, &mut whole).unwrap();
    assert!(whole == *bytes);
    assert_eq!(original.read_at(bytes.len() as u64, &mut [0]).unwrap(), 0);
    assert!(original.read_exact_at(1, &mut whole).is_err(), "the end is told");
}

#[tokio::test]
async fn bytes_are_found_on_their_way_and_where_they_stay() {
    let disk = SimDisk::new();
    let spool = open(&disk);
    let sent = [("small", data(200_000)), ("large", data(3 << 20))];
    for (id, bytes) in &sent {
        ordered(&spool, id, bytes).await;
        let held = back(&spool, id, bytes);
        assert_same(&held, bytes);
        spool.end(id, true).await.unwrap();
        assert_same(&back(&spool, id, bytes), bytes);
        // What was open before stays readable.
        assert_same(&held, bytes);
    }
    let again = open(&disk.after_power_loss(u64::MAX));
    for (id, bytes) in &sent {
        assert_same(&back(&again, id, bytes), bytes);
    }
    let gone = spool.original("none", 1, &sha256(b"x")).unwrap_err().to_string();
    assert!(gone.contains("submission none"), "{gone}");
}

#[tokio::test]
async fn what_rotted_is_named_and_not_given() {
    let disk = SimDisk::new();
    let spool = open(&disk);
    for (id, bytes) in [("small", data(200_000)), ("large", data(3 << 20))] {
        ordered(&spool, id, &bytes).await;
        spool.end(id, true).await.unwrap();
        let original = back(&spool, id, &bytes);
        let Part::Stored { at, .. } = original.parts[0] else { panic!("on the disk") };
        disk.flip(&original.path, usize::try_from(at).unwrap() + 1_000);
        let error = spool.original(id, bytes.len() as u64, &sha256(&bytes)).unwrap_err();
        assert_eq!(error.reason(), hub_proto::Reason::StorageCorrupt);
        let message = error.to_string();
        assert!(message.contains(original.path.to_str().unwrap()) && message.contains(id), "{message}");
        let other = spool.original(id, bytes.len() as u64 + 1, &sha256(&bytes)).unwrap_err();
        assert_eq!(other.reason(), hub_proto::Reason::StorageCorrupt);
    }
}

proptest! {
    #[test]
    fn any_part_is_read_wherever_pieces_meet(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..6),
        offset in 0_u64..60,
        length in 1_usize..60,
    ) {
        let whole: Vec<u8> = pieces.concat();
        let parts = pieces.into_iter().map(|piece| Part::Memory(piece.into())).collect();
        let original = Original { parts, path: PathBuf::new() };
        let mut buffer = vec![0; length];
        let from = usize::try_from(offset).unwrap();
        match whole.get(from..from + length) {
            Some(wanted) => {
                original.read_exact_at(offset, &mut buffer).unwrap();
                prop_assert_eq!(buffer.as_slice(), wanted);
            }
            None => prop_assert!(original.read_exact_at(offset, &mut buffer).is_err()),
        }
    }
}
