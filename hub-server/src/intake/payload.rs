//! Where a payload's bytes are, and how the check reads them.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use hub_datasets::MediaType;
use hub_datasets::check::ReadAt;
use hub_proto::Reason;

use super::IntakeError;
use super::follow::{Follow, Follower};
use crate::store::spool::{Original, Spool};
use crate::store::{StoreError, disk};

/// Where a payload's bytes are.
#[derive(Debug, Clone)]
pub(super) enum PayloadBytes {
    Held(Bytes),
    /// In a file without a name, of a check that keeps nothing.
    Aside(Arc<File>),
    /// In the spool, under the submission's id.
    Spooled(String),
    /// Those of an earlier submission.
    Kept(Arc<Original>),
    /// On its way into the spool.
    Coming(String, Arc<Follow>),
}

impl PayloadBytes {
    /// Length of one that is in memory.
    pub(super) fn held(&self) -> Option<usize> {
        match self {
            Self::Held(bytes) => Some(bytes.len()),
            Self::Aside(_) | Self::Spooled(_) | Self::Kept(_) | Self::Coming(..) => None,
        }
    }

    /// The payload, readable at any place; a job may read it twice. Blocking.
    pub(super) fn open(&self, spool: &Spool) -> Result<Arc<dyn ReadAt>, IntakeError> {
        match self {
            Self::Held(bytes) => Ok(Arc::new(bytes.clone())),
            Self::Aside(file) => Ok(Arc::new(Nameless(Arc::clone(file)))),
            Self::Kept(original) => Ok(Arc::new(Earlier(Arc::clone(original)))),
            Self::Spooled(id) => spooled(spool, id),
            Self::Coming(id, follow) => Ok(Arc::new(Follower::new(spool.file(id)?, Arc::clone(follow)))),
        }
    }
}

/// A whole payload: a large one has a file, a small one lies in pieces that are put together in memory.
fn spooled(spool: &Spool, id: &str) -> Result<Arc<dyn ReadAt>, IntakeError> {
    match spool.file(id) {
        Ok(file) => Ok(Arc::new(Whole { file, bytes: spool.offset(id).unwrap_or_default() })),
        Err(StoreError::SubmissionUnknown { .. }) => {
            let mut bytes = Vec::new();
            spool.reader(id)?.read_to_end(&mut bytes).map_err(|error| {
                let message = format!("the spooled payload of `{id}` cannot be read: {error}");
                IntakeError::new(Reason::Internal, message)
            })?;
            Ok(Arc::new(Bytes::from(bytes)))
        }
        Err(error) => Err(error.into()),
    }
}

/// A file without a name, whole.
#[derive(Debug)]
struct Nameless(Arc<File>);

impl ReadAt for Nameless {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        FileExt::read_at(self.0.as_ref(), buffer, offset)
    }
}

/// A payload that was kept.
#[derive(Debug)]
struct Earlier(Arc<Original>);

impl ReadAt for Earlier {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.0.bytes())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(offset, buffer).map_err(io::Error::other)
    }
}

/// The file of a payload up to its durable end.
#[derive(Debug)]
struct Whole {
    file: Box<dyn disk::ReadAt>,
    bytes: u64,
}

impl ReadAt for Whole {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.bytes)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.bytes.saturating_sub(offset)).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let read = self.file.read_at(offset, &mut buffer[..wanted])?;
        if read == 0 && wanted > 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a payload's file ends early"));
        }
        Ok(read)
    }
}

/// The format that a submission declares.
pub(super) fn media_type(text: &str) -> Result<MediaType, IntakeError> {
    MediaType::named(text).ok_or_else(|| {
        let known = MediaType::ALL.map(MediaType::as_str).join(", ");
        IntakeError::new(
            Reason::MediaTypeUnsupported,
            format!("field `media_type`: `{text}` is not read here; send one of {known}"),
        )
    })
}
