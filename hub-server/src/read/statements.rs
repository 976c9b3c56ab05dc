//! Statements that are described before they run. What the hub hands out for that is sealed and holds all that it takes,
//! so that the hub keeps nothing: a **handle** is a statement with the values that were bound to its parameters, a
//! **ticket** one answer of it, or a part of one, pinned to the dataset versions that were described.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::kept::Question;
use super::{
    Again, Answer, Chunks, ReadError, Reads, VersionRef, chunks_of, is_major_of, organisations, states,
};
use crate::config::limits::{SCAN_PART_ROWS, SCAN_PARTS};
use crate::permit::ReadPermit;
use crate::query::{
    Asking, Begun, Description, RowFormat, Scan, TableView, Warning, is_view_of, names_organisations,
    table_names,
};
use crate::seal::TOKEN_MAX;
use crate::store::AsOf;

const HANDLE: &str = "statementHandle";
const TICKET: &str = "statementTicket";

/// A statement as a caller asks it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) sql: String,
    /// Values of its parameters: an Arrow stream of one row, as base64.
    pub(crate) parameters: Option<String>,
}

/// The content of a handle.
#[derive(Debug, Serialize, Deserialize)]
struct Handle {
    reader: String,
    asked: Asked,
}

/// The content of a ticket. It holds no secret: its holder may read it, not change it.
#[derive(Debug, Serialize, Deserialize)]
struct Ticket {
    /// Drawn anew for each description, so that one may be told from the next.
    id: String,
    reader: String,
    asked: Asked,
    pins: Vec<Pin>,
    /// Only this part of the one table that the statement reads.
    part: Option<Part>,
}

/// A state of a dataset, and whose rows of it are meant.
#[derive(Debug, Serialize, Deserialize)]
struct Pin {
    dataset: String,
    log_version: u64,
    homes: u64,
    erased: u64,
    publisher: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Part {
    columns: Vec<String>,
    from: usize,
    to: usize,
}

/// What a statement would give.
#[derive(Debug)]
pub(crate) struct Described {
    pub(crate) versions: Vec<VersionRef>,
    /// Schema of its rows, as the first message of an Arrow stream.
    pub(crate) schema: Bytes,
    /// What may be bound to its parameters, likewise.
    pub(crate) parameters: Bytes,
    /// Parameters to which no value was bound; with one, there is no ticket.
    pub(crate) unbound: usize,
    /// Each gives a part of the rows; in this order they are all.
    pub(crate) tickets: Vec<String>,
    /// Rows of all parts, where that is known.
    pub(crate) rows: Option<u64>,
    /// Traps of the statement.
    pub(crate) warnings: Vec<Warning>,
}

/// What a statement may see.
pub(super) struct Seen {
    named: Arc<[String]>,
    pub(super) begun: Option<Begun>,
    pub(super) views: Vec<TableView>,
    /// Names of tables that it does not name.
    pub(super) others: Vec<String>,
}

impl Seen {
    /// Organisations have no versions.
    fn of_versions(&self) -> bool {
        !self.named.iter().any(|name| name == organisations::TABLE || names_organisations(name))
    }
}

impl Reads {
    /// Seals a statement, so that it can be asked again by its handle.
    pub(crate) fn handle(&self, reader: &str, asked: Asked) -> Result<String, ReadError> {
        self.sealed(HANDLE, &Handle { reader: reader.to_owned(), asked })
    }

    /// The statement of a handle that this reader was given.
    pub(crate) fn asked(&self, reader: &str, handle: &str) -> Result<Asked, ReadError> {
        let handle: Handle = self.seal.open(HANDLE, handle).map_err(|_| ReadError::HandleUnknown)?;
        if handle.reader != reader { Err(ReadError::TicketOfOther) } else { Ok(handle.asked) }
    }

    /// Which description a ticket of this reader comes from.
    pub(crate) fn described_as(&self, reader: &str, ticket: &str) -> Result<String, ReadError> {
        Ok(self.ticket(reader, ticket)?.id)
    }

