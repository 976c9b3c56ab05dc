//! A streamed answer as messages: one per piece, and a status at an end that is not whole.

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use sha2::{Digest as _, Sha256};
use tonic::Status;

use super::refuse;
use crate::desk::Answers as Pieces;

/// The messages of one streamed answer.
pub(super) type Answers<T> = BoxStream<'static, Result<T, Status>>;

/// Turns pieces into messages.
pub(super) fn answers<C, T>(pieces: Pieces<C>, mut message: impl FnMut(C) -> T + Send + 'static) -> Answers<T>
where
    C: Send + 'static,
    T: Send + 'static,
{
    pieces.map(move |piece| piece.map(&mut message).map_err(refuse)).boxed()
}

/// SHA-256 of the bytes of a streamed answer, told with each message.
#[derive(Debug, Default)]
pub(super) struct Sum(Sha256);

impl Sum {
    /// Of all bytes up to and with these.
    pub(super) fn with(&mut self, data: &Bytes) -> Bytes {
        self.0.update(data);
        Bytes::copy_from_slice(&self.0.clone().finalize())
    }
}
