//! The one thread that writes segments. Writers that wait while it syncs are written together next.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

use super::book::Book;
use super::payload::Piece;
use super::record::{Encoded, Record, mark_after_sync};
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
    /// Whose records the bytes are.
    ids: Vec<String>,
    bytes: Vec<u8>,
    urgency: Urgency,
    reply: oneshot::Sender<Result<(Arc<PathBuf>, u64), StoreError>>,
}

/// When the bytes of a request become durable, and when it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Urgency {
    /// Answered when they are durable, which is at once.
    Now,
    /// Answered when they are durable, which is with the next request that is urgent.
    WithNext,
}

#[derive(Debug)]
pub(super) struct Writer {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    book: Arc<Mutex<Shared>>,
    /// Records that go with the next request.
    later: Mutex<Vec<(String, Vec<u8>)>>,
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
        Ok(Self { disk, dir, book, later: Mutex::default(), queue: Some(queue), thread: Some(thread) })
    }

    /// Writes records of a submission one after the other; durable when it returns.
    pub(super) async fn write(&self, id: &str, records: Vec<Record>) -> Result<Place, StoreError> {
        self.hand_over(id, records, Urgency::Now).await?.await
    }

    /// Leaves a record that a restart can do without to whoever writes next.
    pub(super) fn write_later(&self, id: &str, record: &Record) -> Result<(), StoreError> {
        let bytes = self.encoded(id, record)?.bytes;
        self.later.lock().unwrap_or_else(PoisonError::into_inner).push((id.to_owned(), bytes));
        Ok(())
    }

    /// Hands records over; what comes back waits until they are durable, with the next write that is or
    /// once somebody is in a hurry.
    pub(super) async fn write_with_next(
        &self,
        id: &str,
        records: Vec<Record>,
    ) -> Result<impl Future<Output = Result<Place, StoreError>> + Send + use<>, StoreError> {
        self.hand_over(id, records, Urgency::WithNext).await
    }

    /// Makes all that was handed over before durable soon. A writer that has stopped has done so.
    pub(super) async fn hurry(&self) {
        let _stopped = self.hand_over("", Vec::new(), Urgency::Now).await;
    }

    async fn hand_over(
        &self,
        id: &str,
        records: Vec<Record>,
        urgency: Urgency,
    ) -> Result<impl Future<Output = Result<Place, StoreError>> + Send + use<>, StoreError> {
        let mut bytes = Vec::new();
        let mut data = Vec::new();
        for record in &records {
            let Encoded { bytes: encoded, data_at, data_len } = self.encoded(id, record)?;
            if data_len > 0 {
                data.push(((bytes.len() + data_at) as u64, data_len as u64));
            }
            bytes.extend(encoded);
        }
        let (reply, answer) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or(StoreError::SpoolStopped)?;
        let ids = if records.is_empty() { Vec::new() } else { vec![id.to_owned()] };
        let mut request = Request { ids, bytes, urgency, reply };
        self.take_along(&mut request);
        queue.send(request).await.map_err(|_| StoreError::SpoolStopped)?;
        Ok(async move {
            let (path, start) = answer.await.map_err(|_| StoreError::SpoolStopped)??;
            let piece = |(at, bytes)| Piece::Stored { path: Arc::clone(&path), at: start + at, bytes };
            Ok(Place { data: data.into_iter().map(piece).collect() })
        })
    }

    fn encoded(&self, id: &str, record: &Record) -> Result<Encoded, StoreError> {
        let refused = |message| StoreError::Encode { file: self.dir.display().to_string(), message };
        record.encode(id).map_err(refused)
    }

    /// What was left to others goes with a request, behind its own bytes.
    fn take_along(&self, request: &mut Request) {
        let later = std::mem::take(&mut *self.later.lock().unwrap_or_else(PoisonError::into_inner));
        for (id, bytes) in later {
            request.ids.push(id);
            request.bytes.extend(bytes);
        }
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
        if let Some(queue) = self.queue.take() {
            let mut last = Request {
                ids: Vec::new(),
                bytes: Vec::new(),
                urgency: Urgency::Now,
                reply: oneshot::channel().0,
            };
            self.take_along(&mut last);
            // The records of a full queue are those that a restart can do without.
            let _full = queue.try_send(last);
        }
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
    /// So many of the bytes are durable.
    durable: u64,
    /// Who waits until the others are, and where their bytes begin.
    waiting: Vec<(Request, u64)>,
}

