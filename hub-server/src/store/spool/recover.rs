//! The spool after a restart: reads all segments and makes the states again.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::SpoolHeader;
use super::book::Book;
use super::inner::State;
use super::payload::{FILE_ENDING, Payload, Piece};
use super::record::Record;
use super::scan::{Scan, Stretch};
use super::writer::{remove_segments, segment_path};
use crate::store::StoreError;
use crate::store::disk::{Disk, sweep_temporary};

pub(super) struct Recovered {
    /// Segments that were there.
    pub(super) segments: Vec<u64>,
    pub(super) open: HashMap<String, State>,
    pub(super) kept: HashMap<String, Vec<Piece>>,
    pub(super) book: Book,
}

/// A submission while its records are read.
struct Found {
    header: SpoolHeader,
    pieces: Vec<Piece>,
    in_file: bool,
}

struct Recovery<'a> {
    disk: &'a dyn Disk,
    dir: &'a Path,
    found: HashMap<String, Found>,
    kept: HashMap<String, Vec<Piece>>,
    book: Book,
    /// Submissions whose end does not count.
    endless: HashSet<String>,
}

impl<'a> Recovery<'a> {
    fn new(disk: &'a dyn Disk, dir: &'a Path, endless: HashSet<String>) -> Self {
        Self { disk, dir, found: HashMap::new(), kept: HashMap::new(), book: Book::default(), endless }
    }
}

/// The states of kept small submissions as they were before their end. Blocking.
pub(super) fn before_their_end(
    disk: &dyn Disk,
    dir: &Path,
    segments: &[u64],
    ids: HashSet<String>,
) -> Result<HashMap<String, State>, StoreError> {
    let mut recovery = Recovery::new(disk, dir, ids);
    segments.iter().try_for_each(|number| recovery.segment(*number))?;
    let Recovery { found, endless, .. } = recovery;
    let ended = found.into_iter().filter(|(id, found)| endless.contains(id) && !found.in_file);
    let state = |found: Found| State { header: found.header, payload: Payload::in_segments(found.pieces) };
    Ok(ended.map(|(id, found)| (id, state(found))).collect())
}

pub(super) fn recover(disk: &Arc<dyn Disk>, dir: &Path) -> Result<Recovered, StoreError> {
    let (disk, failed) = (disk.as_ref(), |e| StoreError::io("list", dir, e));
    // What a killed process wrote may be seen but not yet durable; it is made so before it is believed.
    disk.sync_dir(dir).map_err(failed)?;
    sweep_temporary(disk, dir).map_err(failed)?;
    let names: Vec<String> = disk.list(dir).map_err(failed)?.into_iter().map(|e| e.name).collect();
    let mut recovery = Recovery::new(disk, dir, HashSet::new());
    let number = |name: &String| name.strip_suffix(".segment")?.parse().ok();
    let segments: Vec<u64> = names.iter().filter_map(number).collect();
    segments.iter().try_for_each(|number| recovery.segment(*number))?;
    let gone = recovery.book.reclaim(None);
    let segments = segments.into_iter().filter(|number| !gone.contains(number)).collect();
    remove_segments(disk, dir, gone)?;
    let Recovery { found, kept, book, .. } = recovery;
    let mut open = HashMap::new();
    for (id, found) in found {
        let payload =
            if found.in_file { file_payload(disk, dir, &id)? } else { Payload::in_segments(found.pieces) };
        open.insert(id, State { header: found.header, payload });
    }
    sweep_files(disk, dir, &names, &open)?;
    Ok(Recovered { segments, open, kept, book })
}

fn file_payload(disk: &dyn Disk, dir: &Path, id: &str) -> Result<Payload, StoreError> {
    let path = dir.join(format!("{id}.{FILE_ENDING}"));
    let failed = |e| StoreError::io("recover", &path, e);
    // A file only grows at its end, so its length is the offset from which the sender goes on.
    disk.append_to(&path).and_then(|mut file| file.sync()).map_err(failed)?;
    let bytes = disk.info(&path).map_err(failed)?.bytes;
    Ok(Payload::in_file(path, bytes))
}

/// Removes files of submissions that have ended or were never promoted.
fn sweep_files(
    disk: &dyn Disk,
    dir: &Path,
    names: &[String],
    open: &HashMap<String, State>,
) -> Result<(), StoreError> {
    let ending = format!(".{FILE_ENDING}");
    for name in names {
        let Some(id) = name.strip_suffix(ending.as_str()) else { continue };
        if !open.get(id).is_some_and(|state| state.payload.is_in_file()) {
            let path = dir.join(name);
            disk.remove(&path).map_err(|e| StoreError::io("remove", &path, e))?;
        }
    }
    Ok(())
}

impl Recovery<'_> {
    fn segment(&mut self, number: u64) -> Result<(), StoreError> {
        let path = segment_path(self.dir, number);
        let failed = |e| StoreError::io("recover", &path, e);
        self.disk.append_to(&path).and_then(|mut file| file.sync()).map_err(failed)?;
        let file = self.disk.open(&path).map_err(failed)?;
        self.book.add(number);
        let shared = Arc::new(path.clone());
        let mut scan = Scan::of(file.as_ref()).map_err(failed)?;
        while let Some(found) = scan.next().map_err(failed)? {
            match found {
                Stretch::Record { id, record, data_at, .. } => {
                    self.book.note(&id, number);
                    self.apply(id, *record, |bytes| Piece::Stored {
                        path: Arc::clone(&shared),
                        at: data_at,
                        bytes,
                    });
                }
                unreadable => {
                    self.book.hold(number);
                    // What stands behind rot is not acted upon: only a whole run of records is trusted.
                    unreadable.log(&path);
                    break;
                }
            }
        }
        Ok(())
    }

    fn apply(&mut self, id: String, record: Record, piece: impl Fn(u64) -> Piece) {
        match record {
            Record::Create(header) => {
                self.found.entry(id).or_insert(Found { header, pieces: Vec::new(), in_file: false });
            }
            Record::Whole(header, data) => {
                let pieces = if data.is_empty() { Vec::new() } else { vec![piece(data.len() as u64)] };
                self.found.entry(id).or_insert(Found { header, pieces, in_file: false });
            }
            Record::End { .. } if self.endless.contains(&id) => {}
            Record::End { keep } => {
                // The same end may stand there twice, when the outcome of the first was unknown.
                match self.found.remove(&id) {
                    Some(found) if keep => drop(self.kept.insert(id, found.pieces)),
                    None if self.kept.contains_key(&id) => {}
                    _ => self.book.end(&id),
                }
            }
            Record::Append(offset, data) => {
                if let Some(found) = self.found.get_mut(&id) {
                    let durable: u64 = found.pieces.iter().map(Piece::bytes).sum();
                    // A write whose outcome was unknown may have come twice.
                    let known = durable.saturating_sub(offset);
                    if offset <= durable && known < data.len() as u64 {
                        found.pieces.push(piece(data.len() as u64).without(known));
                    }
                }
            }
            Record::Order(order) => {
                if let Some(found) = self.found.get_mut(&id) {
                    found.header.waits = order.recalled;
                    found.header.commit = (!order.recalled).then_some(order);
                }
            }
            Record::Promote => {
                if let Some(found) = self.found.get_mut(&id) {
                    found.in_file = true;
                }
            }
        }
    }
}
