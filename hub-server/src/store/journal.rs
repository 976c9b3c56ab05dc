//! The journal: what a commit brings to the disk, in one record with one sync.
//!
//! A commit makes small files: data files of few rows, and a log version. Each would need a sync of its
//! own and one of its folder. Instead the bytes of all of them become durable in one record here; then
//! the files are made without a sync, and become durable later, many at a time ([`settle`]). A start
//! makes again what a power loss took from them ([`replay`]), before anybody else reads the folder.
//!
//! Beside its segments lies a file for each table with what is acknowledged ahead of its log ([`ahead`]).

mod ahead;
mod look;
mod record;
mod replay;
mod settle;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::StoreError;
use super::disk::{self, Disk, DiskFile};
use crate::config::limits::{JOURNAL_CLOSED_SEGMENTS, JOURNAL_SEGMENT_BYTES};
use crate::fault;
pub(crate) use ahead::{Ahead, AheadRecord};
pub(crate) use look::{Held, look};
use settle::{Settler, first_below};

/// A file that a put brings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewFile<'a> {
    /// Below the data folder, as `tables/rb28s_v1/d/….parquet`.
    pub(crate) path: &'a str,
    pub(crate) bytes: &'a [u8],
}

/// Why a put is not done.
#[derive(Debug)]
pub(crate) enum PutFault {
    /// Nothing of it is there, nor will be.
    NotDone(StoreError),
    /// The disk does not say whether it is there. The same put again finds out.
    Unknown(StoreError),
}

#[derive(Debug)]
pub(crate) struct Journal {
    disk: Arc<dyn Disk>,
    root: PathBuf,
    dir: PathBuf,
    segment_bytes: u64,
    /// Puts take turns, so that the one that fails is the last in its segment and can be cut off.
    turn: Mutex<Turn>,
    settler: Settler,
}

#[derive(Debug, Default)]
struct Turn {
    next: u64,
    open: Option<Segment>,
    /// Segments that take no more records and wait to be settled.
    closed: Vec<Closed>,
    /// A segment whose last record could not be cut off, and the length without it. Nothing is put before it
    /// is: a start would take that record for done, and later ones for beaten by it.
    uncut: Option<(PathBuf, u64)>,
}

#[derive(Debug)]
struct Segment {
    path: PathBuf,
    file: Box<dyn DiskFile>,
    bytes: u64,
    /// Files of its records.
    files: BTreeSet<PathBuf>,
}

/// A segment that takes no more records.
#[derive(Debug)]
struct Closed {
    path: PathBuf,
    bytes: u64,
    files: BTreeSet<PathBuf>,
}

fn segment_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:012}.journal"))
}

fn segment_number(name: &str) -> Option<u64> {
    name.strip_suffix(".journal")?.parse().ok()
}

impl Journal {
    /// Replays what an earlier run left, and begins anew. Blocking.
    pub(super) fn open(disk: &Arc<dyn Disk>, root: &Path) -> Result<Self, StoreError> {
        Self::open_with(disk, root, JOURNAL_SEGMENT_BYTES)
    }

    /// As `open`, with another length of segments.
    fn open_with(disk: &Arc<dyn Disk>, root: &Path, segment_bytes: u64) -> Result<Self, StoreError> {
        let dir = root.join("journal");
        disk.make_dir(&dir).map_err(|e| StoreError::io("make the folder", &dir, e))?;
        replay::replay(disk.as_ref(), root, &dir)?;
        let settler = Settler::start(disk, &dir)?;
        let (disk, root, turn) = (Arc::clone(disk), root.to_path_buf(), Mutex::default());
        Ok(Self { disk, root, dir, segment_bytes, turn, settler })
    }

