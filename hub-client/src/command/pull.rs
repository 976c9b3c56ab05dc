//! `hub pull`.

use std::sync::Arc;

use hub_client::v1::RowFormat;
use hub_client::{PullRequest, Pulled, row_format, short, v1};
use serde_json::json;

use super::document::{Wanted, filter};
use super::{print, print_json, since};
use crate::args::Pull;
use crate::exit::{Exit, Failure};
use crate::session::{Session, Unit};
use crate::text;

pub(super) async fn run(session: &Session, args: Pull) -> Result<Exit, Failure> {
    let file = args.out.display().to_string();
    let wanted = args.document.as_deref().map(|id| Wanted::new(session, &args, id)).transpose()?;
    let format = match wanted {
        Some(_) => RowFormat::Arrow,
        None => row_format(&args.out)
            .ok_or_else(|| Failure::Usage(session.say(text::UNKNOWN_FORMAT, &[("file", &file)])))?,
    };
    if let Some(cursor) = args.since.clone() {
        return since::run(session, args, format, cursor).await;
    }
    let request = PullRequest {
        dataset: args.dataset.clone(),
        columns: args.columns.clone(),
        filter: filter(session, &args)?,
        as_of: args.as_of.clone(),
        format,
    };
    let pulled = match wanted {
        Some(wanted) => wanted.pull(session, request, &args).await?,
        None => rows(session, &request, &args).await?,
    };
    tell(session, &file, &pulled)
}

/// Pulls the rows as they are.
async fn rows(session: &Session, request: &PullRequest, args: &Pull) -> Result<Pulled, Failure> {
    let bar = session.bar(text::PULLING, Unit::Rows);
    let progress = {
        let bar = bar.clone();
        Arc::new(move |rows, estimated| {
            bar.set_length(estimated);
            bar.set_position(rows);
        })
    };
    let client = session.client()?;
    let outcome = client.pull_to_file(request, &args.out, Some(progress)).await;
    bar.finish_and_clear();
    session.tell_detour(&client);
    Ok(outcome?)
}

fn tell(session: &Session, file: &str, pulled: &Pulled) -> Result<Exit, Failure> {
    let version = pulled.session.version.as_ref();
    if session.is_json() {
        print_json(&json!({
            "file": file,
            "rows": pulled.rows,
            "bytes": pulled.bytes,
            "columns": pulled.session.columns,
            "version": version.map(version_json),
        }))?;
    } else {
        let (rows, bytes) = (pulled.rows.to_string(), pulled.bytes.to_string());
        print(&session.say(text::PULLED, &[("file", file), ("rows", &rows), ("bytes", &bytes)]))?;
    }
    if let Some(version) = version {
        eprintln!("{}", stands_on(session, version));
    }
    Ok(Exit::Accepted)
}

/// Which dataset version an answer stands on, and how many units are behind it.
pub(super) fn stands_on(session: &Session, version: &v1::DatasetVersionRef) -> String {
    let coverage = version.coverage.as_ref().map_or_else(String::new, |coverage| {
        let (reporting, expected) =
            (coverage.units_reporting.to_string(), coverage.units_expected.to_string());
        let source = match coverage.expected_source.as_str() {
            "register" => text::OF_REGISTER.get(session.language),
            other => other,
        };
        session.say(text::COVERAGE, &[("reporting", &reporting), ("expected", &expected), ("source", source)])
    });
    let number = version.version.to_string();
    session.say(
        text::STANDS_ON,
        &[("dataset", short(&version.dataset)), ("version", &number), ("coverage", &coverage)],
    )
}

fn version_json(version: &v1::DatasetVersionRef) -> serde_json::Value {
    let coverage = version.coverage.as_ref().map(|coverage| {
        json!({
            "units_reporting": coverage.units_reporting,
            "units_expected": coverage.units_expected,
            "expected_source": coverage.expected_source,
        })
    });
    json!({
        "dataset": short(&version.dataset),
        "version": version.version,
        "commit_time": version.commit_time.as_ref().map(ToString::to_string),
        "coverage": coverage,
    })
}
