//! The threads that decode and check pieces, and give them back in the order of the file.

use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Scope};

use hub_datasets::check::{Checked, Checker, Piece};

/// More than this many threads wait for the one that reads.
const THREADS_MAX: usize = 8;

pub(super) struct Crew {
    tasks: SyncSender<(u64, Piece)>,
    results: Receiver<(u64, thread::Result<Checked>)>,
    ready: BTreeMap<u64, thread::Result<Checked>>,
    submitted: u64,
    taken: u64,
    places: u64,
}

impl Crew {
    pub(super) fn start<'scope>(scope: &'scope Scope<'scope, '_>, checker: &'scope Checker) -> Self {
        let threads = thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
        // Twice the threads, so that none waits for the next piece to be read.
        let places = threads * 2;
        let (tasks, queue) = sync_channel::<(u64, Piece)>(places);
        let (done, results) = sync_channel(places);
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..threads {
            let (queue, done) = (Arc::clone(&queue), done.clone());
            scope.spawn(move || {
                loop {
                    let task = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok((number, piece)) = task else { return };
                    // A panic is handed over: the reader would wait for this piece for ever.
                    let checked = catch_unwind(AssertUnwindSafe(|| piece.check(checker)));
                    if done.send((number, checked)).is_err() {
                        return;
                    }
                }
            });
        }
        Self { tasks, results, ready: BTreeMap::new(), submitted: 0, taken: 0, places: places as u64 }
    }

    /// Pieces under way are bounded, so that memory is.
    pub(super) fn has_place(&self) -> bool {
        self.submitted - self.taken < self.places
    }

    pub(super) fn submit(&mut self, piece: Piece) -> io::Result<()> {
        self.tasks
            .send((self.submitted, piece))
            .map_err(|_| io::Error::other("the checking threads ended"))?;
        self.submitted += 1;
        Ok(())
    }

    /// The next piece in the order of the file; none when all that was submitted is back.
    pub(super) fn next(&mut self) -> io::Result<Option<Checked>> {
        if self.taken == self.submitted {
            return Ok(None);
        }
        loop {
            if let Some(checked) = self.ready.remove(&self.taken) {
                self.taken += 1;
                return checked.map(Some).map_err(|_| io::Error::other("a checking thread failed"));
            }
            let (number, checked) =
                self.results.recv().map_err(|_| io::Error::other("the checking threads ended"))?;
            self.ready.insert(number, checked);
        }
    }
}
