//! Bytes of a submission on their way in, from the durable offset on.

use std::pin::pin;

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use hub_proto::Reason;

use super::super::Desk;
use super::super::admission::Place;
use super::to_the_end;
use crate::error::HubError;
use crate::identity::Principal;
use crate::permit::SubmissionsPermit;

/// An upload that has its permit and its place.
#[derive(Debug)]
pub(crate) struct Uploading {
    desk: Desk,
    permit: SubmissionsPermit,
    place: Place,
}

impl Desk {
    pub(crate) fn uploading(&self, caller: &Principal) -> Result<Uploading, HubError> {
        let place = self.admission.push(&caller.organisation)?;
        let permit = self.rooms.identity.submissions(caller)?;
        Ok(Uploading { desk: self.clone(), permit, place })
    }
}

impl Uploading {
    /// Takes pieces, each with its offset, and makes them durable; gives the durable offset. A sender whose line
    /// breaks is gone at once, and its bytes still become durable.
    pub(crate) async fn take(
        self,
        id: String,
        pieces: impl Stream<Item = Result<(u64, Bytes), HubError>> + Send + 'static,
    ) -> Result<u64, HubError> {
        to_the_end(async move {
            let Self { desk, permit, place: _place } = self;
            let taken = append(&desk, &permit, &id, pieces).await;
            let durable = desk.rooms.intake.sync(&permit, &id).await;
            match taken {
                Ok(()) => Ok(durable?),
                Err(error) if error.reason() == Reason::OffsetStale => match durable {
                    Ok(offset) => Err(error.fact("durable_offset", offset)),
                    Err(_) => Err(error),
                },
                Err(error) => Err(error),
            }
        })
        .await
    }
}

async fn append(
    desk: &Desk,
    permit: &SubmissionsPermit,
    id: &str,
    pieces: impl Stream<Item = Result<(u64, Bytes), HubError>> + Send + 'static,
) -> Result<(), HubError> {
    let mut pieces = pin!(pieces);
    while let Some(piece) = pieces.next().await {
        let (offset, data) = piece?;
        if !data.is_empty() {
            desk.rooms.intake.append(permit, id, offset, data).await?;
        }
    }
    Ok(())
}
