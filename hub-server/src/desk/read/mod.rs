//! Reading: sessions, their rows, and statements.

mod behind;
mod changes;
pub(super) mod convert;
mod running;
mod statements;
mod watch;

use hub_proto::name::Collection;
use hub_proto::{Permalink, v1};

use super::{Answers, Desk, answers, answers_until, cancelled};
use crate::config::limits::PERMALINK_BYTES;
use crate::error::HubError;
use crate::identity::Principal;
use crate::notices::Took;
use crate::query::RowChunk;
use crate::read::{Again, RowsFrom, SessionRequest, States};

use convert::{version_ref, warning};
pub(super) use running::Running;
pub(crate) use statements::Outlook;

/// An answer to a statement: what it stands on, and its rows.
pub(crate) struct Found {
    pub(crate) versions: Vec<v1::DatasetVersionRef>,
    /// An address that gives the same rows again; empty where there is none.
    pub(crate) permalink: String,
    /// Traps of the statement.
    pub(crate) warnings: Vec<v1::Warning>,
    pub(crate) rows: Answers<RowChunk>,
}

impl Desk {
    /// Pins a dataset version, columns and a filter.
    pub(crate) async fn create_session(
        &self,
        caller: &Principal,
        request: v1::CreateReadSessionRequest,
    ) -> Result<v1::ReadSession, HubError> {
        use v1::create_read_session_request::AsOf as Asked;
        const MESSAGE: &str = "CreateReadSessionRequest";
        let _place = self.admission.read(&caller.organisation)?;
        let pattern = self.pattern(Collection::Datasets, &request.dataset)?;
        let permit = self.rooms.identity.read(caller, &pattern)?;
        let as_of = match &request.as_of {
            Some(Asked::Version(version)) => convert::as_of(MESSAGE, Some(*version), None)?,
            Some(Asked::Time(time)) => convert::as_of(MESSAGE, None, Some(time))?,
            None => convert::as_of(MESSAGE, None, None)?,
        };
        let asked = SessionRequest {
            columns: request.columns,
            filter: (!request.filter.trim().is_empty()).then_some(request.filter),
            as_of,
            format: convert::format_from_wire(MESSAGE, request.format)?,
            max_streams: request.max_streams,
        };
        let filter = asked.filter.clone().unwrap_or_default();
        let session = self.rooms.reads.create_session(&permit, asked).await?;
        let (columns, cursor) = (session.columns.clone(), session.cursor.clone());
        self.rooms.notices.took(&permit, &Took { columns, filter, since: None, cursor }).await?;
        Ok(v1::ReadSession {
            name: session.name,
            version: Some(version_ref(session.version)),
            columns: session.columns,
            estimated_rows: session.estimated_rows,
            format: convert::format_to_wire(session.format).into(),
            streams: session.streams,
            cursor: session.cursor.to_string(),
        })
    }

    /// The format of a session's rows.
    pub(crate) fn format_of_session(&self, name: &str) -> Result<v1::RowFormat, HubError> {
        Collection::ReadSessions.id(name)?;
        Ok(convert::format_to_wire(self.rooms.reads.session(name)?.1))
    }

    /// Rows of a session's stream from an offset on.
    pub(crate) async fn read_rows(
        &self,
        caller: &Principal,
        request: v1::ReadRowsRequest,
    ) -> Result<Answers<RowChunk>, HubError> {
        let place = self.admission.read(&caller.organisation)?;
        Collection::ReadSessions.id(&request.session)?;
        let (dataset, _) = self.rooms.reads.session(&request.session)?;
        let pattern = self.pattern(Collection::Datasets, &Collection::Datasets.name(&dataset))?;
        let permit = self.rooms.identity.read(caller, &pattern)?;
        let from = RowsFrom { stream: request.stream, offset: request.offset };
        let chunks = self.rooms.reads.read_rows(&permit, &request.session, from).await?;
        Ok(answers(chunks, place))
    }

    /// One SELECT over all that the caller may read.
    pub(crate) async fn query_rows(
        &self,
        caller: &Principal,
        request: v1::QueryRowsRequest,
    ) -> Result<Found, HubError> {
        use v1::query_rows_request::AsOf as Asked;
        const MESSAGE: &str = "QueryRowsRequest";
        let place = self.admission.read(&caller.organisation)?;
        let as_of = match &request.as_of {
            Some(Asked::Version(version)) => convert::as_of(MESSAGE, Some(*version), None)?,
            Some(Asked::Time(time)) => convert::as_of(MESSAGE, None, Some(time))?,
            None => convert::as_of(MESSAGE, None, None)?,
        };
        let format = convert::format_from_wire(MESSAGE, request.format)?;
        let permits = self.readable(caller)?.into_iter().map(|(_, permit)| permit).collect();
        let states = States { as_of, named: convert::states(&request.at)? };
        let answer = self.rooms.reads.query(permits, &request.sql, states, format).await?;
        let permalink = self.permalink(answer.again);
        let versions = answer.versions.into_iter().map(version_ref).collect();
        let warnings = answer.warnings.into_iter().map(warning).collect();
        Ok(Found { versions, permalink, warnings, rows: answers(answer.chunks, place) })
    }

    /// The address of what gives the same rows again; nothing where it is longer than headers carry.
    fn permalink(&self, again: Option<Again>) -> String {
        let Some(Again { sql, states }) = again else { return String::new() };
        let at = states.iter().map(ToString::to_string).collect();
        let link = format!("{}{}", self.rooms.public_url, Permalink { sql, at }.address());
        if link.len() > PERMALINK_BYTES { String::new() } else { link }
    }
}
