//! `hub watch`: dataset versions as they come, a line for each submission that made one.

use std::io::{self, Write as _};
use std::path::Path;

use hub_client::v1::{RevisionChange, WatchDatasetsResponse};
use hub_client::{short, write_whole};
use serde_json::json;

use super::print_json;
use crate::args::Watch;
use crate::exit::{Exit, Failure};
use crate::session::Session;
use crate::text;

pub(super) async fn run(session: &Session, args: Watch) -> Result<Exit, Failure> {
    let kept = args.state.as_deref().map(kept).transpose()?.flatten();
    let cursor = args.since.clone().or(kept).unwrap_or_default();
    let mut watch = session.client()?.watch(&args.datasets, &cursor);
    let mut left = args.count;
    while left != Some(0) {
        let told = watch.next().await?;
        if told.version.is_some() {
            tell(session, &told)?;
            left = left.map(|left| left - 1);
        }
        // Only behind what was told, so that what cuts this off is told again, and nothing is left out.
        if let Some(state) = &args.state {
            write_whole(state, format!("{}\n", told.cursor).as_bytes())?;
        }
    }
    eprintln!("{}", session.say(text::WATCH_NEXT, &[("cursor", watch.cursor())]));
    Ok(Exit::Accepted)
}

/// The cursor in a state file; none: there is no file yet.
fn kept(state: &Path) -> Result<Option<String>, Failure> {
    match std::fs::read_to_string(state) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn kind(change: &RevisionChange) -> &'static str {
    change.kind().as_str_name().trim_start_matches("REVISION_CHANGE_KIND_")
}

fn tell(session: &Session, told: &WatchDatasetsResponse) -> Result<(), Failure> {
    let Some(version) = &told.version else { return Ok(()) };
    let (dataset, moment) = (short(&version.dataset), version.commit_time.as_ref().map(ToString::to_string));
    if session.is_json() {
        let revisions = told.revisions.iter().map(|change| {
            json!({
                "kind": kind(change),
                "submission": short(&change.submission),
                "publisher": short(&change.publisher),
                "period": change.period,
                "revision": change.revision,
                "withdraws": (!change.withdraws.is_empty()).then(|| short(&change.withdraws)),
            })
        });
        return print_json(&json!({
            "dataset": dataset,
            "dataset_version": version.version,
            "commit_time": moment,
            "revisions": revisions.collect::<Vec<_>>(),
            "cursor": told.cursor,
        }));
    }
    let mut out = io::stdout().lock();
    for change in &told.revisions {
        let (number, moment) = (version.version, moment.as_deref().unwrap_or_default());
        let (publisher, submission) = (short(&change.publisher), short(&change.submission));
        let RevisionChange { period, revision, .. } = change;
        writeln!(
            out,
            "{dataset} {number} {moment} {} {publisher} {period} {revision} {submission}",
            kind(change)
        )?;
    }
    Ok(out.flush()?)
}