    /// Says what a statement would give, and makes tickets for it.
    pub(crate) async fn describe(
        &self,
        reader: &str,
        permits: Vec<ReadPermit>,
        asked: Asked,
        as_of: AsOf,
    ) -> Result<Described, ReadError> {
        let mut seen = self.seen(&permits, &asked.sql, |_| as_of).await?;
        let question = Question::of(&asked, RowFormat::Arrow, &seen.views);
        let description = match self.kept.description(&question) {
            Some(description) => description,
            None => {
                let with = self.with(&mut seen).await?;
                let asking = Asking {
                    sql: &asked.sql,
                    parameters: asked.parameters.as_deref(),
                    format: RowFormat::Arrow,
                    views: seen.views.clone(),
                    others: seen.others,
                    with: with.as_ref().map(|batch| (organisations::TABLE, batch.clone())),
                };
                let described = self.statements.describe(seen.begun, asking).await?;
                self.kept.keep_description(question, described)
            }
        };
        let used: Vec<TableView> = seen.views.into_iter().filter(|view| scans(&description, view)).collect();
        let versions = used.iter().map(|view| self.version_ref(view)).collect();
        let parts = self.parts(&description, &used);
        let rows = (!parts.is_empty()).then(|| used.iter().map(shown_rows).sum());
        Ok(Described {
            versions,
            schema: description.schema.clone(),
            parameters: description.parameters.clone(),
            unbound: description.unbound,
            tickets: match description.unbound {
                0 => self.tickets(reader, &asked, &used, parts)?,
                _ => Vec::new(),
            },
            rows,
            warnings: description.warnings.clone(),
        })
    }

    /// Parts in which a table can be read; none unless it is read whole, and long.
    fn parts(&self, description: &Description, used: &[TableView]) -> Vec<Part> {
        let (Some(columns), [view]) = (&description.columns, used) else { return Vec::new() };
        let parts = self.engine.parts(view.clone(), SCAN_PARTS, SCAN_PART_ROWS);
        if parts.len() < 2 {
            return Vec::new();
        }
        let part =
            |part: std::ops::Range<usize>| Part { columns: columns.clone(), from: part.start, to: part.end };
        parts.into_iter().map(part).collect()
    }

    /// A ticket for each part, or one for the whole answer.
    fn tickets(
        &self,
        reader: &str,
        asked: &Asked,
        used: &[TableView],
        parts: Vec<Part>,
    ) -> Result<Vec<String>, ReadError> {
        let id = Uuid::new_v4().to_string();
        let parts = if parts.is_empty() { vec![None] } else { parts.into_iter().map(Some).collect() };
        let ticket = |part| {
            let pins = used.iter().map(Pin::of).collect();
            let ticket =
                Ticket { id: id.clone(), reader: reader.to_owned(), asked: asked.clone(), pins, part };
            self.sealed(TICKET, &ticket)
        };
        parts.into_iter().map(ticket).collect()
    }

    /// The rows of a ticket. A right that was withdrawn since it was made is gone.
    pub(crate) async fn redeem(
        &self,
        reader: &str,
        permits: Vec<ReadPermit>,
        ticket: &str,
    ) -> Result<Answer, ReadError> {
        let Ticket { asked, pins, part, .. } = self.ticket(reader, ticket)?;
        for pin in &pins {
            let permit = permits.iter().find(|permit| permit.dataset() == pin.dataset);
            if permit.is_none_or(|permit| permit.publisher() != pin.publisher.as_deref()) {
                return Err(ReadError::TicketOfOther);
            }
        }
        let state =
            |dataset: &str| pins.iter().find(|pin| pin.dataset == dataset).map_or(AsOf::Latest, Pin::as_of);
        match (part, pins.as_slice()) {
            (Some(part), [pin]) => {
                let permit = permits.iter().find(|permit| permit.dataset() == pin.dataset);
                let permit = permit.ok_or(ReadError::TicketOfOther)?;
                let part = self.part(permit, pin, part).await?;
                // The address is that of all parts together.
                Ok(Answer { again: self.again(&asked, &[], &part.versions), ..part })
            }
            _ => self.ask(permits, &asked, state, RowFormat::Arrow).await,
        }
    }

    /// Some columns of some files of a table.
    async fn part(&self, permit: &ReadPermit, pin: &Pin, part: Part) -> Result<Answer, ReadError> {
        let view = self.view(permit, pin.as_of()).await?;
        let versions = vec![self.version_ref(&view)];
        let held = vec![Arc::clone(&view.snapshot)];
        let scan = Scan { columns: part.columns, files: Some(part.from..part.to), ..Scan::default() };
        let rows = self.engine.scan(view, scan).await?;
        let chunks: Chunks = chunks_of(self.engine.encode(rows, RowFormat::Arrow, 0)?, held);
        Ok(Answer { versions, again: None, warnings: Vec::new(), chunks })
    }

