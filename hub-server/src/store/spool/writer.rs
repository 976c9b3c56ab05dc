//! The one thread that writes segments. Writers that wait while it syncs are written together next.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

use super::book::Book;
use super::payload::Piece;
use super::record::{Encoded, Record};
use crate::config::limits::{SPOOL_GROUP_BYTES, SPOOL_QUEUE};
use crate::store::disk::{Disk, DiskFile};
use crate::store::{StoreError, blocking};

/// Where the payload's bytes of a write lie.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) data: Vec<Piece>,
}

#[derive(Debug)]
struct Request {
    id: String,
    bytes: Vec<u8>,
    /// The answer waits until the bytes are durable.
    sync: bool,
    reply: oneshot::Sender<Result<(Arc<PathBuf>, u64), StoreError>>,
}

#[derive(Debug)]
pub(super) struct Writer {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    book: Arc<Mutex<Shared>>,
    queue: Option<mpsc::Sender<Request>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    book: Book,
    current: Option<u64>,
}

fn locked(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn segment_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:012}.segment"))
}

impl Writer {
    pub(super) fn start(
        disk: Arc<dyn Disk>,
        dir: PathBuf,
        book: Book,
        segment_bytes: u64,
    ) -> Result<Self, StoreError> {
        let next = book.newest().map_or(0, |n| n + 1);
        let book = Arc::new(Mutex::new(Shared { book, current: None }));
        let (queue, requests) = mpsc::channel(SPOOL_QUEUE);
        let segments = Segments {
            disk: Arc::clone(&disk),
            dir: dir.clone(),
            shared: Arc::clone(&book),
            segment_bytes,
            next,
            open: None,
        };
        let thread = std::thread::Builder::new()
            .name("spool".into())
            .spawn(move || segments.run(requests))
            .map_err(|e| StoreError::io("start the writer of", &dir, e))?;
        Ok(Self { disk, dir, book, queue: Some(queue), thread: Some(thread) })
    }

    /// Writes records of a submission one after the other; durable when it returns.
    pub(super) async fn write(&self, id: &str, records: Vec<Record>) -> Result<Place, StoreError> {
        self.hand_over(id, records, true).await
    }

    /// As `write`, durable with the next write that is: for records that a restart can do without.
    pub(super) async fn write_lazily(&self, id: &str, records: Vec<Record>) -> Result<Place, StoreError> {
        self.hand_over(id, records, false).await
    }

    async fn hand_over(&self, id: &str, records: Vec<Record>, sync: bool) -> Result<Place, StoreError> {
        let mut bytes = Vec::new();
        let mut data = Vec::new();
        for record in &records {
            let refused = |message| StoreError::Encode { file: self.dir.display().to_string(), message };
            let Encoded { bytes: encoded, data_at, data_len } = record.encode(id).map_err(refused)?;
            if data_len > 0 {
                data.push(((bytes.len() + data_at) as u64, data_len as u64));
            }
            bytes.extend(encoded);
        }
        let (reply, answer) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or(StoreError::SpoolStopped)?;
        let request = Request { id: id.to_owned(), bytes, sync, reply };
        queue.send(request).await.map_err(|_| StoreError::SpoolStopped)?;
        let (path, start) = answer.await.map_err(|_| StoreError::SpoolStopped)??;
        let piece = |(at, bytes)| Piece::Stored { path: Arc::clone(&path), at: start + at, bytes };
        Ok(Place { data: data.into_iter().map(piece).collect() })
    }

    /// A submission has ended and its records are needed no more: removes the segments that nobody needs.
    pub(super) async fn forget(&self, id: &str) -> Result<(), StoreError> {
        let free = {
            let mut shared = locked(&self.book);
            shared.book.end(id);
            let current = shared.current;
            shared.book.reclaim(current)
        };
        if free.is_empty() {
            return Ok(());
        }
        let (disk, dir) = (Arc::clone(&self.disk), self.dir.clone());
        blocking(move || remove_segments(disk.as_ref(), &dir, free)).await
    }
}

/// Each removal is durable before the next, so that no record comes back without the one that ends it.
pub(super) fn remove_segments(disk: &dyn Disk, dir: &Path, numbers: Vec<u64>) -> Result<(), StoreError> {
    for number in numbers {
        let path = segment_path(dir, number);
        disk.remove(&path)
            .and_then(|()| disk.sync_dir(dir))
            .map_err(|e| StoreError::io("remove the segment", &path, e))?;
    }
    Ok(())
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // What waits is still written before the folder's lock is given up.
            let _ended = thread.join();
        }
    }
}

