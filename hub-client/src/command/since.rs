//! `hub pull … --since`: a copy that is kept in step, or what changed behind a cursor.

use std::sync::Arc;

use hub_client::v1::{ChangesPage, RowFormat};
use hub_client::{Anew, ChangesFile, Copied, CopyRequest, SinceRequest, short};
use serde_json::json;

use super::document::filter;
use super::{print, print_json};
use crate::args::Pull;
use crate::exit::{Exit, Failure};
use crate::session::{Session, Unit};
use crate::text;

/// `cursor`: where changes begin; none: the file is a copy that knows.
pub(super) async fn run(
    session: &Session,
    args: Pull,
    format: RowFormat,
    cursor: Option<String>,
) -> Result<Exit, Failure> {
    match cursor {
        Some(cursor) => changes(session, &args, format, cursor).await,
        None => copy(session, &args, format).await,
    }
}

async fn copy(session: &Session, args: &Pull, format: RowFormat) -> Result<Exit, Failure> {
    let file = args.out.display().to_string();
    if format != RowFormat::Parquet {
        return Err(Failure::Usage(session.say(text::COPY_FORMAT, &[("file", &file)])));
    }
    let (dataset, columns) = (args.dataset.clone(), args.columns.clone());
    let request = CopyRequest { dataset, columns, filter: filter(session, args)? };
    let bar = session.bar(text::PULLING, Unit::Rows);
    let progress = {
        let bar = bar.clone();
        Arc::new(move |rows, estimated| {
            bar.set_length(estimated);
            bar.set_position(rows);
        })
    };
    let client = session.client()?;
    let outcome = client.keep_copy(&request, &args.out, Some(progress)).await;
    bar.finish_and_clear();
    session.tell_detour(&client);
    tell_copy(session, args, &file, &outcome?)
}

fn tell_copy(session: &Session, args: &Pull, file: &str, copied: &Copied) -> Result<Exit, Failure> {
    let (rows, inserted) = (copied.rows.to_string(), copied.inserted.to_string());
    let (deleted, version) = (copied.deleted.to_string(), copied.version.to_string());
    if session.is_json() {
        print_json(&json!({
            "file": file,
            "dataset": short(&args.dataset),
            "dataset_version": copied.version,
            "cursor": copied.cursor,
            "rows": copied.rows,
            "inserted": copied.inserted,
            "deleted": copied.deleted,
            "anew": copied.anew.as_ref().map(anew_code),
        }))?;
    } else {
        let facts = [
            ("file", file),
            ("rows", &rows),
            ("inserted", &inserted),
            ("deleted", &deleted),
            ("version", &version),
        ];
        print(&session.say(text::COPY_KEPT, &facts))?;
    }
    match &copied.anew {
        None | Some(Anew::First) => {}
        Some(why) => eprintln!("{}", session.say(text::COPY_ANEW, &[("why", &anew_code(why))])),
    }
    Ok(Exit::Accepted)
}

fn anew_code(why: &Anew) -> String {
    match why {
        Anew::First => "FIRST".to_owned(),
        Anew::Refused(reason) => reason.to_string(),
        Anew::TooMuch => "TOO_MUCH_CHANGED".to_owned(),
        Anew::Damaged => "COPY_CHANGED".to_owned(),
        Anew::OtherColumns => "OTHER_COLUMNS".to_owned(),
    }
}

async fn changes(session: &Session, args: &Pull, format: RowFormat, cursor: String) -> Result<Exit, Failure> {
    let request = SinceRequest {
        dataset: args.dataset.clone(),
        cursor,
        columns: args.columns.clone(),
        filter: filter(session, args)?,
        values_only: false,
        format,
    };
    let client = session.client()?;
    let outcome = client.changes_to_file(&request, &args.out).await;
    session.tell_detour(&client);
    let ChangesFile { page, rows, bytes } = outcome?;
    let ChangesPage { since_version, last_version, next_cursor, more, .. } = page;
    let file = args.out.display().to_string();
    if session.is_json() {
        print_json(&json!({
            "file": file,
            "dataset": short(&args.dataset),
            "since_version": since_version,
            "dataset_version": last_version,
            "cursor": next_cursor,
            "more": more,
            "rows": rows,
            "bytes": bytes,
        }))?;
    } else {
        let (rows, since, last) = (rows.to_string(), since_version.to_string(), last_version.to_string());
        let facts = [("file", file.as_str()), ("rows", &rows), ("since", &since), ("last", &last)];
        print(&session.say(text::CHANGES_PULLED, &facts))?;
    }
    let told = if more { text::CHANGES_MORE } else { text::CHANGES_NEXT };
    eprintln!("{}", session.say(told, &[("cursor", &next_cursor)]));
    Ok(Exit::Accepted)
}
