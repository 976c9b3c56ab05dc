//! `hub notices`, `hub notices ack` and `hub notices pin`.

use futures::{StreamExt as _, TryStreamExt as _};
use hub_client::{Client, ClientError, short, v1};
use serde_json::{Value, json};

use super::json::time;
use super::lookup::list;
use super::{print, print_json};
use crate::args::{Format, NoticeDeed, Notices};
use crate::exit::{Exit, Failure};
use crate::session::Session;
use crate::text;

/// Columns of a list.
const LISTED: [&str; 11] = [
    "notice",
    "state",
    "kind",
    "dataset",
    "publisher",
    "period",
    "taken_version",
    "dataset_version",
    "added",
    "removed",
    "changed",
];

pub(super) async fn run(session: &Session, args: &Notices) -> Result<Exit, Failure> {
    let client = session.client()?;
    match &args.deed {
        None => all(session, &client, args.all).await,
        Some(NoticeDeed::Ack { id, note }) => say(session, &client, id, (false, note)).await,
        Some(NoticeDeed::Pin { id, note }) => say(session, &client, id, (true, note)).await,
    }
}

async fn all(session: &Session, client: &Client, settled: bool) -> Result<Exit, Failure> {
    let mut notices = client.notices(settled);
    let first = notices.try_next().await.map_err(|error: ClientError| Failure::from(error))?;
    let hint = first.as_ref().map(difference);
    let whole = futures::stream::iter(first.map(Ok)).chain(notices).boxed();
    let exit = list(session, whole, object, &LISTED, None).await?;
    if let (Some(command), Format::Table) = (hint, session.row_format()) {
        eprintln!("{}", session.say(text::NOTICES_NEXT, &[("command", &command)]));
    }
    Ok(exit)
}

async fn say(
    session: &Session,
    client: &Client,
    id: &str,
    (pinned, note): (bool, &str),
) -> Result<Exit, Failure> {
    let notice = client.acknowledge_notice(id, pinned, note).await?;
    if session.is_json() {
        print_json(&object(&notice))?;
    } else {
        let said = if pinned { text::NOTICE_PINNED } else { text::NOTICE_SEEN };
        let version = notice.dataset_version.to_string();
        let facts = [
            ("dataset", short(&notice.dataset)),
            ("publisher", short(&notice.publisher)),
            ("period", &notice.period),
            ("version", &version),
        ];
        print(&session.say(said, &facts))?;
    }
    Ok(Exit::Accepted)
}

fn object(notice: &v1::Notice) -> Value {
    let rows = notice.rows.as_ref();
    json!({
        "notice": short(&notice.name),
        "state": notice.state().as_str_name().trim_start_matches("NOTICE_STATE_"),
        "kind": notice.kind().as_str_name().trim_start_matches("REVISION_CHANGE_KIND_"),
        "dataset": short(&notice.dataset),
        "publisher": short(&notice.publisher),
        "period": notice.period,
        "taken_version": notice.taken_version,
        "taken_revision": notice.taken_revision,
        "taken_cursor": notice.taken_cursor,
        "dataset_version": notice.dataset_version,
        "revision": notice.revision,
        "submission": short(&notice.submission),
        "commit_time": time(notice.commit_time.as_ref()),
        "added": rows.map(|rows| rows.added),
        "removed": rows.map(|rows| rows.removed),
        "changed": rows.map(|rows| rows.changed),
        "columns": notice.columns,
        "filter": notice.filter,
        "note": notice.note,
        "create_time": time(notice.create_time.as_ref()),
        "settle_time": time(notice.settle_time.as_ref()),
        "difference": difference(notice),
    })
}

/// The command that shows row by row what differs.
fn difference(notice: &v1::Notice) -> String {
    let (dataset, publisher, cursor) =
        (short(&notice.dataset), short(&notice.publisher), &notice.taken_cursor);
    format!("hub pull {dataset} --publisher {publisher} --since {cursor} --out {dataset}-{publisher}.csv")
}
