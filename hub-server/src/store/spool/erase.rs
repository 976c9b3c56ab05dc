//! Segments without the bytes of an erased submission, in a spool that nobody uses. A payload that ended without
//! being kept leaves with it: it may have been the same bytes under another id.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use super::payload::FILE_ENDING;
use super::record::Record;
use super::scan::{Scan, Stretch};
use crate::fault;
use crate::store::StoreError;
use crate::store::disk::{self, Disk};

/// What left the spool.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Forgotten {
    /// Segments that were written anew, or removed.
    pub(crate) segments: u64,
    /// Bytes of records that left.
    pub(crate) bytes: u64,
    /// Segments with damaged bytes, which stay: nobody knows whose they are.
    pub(crate) unreadable: Vec<String>,
}

/// Removes all records of a submission, and of those that ended without being kept. The earliest segments go
/// first: a record of an id whose first one is gone says nothing at a start. Blocking.
pub(crate) fn forget(disk: &dyn Disk, root: &Path, id: &str) -> Result<Forgotten, StoreError> {
    let dir = root.join("spool");
    let entries = disk.list(&dir).map_err(|e| StoreError::io("list", &dir, e))?;
    let names = entries.iter().map(|entry| &entry.name).filter(|name| name.ends_with(".segment"));
    let segments: Vec<PathBuf> = names.map(|name| dir.join(name)).collect();
    let mut ended = HashSet::from([id.to_owned()]);
    for path in &segments {
        let note = |stretch: &Stretch| {
            if let Stretch::Record { id, record, .. } = stretch
                && matches!(**record, Record::End { keep: false })
            {
                ended.insert(id.clone());
            }
        };
        each(disk, path, note).map_err(|e| StoreError::io("read", path, e))?;
    }
    let mut forgotten = Forgotten::default();
    let file = dir.join(format!("{id}.{FILE_ENDING}"));
    match disk.remove(&file).and_then(|()| disk.sync_dir(&dir)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(StoreError::io("remove", &file, error));
        }
        _ => {}
    }
    for path in &segments {
        segment(disk, path, &ended, &mut forgotten)?;
    }
    Ok(forgotten)
}

fn segment(
    disk: &dyn Disk,
    path: &Path,
    ended: &HashSet<String>,
    forgotten: &mut Forgotten,
) -> Result<(), StoreError> {
    let failed = |deed: &'static str| move |e| StoreError::io(deed, path, e);
    // Where what stays begins and ends.
    let (mut stays, mut at): (Vec<(u64, u64)>, u64) = (Vec::new(), 0);
    let mut damaged = false;
    each(disk, path, |stretch| {
        let end = stretch.end();
        let goes = match stretch {
            Stretch::Record { id, .. } => ended.contains(id),
            Stretch::Rot { .. } => {
                damaged = true;
                false
            }
            // It was never acknowledged.
            Stretch::Torn { .. } => true,
        };
        if !goes {
            stays.push((at, end));
        }
        at = end;
    })
    .map_err(failed("read"))?;
    if damaged {
        forgotten.unreadable.push(path.display().to_string());
    }
    let left: u64 = stays.iter().map(|(from, to)| to - from).sum();
    // What is behind the last record is room.
    if left == at {
        return Ok(());
    }
    let whole = disk::read_all(disk, path).map_err(failed("read"))?;
    let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
    let kept: Vec<&[u8]> =
        stays.iter().filter_map(|(from, to)| whole.get(place(*from)..place(*to))).collect();
    let kept = kept.concat();
    let done = match kept.is_empty() {
        true => disk.remove(path).and_then(|()| disk.sync_dir(path.parent().unwrap_or(path))),
        false => disk::supersede(disk, path, &kept),
    };
    done.map_err(failed("write"))?;
    fault::point("erase.spool.after");
    forgotten.segments += 1;
    forgotten.bytes += at - left;
    Ok(())
}

/// Calls with each stretch of a segment.
fn each(disk: &dyn Disk, path: &Path, mut call: impl FnMut(&Stretch)) -> io::Result<()> {
    let file = disk.open(path)?;
    let mut scan = Scan::of(file.as_ref())?;
    while let Some(stretch) = scan.next()? {
        call(&stretch);
    }
    Ok(())
}
