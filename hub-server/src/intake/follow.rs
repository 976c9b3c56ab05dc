//! Reading a payload while it still comes: the reader waits for bytes that are not there yet.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use hub_datasets::check::ReadAt;

use crate::store::disk;

/// How far a payload has come, shared by who receives it and who reads along.
#[derive(Debug)]
pub(super) struct Follow {
    size: u64,
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Bytes that may be read.
    Received(u64),
    /// No more will come from here, and what came may be cut back.
    Broken,
}

impl Follow {
    /// A payload of `size` bytes of which nothing may be read yet.
    pub(super) fn new(size: u64) -> Arc<Self> {
        Arc::new(Self { size, state: Mutex::new(State::Received(0)), moved: Condvar::new() })
    }

    /// Bytes up to this offset are in the file. A payload that was broken stays so.
    pub(super) fn advance(&self, received: u64) {
        let mut state = self.state();
        if let State::Received(before) = *state {
            *state = State::Received(before.max(received));
            self.moved.notify_all();
        }
    }

    /// Readers fail from now on, unless all bytes are there.
    pub(super) fn break_off(&self) {
        let mut state = self.state();
        if *state != State::Received(self.size) {
            *state = State::Broken;
            self.moved.notify_all();
        }
    }

    /// Waits until there are bytes past `at`; gives the offset that may be read up to.
    fn wait_past(&self, at: u64) -> io::Result<u64> {
        let mut state = self.state();
        loop {
            match *state {
                State::Received(received) if received > at || received >= self.size => return Ok(received),
                State::Received(_) => {
                    state = self.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
                State::Broken => return Err(io::Error::other("the payload stopped coming")),
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The file of a payload up to its announced end; a read waits for bytes that are not there yet.
#[derive(Debug)]
pub(super) struct Follower {
    file: Box<dyn disk::ReadAt>,
    follow: Arc<Follow>,
}

impl Follower {
    pub(super) fn new(file: Box<dyn disk::ReadAt>, follow: Arc<Follow>) -> Self {
        Self { file, follow }
    }
}

impl ReadAt for Follower {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.follow.size)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let until = self.follow.wait_past(offset)?;
        let there = usize::try_from(until.saturating_sub(offset)).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(there);
        let read = self.file.read_at(offset, &mut buffer[..wanted])?;
        if read == 0 && wanted > 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a payload's file ends early"));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// A file that holds its own offsets.
    #[derive(Debug)]
    struct Counted;

    impl disk::ReadAt for Counted {
        fn bytes(&self) -> io::Result<u64> {
            Ok(256)
        }
        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
            for (place, byte) in buffer.iter_mut().enumerate() {
                *byte = (offset as usize + place) as u8;
            }
            Ok(buffer.len())
        }
    }

    #[test]
    fn a_reader_gets_every_byte_once_however_they_come() {
        let follow = Follow::new(200);
        let follower = Follower::new(Box::new(Counted), Arc::clone(&follow));
        let reader = thread::spawn(move || {
            let mut all = Vec::new();
            let mut some = [0; 64];
            loop {
                match follower.read_at(all.len() as u64, &mut some)? {
                    0 => return io::Result::Ok(all),
                    read => all.extend_from_slice(&some[..read]),
                }
            }
        });
        [7, 7, 3, 150, 200].into_iter().for_each(|received| follow.advance(received));
        // Whole is whole: nothing that happens later takes it back.
        follow.break_off();
        assert_eq!(reader.join().unwrap().unwrap(), (0..200).collect::<Vec<u8>>());
    }

    #[test]
    fn a_payload_that_stops_coming_is_an_error_and_stays_one() {
        let follow = Follow::new(200);
        let follower = Follower::new(Box::new(Counted), Arc::clone(&follow));
        follow.advance(10);
        assert_eq!(follower.read_at(0, &mut [0; 64]).unwrap(), 10);
        let reader = thread::spawn(move || follower.read_at(10, &mut [0; 1]));
        follow.break_off();
        follow.advance(200);
        assert!(reader.join().unwrap().is_err());
    }
}