    /// Makes files and then gives `last` its name, which is what makes the others count: all of them are
    /// durable when it returns. When the name of `last` is taken by other bytes nothing is done. Blocking.
    pub(crate) fn put(&self, files: &[NewFile<'_>], last: NewFile<'_>) -> Result<(), PutFault> {
        let record = record::encode(files, last).map_err(|message| {
            let file = self.root.join(last.path).display().to_string();
            PutFault::NotDone(StoreError::Encode { file, message })
        })?;
        let mut turn = self.turn();
        self.cut(&mut turn).map_err(PutFault::NotDone)?;
        let mut segment = self.segment(&mut turn).map_err(PutFault::NotDone)?;
        let noted = segment.file.append(&record).and_then(|()| segment.file.sync());
        fault::point("journal.after");
        let noted = noted.map_err(|e| PutFault::NotDone(StoreError::io("append to", &segment.path, e)));
        let made = noted.and_then(|()| self.make(files, last));
        let fault = match made {
            Ok(()) => {
                segment.bytes += record.len() as u64;
                self.take_in(&mut segment, files, last);
                if segment.bytes < self.segment_bytes {
                    turn.open = Some(segment);
                } else {
                    self.close(&mut turn, segment);
                }
                return Ok(());
            }
            Err(PutFault::NotDone(error)) => match self.disk.truncate(&segment.path, segment.bytes) {
                Ok(()) => PutFault::NotDone(error),
                // A start may find the record and do what it says.
                Err(_) => {
                    turn.uncut = Some((segment.path.clone(), segment.bytes));
                    PutFault::Unknown(error)
                }
            },
            Err(unknown) => {
                self.take_in(&mut segment, files, last);
                unknown
            }
        };
        // Nobody knows what a file does after a fault: it takes no more records.
        self.close(&mut turn, segment);
        Err(fault)
    }

    /// Makes all that was put before the call durable where it is, so that no start makes any of it again:
    /// only then may a file of it be moved away. Puts go on meanwhile. Blocking.
    pub(crate) fn settle(&self) -> Result<(), StoreError> {
        let (segments, fence) = {
            let mut turn = self.turn();
            if let Some(Segment { path, file, bytes, files }) = turn.open.take() {
                drop(file);
                turn.closed.push(Closed { path, bytes, files });
            }
            (std::mem::take(&mut turn.closed), turn.next)
        };
        self.settler.settle_and_wait(segments);
        match first_below(self.disk.as_ref(), &self.dir, fence)? {
            // What is gone stays gone, also when an error hid how far the removal came.
            None => self.disk.sync_dir(&self.dir).map_err(|e| StoreError::io("sync", &self.dir, e)),
            Some(path) => {
                let source = io::Error::other("an earlier fault left its records; start the server again");
                Err(StoreError::io("settle", &path, source))
            }
        }
    }

    /// What is acknowledged of a table ahead of its log. Blocking.
    pub(crate) fn ahead(&self, table: &str) -> Result<(Ahead, Vec<AheadRecord>), StoreError> {
        Ahead::open(&self.disk, &self.dir, table)
    }

    fn take_in(&self, segment: &mut Segment, files: &[NewFile<'_>], last: NewFile<'_>) {
        segment.files.extend(files.iter().chain([&last]).map(|file| self.root.join(file.path)));
    }

    /// Cuts off the record that an earlier put could not.
    fn cut(&self, turn: &mut Turn) -> Result<(), StoreError> {
        let Some((path, bytes)) = &turn.uncut else { return Ok(()) };
        match self.disk.truncate(path, *bytes) {
            // Its segment was settled and removed.
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::io("cut", path, error)),
            _ => {
                turn.uncut = None;
                Ok(())
            }
        }
    }

    /// Closed segments are settled together when there is enough of them.
    fn close(&self, turn: &mut Turn, segment: Segment) {
        let Segment { path, file, bytes, files } = segment;
        drop(file);
        turn.closed.push(Closed { path, bytes, files });
        let bytes: u64 = turn.closed.iter().map(|segment| segment.bytes).sum();
        if bytes >= self.segment_bytes || turn.closed.len() >= JOURNAL_CLOSED_SEGMENTS {
            self.settler.settle(std::mem::take(&mut turn.closed));
        }
    }

    fn make(&self, files: &[NewFile<'_>], last: NewFile<'_>) -> Result<(), PutFault> {
        let mut created = Vec::with_capacity(files.len());
        // One that stays is swept at the next start, because no log names it.
        let remove = |created: Vec<PathBuf>| created.iter().for_each(|path| drop(self.disk.remove(path)));
        if let Err(error) = files.iter().try_for_each(|file| self.create(file, &mut created)) {
            // A name that is there may be ours from an earlier try, and needs its files.
            let named = self.disk.info(&self.root.join(last.path));
            if named.is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
                remove(created);
            }
            return Err(PutFault::NotDone(error));
        }
        let named = self.name(last);
        if let Err(PutFault::NotDone(_)) = &named {
            remove(created);
        }
        named
    }

    /// A file that is there with the same bytes was left by the same put.
    fn create(&self, file: &NewFile<'_>, created: &mut Vec<PathBuf>) -> Result<(), StoreError> {
        let path = self.root.join(file.path);
        match self.disk.create(&path) {
            Ok(mut new) => {
                created.push(path.clone());
                new.append(file.bytes).map_err(|error| StoreError::io("write", &path, error))
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let found = disk::read_all(self.disk.as_ref(), &path);
                match found.is_ok_and(|found| found == file.bytes) {
                    true => Ok(()),
                    false => Err(StoreError::io("create", &path, error)),
                }
            }
            Err(error) => {
                // The name may have been made all the same.
                created.push(path.clone());
                Err(StoreError::io("create", &path, error))
            }
        }
    }

    fn name(&self, last: NewFile<'_>) -> Result<(), PutFault> {
        let path = self.root.join(last.path);
        let Err(error) = disk::place(self.disk.as_ref(), &path, last.bytes) else { return Ok(()) };
        let error = StoreError::io("put", &path, error);
        match disk::read_all(self.disk.as_ref(), &path) {
            Ok(found) if found == last.bytes => Ok(()),
            Ok(_) => Err(PutFault::NotDone(error)),
            Err(absent) if absent.kind() == io::ErrorKind::NotFound => Err(PutFault::NotDone(error)),
            Err(_) => Err(PutFault::Unknown(error)),
        }
    }

    /// The segment that has room, or a new one whose name is durable.
    fn segment(&self, turn: &mut Turn) -> Result<Segment, StoreError> {
        if let Some(open) = turn.open.take() {
            return Ok(open);
        }
        let path = segment_path(&self.dir, turn.next);
        // A number is used once, even if nobody knows whether the file was made.
        turn.next += 1;
        let file = self.disk.create_roomy(&path).map_err(|e| StoreError::io("create", &path, e))?;
        self.disk.sync_dir(&self.dir).map_err(|e| StoreError::io("sync", &self.dir, e))?;
        Ok(Segment { path, file, bytes: 0, files: BTreeSet::new() })
    }

    fn turn(&self) -> MutexGuard<'_, Turn> {
        // A put that panicked took its segment along; the others are whole.
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
