//! Files of the journal's records become durable where they are; then the records are needed no more.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use super::{Closed, segment_number};
use crate::store::StoreError;
use crate::store::disk::Disk;

/// Segments to settle, and who waits for it.
#[derive(Debug)]
struct Order {
    segments: Vec<Closed>,
    done: Option<Sender<()>>,
}

/// A thread that settles segments one after the other.
#[derive(Debug)]
pub(super) struct Settler {
    queue: Option<SyncSender<Order>>,
    /// Set when the store goes: what is not settled then is replayed by the next start.
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Settler {
    pub(super) fn start(disk: &Arc<dyn Disk>, dir: &Path) -> Result<Self, StoreError> {
        let (queue, orders) = sync_channel::<Order>(1);
        let stopped = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopped);
        let (disk, of, dir) = (Arc::clone(disk), dir.to_path_buf(), dir.to_path_buf());
        let settle_all = move || {
            while let Ok(Order { segments, done }) = orders.recv() {
                let files = segments.iter().flat_map(|segment| segment.files.iter().cloned()).collect();
                let paths: Vec<PathBuf> = segments.into_iter().map(|segment| segment.path).collect();
                if let Err(error) = settle(disk.as_ref(), &dir, &paths, &files, &stop) {
                    tracing::error!(%error, "the journal keeps records until the next start");
                }
                if let Some(done) = done {
                    // Who waits sees by the folder what is left.
                    let _may_be_gone = done.send(());
                }
            }
        };
        let thread = std::thread::Builder::new().name("journal".into()).spawn(settle_all);
        let thread = thread.map_err(|e| StoreError::io("start the thread of", &of, e))?;
        Ok(Self { queue: Some(queue), stopped, thread: Some(thread) })
    }

    /// Hands segments over. Puts that outrun the disk wait here, so that the journal keeps its bound.
    pub(super) fn settle(&self, segments: Vec<Closed>) {
        if let Some(queue) = &self.queue {
            // Without the thread the records stay until the next start, which replays them.
            let _replayed_later = queue.send(Order { segments, done: None });
        }
    }

    /// Settles segments and all that were handed over before, and waits for it.
    pub(super) fn settle_and_wait(&self, segments: Vec<Closed>) {
        let (done, ended) = channel();
        if let Some(queue) = &self.queue
            && queue.send(Order { segments, done: Some(done) }).is_ok()
        {
            // An error says that the thread has ended, and that records stay.
            let _seen_by_the_folder = ended.recv();
        }
    }
}

impl Drop for Settler {
    fn drop(&mut self) {
        self.queue = None;
        self.stopped.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // The folder's lock is given up after this.
            let _ended = thread.join();
        }
    }
}

/// Makes files and their names durable, then removes segments, the oldest first. A file that is not
/// there any more was removed on purpose after its record.
pub(super) fn settle(
    disk: &dyn Disk,
    dir: &Path,
    segments: &[PathBuf],
    files: &BTreeSet<PathBuf>,
    stop: &AtomicBool,
) -> Result<(), StoreError> {
    for file in files {
        if stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        match disk.append_to(file).and_then(|mut file| file.sync()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(StoreError::io("sync", file, error));
            }
            _ => {}
        }
    }
    let folders: BTreeSet<&Path> = files.iter().filter_map(|file| file.parent()).collect();
    for folder in folders {
        disk.sync_dir(folder).map_err(|e| StoreError::io("sync", folder, e))?;
    }
    for segment in segments {
        disk.remove(segment)
            .and_then(|()| disk.sync_dir(dir))
            .map_err(|e| StoreError::io("remove", segment, e))?;
    }
    Ok(())
}

/// The first segment in the folder whose number is below `fence`.
pub(super) fn first_below(disk: &dyn Disk, dir: &Path, fence: u64) -> Result<Option<PathBuf>, StoreError> {
    let names = disk.list(dir).map_err(|e| StoreError::io("list", dir, e))?;
    let below = |name: &&str| segment_number(name).is_some_and(|number| number < fence);
    Ok(names.iter().map(|entry| entry.name.as_str()).find(below).map(|name| dir.join(name)))
}
