use std::path::Path;

use proptest::prelude::*;

use super::{FRAME_BYTES, Pack, PackWriter};
use crate::store::disk::sim::SimDisk;
use crate::store::disk::{Disk, publish};

const PATH: &str = "/hub/one.pack";

fn packed(first: u64, state: Option<&[Vec<u8>]>, versions: &[Vec<u8>]) -> SimDisk {
    let mut writer = PackWriter::new(first);
    for line in state.into_iter().flatten() {
        writer.state_line(line).unwrap();
    }
    versions.iter().for_each(|version| writer.version(version).unwrap());
    let disk = SimDisk::new();
    disk.make_dir(Path::new("/hub")).unwrap();
    publish(&disk, Path::new(PATH), &writer.finish().unwrap()).unwrap();
    disk
}

fn open(disk: &SimDisk) -> Result<Pack, crate::store::StoreError> {
    Pack::open(disk, Path::new(PATH))
}

proptest! {
    #[test]
    fn versions_come_back_byte_for_byte_in_any_order(
        versions in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 1..30),
        state in prop::option::of(prop::collection::vec(prop::collection::vec(any::<u8>(), 1..60), 1..5)),
        first in 0..u64::MAX / 2,
        asked in prop::collection::vec(any::<prop::sample::Index>(), 1..20),
    ) {
        let disk = packed(first, state.as_deref(), &versions);
        let mut pack = open(&disk).unwrap();
        let last = first + versions.len() as u64 - 1;
        prop_assert_eq!(pack.range(), Some((first, last)));
        prop_assert_eq!(pack.state().unwrap(), state.map(|lines| lines.concat()));
        for at in asked.iter().map(|at| at.index(versions.len())) {
            prop_assert_eq!(pack.version(first + at as u64).unwrap(), Some(versions[at].as_slice()));
        }
        prop_assert_eq!(pack.version(last + 1).unwrap(), None);
        prop_assert!(first == 0 || pack.version(first - 1).unwrap().is_none());
    }
}

/// Texts of more than a frame together, one of them longer than a frame alone.
fn long() -> Vec<Vec<u8>> {
    [10, FRAME_BYTES / 2, FRAME_BYTES / 2, FRAME_BYTES * 2, 0, 7].map(|length| vec![b'x'; length]).to_vec()
}

#[test]
fn long_texts_take_several_frames() {
    let disk = packed(5, Some(&long()), &long());
    let mut pack = open(&disk).unwrap();
    assert_eq!((pack.index.versions.len(), pack.index.state.as_ref().unwrap().len()), (4, 4));
    assert_eq!(pack.state().unwrap().unwrap(), long().concat());
    for (version, text) in (5..).zip(long()) {
        assert_eq!(pack.version(version).unwrap(), Some(text.as_slice()));
    }
    assert!(disk.info(Path::new(PATH)).unwrap().bytes < 4_000, "it is compressed");
}

/// A byte that rots anywhere is found by whoever reads what it is part of, and named by the file.
#[test]
fn a_flipped_byte_and_a_cut_end_are_found() {
    let texts: Vec<Vec<u8>> = (0..40_u8).map(|n| vec![n; usize::from(n) * 7]).collect();
    let length = usize::try_from(packed(0, None, &texts).info(Path::new(PATH)).unwrap().bytes).unwrap();
    let read = |disk: &SimDisk| {
        let mut pack = open(disk)?;
        (0..texts.len() as u64).try_for_each(|version| pack.version(version).map(drop))
    };
    for at in 0..length {
        let disk = packed(0, None, &texts);
        disk.flip(Path::new(PATH), at);
        let error = read(&disk).unwrap_err();
        assert_eq!(error.reason(), hub_proto::Reason::StorageCorrupt, "byte {at}: {error}");
        assert!(error.to_string().starts_with(PATH), "{error}");
    }
    for left in 0..length {
        let disk = packed(0, None, &texts);
        disk.truncate(Path::new(PATH), left as u64).unwrap();
        let error = read(&disk).unwrap_err();
        assert!(error.to_string().contains("cut off"), "{left} of {length}: {error}");
    }
}
