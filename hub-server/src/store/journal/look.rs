//! What a journal holds, for who looks at a folder without starting it.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use super::ahead;
use super::record::FRAME_BYTES;
use super::replay::{read_record, torn};
use crate::store::StoreError;
use crate::store::disk::Disk;
use crate::store::verify::{Fault, Finding, Tell};

/// Files that the next start makes where they lack or differ, by their path.
#[derive(Debug, Default)]
pub(crate) struct Held(HashMap<PathBuf, Place>);

#[derive(Debug, Clone)]
struct Place {
    segment: PathBuf,
    at: u64,
    bytes: usize,
}

impl Held {
    /// The bytes that the journal holds of a file; None when it holds none.
    pub(crate) fn read(&self, disk: &dyn Disk, path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(place) = self.0.get(path) else { return Ok(None) };
        let mut bytes = vec![0; place.bytes];
        let read = disk.open(&place.segment).and_then(|file| file.read_exact_at(place.at, &mut bytes));
        read.map(|()| Some(bytes)).map_err(|e| StoreError::io("read", &place.segment, e))
    }
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.keys().map(PathBuf::as_path)
    }
}

/// Reads all segments below `<root>/journal`; nothing is changed. Blocking.
pub(crate) fn look(disk: &dyn Disk, root: &Path, tell: Tell<'_>) -> Result<Held, StoreError> {
    let dir = root.join("journal");
    let entries = match disk.list(&dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Held::default()),
        listed => listed.map_err(|e| StoreError::io("list", &dir, e))?,
    };
    let mut held = Held::default();
    for entry in entries {
        let path = dir.join(&entry.name);
        let looked = if entry.name.ends_with(".journal") {
            segment(disk, root, path.clone(), &mut held)
        } else if entry.name.ends_with(ahead::ENDING) {
            // The next start takes its submissions into the log.
            ahead::read(disk, &path, &mut drop).map(|found| {
                found.damaged.iter().for_each(|at| tell(Finding::Fault(damaged(&path, *at))));
                found.bytes
            })
        } else {
            continue;
        };
        match looked {
            Ok(bytes) => tell(Finding::File { bytes }),
            Err(error) => tell(Finding::Fault(Fault::from(error))),
        }
    }
    Ok(held)
}

fn damaged(path: &Path, at: u64) -> Fault {
    let message = format!("the record at byte {at} is damaged");
    Fault::of(path, message, "start the server: what it acknowledged is committed again from the spool")
}

fn segment(disk: &dyn Disk, root: &Path, path: PathBuf, held: &mut Held) -> Result<u64, StoreError> {
    let failed = |e| StoreError::io("read", &path, e);
    let file = disk.open(&path).map_err(failed)?;
    let length = file.bytes().map_err(failed)?;
    let mut at = 0;
    while at < length {
        let Some((record, next)) = read_record(file.as_ref(), at, length).map_err(failed)? else {
            torn(file.as_ref(), &path, at, length)?;
            break;
        };
        let body = at + FRAME_BYTES as u64;
        for (name, range) in record.places() {
            let place = Place { segment: path.clone(), at: body + range.start as u64, bytes: range.len() };
            held.0.insert(root.join(name), place);
        }
        at = next;
    }
    Ok(length)
}
