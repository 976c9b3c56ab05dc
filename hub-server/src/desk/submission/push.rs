//! A push in one stream.

use bytes::Bytes;
use hub_proto::v1;

use super::super::Desk;
use super::super::admission::Place;
use super::{convert, to_the_end};
use crate::error::HubError;
use crate::identity::Principal;
use crate::intake::Push;
use crate::telemetry;

/// A push that has its place, and is not announced yet.
#[derive(Debug)]
pub(crate) struct Pushing {
    desk: Desk,
    place: Place,
}

/// A push that takes bytes.
#[derive(Debug)]
pub(crate) struct Begun {
    push: Push,
    place: Place,
}

impl Desk {
    pub(crate) fn pushing(&self, caller: &Principal) -> Result<Pushing, HubError> {
        Ok(Pushing { desk: self.clone(), place: self.admission.push(&caller.organisation)? })
    }
}

impl Pushing {
    pub(crate) async fn begin(
        self,
        caller: &Principal,
        announced: v1::CreateSubmissionRequest,
    ) -> Result<Begun, HubError> {
        let (permit, new) = self.desk.announced(caller, announced)?;
        let push = self.desk.rooms.intake.begin_push(&permit, new).await?;
        Ok(Begun { push, place: self.place })
    }
}

impl Begun {
    pub(crate) async fn data(&mut self, data: Bytes) -> Result<(), HubError> {
        Ok(self.push.data(data).await?)
    }

    /// Leaves nothing behind, of a push that nobody can take up again.
    pub(crate) async fn give_up(self) -> Result<(), HubError> {
        Ok(self.push.give_up().await?)
    }

    /// The verdict. It goes on though its caller leaves.
    pub(crate) async fn commit(
        self,
        options: v1::CommitOptions,
    ) -> Result<v1::CommitSubmissionResponse, HubError> {
        let options = convert::commit_options(Some(options))?;
        let Self { push, place } = self;
        let verdict = to_the_end(async move {
            let _place = place;
            push.commit(options).await
        });
        let verdict = verdict.await?;
        telemetry::of_submission(&verdict.submission.id);
        Ok(convert::verdict(verdict))
    }
}
