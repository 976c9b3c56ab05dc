//! A streamed answer on its way out: piece by piece, a place held until the last, a panic caught, and a reader that
//! takes nothing left behind.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use hub_proto::Reason;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::task::AbortOnDropHandle;

use super::admission::Place;
use crate::config::limits;
use crate::error::HubError;

/// The pieces of one streamed answer.
pub(crate) type Answers<C> = BoxStream<'static, Result<C, HubError>>;

/// What a room streams.
type Pieces<C, E> = BoxStream<'static, Result<C, E>>;

/// A piece, or what ends the stream: an error, or a panic.
type Piece<C, E> = Result<Result<C, E>, Box<dyn Any + Send>>;

/// Hands pieces over to a door. A stream that is not whole ends with an error, never silently.
pub(crate) fn answers<C, E>(chunks: Pieces<C, E>, place: Place) -> Answers<C>
where
    C: Send + 'static,
    E: Into<HubError> + Send + 'static,
{
    answers_within(limits::READ_STALL, chunks, place, std::future::pending())
}

/// As [`answers`], until `stop`: the work ends there, and the stream says that it was stopped.
pub(crate) fn answers_until<C, E>(
    chunks: Pieces<C, E>,
    place: Place,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Answers<C>
where
    C: Send + 'static,
    E: Into<HubError> + Send + 'static,
{
    answers_within(limits::READ_STALL, chunks, place, stop)
}

/// The transport does not look at an answer whose reader takes nothing, so the pieces are handed over by
/// a task, which gives place and rows back when a message stays untaken.
fn answers_within<C, E>(
    patience: Duration,
    chunks: Pieces<C, E>,
    place: Place,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Answers<C>
where
    C: Send + 'static,
    E: Into<HubError> + Send + 'static,
{
    let (sender, pieces) = mpsc::channel(1);
    let (stalled, stall) = oneshot::channel();
    let task = AbortOnDropHandle::new(tokio::spawn(async move {
        let _held = place;
        let error = tokio::select! {
            taken = hand_over(chunks, &sender, patience) => (!taken).then(|| untaken(patience)),
            () = stop => Some(cancelled()),
        };
        if let Some(error) = error {
            // A reader that is gone needs no telling.
            let _ = stalled.send(error);
        }
    }));
    let told = stream::once(stall).filter_map(|stall| async move { stall.ok().map(Err) });
    ReceiverStream::new(pieces)
        .map(move |piece: Piece<C, E>| {
            // The work ends with the last who waits for it.
            let _running = &task;
            match piece {
                Ok(piece) => piece.map_err(Into::into),
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

/// What a panic becomes for the caller; the log has its text.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> HubError {
    let text = panic.downcast_ref::<&str>().map(|t| (*t).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    HubError::fault(format!("panic: {text}"))
}

/// An answer that its caller stopped by another call.
pub(crate) fn cancelled() -> HubError {
    HubError::new(Reason::CallCancelled, "the answer was cancelled")
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

    use super::*;
    use crate::desk::admission::Admission;
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
        let got: Vec<_> = answers(chunks, place()).collect().await;
        assert_eq!(got[0].as_ref().unwrap().rows, 1);
        assert_eq!(got[1].as_ref().unwrap_err().reason(), Reason::RequestInvalid);
    }

    #[tokio::test]
    async fn a_panic_ends_the_rows_as_internal() {
        let chunks = stream::iter([1, 2]).map(|n| if n == 2 { panic!("secret") } else { piece(n) }).boxed();
        let mut got: Vec<_> = answers(chunks, place()).collect().await;
        assert_eq!(got.len(), 2);
        let refusal = got.remove(1).unwrap_err().into_refusal();
        assert_eq!(refusal.reason, Reason::Internal);
        assert!(!refusal.message.contains("secret"));
    }

    #[tokio::test]
    async fn a_reader_that_takes_nothing_loses_its_place_and_is_told() {
        let admission = Admission::with(1, 1);
        let place = admission.read("mf").unwrap();
        let chunks = stream::iter((1..=9).map(piece)).boxed();
        let patience = Duration::from_millis(20);
        let answers = answers_within(patience, chunks, place, std::future::pending());
        while admission.read("mf").is_err() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let mut got: Vec<_> = answers.collect().await;
        assert_eq!(got[0].as_ref().unwrap().rows, 1);
        assert_eq!(got.len(), 2, "what was made ready, then the error");
        let refusal = got.remove(1).unwrap_err().into_refusal();
        assert_eq!(refusal.reason, Reason::DeadlineExceeded);
        assert!(refusal.message.contains("0.02 s"), "{}", refusal.message);
    }

    #[tokio::test]
    async fn an_answer_that_is_stopped_ends_at_once_and_says_so() {
        let admission = Admission::with(1, 1);
        let place = admission.read("mf").unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let endless = stream::pending::<Result<RowChunk, ReadError>>().boxed();
        let answers = answers_until(endless, place, async move { drop(stopped.await) });
        drop(stop);
        // Nobody takes anything, and still the place is free.
        while admission.read("mf").is_err() {
            tokio::task::yield_now().await;
        }
        let mut got: Vec<_> = answers.collect().await;
        assert_eq!(got.remove(0).unwrap_err().reason(), Reason::CallCancelled);
        assert!(got.is_empty());
    }

    #[tokio::test]
    async fn a_reader_that_leaves_ends_the_work() {
        let admission = Admission::with(1, 1);
        let place = admission.read("mf").unwrap();
        let endless = stream::pending::<Result<RowChunk, ReadError>>().boxed();
        drop(answers(endless, place));
        while admission.read("mf").is_err() {
            tokio::task::yield_now().await;
        }
    }
}
