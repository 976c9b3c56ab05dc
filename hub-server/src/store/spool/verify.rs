//! The payloads of a spool that nobody runs: all records are read, nothing is changed.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::payload::FILE_ENDING;
use super::record::Record;
use super::scan::{Scan, Stretch};
use super::{CommitOrder, reader};
use crate::store::disk::Disk;
use crate::store::verify::{Fault, Finding, Tell};
use crate::store::{StoreError, hex};

/// Payloads whose bytes the spool holds, by submission.
#[derive(Debug, Default)]
pub(crate) struct Payloads {
    held: HashMap<String, Held>,
    /// Segments with bytes that cannot be read.
    unreadable: Vec<String>,
}

#[derive(Debug)]
struct Held {
    bytes: u64,
    sha256: String,
    /// Its submission was committed when it ended.
    kept: bool,
}

impl Payloads {
    /// Length and SHA-256 (hex) of a submission's bytes.
    pub(crate) fn of(&self, id: &str) -> Option<(u64, &str)> {
        self.held.get(id).map(|held| (held.bytes, held.sha256.as_str()))
    }
    /// Submissions that were committed.
    pub(crate) fn kept(&self) -> impl Iterator<Item = &str> {
        self.held.iter().filter(|(_, held)| held.kept).map(|(id, _)| id.as_str())
    }
    /// Segments in which a payload may be that is not found.
    pub(crate) fn unreadable(&self) -> &[String] {
        &self.unreadable
    }
}

/// A submission while its records are read.
#[derive(Default)]
struct Sum {
    bytes: u64,
    hash: Sha256,
    order: Option<CommitOrder>,
    in_file: bool,
    kept: bool,
}

impl Sum {
    fn take(&mut self, offset: u64, data: &[u8]) {
        // A write whose outcome was unknown may have come twice.
        let known = usize::try_from(self.bytes.saturating_sub(offset)).unwrap_or(usize::MAX);
        if offset <= self.bytes && known < data.len() {
            self.hash.update(&data[known..]);
            self.bytes += (data.len() - known) as u64;
        }
    }
}

/// Reads all segments below `<root>/spool` and the files of large payloads. Blocking.
pub(crate) fn payloads(disk: &dyn Disk, root: &Path, tell: Tell<'_>) -> Result<Payloads, StoreError> {
    let dir = root.join("spool");
    let entries = match disk.list(&dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        listed => listed.map_err(|e| StoreError::io("list", &dir, e))?,
    };
    let mut open: HashMap<String, Sum> = HashMap::new();
    let mut payloads = Payloads::default();
    for name in entries.iter().map(|entry| &entry.name).filter(|name| name.ends_with(".segment")) {
        let path = dir.join(name);
        let whole = segment(disk, &path, &mut open, tell).map_err(|e| StoreError::io("read", &path, e))?;
        if !whole {
            payloads.unreadable.push(path.display().to_string());
        }
    }
    for (id, sum) in open {
        let path = dir.join(format!("{id}.{FILE_ENDING}"));
        let held = match sum.in_file {
            true => of_file(disk, &path, tell)?,
            false => Some(Held { bytes: sum.bytes, sha256: hex(&sum.hash.finalize()), kept: sum.kept }),
        };
        let Some(held) = held else { continue };
        let ordered = sum.order.filter(|order| !sum.kept && !order.recalled);
        if let Some(order) = ordered.filter(|order| (order.size, &order.sha256) != (held.bytes, &held.sha256))
        {
            let message = format!(
                "the payload of submission {id} is not the one that was ordered (SHA-256 {})",
                order.sha256
            );
            let file = if sum.in_file { path.as_path() } else { dir.as_path() };
            tell(Finding::Fault(Fault::of(
                file,
                message,
                "its sender has to send it again, or restore the file",
            )));
        }
        payloads.held.insert(id, held);
    }
    Ok(payloads)
}

/// Length and hash of the file of a large payload; None when it is gone, for it may have just ended.
fn of_file(disk: &dyn Disk, path: &Path, tell: Tell<'_>) -> Result<Option<Held>, StoreError> {
    let bytes = match disk.info(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        info => info.map_err(|e| StoreError::io("read", path, e))?.bytes,
    };
    let held = Held { bytes, sha256: reader::sha256(disk, path)?, kept: false };
    tell(Finding::File { bytes });
    Ok(Some(held))
}

/// Takes up the records of a segment; false when not all of its bytes could be read.
fn segment(
    disk: &dyn Disk,
    path: &Path,
    open: &mut HashMap<String, Sum>,
    tell: Tell<'_>,
) -> io::Result<bool> {
    let file = disk.open(path)?;
    let mut whole = true;
    let mut scan = Scan::of(file.as_ref())?;
    while let Some(found) = scan.next()? {
        match found {
            Stretch::Record { id, record, .. } => apply(open, id, *record),
            Stretch::Rot { at, bytes } => {
                let message = format!("{bytes} bytes at {at} are damaged");
                tell(Finding::Fault(Fault::of(path, message, "restore it from a backup")));
                whole = false;
            }
            Stretch::Torn { at, bytes } => {
                let file = path.display();
                tell(Finding::Note(format!(
                    "{file}: its last {bytes} bytes, from {at} on, are no whole record: a power cut leaves such, and nothing in them was acknowledged"
                )));
                whole = false;
            }
        }
    }
    tell(Finding::File { bytes: file.bytes()? });
    Ok(whole)
}

fn apply(open: &mut HashMap<String, Sum>, id: String, record: Record) {
    match record {
        Record::Create(header) => open.entry(id).or_default().order = header.commit,
        Record::Whole(header, data) => {
            let sum = open.entry(id).or_default();
            sum.order = header.commit;
            sum.take(0, &data);
        }
        Record::End { keep: false } => drop(open.remove(&id)),
        // The first record of a submission may be one that cannot be read: then nothing is known of it.
        more => {
            let Some(sum) = open.get_mut(&id) else { return };
            match more {
                Record::Append(offset, data) => sum.take(offset, &data),
                Record::Order(order) => sum.order = Some(order),
                Record::Promote => sum.in_file = true,
                _ => sum.kept = true,
            }
        }
    }
}
