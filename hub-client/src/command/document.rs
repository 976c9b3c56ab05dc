//! `hub pull … --as`: rows as the document of another system, by the pattern's mapping.

use std::sync::Arc;

use hub_client::{PullRequest, Pulled, short, write_whole};
use hub_datasets::pattern::{Mapping, Pattern};
use hub_datasets::{JsonDocument, WriteError};

use super::known::Known;
use crate::args::Pull;
use crate::exit::Failure;
use crate::session::Session;
use crate::text;

/// Bytes of rows at most, in memory.
const ROWS_BYTES_MAX: usize = 256 << 20;

/// The document that was asked for.
#[derive(Debug)]
pub(super) struct Wanted {
    part: Part,
    /// What another dataset puts into it.
    with: Option<Part>,
}

/// The rows of one dataset, and where the document holds them.
#[derive(Debug)]
struct Part {
    dataset: String,
    pattern: Arc<Pattern>,
    mapping: Arc<Mapping>,
}

impl Part {
    fn new(session: &Session, dataset: &str, id: &str) -> Result<Self, Failure> {
        let pattern = Known::new(session, None)?.get(session, dataset)?;
        let mapping = pattern.mappings.iter().find(|mapping| mapping.id == id).map(Arc::clone);
        let mapping = mapping.ok_or_else(|| {
            let known =
                pattern.mappings.iter().map(|mapping| mapping.id.as_str()).collect::<Vec<_>>().join(", ");
            let facts = [("mapping", id), ("pattern", pattern.id.as_str()), ("known", &known)];
            Failure::Usage(session.say(text::UNKNOWN_MAPPING, &facts))
        })?;
        Ok(Self { dataset: dataset.to_owned(), pattern, mapping })
    }
}

impl Wanted {
    pub(super) fn new(session: &Session, args: &Pull, id: &str) -> Result<Self, Failure> {
        let part = Part::new(session, &args.dataset, id)?;
        let with = args.with.as_deref().map(|dataset| Part::new(session, dataset, id)).transpose()?;
        if let Some(with) = with.as_ref().filter(|with| !part.mapping.joins(&with.mapping)) {
            let facts = [("mapping", id), ("pattern", part.pattern.id.as_str()), ("other", &with.pattern.id)];
            return Err(Failure::Usage(session.say(text::NO_COMMON_DOCUMENT, &facts)));
        }
        Ok(Self { part, with })
    }

    /// Pulls the rows and writes them; what the document has no place for is refused, not left out.
    pub(super) async fn pull(
        &self,
        session: &Session,
        request: PullRequest,
        args: &Pull,
    ) -> Result<Pulled, Failure> {
        let client = session.client()?;
        let (pulled, batches) = client.pull_rows(&request, ROWS_BYTES_MAX).await?;
        let mut rows: u64 = batches.iter().map(|batch| batch.num_rows() as u64).sum();
        let id = self.part.mapping.id.as_str();
        if rows == 0 {
            return Err(Failure::Other(session.say(text::NO_ROWS, &[("mapping", id)])));
        }
        let unwritable = |error: WriteError| {
            let facts = [("mapping", id), ("cause", &error.to_string())];
            Failure::Other(session.say(text::NOT_WRITABLE_AS, &facts))
        };
        let Part { pattern, mapping, .. } = &self.part;
        let mut document = Vec::new();
        match &self.with {
            None => mapping.write(pattern, &batches, &mut document).map_err(unwritable)?,
            Some(with) => {
                let mut whole = JsonDocument::new(mapping, pattern, &batches).map_err(unwritable)?;
                let request = PullRequest { dataset: with.dataset.clone(), ..request };
                let (_, batches) = client.pull_rows(&request, ROWS_BYTES_MAX).await?;
                rows += batches.iter().map(|batch| batch.num_rows() as u64).sum::<u64>();
                let other = JsonDocument::new(&with.mapping, &with.pattern, &batches).map_err(unwritable)?;
                whole.join(other);
                whole.write(&mut document).map_err(|error| unwritable(error.into()))?;
            }
        }
        write_whole(&args.out, &document)?;
        Ok(Pulled { session: pulled, rows, bytes: document.len() as u64 })
    }
}

/// The row expression of what was asked for: publisher, period, and the caller's own.
pub(super) fn filter(session: &Session, args: &Pull) -> Result<Option<String>, Failure> {
    let mut parts = Vec::new();
    if let Some(publisher) = &args.publisher {
        parts.push(format!("_publisher = '{}'", short(publisher).replace('\'', "''")));
    }
    if let Some(period) = &args.period {
        let pattern = Known::new(session, None)?.patterns.get(short(&args.dataset));
        // Of a cumulative pattern periods that end on one day are one; their rows keep their own labels.
        parts.push(match pattern {
            Some(pattern) if pattern.period.cumulative => {
                format!("_period_end = DATE '{}'", period.last_day())
            }
            _ => format!("okres = '{period}'"),
        });
    }
    parts.extend(args.filter.as_ref().map(|filter| format!("({filter})")));
    Ok((!parts.is_empty()).then(|| parts.join(" AND ")))
}
