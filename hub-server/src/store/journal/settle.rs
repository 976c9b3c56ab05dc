//! Files of the journal's records become durable where they are; then the records are needed no more.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::Closed;
use crate::store::StoreError;
use crate::store::disk::Disk;

/// A thread that settles segments one after the other.
#[derive(Debug)]
pub(super) struct Settler {
    queue: Option<SyncSender<Vec<Closed>>>,
    /// Set when the store goes: what is not settled then is replayed by the next start.
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Settler {
    pub(super) fn start(disk: &Arc<dyn Disk>, dir: &Path) -> Result<Self, StoreError> {
        let (queue, segments) = sync_channel::<Vec<Closed>>(1);
        let stopped = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopped);
        let (disk, of, dir) = (Arc::clone(disk), dir.to_path_buf(), dir.to_path_buf());
        let settle_all = move || {
            while let Ok(segments) = segments.recv() {
                let files = segments.iter().flat_map(|segment| segment.files.iter().cloned()).collect();
                let paths: Vec<PathBuf> = segments.into_iter().map(|segment| segment.path).collect();
                if let Err(error) = settle(disk.as_ref(), &dir, &paths, &files, &stop) {
                    tracing::error!(%error, "the journal keeps records until the next start");
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
            let _replayed_later = queue.send(segments);
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