    /// One SELECT over the datasets of the permits, code lists and `organisations`; `as_of`: which state of each
    /// dataset is meant.
    pub(super) async fn ask(
        &self,
        permits: Vec<ReadPermit>,
        asked: &Asked,
        as_of: impl Fn(&str) -> AsOf,
        format: RowFormat,
    ) -> Result<Answer, ReadError> {
        let mut seen = self.seen(&permits, &asked.sql, as_of).await?;
        let question = seen.of_versions().then(|| Question::of(asked, format, &seen.views));
        let named = Arc::clone(&seen.named);
        let again = |versions: &[VersionRef]| self.again(asked, &named, versions);
        let kept = question.as_ref().and_then(|question| self.kept.answer(question));
        if let Some((versions, warnings, chunks)) = kept {
            return Ok(Answer { again: again(&versions), versions, warnings, chunks });
        }
        let with = self.with(&mut seen).await?;
        let views = seen.views;
        let asking = Asking {
            sql: &asked.sql,
            parameters: asked.parameters.as_deref(),
            format,
            views: views.clone(),
            others: seen.others,
            with: with.map(|batch| (organisations::TABLE, batch)),
        };
        let rows = self.statements.run(seen.begun, asking).await?;
        let used = views.iter().filter(|view| rows.datasets().contains(&view.snapshot.dataset));
        let versions: Vec<_> = used.map(|view| self.version_ref(view)).collect();
        let held = views.into_iter().map(|view| view.snapshot).collect();
        let (again, warnings) = (again(&versions), rows.warnings().to_vec());
        let answer = Answer { versions, again, warnings, chunks: chunks_of(rows.chunks, held) };
        Ok(match question {
            Some(question) => self.kept.keep(question, answer),
            None => answer,
        })
    }

    fn again(&self, asked: &Asked, named: &[String], versions: &[VersionRef]) -> Option<Again> {
        let states = states::stood_on(named, versions, &self.lists)?;
        asked.parameters.is_none().then(|| Again { sql: asked.sql.clone(), states })
    }

    /// What a statement names, and what else it might have meant.
    pub(super) async fn seen(
        &self,
        permits: &[ReadPermit],
        sql: &str,
        as_of: impl Fn(&str) -> AsOf,
    ) -> Result<Seen, ReadError> {
        let (named, mut begun) = self.tables_of(sql).await?;
        let is_of = |name: &str, dataset: &str| {
            name == dataset || is_major_of(name, dataset) || is_view_of(name, dataset)
        };
        let is_named = |dataset: &str| named.iter().any(|name| is_of(name, dataset));
        let (mut views, mut others) = (Vec::new(), Vec::new());
        for permit in permits {
            if is_named(permit.dataset()) {
                let as_of = as_of(permit.dataset());
                // To make an old state again may take its time, which is no time of a worker's.
                begun = begun.filter(|_| as_of == AsOf::Latest);
                self.snapshots.readable(permit.dataset()).await?;
                views.push(self.view(permit, as_of).await?);
            } else if let Ok(view) = self.view(permit, AsOf::Latest).await {
                // The statement does not read it; its name may be what was meant.
                others.extend(table_names(&view.pattern));
            }
        }
        Ok(Seen { named, begun, views, others })
    }

    /// The table of organisations, if the statement names it.
    pub(super) async fn with(
        &self,
        seen: &mut Seen,
    ) -> Result<Option<arrow::record_batch::RecordBatch>, ReadError> {
        match seen.of_versions() {
            true => seen.others.push(organisations::TABLE.to_owned()),
            false => return Ok(Some(organisations::table(&self.catalog).await?)),
        }
        Ok(None)
    }

    fn ticket(&self, reader: &str, ticket: &str) -> Result<Ticket, ReadError> {
        let ticket: Ticket = self.seal.open(TICKET, ticket).map_err(|_| ReadError::TicketUnknown)?;
        if ticket.reader != reader { Err(ReadError::TicketOfOther) } else { Ok(ticket) }
    }

    fn sealed(&self, purpose: &str, value: &impl Serialize) -> Result<String, ReadError> {
        let token = self.seal.seal(purpose, value)?;
        if token.len() > TOKEN_MAX { Err(ReadError::StatementTooLong(TOKEN_MAX)) } else { Ok(token) }
    }
}

fn scans(description: &Description, view: &TableView) -> bool {
    description.datasets.contains(&view.snapshot.dataset)
}

fn shown_rows(view: &TableView) -> u64 {
    match &view.publisher {
        None => view.snapshot.files.rows(),
        Some(publisher) => view.snapshot.files.owned(publisher).map(|owner| owner.rows).sum(),
    }
}

impl Pin {
    fn of(view: &TableView) -> Self {
        let state = &view.snapshot;
        Self {
            dataset: view.pattern.id.clone(),
            log_version: state.log_version,
            homes: state.homes,
            erased: state.erased.last().map_or(0, |erased| erased.log_version),
            publisher: view.publisher.clone(),
        }
    }

    fn as_of(&self) -> AsOf {
        AsOf::Session { log_version: self.log_version, homes: self.homes, erased: self.erased }
    }
}
