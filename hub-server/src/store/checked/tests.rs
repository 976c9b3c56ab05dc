use std::path::Path;
use std::sync::Arc;

use hub_proto::Reason;

use super::CheckedFile;
use crate::store::blocks::{BLOCK_BYTES, Summing};
use crate::store::disk::sim::SimDisk;
use crate::store::disk::{Disk, ReadAt, publish};
use crate::store::index::DataFile;

const PATH: &str = "/t/d/a.parquet";

/// A disk with one file, and what the log says of it.
pub(crate) fn filled(bytes: &[u8]) -> (SimDisk, Arc<DataFile>) {
    let disk = SimDisk::new();
    disk.make_dir(Path::new("/t/d")).unwrap();
    publish(&disk, Path::new(PATH), bytes).unwrap();
    (disk, described(bytes))
}

/// What the log says of a file of these bytes.
pub(crate) fn described(bytes: &[u8]) -> Arc<DataFile> {
    let mut summing = Summing::default();
    summing.update(bytes);
    let summed = summing.finish();
    Arc::new(DataFile {
        path: "d/a.parquet".into(),
        bytes: summed.bytes,
        rows: 1,
        sha256: summed.sha256,
        blocks: summed.blocks,
        partition: "p".into(),
        seqs: Vec::new(),
        publishers: Vec::new(),
        publisher_rows: Vec::new(),
        partial: false,
        stats: Default::default(),
    })
}

fn open(disk: &SimDisk, file: &Arc<DataFile>) -> Result<CheckedFile, crate::store::StoreError> {
    CheckedFile::open(disk, PATH.into(), file)
}

fn long() -> Vec<u8> {
    (0..3 * BLOCK_BYTES + 100).map(|at| u8::try_from(at % 253).unwrap()).collect()
}

#[test]
fn every_range_is_given_as_it_was_written() {
    let bytes = long();
    let (disk, file) = filled(&bytes);
    let length = bytes.len() as u64;
    let checked = open(&disk, &file).unwrap();
    let edges =
        [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 2 * BLOCK_BYTES + 50, length - 1, length];
    // Twice: compared, and found whole before.
    for _ in 0..2 {
        for from in edges {
            for to in edges.into_iter().filter(|to| *to >= from) {
                let (first, end) = (usize::try_from(from).unwrap(), usize::try_from(to).unwrap());
                assert_eq!(checked.read(from..to).unwrap(), bytes[first..end], "{from}..{to}");
            }
        }
    }
    assert!(checked.read(length..length + 1).is_err());
    let mut buffer = [7; 8];
    assert_eq!(checked.read_at(length - 3, &mut buffer).unwrap(), 3);
    assert_eq!(buffer[..3], bytes[bytes.len() - 3..]);
    assert_eq!(checked.read_at(length + 9, &mut buffer).unwrap(), 0);
}

#[test]
fn a_rotten_block_is_named_and_the_others_are_read() {
    let bytes = long();
    let (disk, file) = filled(&bytes);
    let at = usize::try_from(BLOCK_BYTES).unwrap() + 17;
    disk.flip(Path::new(PATH), at);
    let checked = open(&disk, &file).unwrap();
    for _ in 0..2 {
        let error = checked.read(BLOCK_BYTES..BLOCK_BYTES + 1).unwrap_err();
        assert_eq!(error.reason(), Reason::StorageCorrupt);
        let said = error.to_string();
        assert!(
            said.starts_with("/t/d/a.parquet: bytes 262144 to 524287 are not those that were committed"),
            "{said}"
        );
        assert!(said.contains("hub-server verify data"), "{said}");
    }
    assert!(checked.read(0..file.bytes).is_err());
    assert!(checked.read_exact_at(BLOCK_BYTES - 1, &mut [0; 2]).is_err());
    assert_eq!(checked.read(0..BLOCK_BYTES).unwrap(), bytes[..BLOCK_BYTES as usize]);
    assert_eq!(checked.read(2 * BLOCK_BYTES..file.bytes).unwrap(), bytes[2 * BLOCK_BYTES as usize..]);
}

#[test]
fn a_file_that_is_gone_or_cut_is_damage_too() {
    let (disk, file) = filled(&long());
    disk.truncate(Path::new(PATH), BLOCK_BYTES + 5).unwrap();
    let error = open(&disk, &file).unwrap().read(BLOCK_BYTES..BLOCK_BYTES + 5).unwrap_err();
    assert_eq!(error.reason(), Reason::StorageCorrupt);
    assert!(error.to_string().contains("is shorter than 786532 bytes"), "{error}");
    disk.remove(Path::new(PATH)).unwrap();
    let error = open(&disk, &file).unwrap_err();
    assert_eq!(error.reason(), Reason::StorageCorrupt);
    assert!(error.to_string().contains("the file is gone"), "{error}");
}
