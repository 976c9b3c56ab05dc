//! `hub query`.

use std::io::{self, BufWriter, Write as _};

use hub_client::QueryRequest;
use hub_client::v1::{LocalizedText, RowFormat, Warning};

use super::json;
use super::lookup::list;
use super::pull::stands_on;
use super::rows::RowTable;
use crate::args::{Format, Query};
use crate::exit::{Exit, Failure};
use crate::session::Session;
use crate::text::{self, Language};

/// A trap of the statement, and what to write instead.
fn warned_of(session: &Session, warning: &Warning) -> String {
    let text = |text: &Option<LocalizedText>| {
        let text = text.clone().unwrap_or_default();
        match session.language {
            Language::Polish => text.pl,
            Language::English => text.en,
        }
    };
    let (message, hint) = (text(&warning.message), text(&warning.hint));
    session.say(text::WARNED, &[("code", &warning.code), ("message", &message), ("hint", &hint)])
}

pub(super) async fn run(session: &Session, args: Query) -> Result<Exit, Failure> {
    let (shown, revisions) = (session.row_format(), args.revisions);
    let format = match shown {
        Format::Table => RowFormat::Arrow,
        Format::Csv => RowFormat::Csv,
        // One object per line, so that nothing is held back until the end.
        Format::Json => RowFormat::Ndjson,
    };
    let client = session.client()?;
    let request = request(args, format);
    if revisions {
        let columns = ["dataset", "publisher", "period", "revision", "submission", "commit_time"];
        let pages = client.revisions_behind(&request.sql, &request.at);
        return list(session, pages, json::revision_behind, &columns, None).await;
    }
    let mut answer = client.query(&request).await?;
    session.tell_detour(&client);
    let mut out = BufWriter::new(io::stdout());
    let mut table = RowTable::new();
    while let Some(data) = answer.next().await? {
        match shown {
            Format::Table => table.write(&data, &mut out)?,
            Format::Csv | Format::Json => out.write_all(&data)?,
        }
    }
    table.finish(&mut out)?;
    out.flush()?;
    for version in answer.versions() {
        eprintln!("{}", stands_on(session, version));
    }
    for warning in answer.warnings() {
        eprintln!("{}", warned_of(session, warning));
    }
    if let Some(link) = answer.permalink() {
        eprintln!("{}", session.say(text::PERMALINK, &[("link", link)]));
    }
    Ok(Exit::Accepted)
}

/// The statement as it stands, or that of a permalink.
fn request(args: Query, format: RowFormat) -> QueryRequest {
    let Query { sql, as_of, at, .. } = args;
    match QueryRequest::of_permalink(&sql, format) {
        // What the call says of states goes before what the address says.
        Some(linked) if at.is_empty() => QueryRequest { as_of, ..linked },
        Some(linked) => QueryRequest { as_of, at, ..linked },
        None => QueryRequest { sql, format, as_of, at },
    }
}
