//! Frames over a socket: a kind, a length and a body. What was read or written of a frame is kept here and not in a
//! future, so that a wait can be given up at any moment and the next one goes on.

use std::io;

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::Interest;
use tokio::net::UnixStream;

use crate::config::limits::QUERY_FRAME_BYTES;

const HEAD_BYTES: usize = 5;
/// Room that is made for what comes next.
const READ_BYTES: usize = 64 << 10;

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Hub, first: [`super::wire::Setup`].
    Setup = 1,
    /// Hub: a statement, as text, of which the tables are asked for.
    Names = 2,
    /// Hub: [`super::wire::Job`] behind its length, then a table as an Arrow stream if it comes with one.
    Job = 3,
    /// Hub: [`super::wire::Answer`] to the last question.
    Answer = 4,
    /// Hub: nobody wants the rows any more.
    Cancel = 5,
    /// Worker: names of tables.
    Named = 6,
    /// Worker: [`super::wire::Question`] about files.
    Question = 7,
    /// Worker: [`super::wire::Head`], once the plan stands.
    Head = 8,
    /// Worker: rows so far, whether it is the last piece, and bytes of the answer.
    Rows = 9,
    /// Worker: why there are no (more) rows.
    Failed = 10,
    /// Worker: what was asked for has ended and holds nothing any more.
    Done = 11,
}

impl Kind {
    const ALL: [Self; 11] = [
        Self::Setup,
        Self::Names,
        Self::Job,
        Self::Answer,
        Self::Cancel,
        Self::Named,
        Self::Question,
        Self::Head,
        Self::Rows,
        Self::Failed,
        Self::Done,
    ];
}

/// One end of the socket between hub and worker.
#[derive(Debug)]
pub(super) struct Line {
    socket: UnixStream,
    incoming: BytesMut,
    outgoing: BytesMut,
}

impl Line {
    pub(super) fn new(socket: UnixStream) -> Self {
        Self { socket, incoming: BytesMut::new(), outgoing: BytesMut::new() }
    }

    /// The next frame; None when the other side has closed between two. What waits to be written goes first.
    pub(super) async fn read(&mut self) -> io::Result<Option<(Kind, Bytes)>> {
        loop {
            if let Some(frame) = self.frame()? {
                return Ok(Some(frame));
            }
            if !self.outgoing.is_empty() {
                self.flush().await?;
                continue;
            }
            self.socket.readable().await?;
            match self.receive() {
                Ok(0) if self.incoming.is_empty() => return Ok(None),
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                _ => {}
            }
        }
    }

    /// Puts a frame behind those that wait to be written.
    pub(super) fn put(&mut self, kind: Kind, body: &[u8]) -> io::Result<()> {
        self.put_parts(kind, &[body])
    }

    /// A frame whose body lies in parts.
    pub(super) fn put_parts(&mut self, kind: Kind, parts: &[&[u8]]) -> io::Result<()> {
        let bytes: usize = parts.iter().map(|part| part.len()).sum();
        let length = u32::try_from(bytes).ok().filter(|_| bytes <= QUERY_FRAME_BYTES).ok_or_else(|| {
            io::Error::other(format!("a frame of {bytes} bytes; at most {QUERY_FRAME_BYTES}"))
        })?;
        self.outgoing.put_u8(kind as u8);
        self.outgoing.put_u32_le(length);
        parts.iter().for_each(|part| self.outgoing.put_slice(part));
        Ok(())
    }

    pub(super) fn put_json(&mut self, kind: Kind, body: &impl Serialize) -> io::Result<()> {
        self.put(kind, &serde_json::to_vec(body)?)
    }

    /// Writes what waits, and reads meanwhile: else two that write to each other would wait for ever.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        while !self.outgoing.is_empty() {
            match self.socket.try_write(&self.outgoing) {
                Ok(written) => {
                    self.outgoing.advance(written);
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            let full = self.incoming.len() >= QUERY_FRAME_BYTES;
            let wanted = if full { Interest::WRITABLE } else { Interest::READABLE | Interest::WRITABLE };
            let ready = self.socket.ready(wanted).await?;
            if ready.is_readable() && !full {
                match self.receive() {
                    Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                    Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn receive(&mut self) -> io::Result<usize> {
        self.incoming.reserve(READ_BYTES);
        self.socket.try_read_buf(&mut self.incoming)
    }

    /// A frame that has been read whole.
    pub(super) fn frame(&mut self) -> io::Result<Option<(Kind, Bytes)>> {
        let Some(([kind, length @ ..], rest)) = self.incoming.split_first_chunk::<HEAD_BYTES>() else {
            return Ok(None);
        };
        let length = u32::from_le_bytes(*length) as usize;
        let kind = Kind::ALL.into_iter().find(|known| *known as u8 == *kind);
        let (Some(kind), true) = (kind, length <= QUERY_FRAME_BYTES) else { return Err(unexpected()) };
        if rest.len() < length {
            return Ok(None);
        }
        self.incoming.advance(HEAD_BYTES);
        Ok(Some((kind, self.incoming.split_to(length).freeze())))
    }
}

/// The body of a frame that holds JSON.
pub(super) fn parsed<T: DeserializeOwned>(body: &[u8]) -> io::Result<T> {
    Ok(serde_json::from_slice(body)?)
}

pub(super) fn unexpected() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "no frame that is expected here")
}
