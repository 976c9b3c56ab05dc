//! The journal at a start: each record's files are compared with what is on the disk, and made again
//! where they differ; then all of them are durable and the journal is empty.

use std::collections::BTreeSet;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::record::{FRAME_BYTES, Record, body_length, decode, end_of};
use super::settle::settle;
use super::{NewFile, segment_number, segment_path};
use crate::store::StoreError;
use crate::store::disk::{self, Disk, ReadAt, is_room};
use crate::store::log;

pub(super) fn replay(disk: &dyn Disk, root: &Path, dir: &Path) -> Result<(), StoreError> {
    let failed = |e| StoreError::io("list", dir, e);
    // What a killed process wrote may be seen but not yet durable; it is made so before it is believed.
    disk.sync_dir(dir).map_err(failed)?;
    let names = disk.list(dir).map_err(failed)?;
    let numbers: Vec<u64> = names.iter().filter_map(|entry| segment_number(&entry.name)).collect();
    let mut replay = Replay { disk, root, files: BTreeSet::new() };
    let segments: Vec<PathBuf> = numbers.into_iter().map(|number| segment_path(dir, number)).collect();
    segments.iter().try_for_each(|segment| replay.segment(segment))?;
    settle(disk, dir, &segments, &replay.files, &AtomicBool::new(false))
}

struct Replay<'a> {
    disk: &'a dyn Disk,
    root: &'a Path,
    files: BTreeSet<PathBuf>,
}

impl Replay<'_> {
    fn segment(&mut self, path: &Path) -> Result<(), StoreError> {
        let failed = |e| StoreError::io("replay", path, e);
        self.disk.append_to(path).and_then(|mut file| file.sync()).map_err(failed)?;
        let file = self.disk.open(path).map_err(failed)?;
        let length = file.bytes().map_err(failed)?;
        let mut at = 0;
        while at < length {
            let Some((record, next)) = read_record(file.as_ref(), at, length).map_err(failed)? else {
                return torn(file.as_ref(), path, at, length);
            };
            self.record(&record, path)?;
            at = next;
        }
        Ok(())
    }

    fn record(&mut self, record: &Record, segment: &Path) -> Result<(), StoreError> {
        let files: Vec<NewFile<'_>> = record.files().collect();
        let Some((last, others)) = files.split_last() else { return Ok(()) };
        if let Some(strange) = files.iter().find(|file| !is_below(Path::new(file.path))) {
            let message = format!("it names `{}`, which is not in the data folder", strange.path);
            return Err(StoreError::Corrupt { file: segment.display().to_string(), message });
        }
        if self.is_anothers(last)? {
            // The put lost its race, and was cut off before its record was.
            return Ok(());
        }
        others.iter().chain([last]).try_for_each(|file| self.restore(file))
    }

    /// Whether the name is a log version that another commit has.
    fn is_anothers(&self, last: &NewFile<'_>) -> Result<bool, StoreError> {
        let Some(found) = self.read(&self.root.join(last.path))? else { return Ok(false) };
        let anothers = |found: String| Some(found) != log::commit_id(last.bytes);
        Ok(found != last.bytes && log::commit_id(&found).is_some_and(anothers))
    }

    fn restore(&mut self, file: &NewFile<'_>) -> Result<(), StoreError> {
        let path = self.root.join(file.path);
        match self.read(&path)? {
            Some(found) if found == file.bytes => {}
            found => {
                if found.is_some() {
                    self.disk.remove(&path).map_err(|e| StoreError::io("replace", &path, e))?;
                }
                disk::place(self.disk, &path, file.bytes).map_err(|e| StoreError::io("restore", &path, e))?;
                tracing::warn!(file = %path.display(), "restored from the journal");
            }
        }
        self.files.insert(path);
        Ok(())
    }

    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
        match disk::read_all(self.disk, path) {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::io("read", path, error)),
        }
    }
}

/// A relative path without detours.
fn is_below(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_)))
}

/// The record at an offset and the offset after it; None when it is not whole.
pub(super) fn read_record(file: &dyn ReadAt, at: u64, length: u64) -> io::Result<Option<(Record, u64)>> {
    let mut frame = [0; FRAME_BYTES];
    let begins = at + FRAME_BYTES as u64;
    if begins > length {
        return Ok(None);
    }
    file.read_exact_at(at, &mut frame)?;
    let Some(end) = end_of(at, &frame).filter(|end| *end <= length) else { return Ok(None) };
    let mut body = vec![0; usize::try_from(end - begins).map_err(io::Error::other)?];
    file.read_exact_at(begins, &mut body)?;
    let filling = body.split_off(usize::try_from(body_length(&frame)).map_err(io::Error::other)?);
    if filling.iter().any(|byte| *byte != 0) {
        return Ok(None);
    }
    Ok(decode(&frame, body).map(|record| (record, end)))
}

/// Where the bytes behind a record begin that is not whole, if there are any: a put syncs its record before the
/// next one begins, so that these say that it rotted. None: there is room only, or a last record that is torn.
pub(super) fn behind(
    file: &dyn ReadAt,
    path: &Path,
    at: u64,
    length: u64,
) -> Result<Option<u64>, StoreError> {
    let failed = |e| StoreError::io("read", path, e);
    if is_room(file, at).map_err(failed)? {
        return Ok(None);
    }
    let mut frame = [0; FRAME_BYTES];
    if at + FRAME_BYTES as u64 <= length {
        file.read_exact_at(at, &mut frame).map_err(failed)?;
    }
    let behind = end_of(at, &frame).filter(|end| frame != [0; FRAME_BYTES] && *end < length);
    if let Some(behind) = behind
        && !is_room(file, behind).map_err(failed)?
    {
        return Ok(Some(behind));
    }
    tracing::warn!(file = %path.display(), at, "the journal ends in a record that is not whole; it was never acknowledged");
    Ok(None)
}

/// A last record that is not whole is none; one with bytes behind it is damage.
pub(super) fn torn(file: &dyn ReadAt, path: &Path, at: u64, length: u64) -> Result<(), StoreError> {
    if behind(file, path, at, length)?.is_none() {
        return Ok(());
    }
    let message = format!(
        "the record at byte {at} is damaged, and later ones follow; restore the data folder from a backup"
    );
    Err(StoreError::Corrupt { file: path.display().to_string(), message })
}