impl Open {
    fn append(&mut self, group: Vec<Request>) -> std::io::Result<()> {
        let mut appended = Ok(());
        for mut request in group {
            let start = self.bytes;
            if start == self.durable {
                mark_after_sync(&mut request.bytes);
            }
            if appended.is_ok() {
                appended = self.file.append(&request.bytes);
            }
            if appended.is_ok() {
                self.bytes += request.bytes.len() as u64;
            }
            self.waiting.push((request, start));
        }
        appended
    }

    fn sync(&mut self) -> std::io::Result<()> {
        if self.durable < self.bytes {
            self.file.sync()?;
            self.durable = self.bytes;
        }
        for (request, start) in self.waiting.drain(..) {
            request.answer(Ok((Arc::clone(&self.path), start)));
        }
        Ok(())
    }
}

impl Request {
    fn answer(self, answer: Result<(Arc<PathBuf>, u64), StoreError>) {
        // Who does not wait any more learns the outcome at recovery.
        let _gone = self.reply.send(answer);
    }
}

impl Segments {
    fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let mut held = None;
        while let Some(first) = held.take().or_else(|| requests.blocking_recv()) {
            let (group, over) = group(first, &mut requests);
            held = over;
            self.write(group);
        }
        if let Some(open) = self.open.take() {
            self.settle(open, true);
        }
    }

    fn write(&mut self, group: Vec<Request>) {
        let mut open = match self.segment() {
            Ok(open) => open,
            Err(error) => {
                let refused =
                    |r: Request| r.answer(Err(StoreError::io("append to", &self.dir, again(&error))));
                return group.into_iter().for_each(refused);
            }
        };
        {
            let mut shared = locked(&self.shared);
            let records = group.iter().filter(|request| !request.bytes.is_empty());
            records.flat_map(|request| &request.ids).for_each(|id| shared.book.note(id, open.number));
        }
        let urgent = group.iter().any(|request| request.urgency == Urgency::Now);
        match open.append(group) {
            Ok(()) => self.settle(open, urgent),
            Err(error) => self.give_up(open, &error),
        }
    }

    /// Syncs a segment if that is urgent or if it is full.
    fn settle(&mut self, mut open: Open, urgent: bool) {
        if (urgent || open.bytes >= self.segment_bytes)
            && let Err(error) = open.sync()
        {
            return self.give_up(open, &error);
        }
        self.open = Some(open);
    }

    /// Nobody knows what is in the file past its durable length: it is cut there, if that goes, and not
    /// used again. Reading stops at the first record that is not whole in any case.
    fn give_up(&self, open: Open, error: &std::io::Error) {
        let _best_effort = self.disk.truncate(&open.path, open.durable);
        for (request, _) in open.waiting {
            request.answer(Err(StoreError::io("append to", &open.path, again(error))));
        }
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
        let file = self.disk.create_roomy(&path)?;
        {
            let mut shared = locked(&self.shared);
            shared.book.add(number);
            shared.current = Some(number);
        }
        self.disk.sync_dir(&self.dir)?;
        let path = Arc::new(path);
        Ok(Open { file, path, number, bytes: 0, durable: 0, waiting: Vec::new() })
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
    use super::{Request, Urgency, group};
    use tokio::sync::{mpsc, oneshot};

    fn request(bytes: usize) -> Request {
        Request {
            ids: vec!["s".to_owned()],
            bytes: vec![0; bytes],
            urgency: Urgency::Now,
            reply: oneshot::channel().0,
        }
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
