//! What is acknowledged of one table ahead of its log: a record for each group of submissions, durable
//! when it is appended. Records whose submissions a log version has taken up stay until the file is long; a start
//! knows them by their submissions.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::record::{self, Record};
use super::replay::{behind, read_record};
use super::{NewFile, PutFault};
use crate::config::limits::JOURNAL_AHEAD_BYTES;
use crate::fault;
use crate::store::StoreError;
use crate::store::disk::{Disk, DiskFile};

/// Ending of the files.
pub(super) const ENDING: &str = ".ahead";

/// Names of the parts of a record: rows, of each submission its own, and at the end the head.
const HEAD: &str = "head";
const ROWS: &str = "rows";

/// A record as it was appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AheadRecord {
    pub(crate) head: Vec<u8>,
    pub(crate) rows: Vec<Vec<u8>>,
}

/// The file of one table; only its committer appends.
#[derive(Debug)]
pub(crate) struct Ahead {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    file: Option<Box<dyn DiskFile>>,
    /// Length of the records that are whole.
    bytes: u64,
    /// More bytes may follow them: nothing is appended before they are cut off.
    uncut: bool,
}

impl Ahead {
    /// Opens the file of a table below the journal's folder, with the records that it holds. Blocking.
    pub(crate) fn open(
        disk: &Arc<dyn Disk>,
        dir: &Path,
        table: &str,
    ) -> Result<(Self, Vec<AheadRecord>), StoreError> {
        let path = dir.join(format!("{table}{ENDING}"));
        let mut ahead = Self { disk: Arc::clone(disk), path, file: None, bytes: 0, uncut: false };
        let failed = |e| StoreError::io("open", &ahead.path, e);
        let mut records = Vec::new();
        match disk.append_to(&ahead.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((ahead, records)),
            // What a killed process wrote may be seen but not yet durable; it is made so before it is believed.
            opened => opened.and_then(|mut file| file.sync()).map_err(failed)?,
        }
        let length = disk.info(&ahead.path).map_err(failed)?.bytes;
        let found = read(disk.as_ref(), &ahead.path, &mut |record| records.extend(parts(&record)))?;
        for at in found.damaged {
            let file = ahead.path.display();
            tracing::error!(%file, at, "a record is damaged; what it acknowledged is committed again from the spool, with other receipts");
        }
        ahead.bytes = found.bytes;
        ahead.uncut = ahead.bytes < length;
        ahead.cut()?;
        Ok((ahead, records))
    }

    /// Appends a record; it is durable when this returns. Blocking.
    pub(crate) fn append(&mut self, head: &[u8], rows: &[&[u8]]) -> Result<(), PutFault> {
        let rows: Vec<_> = rows.iter().map(|bytes| NewFile { path: ROWS, bytes }).collect();
        let record = record::encode(&rows, NewFile { path: HEAD, bytes: head }).map_err(|message| {
            PutFault::NotDone(StoreError::Encode { file: self.path.display().to_string(), message })
        })?;
        self.cut().map_err(PutFault::NotDone)?;
        let written = self.file().and_then(|file| file.append(&record).and_then(|()| file.sync()));
        fault::point("ahead.after");
        let Err(error) = written else {
            self.bytes += record.len() as u64;
            return Ok(());
        };
        let error = StoreError::io("append to", &self.path, error);
        self.uncut = true;
        match self.cut() {
            Ok(()) => Err(PutFault::NotDone(error)),
            // A start may find the record and take it for acknowledged.
            Err(_) => Err(PutFault::Unknown(error)),
        }
    }

    /// A log version has taken all records up. Emptying the file costs more than a record, so that it is done when
    /// the file is long. Blocking.
    pub(crate) fn taken_up(&mut self) -> Result<(), StoreError> {
        if self.bytes < JOURNAL_AHEAD_BYTES { Ok(()) } else { self.clear() }
    }

    /// Forgets all records, which a log version has taken up. Blocking.
    pub(crate) fn clear(&mut self) -> Result<(), StoreError> {
        self.uncut = self.bytes > 0 || self.uncut;
        self.bytes = 0;
        self.cut()
    }

    /// Cuts off what is behind the whole records; before that nothing else may be committed. Blocking.
    pub(crate) fn cut(&mut self) -> Result<(), StoreError> {
        if !self.uncut {
            return Ok(());
        }
        // Nobody knows what an open file does after a fault.
        self.file = None;
        match self.disk.truncate(&self.path, self.bytes) {
            Err(error) if error.kind() != io::ErrorKind::NotFound || self.bytes > 0 => {
                Err(StoreError::io("cut", &self.path, error))
            }
            _ => {
                self.uncut = false;
                Ok(())
            }
        }
    }

    /// The file, open for appending; its name is durable.
    fn file(&mut self) -> io::Result<&mut Box<dyn DiskFile>> {
        let file = match self.file.take() {
            Some(file) => file,
            None => {
                let file = match self.disk.append_roomy(&self.path) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        self.disk.create_roomy(&self.path)
                    }
                    opened => opened,
                }?;
                self.disk.sync_dir(self.path.parent().unwrap_or(&self.path))?;
                file
            }
        };
        Ok(self.file.insert(file))
    }
}

fn parts(record: &Record) -> Option<AheadRecord> {
    let mut parts: Vec<Vec<u8>> = record.files().map(|part| part.bytes.to_vec()).collect();
    let head = parts.pop()?;
    Some(AheadRecord { head, rows: parts })
}

/// What stands in a file of records.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Length up to the end of the last whole record.
    pub(super) bytes: u64,
    /// Where records begin that rotted.
    pub(super) damaged: Vec<u64>,
}

/// Reads the whole records of a file. What a damaged one told the spool still has. Blocking.
pub(super) fn read(disk: &dyn Disk, path: &Path, each: &mut dyn FnMut(Record)) -> Result<Found, StoreError> {
    let failed = |e| StoreError::io("read", path, e);
    let file = disk.open(path).map_err(failed)?;
    let length = file.bytes().map_err(failed)?;
    let (mut at, mut found) = (0, Found::default());
    while at < length {
        at = match read_record(file.as_ref(), at, length).map_err(failed)? {
            Some((record, next)) => {
                each(record);
                found.bytes = next;
                next
            }
            None => match behind(file.as_ref(), path, at, length)? {
                Some(next) => {
                    found.damaged.push(at);
                    next
                }
                None => break,
            },
        };
    }
    Ok(found)
}
