//! Statements that are described before they run, as Arrow Flight SQL has them.

use bytes::Bytes;
use hub_proto::v1;

use super::convert::{version_ref, warning};
use super::{Found, answers_until, cancelled};
use crate::config::limits::PARAMETERS_BYTES;
use crate::desk::Desk;
use crate::error::HubError;
use crate::identity::Principal;
use crate::permit::ReadPermit;
use crate::read::{Asked, Described, TableInfo};
use crate::store::AsOf;

/// What a statement would give: what it stands on, the schema of its rows, and tickets for them.
pub(crate) struct Outlook {
    pub(crate) versions: Vec<v1::DatasetVersionRef>,
    /// The first message of an Arrow stream.
    pub(crate) schema: Bytes,
    /// Likewise.
    pub(crate) parameters: Bytes,
    /// Parameters to which no value was bound.
    unbound: usize,
    pub(crate) tickets: Vec<String>,
    /// Where it is known.
    pub(crate) rows: Option<u64>,
    /// Traps of the statement.
    pub(crate) warnings: Vec<v1::Warning>,
}

impl Desk {
    /// Describes a statement.
    pub(crate) async fn outlook(&self, caller: &Principal, sql: String) -> Result<Outlook, HubError> {
        bound(self.described(caller, Asked { sql, parameters: None }).await?)
    }

    /// A handle for a statement, and what it would give.
    pub(crate) async fn prepare(
        &self,
        caller: &Principal,
        sql: String,
    ) -> Result<(String, Outlook), HubError> {
        let asked = Asked { sql, parameters: None };
        let outlook = self.described(caller, asked.clone()).await?;
        Ok((self.rooms.reads.handle(&caller.organisation, asked)?, outlook))
    }

    /// The handle of the same statement with values bound to its parameters. `values`: an Arrow stream of one row.
    pub(crate) fn bind(&self, caller: &Principal, handle: &str, values: &[u8]) -> Result<String, HubError> {
        use base64::Engine as _;
        if values.len() > PARAMETERS_BYTES {
            let message = format!(
                "the values of parameters have more than {PARAMETERS_BYTES} bytes as an Arrow stream; bind one row, and run the statement once for each"
            );
            return Err(HubError::new(hub_proto::Reason::QueryTooComplex, message));
        }
        let reader = &caller.organisation;
        let Asked { sql, .. } = self.rooms.reads.asked(reader, handle)?;
        let parameters = Some(base64::engine::general_purpose::STANDARD.encode(values));
        Ok(self.rooms.reads.handle(reader, Asked { sql, parameters })?)
    }

    /// Describes the statement of a handle.
    pub(crate) async fn outlook_of(&self, caller: &Principal, handle: &str) -> Result<Outlook, HubError> {
        let asked = self.rooms.reads.asked(&caller.organisation, handle)?;
        bound(self.described(caller, asked).await?)
    }

    /// The rows of a ticket.
    pub(crate) async fn redeem(&self, caller: &Principal, ticket: &str) -> Result<Found, HubError> {
        let place = self.admission.read(&caller.organisation)?;
        let reader = &caller.organisation;
        let run = self.running.begin(self.rooms.reads.described_as(reader, ticket)?);
        let permits = self.permits(caller)?;
        // The first rows may be long in coming.
        let answer = tokio::select! {
            answer = self.rooms.reads.redeem(reader, permits, ticket) => answer?,
            () = run.stopped() => return Err(cancelled()),
        };
        let permalink = self.permalink(answer.again);
        let versions = answer.versions.into_iter().map(version_ref).collect();
        let warnings = answer.warnings.into_iter().map(warning).collect();
        let stop = async move { run.stopped().await };
        Ok(Found { versions, permalink, warnings, rows: answers_until(answer.chunks, place, stop) })
    }

    /// Stops what gives the rows of a ticket; false when nothing does.
    pub(crate) fn cancel(&self, caller: &Principal, ticket: &str) -> Result<bool, HubError> {
        Ok(self.running.stop(&self.rooms.reads.described_as(&caller.organisation, ticket)?))
    }

    /// Tables that the caller may name in a statement.
    pub(crate) async fn tables(&self, caller: &Principal) -> Result<Vec<TableInfo>, HubError> {
        let _place = self.admission.read(&caller.organisation)?;
        Ok(self.rooms.reads.tables(&self.permits(caller)?).await?)
    }

    async fn described(&self, caller: &Principal, asked: Asked) -> Result<Outlook, HubError> {
        let _place = self.admission.read(&caller.organisation)?;
        let (reader, permits) = (&caller.organisation, self.permits(caller)?);
        let Described { versions, schema, parameters, unbound, tickets, rows, warnings } =
            self.rooms.reads.describe(reader, permits, asked, AsOf::Latest).await?;
        let versions = versions.into_iter().map(version_ref).collect();
        let warnings = warnings.into_iter().map(warning).collect();
        Ok(Outlook { versions, schema, parameters, unbound, tickets, rows, warnings })
    }

    fn permits(&self, caller: &Principal) -> Result<Vec<ReadPermit>, HubError> {
        Ok(self.readable(caller)?.into_iter().map(|(_, permit)| permit).collect())
    }
}

/// What can be fetched.
fn bound(outlook: Outlook) -> Result<Outlook, HubError> {
    match outlook.unbound {
        0 => Ok(outlook),
        unbound => {
            let message = format!("the statement has {unbound} parameters, and no values were bound");
            Err(HubError::new(hub_proto::Reason::QueryInvalid, message))
        }
    }
}