/// State of the thread.
struct Segments {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    shared: Arc<Mutex<Shared>>,
    /// A longer segment is closed.
    segment_bytes: u64,
    next: u64,
    open: Option<Open>,
}

struct Open {
    file: Box<dyn DiskFile>,
    path: Arc<PathBuf>,
    number: u64,
    bytes: u64,
}

impl Segments {
    fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let mut held = None;
        while let Some(first) = held.take().or_else(|| requests.blocking_recv()) {
            let (group, over) = group(first, &mut requests);
            held = over;
            self.write(group);
        }
    }

    fn write(&mut self, group: Vec<Request>) {
        let written = self.write_group(&group);
        let mut start = match &written {
            Ok((_, start)) => *start,
            Err(_) => 0,
        };
        for request in group {
            let answer = match &written {
                Ok((path, _)) => Ok((Arc::clone(path), start)),
                Err((path, error)) => Err(StoreError::io("append to", path, again(error))),
            };
            start += request.bytes.len() as u64;
            // Who does not wait any more learns the outcome at recovery.
            let _gone = request.reply.send(answer);
        }
    }

    fn write_group(&mut self, group: &[Request]) -> Result<(Arc<PathBuf>, u64), (PathBuf, std::io::Error)> {
        let mut open = self.segment().map_err(|e| (self.dir.clone(), e))?;
        {
            let mut shared = locked(&self.shared);
            group.iter().for_each(|request| shared.book.note(&request.id, open.number));
        }
        let appended = group.iter().try_for_each(|request| open.file.append(&request.bytes));
        let to_sync = group.iter().any(|request| request.sync);
        let synced = appended.and_then(|()| if to_sync { open.file.sync() } else { Ok(()) });
        if let Err(error) = synced {
            // Nobody knows what is in the file past its good length: it is cut there, if that goes, and
            // not used again. Reading stops at the first record that is not whole in any case.
            let _best_effort = self.disk.truncate(&open.path, open.bytes);
            return Err((open.path.to_path_buf(), error));
        }
        let start = open.bytes;
        open.bytes += group.iter().map(|request| request.bytes.len() as u64).sum::<u64>();
        let path = Arc::clone(&open.path);
        self.open = Some(open);
        Ok((path, start))
    }

    /// The segment that has room, or a new one whose name is durable.
    fn segment(&mut self) -> std::io::Result<Open> {
        if let Some(open) = self.open.take().filter(|o| o.bytes < self.segment_bytes) {
            return Ok(open);
        }
        let number = self.next;
        let path = segment_path(&self.dir, number);
        // A number is used once, even if nobody knows whether the file was made.
        self.next += 1;
        let file = self.disk.create(&path)?;
        {
            let mut shared = locked(&self.shared);
            shared.book.add(number);
            shared.current = Some(number);
        }
        self.disk.sync_dir(&self.dir)?;
        Ok(Open { file, path: Arc::new(path), number, bytes: 0 })
    }
}

/// What waits and is written with the first one, and the request that is too long to come along.
fn group(first: Request, requests: &mut mpsc::Receiver<Request>) -> (Vec<Request>, Option<Request>) {
    let mut bytes = first.bytes.len();
    let mut group = vec![first];
    while group.len() < SPOOL_QUEUE {
        let Ok(next) = requests.try_recv() else { break };
        bytes += next.bytes.len();
        if bytes > SPOOL_GROUP_BYTES {
            return (group, Some(next));
        }
        group.push(next);
    }
    (group, None)
}

/// The same error for each writer of the group.
fn again(error: &std::io::Error) -> std::io::Error {
    match error.raw_os_error() {
        Some(code) => std::io::Error::from_raw_os_error(code),
        None => std::io::Error::new(error.kind(), error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Request, group};
    use tokio::sync::{mpsc, oneshot};

    fn request(bytes: usize) -> Request {
        Request { id: "s".to_owned(), bytes: vec![0; bytes], sync: true, reply: oneshot::channel().0 }
    }

    #[test]
    fn a_group_has_a_bound_and_nothing_is_lost() {
        let (sender, mut requests) = mpsc::channel(8);
        for bytes in [4 << 20, 4 << 20, 9 << 20, 1] {
            sender.try_send(request(bytes)).unwrap();
        }
        let first = requests.try_recv().unwrap();
        let (together, held) = group(first, &mut requests);
        assert_eq!(together.len(), 2);
        let (alone, held) = group(held.unwrap(), &mut requests);
        assert_eq!(alone.iter().map(|r| r.bytes.len()).collect::<Vec<_>>(), [9 << 20]);
        let (last, held) = group(held.unwrap(), &mut requests);
        assert_eq!((last.len(), held.is_none()), (1, true));
    }
}
