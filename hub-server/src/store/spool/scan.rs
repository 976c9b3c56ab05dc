//! A segment read record by record, and what of it cannot be read.

use std::io;
use std::path::Path;

use super::record::{self, FRAME_BYTES, Record, body_length, decode, is_after_sync};
use crate::store::disk::{ReadAt, is_room};

/// What stands at a place of a segment.
#[derive(Debug)]
pub(super) enum Stretch {
    Record {
        id: String,
        record: Box<Record>,
        /// Where in the segment the payload's bytes begin.
        data_at: u64,
        /// Where it ends.
        end: u64,
    },
    /// Bytes that are no whole record and were durable, for a later record says so: they rotted.
    Rot { at: u64, bytes: u64 },
    /// Bytes at the end that are no whole record: a write that was cut off leaves such, and so does rot of
    /// the last record.
    Torn { at: u64, bytes: u64 },
}

impl Stretch {
    /// Where it ends.
    pub(super) fn end(&self) -> u64 {
        match self {
            Self::Record { end, .. } => *end,
            Self::Rot { at, bytes } | Self::Torn { at, bytes } => at + bytes,
        }
    }

    /// Tells of what cannot be read.
    pub(super) fn log(&self, segment: &Path) {
        let file = segment.display();
        match self {
            Self::Record { .. } => {}
            Self::Rot { at, bytes } => {
                tracing::error!(%file, at, bytes, "the spool segment is damaged; stop the server and see with `hub-server verify data` what was lost");
            }
            Self::Torn { at, bytes } => {
                tracing::warn!(%file, at, bytes, "the spool segment ends in a record that is not whole; it was never acknowledged");
            }
        }
    }
}

pub(super) struct Scan<'a> {
    file: &'a dyn ReadAt,
    at: u64,
    length: u64,
}

impl<'a> Scan<'a> {
    pub(super) fn of(file: &'a dyn ReadAt) -> io::Result<Self> {
        Ok(Self { file, at: 0, length: file.bytes()? })
    }

    /// The next record, or bytes that are none; None at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Stretch>> {
        let at = self.at;
        if at >= self.length {
            return Ok(None);
        }
        if let Some((found, next)) = self.record(at)? {
            self.at = next;
            return Ok(Some(found));
        }
        if is_room(self.file, at)? {
            self.at = self.length;
            return Ok(None);
        }
        if let Some(next) = self.synced_behind(at)? {
            self.at = next;
            return Ok(Some(Stretch::Rot { at, bytes: next - at }));
        }
        self.at = self.length;
        Ok(Some(Stretch::Torn { at, bytes: self.length - at }))
    }

    /// Where whole records go on behind bytes that are none, if one of them says that these were durable.
    /// Lengths lead on over records that are not whole, as long as they make sense.
    fn synced_behind(&self, at: u64) -> io::Result<Option<u64>> {
        let (mut first, mut behind) = (None, self.end_of(at)?);
        while let Some(next) = behind.filter(|next| *next < self.length) {
            if self.record(next)?.is_some() {
                first = first.or(Some(next));
                if self.frame(next)?.is_some_and(|frame| is_after_sync(&frame)) {
                    return Ok(first);
                }
            }
            behind = self.end_of(next)?;
        }
        Ok(None)
    }

    fn frame(&self, at: u64) -> io::Result<Option<[u8; FRAME_BYTES as usize]>> {
        if at + FRAME_BYTES > self.length {
            return Ok(None);
        }
        let mut frame = [0; FRAME_BYTES as usize];
        self.file.read_exact_at(at, &mut frame)?;
        Ok(Some(frame))
    }

    /// Where the record behind the one at a place begins, as its frame says.
    fn end_of(&self, at: u64) -> io::Result<Option<u64>> {
        let length = self.frame(at)?.and_then(|frame| body_length(&frame));
        Ok(length.map(|length| record::end_of(at, length)).filter(|end| *end <= self.length))
    }

    /// The record at a place and where the next one begins; None when it is not whole.
    fn record(&self, at: u64) -> io::Result<Option<(Stretch, u64)>> {
        let (Some(frame), Some(end)) = (self.frame(at)?, self.end_of(at)?) else { return Ok(None) };
        let Some(length) = body_length(&frame) else { return Ok(None) };
        let begins = at + FRAME_BYTES;
        let mut body = vec![0; usize::try_from(end - begins).map_err(io::Error::other)?];
        self.file.read_exact_at(begins, &mut body)?;
        let filling = body.split_off(usize::try_from(length).map_err(io::Error::other)?);
        if filling.iter().any(|byte| *byte != 0) {
            return Ok(None);
        }
        Ok(decode(&frame, &body).map(|(id, record, data_at)| {
            let record = Box::new(record);
            (Stretch::Record { id, record, data_at: begins + data_at as u64, end }, end)
        }))
    }
}
