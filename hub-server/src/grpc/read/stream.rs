//! Rows on their way out: one message per piece, a place held until the last, a panic caught.

use std::panic::AssertUnwindSafe;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use tonic::Status;

use crate::grpc::admission::Place;
use crate::grpc::fault::panicked;
use crate::grpc::refuse;
use crate::query::RowChunk;
use crate::read::Chunks;

/// The messages of one streamed answer.
pub(super) type Answers<T> = BoxStream<'static, Result<T, Status>>;

/// Turns pieces into messages. A stream that is not whole ends with a status, never silently.
pub(super) fn answers<T: Send + 'static>(
    chunks: Chunks,
    place: Place,
    mut message: impl FnMut(RowChunk) -> T + Send + 'static,
) -> Answers<T> {
    // `catch_unwind` ends the stream after a panic, so nothing half-done is polled again.
    let caught = AssertUnwindSafe(chunks).catch_unwind();
    caught
        .map(move |piece| {
            let _held = &place;
            match piece {
                Ok(Ok(chunk)) => Ok(message(chunk)),
                Ok(Err(error)) => Err(refuse(error.into())),
                Err(panic) => Err(panicked(panic.as_ref())),
            }
        })
        .boxed()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures::stream;
    use hub_proto::{Reason, reason_of};

    use super::*;
    use crate::grpc::admission::Admission;
    use crate::read::ReadError;

    fn piece(rows: u64) -> Result<RowChunk, ReadError> {
        Ok(RowChunk { data: Bytes::new(), rows, complete: false })
    }

    #[tokio::test]
    async fn an_error_ends_the_rows_with_its_reason() {
        let place = Admission::new().read().unwrap();
        let chunks = stream::iter([piece(1), Err(ReadError::SessionUnknown)]).boxed();
        let got: Vec<_> = answers(chunks, place, |chunk| chunk.rows).collect().await;
        assert_eq!(*got[0].as_ref().unwrap(), 1);
        assert_eq!(reason_of(got[1].as_ref().unwrap_err()), Some(Reason::RequestInvalid));
    }

    #[tokio::test]
    async fn a_panic_ends_the_rows_as_internal() {
        let place = Admission::new().read().unwrap();
        let chunks = stream::iter([1, 2]).map(|n| if n == 2 { panic!("secret") } else { piece(n) }).boxed();
        let got: Vec<_> = answers(chunks, place, |chunk| chunk.rows).collect().await;
        assert_eq!(got.len(), 2);
        let status = got[1].as_ref().unwrap_err();
        assert_eq!(reason_of(status), Some(Reason::Internal));
        assert!(!status.message().contains("secret"));
    }
}
