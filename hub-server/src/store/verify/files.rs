//! Files that are read whole: data files against their entries, evidence against its name.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use parquet::file::metadata::ParquetMetaDataReader;

use super::{Fault, Finding, Inspection, RESTORE, Tell};
use crate::config::limits::VERIFY_QUEUE;
use crate::store::StoreError;
use crate::store::blocks::{self, Summed, Summing};
use crate::store::checked::CheckedFile;
use crate::store::disk::Disk;
use crate::store::file::DataChunks;
use crate::store::index::DataFile;

/// A file that is to be read.
#[derive(Debug)]
pub(crate) enum Work {
    /// Of a table.
    Data(String, Arc<DataFile>),
    Evidence(PathBuf),
}

/// Bytes of one read.
const READ_BYTES: usize = 1 << 20;

/// Reads files on all cores while `walk` names them; files that wait are few.
pub(crate) fn on_all_cores<T>(
    inspection: &Inspection,
    tell: Tell<'_>,
    walk: impl FnOnce(&mut dyn FnMut(Work)) -> T,
) -> T {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (queue, works) = sync_channel::<Work>(VERIFY_QUEUE);
    let works = Arc::new(Mutex::new(works));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let works = Arc::clone(&works);
            scope.spawn(move || {
                loop {
                    // A thread that panicked held the lock only to wait.
                    let next = works.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    match next {
                        Ok(work) => inspection.read(&work, tell),
                        Err(_) => return,
                    }
                }
            });
        }
        drop(works);
        give(queue, walk)
    })
}

/// Takes the queue, so that it is closed at the end and the threads go home.
fn give<T>(queue: SyncSender<Work>, walk: impl FnOnce(&mut dyn FnMut(Work)) -> T) -> T {
    walk(&mut |work| {
        // It fails only when all threads panicked, which the scope passes on.
        let _threads_are_gone = queue.send(work);
    })
}

impl Inspection {
    fn read(&self, work: &Work, tell: Tell<'_>) {
        let found = match work {
            Work::Data(table, file) => {
                self.data(&self.root.join("tables").join(table).join(&file.path), file)
            }
            Work::Evidence(path) => evidence(self.disk.as_ref(), path),
        };
        match found {
            Ok(bytes) => tell(Finding::File { bytes }),
            Err(fault) => tell(Finding::Fault(fault)),
        }
    }

    /// Gives the length of a data file that is as it was committed, or will be after the next start.
    fn data(&self, path: &Path, file: &Arc<DataFile>) -> Result<u64, Fault> {
        let fault = match compare(self.disk.as_ref(), path, file) {
            Ok(()) => return rows(self.disk.as_ref(), path, file).map(|()| file.bytes),
            Err(fault) => fault,
        };
        let held = self.held.read(self.disk.as_ref(), path).map_err(Fault::from)?;
        let mut summing = Summing::default();
        match held {
            Some(bytes) => summing.update(&bytes),
            None => return Err(fault),
        }
        if summing.finish().sha256 == file.sha256 { Ok(file.bytes) } else { Err(fault) }
    }
}

/// All bytes are there and those that were committed.
fn compare(disk: &dyn Disk, path: &Path, file: &DataFile) -> Result<(), Fault> {
    let wrong = |message: String| Fault::of(path, message, RESTORE);
    let summed = summed(disk, path)?;
    if summed.bytes != file.bytes {
        return Err(wrong(format!("it has {} bytes, {} were committed", summed.bytes, file.bytes)));
    }
    if summed.sha256 != file.sha256 {
        let number = summed.blocks.first_difference(&file.blocks).unwrap_or_default();
        let block = blocks::range(number, file.bytes);
        let (first, last) = (block.start, block.end.saturating_sub(1));
        return Err(wrong(format!("bytes {first} to {last} are not those that were committed")));
    }
    Ok(())
}

/// The footer can be read and counts the rows of the entry.
fn rows(disk: &dyn Disk, path: &Path, file: &Arc<DataFile>) -> Result<(), Fault> {
    let wrong = |message: String| Fault::of(path, message, RESTORE);
    let checked = CheckedFile::open(disk, path.to_path_buf(), file)?;
    let footer = ParquetMetaDataReader::new().parse_and_finish(&DataChunks::from(checked));
    let rows = footer.map_err(|e| wrong(format!("it is no Parquet file: {e}")))?.file_metadata().num_rows();
    if u64::try_from(rows) == Ok(file.rows) {
        return Ok(());
    }
    Err(wrong(format!("it holds {rows} rows, its entry in the log says {}", file.rows)))
}

/// Original bytes bear the name of their SHA-256.
fn evidence(disk: &dyn Disk, path: &Path) -> Result<u64, Fault> {
    let Summed { bytes, sha256, .. } = summed(disk, path)?;
    let named = path.file_name().is_some_and(|name| name == sha256.as_str());
    let rotten = || Fault::of(path, format!("its SHA-256 is {sha256}, not its name"), RESTORE);
    named.then_some(bytes).ok_or_else(rotten)
}

fn summed(disk: &dyn Disk, path: &Path) -> Result<Summed, Fault> {
    let sum = || {
        let file = disk.open(path)?;
        let length = usize::try_from(file.bytes()?).unwrap_or(READ_BYTES);
        let (mut summing, mut at, mut buffer) = (Summing::default(), 0, vec![0; length.clamp(1, READ_BYTES)]);
        loop {
            match file.read_at(at, &mut buffer)? {
                0 => return Ok(summing.finish()),
                read => {
                    summing.update(&buffer[..read]);
                    at += read as u64;
                }
            }
        }
    };
    sum().map_err(|error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Fault::of(path, "the file is gone".to_owned(), RESTORE),
        _ => StoreError::io("read", path, error).into(),
    })
}
