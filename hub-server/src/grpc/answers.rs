//! A streamed answer on its way out: one message per piece, a place held until the last, a panic caught, and a
//! reader that takes nothing left behind.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use hub_proto::Reason;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::task::AbortOnDropHandle;
use tonic::Status;

use crate::config::limits;
use crate::error::HubError;
use crate::grpc::admission::Place;
use crate::grpc::fault::panicked;
use crate::grpc::refuse;

/// The messages of one streamed answer.
pub(super) type Answers<T> = BoxStream<'static, Result<T, Status>>;

/// What a room streams.
type Pieces<C, E> = BoxStream<'static, Result<C, E>>;

/// A piece, or what ends the stream: an error, or a panic.
type Piece<C, E> = Result<Result<C, E>, Box<dyn Any + Send>>;

/// Turns pieces into messages. A stream that is not whole ends with a status, never silently.
pub(super) fn answers<C, E, T>(
    chunks: Pieces<C, E>,
    place: Place,
    message: impl FnMut(C) -> T + Send + 'static,
) -> Answers<T>
where
    C: Send + 'static,
    E: Into<HubError> + Send + 'static,
    T: Send + 'static,
{
    answers_within(limits::READ_STALL, chunks, place, message)
}

/// The transport does not look at an answer whose reader takes nothing, so the pieces are handed over by
/// a task, which gives place and rows back when a message stays untaken.
fn answers_within<C, E, T>(
    patience: Duration,
    chunks: Pieces<C, E>,
    place: Place,
    mut message: impl FnMut(C) -> T + Send + 'static,
) -> Answers<T>
where
    C: Send + 'static,
    E: Into<HubError> + Send + 'static,
    T: Send + 'static,
{
    let (sender, pieces) = mpsc::channel(1);
    let (stalled, stall) = oneshot::channel();
    let task = AbortOnDropHandle::new(tokio::spawn(async move {
        let _held = place;
        if !hand_over(chunks, &sender, patience).await {
            // A reader that is gone needs no telling.
            let _ = stalled.send(untaken(patience));
        }
    }));
    let told =
        stream::once(stall).filter_map(|stall| async move { stall.ok().map(|error| Err(refuse(error))) });
    ReceiverStream::new(pieces)
        .map(move |piece: Piece<C, E>| {
            // The work ends with the last who waits for it.
            let _running = &task;
            match piece {
                Ok(Ok(chunk)) => Ok(message(chunk)),
                Ok(Err(error)) => Err(refuse(error.into())),
                Err(panic) => Err(panicked(panic.as_ref())),
            }
        })
        .chain(told)
        .boxed()
}

/// Sends pieces on until the last; false when one was not taken in time.
async fn hand_over<C: Send, E: Send>(
    chunks: Pieces<C, E>,
    sender: &mpsc::Sender<Piece<C, E>>,
    patience: Duration,
) -> bool {
    // `catch_unwind` ends the stream after a panic, so nothing half-done is polled again.
    let mut caught = AssertUnwindSafe(chunks).catch_unwind();
    while let Some(piece) = caught.next().await {
        let sent = sender.send(piece);
        match tokio::time::timeout(patience, sent).await {
            Ok(Ok(())) => {}
            // Nobody listens any more.
            Ok(Err(_)) => return true,
            Err(_) => return false,
        }
    }
    true
}

fn untaken(patience: Duration) -> HubError {
    let seconds = patience.as_secs_f64();
    let message = format!(
        "nothing was taken for {seconds} s; take messages as they come, an ARROW session or a payload goes on at the last offset"
    );
    HubError::new(Reason::DeadlineExceeded, message)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use hub_proto::reason_of;

    use super::*;
    use crate::grpc::admission::Admission;
    use crate::query::RowChunk;
    use crate::read::ReadError;

    fn piece(rows: u64) -> Result<RowChunk, ReadError> {
        Ok(RowChunk { data: Bytes::new(), rows, complete: false })
    }

    fn place() -> Place {
        Admission::new().read("mf").unwrap()
    }

    #[tokio::test]
    async fn an_error_ends_the_rows_with_its_reason() {
        let chunks = stream::iter([piece(1), Err(ReadError::SessionUnknown)]).boxed();
        let got: Vec<_> = answers(chunks, place(), |chunk| chunk.rows).collect().await;
        assert_eq!(*got[0].as_ref().unwrap(), 1);
        assert_eq!(reason_of(got[1].as_ref().unwrap_err()), Some(Reason::RequestInvalid));
    }

    #[tokio::test]
    async fn a_panic_ends_the_rows_as_internal() {
        let chunks = stream::iter([1, 2]).map(|n| if n == 2 { panic!("secret") } else { piece(n) }).boxed();
        let got: Vec<_> = answers(chunks, place(), |chunk| chunk.rows).collect().await;
        assert_eq!(got.len(), 2);
        let status = got[1].as_ref().unwrap_err();
        assert_eq!(reason_of(status), Some(Reason::Internal));
        assert!(!status.message().contains("secret"));
    }

    #[tokio::test]
    async fn a_reader_that_takes_nothing_loses_its_place_and_is_told() {
        let admission = Admission::with(1, 1);
        let place = admission.read("mf").unwrap();
        let chunks = stream::iter((1..=9).map(piece)).boxed();
        let patience = Duration::from_millis(20);
        let answers = answers_within(patience, chunks, place, |chunk| chunk.rows);
        while admission.read("mf").is_err() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let got: Vec<_> = answers.collect().await;
        assert_eq!(*got[0].as_ref().unwrap(), 1);
        assert_eq!(got.len(), 2, "what was made ready, then the error");
        let status = got[1].as_ref().unwrap_err();
        assert_eq!(reason_of(status), Some(Reason::DeadlineExceeded));
        assert!(status.message().contains("0.02 s"), "{}", status.message());
    }

    #[tokio::test]
    async fn a_reader_that_leaves_ends_the_work() {
        let admission = Admission::with(1, 1);
        let place = admission.read("mf").unwrap();
        let endless = stream::pending::<Result<RowChunk, ReadError>>().boxed();
        drop(answers(endless, place, |chunk| chunk.rows));
        while admission.read("mf").is_err() {
            tokio::task::yield_now().await;
        }
    }
}
