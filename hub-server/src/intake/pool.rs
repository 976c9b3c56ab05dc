//! A few threads for one payload: tasks go in numbered, results come back in any order and are put
//! back into order by their numbers.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Scope};

/// Threads that run tasks of one kind of work, at most `capacity` of them at once.
pub(super) struct Pool<'scope, T, R> {
    hands: Hands<'scope, T, R>,
    /// Results that came in while a task waited for its place.
    early: VecDeque<R>,
    capacity: usize,
    under_way: usize,
}

enum Hands<'scope, T, R> {
    Threads {
        tasks: SyncSender<T>,
        results: Receiver<thread::Result<R>>,
    },
    /// The caller's own thread: a small payload is not worth another.
    Own(Box<dyn Fn(T) -> R + 'scope>),
}

impl<'scope, T: Send, R: Send> Pool<'scope, T, R> {
    /// Starts `threads` threads that run `work` until the pool is dropped; one is the caller's own.
    pub(super) fn start<'env, W>(
        scope: &'scope Scope<'scope, 'env>,
        threads: usize,
        capacity: usize,
        work: W,
    ) -> Self
    where
        W: Fn(T) -> R + Send + Sync + 'scope,
        T: 'scope,
        R: 'scope,
    {
        if threads <= 1 {
            let hands = Hands::Own(Box::new(work));
            return Self { hands, early: VecDeque::new(), capacity, under_way: 0 };
        }
        let (task_sender, task_receiver) = sync_channel::<T>(capacity);
        let (result_sender, result_receiver) = sync_channel::<thread::Result<R>>(capacity);
        let task_receiver = Arc::new(Mutex::new(task_receiver));
        let work = Arc::new(work);
        for _ in 0..threads {
            let (tasks, results, work) =
                (Arc::clone(&task_receiver), result_sender.clone(), Arc::clone(&work));
            scope.spawn(move || run(&tasks, &results, &*work));
        }
        let hands = Hands::Threads { tasks: task_sender, results: result_receiver };
        Self { hands, early: VecDeque::new(), capacity, under_way: 0 }
    }

    /// Hands a task to the threads, waiting for a place among those under way. Neither channel can
    /// fill up, so nobody waits for somebody who waits for him.
    pub(super) fn submit(&mut self, task: T) {
        while self.under_way >= self.capacity
            && let Some(result) = self.receive()
        {
            self.early.push_back(result);
        }
        match &self.hands {
            Hands::Own(work) => self.early.push_back(work(task)),
            // The threads end with the pool alone: a panic is caught and comes back as a result.
            Hands::Threads { tasks, .. } => self.under_way += usize::from(tasks.send(task).is_ok()),
        }
    }

    /// The next result, whichever is first. None when nothing is under way.
    pub(super) fn next(&mut self) -> Option<R> {
        self.ready().or_else(|| self.receive())
    }

    /// A result that is there already, without waiting for one.
    pub(super) fn poll(&mut self) -> Option<R> {
        if let Some(early) = self.early.pop_front() {
            return Some(early);
        }
        let Hands::Threads { results, .. } = &self.hands else { return None };
        let result = results.try_recv().ok()?;
        self.under_way -= 1;
        match result {
            Ok(result) => Some(result),
            Err(panic) => resume_unwind(panic),
        }
    }

    /// A result that came in while a task waited for its place.
    pub(super) fn ready(&mut self) -> Option<R> {
        self.early.pop_front()
    }

    /// Waits for a result; a thread's panic goes on in the caller.
    fn receive(&mut self) -> Option<R> {
        let Hands::Threads { results, .. } = &self.hands else { return None };
        if self.under_way == 0 {
            return None;
        }
        self.under_way -= 1;
        match results.recv().ok()? {
            Ok(result) => Some(result),
            Err(panic) => resume_unwind(panic),
        }
    }

    /// True while another task would not have to wait.
    pub(super) fn has_place(&self) -> bool {
        match self.hands {
            Hands::Threads { .. } => self.under_way < self.capacity,
            Hands::Own(_) => self.early.is_empty(),
        }
    }
}

fn run<T, R>(tasks: &Mutex<Receiver<T>>, results: &SyncSender<thread::Result<R>>, work: &impl Fn(T) -> R) {
    loop {
        let task = tasks.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(task) = task else { return };
        // A panic must not cost the waiting side its result, or it would wait for ever.
        if results.send(catch_unwind(AssertUnwindSafe(|| work(task)))).is_err() {
            return;
        }
    }
}

/// Puts numbered things back into order.
#[derive(Debug)]
pub(super) struct InOrder<R> {
    next: u64,
    waiting: BTreeMap<u64, R>,
}

impl<R> InOrder<R> {
    pub(super) fn new() -> Self {
        Self { next: 0, waiting: BTreeMap::new() }
    }

    pub(super) fn put(&mut self, number: u64, thing: R) {
        self.waiting.insert(number, thing);
    }

    /// How many have had their turn.
    pub(super) fn taken(&self) -> u64 {
        self.next
    }

    /// The thing whose turn it is.
    pub(super) fn take(&mut self) -> Option<R> {
        let thing = self.waiting.remove(&self.next)?;
        self.next += 1;
        Some(thing)
    }
}
