//! An answer's Arrow stream as messages of Flight. Each piece of it is one message already, which is taken apart and not
//! encoded again.

use std::pin::Pin;

use arrow_flight::FlightData;
use bytes::{Buf as _, Bytes};
use futures::StreamExt as _;
use futures::stream::{self, Stream};
use hub_proto::{json, v1};
use tonic::Status;

use super::refuse;
use crate::desk::{Answers, Found};
use crate::error::HubError;
use crate::query::RowChunk;

/// The messages of one flight.
pub(super) type Flight = Pin<Box<dyn Stream<Item = Result<FlightData, Status>> + Send + 'static>>;

/// Before the length of a message in an Arrow stream.
const MARK: u32 = u32::MAX;

/// What an answer stands on and what is to be minded, as the HTTPS door tells it.
pub(super) fn stands_on(
    versions: Vec<v1::DatasetVersionRef>,
    (permalink, warnings): (String, Vec<v1::Warning>),
    rows: Option<u64>,
) -> Result<Bytes, HubError> {
    let head = json::RowsHead {
        versions: versions.into_iter().map(Into::into).collect(),
        columns: Vec::new(),
        estimated_rows: rows.unwrap_or_default(),
        cursor: String::new(),
        permalink,
        warnings: warnings.into_iter().map(Into::into).collect(),
    };
    Ok(serde_json::to_vec(&head).map_err(|error| HubError::fault(error.to_string()))?.into())
}

/// An answer on its way out.
struct Flying {
    rows: Answers<RowChunk>,
    /// The message before, which may be the last.
    held: Option<FlightData>,
    /// Goes with the last message.
    stands_on: Bytes,
}

/// The messages of an answer; the last one tells what it stands on.
pub(super) fn flight(found: Found) -> Result<Flight, HubError> {
    let stands_on = stands_on(found.versions, (found.permalink, found.warnings), None)?;
    let flying = Flying { rows: found.rows, held: None, stands_on };
    let messages = stream::unfold(Some(flying), |flying| async move {
        let mut flying = flying?;
        loop {
            let next = match flying.rows.next().await {
                Some(piece) => piece.and_then(|piece| message(piece.data)),
                None => {
                    let last = flying.held.take()?.with_app_metadata(flying.stands_on);
                    return Some((Ok(last), None));
                }
            };
            match next {
                Ok(Some(next)) => {
                    if let Some(ready) = flying.held.replace(next) {
                        return Some((Ok(ready), Some(flying)));
                    }
                }
                Ok(None) => {}
                Err(error) => return Some((Err(refuse(error)), None)),
            }
        }
    });
    Ok(messages.boxed())
}

/// The message of Flight that a piece of an Arrow stream is; None for the end of the stream.
fn message(mut piece: Bytes) -> Result<Option<FlightData>, HubError> {
    if piece.is_empty() {
        return Ok(None);
    }
    let broken = || HubError::fault("an Arrow stream is no stream of messages");
    match (piece.try_get_u32_le(), piece.try_get_u32_le()) {
        (Ok(MARK), Ok(0)) => Ok(None),
        (Ok(MARK), Ok(length)) if length as usize <= piece.len() => {
            let head = piece.split_to(length as usize);
            Ok(Some(FlightData::new().with_data_header(head).with_data_body(piece)))
        }
        _ => Err(broken()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(bytes: &[u8]) -> Result<RowChunk, HubError> {
        Ok(RowChunk { data: Bytes::copy_from_slice(bytes), rows: 0, complete: false })
    }

    fn framed(head: &[u8], body: &[u8]) -> Vec<u8> {
        [&MARK.to_le_bytes()[..], &(head.len() as u32).to_le_bytes(), head, body].concat()
    }

    #[tokio::test]
    async fn the_last_message_tells_what_the_answer_stands_on() {
        let pieces =
            [piece(&framed(b"schema", b"")), piece(&framed(b"rows", b"body")), piece(&framed(b"", b""))];
        let version =
            v1::DatasetVersionRef { dataset: "datasets/x".to_owned(), version: 7, ..Default::default() };
        let warnings = vec![v1::Warning { code: "DOUBLE_COUNT".to_owned(), ..Default::default() }];
        let rows = stream::iter(pieces).boxed();
        let found = Found { versions: vec![version], permalink: String::new(), warnings, rows };
        let messages: Vec<FlightData> = flight(found).unwrap().map(Result::unwrap).collect().await;
        assert_eq!(messages.len(), 2);
        assert_eq!((&messages[0].data_header[..], messages[0].app_metadata.len()), (&b"schema"[..], 0));
        assert_eq!((&messages[1].data_header[..], &messages[1].data_body[..]), (&b"rows"[..], &b"body"[..]));
        let told: json::RowsHead = serde_json::from_slice(&messages[1].app_metadata).unwrap();
        assert_eq!((told.versions[0].version, told.warnings[0].code.as_str()), (7, "DOUBLE_COUNT"));
    }

    #[tokio::test]
    async fn what_breaks_is_told_and_nothing_comes_behind_it() {
        for broken in [piece(b"no stream at all"), Err(HubError::fault("x"))] {
            let pieces = [piece(&framed(b"schema", b"")), broken, piece(&framed(b"rows", b""))];
            let rows = stream::iter(pieces).boxed();
            let found = Found { versions: Vec::new(), permalink: String::new(), warnings: Vec::new(), rows };
            let messages: Vec<_> = flight(found).unwrap().collect().await;
            assert_eq!(messages.len(), 1);
            assert_eq!(messages[0].as_ref().unwrap_err().code(), tonic::Code::Internal);
        }
    }
}
