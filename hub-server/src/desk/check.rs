//! The check that anyone may ask for.

use hub_datasets::Report;
use hub_proto::name::Collection;
use hub_proto::{Reason, v1};
use tokio::time::timeout;

use super::Desk;
use crate::config::limits::OPEN_CHECK_TIMEOUT;
use crate::error::HubError;
use crate::intake::{NewCheck, OpenCheck};

impl Desk {
    /// What a message asks to be checked; what is empty is not known.
    pub(crate) fn to_check(&self, check: v1::PayloadCheck) -> Result<NewCheck, HubError> {
        let known = |text: String| (!text.is_empty()).then_some(text);
        let publisher = match check.publisher.as_str() {
            "" => None,
            name => Some(Collection::Organisations.id(name)?.to_owned()),
        };
        Ok(NewCheck {
            pattern: self.pattern(Collection::Patterns, &check.pattern)?.id.clone(),
            period: known(check.period),
            publisher,
            media_type: known(check.media_type),
        })
    }

    /// Begins a check; needs no caller.
    pub(crate) fn begin_check(&self, asked: NewCheck) -> Result<OpenCheck, HubError> {
        Ok(self.rooms.intake.begin_check(&self.rooms.identity.anyone_checks(), asked)?)
    }

    /// The report on what a check was given, in bounded time.
    pub(crate) async fn checked(&self, begun: OpenCheck) -> Result<Report, HubError> {
        let report = timeout(OPEN_CHECK_TIMEOUT, begun.report()).await;
        Ok(report.map_err(|_| HubError::new(Reason::Busy, "the hub took too long; try again"))??)
    }
}
