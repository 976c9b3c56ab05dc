//! `hub query`.

use std::io::{self, BufWriter, Write as _};

use hub_client::QueryRequest;
use hub_client::v1::{LocalizedText, RowFormat, Warning};

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
    let shown = session.row_format();
    let format = match shown {
        Format::Table => RowFormat::Arrow,
        Format::Csv => RowFormat::Csv,
        // One object per line, so that nothing is held back until the end.
        Format::Json => RowFormat::Ndjson,
    };
    let client = session.client()?;
    let mut answer = client.query(&QueryRequest { sql: args.sql, format, as_of: args.as_of }).await?;
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
    Ok(Exit::Accepted)
}
