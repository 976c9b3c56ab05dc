//! `hub submissions list|show|report|receipt|payload|diff|withdraw|revert|abandon`.

use std::io;
use std::path::Path;
use std::sync::Arc;

use hub_client::{Client, Digest, PushOptions, SubmissionFilter, short};

use super::check::{page_form, write_page};
use super::lookup::list;
use super::{changes, json, print, print_json, receipt, rendered, report_of, takeback};
use crate::args::Submissions;
use crate::exit::{Exit, Failure};
use crate::output::write_object;
use crate::session::{Session, Unit};
use crate::text;

/// Columns of a list.
const LISTED: [&str; 10] = [
    "submission",
    "state",
    "pattern",
    "publisher",
    "period",
    "revision",
    "dataset_version",
    "rows",
    "late_findings",
    "create_time",
];

pub(super) async fn run(session: &Session, deed: &Submissions) -> Result<Exit, Failure> {
    let client = session.client()?;
    match deed {
        Submissions::List { pattern, publisher, period } => {
            let filter = SubmissionFilter {
                pattern: pattern.clone(),
                publisher: publisher.clone(),
                period: period.clone(),
            };
            list(session, client.submissions_list(&filter), json::submission, &LISTED, None).await
        }
        Submissions::Show { id } => {
            let submission = json::submission(&client.submission(id).await?);
            if session.is_json() {
                print_json(&submission)?;
            } else {
                write_object(&submission, &mut io::stdout().lock())?;
            }
            Ok(Exit::Accepted)
        }
        Submissions::Report { id, out } => report(session, &client, id, out.as_deref()).await,
        Submissions::Receipt { id, out } => the_receipt(session, &client, id, out.as_deref()).await,
        Submissions::Payload { id, out } => payload(session, &client, id, out).await,
        Submissions::Diff { first, second, replace_all } => {
            let (from, to) = match second {
                Some(second) => (Some(first.clone()), second),
                None => (None, first),
            };
            let of = client.submission(to).await?;
            changes::write(session, &client, (from, to.clone(), *replace_all), &of.pattern).await?;
            Ok(Exit::Accepted)
        }
        Submissions::Withdraw { id, confirm_deletions, parent_revision } => {
            takeback::withdraw(session, &client, id, (*confirm_deletions, *parent_revision)).await
        }
        Submissions::Revert {
            id,
            dry_run,
            strict,
            replace_all,
            confirm_deletions,
            parent_revision,
            explain,
        } => {
            let options = PushOptions {
                validate_only: *dry_run,
                strict: *strict,
                replace_all: *replace_all,
                confirm_deletions: *confirm_deletions,
                parent_revision: *parent_revision,
                explanations: explain.clone(),
            };
            takeback::revert(session, &client, id, &options).await
        }
        Submissions::Abandon { id } => {
            let submission = client.abandon(id).await?;
            if session.is_json() {
                print_json(&json::submission(&submission))?;
            } else {
                print(&session.say(text::ABANDONED, &[("submission", short(&submission.name))]))?;
            }
            Ok(Exit::Accepted)
        }
    }
}

async fn report(session: &Session, client: &Client, id: &str, out: Option<&Path>) -> Result<Exit, Failure> {
    out.map_or(Ok(()), |file| page_form(session, file))?;
    if out.is_some() || !session.is_json() {
        let of = client.submission(id).await?;
        if !of.withdraws.is_empty() {
            let values = [("submission", short(&of.name)), ("withdrawn", short(&of.withdraws))];
            let said = session.say(text::WITHDREW, &values);
            if out.is_some() {
                return Err(Failure::Usage(said));
            }
            print(&said)?;
            return Ok(Exit::Accepted);
        }
    }
    let report = report_of(client.report(id).await?)?;
    if let Some(file) = out {
        write_page(session, file, short(id), &report)?;
    } else if session.is_json() {
        print_json(&serde_json::to_value(&report).map_err(io::Error::from)?)?;
    } else {
        print(rendered(&report, session.language).trim_end())?;
    }
    Ok(if report.blocks() { Exit::Blocked } else { Exit::Accepted })
}

async fn the_receipt(
    session: &Session,
    client: &Client,
    id: &str,
    out: Option<&Path>,
) -> Result<Exit, Failure> {
    // A wrong name is told before the hub is asked.
    out.map(|file| receipt::form(session, file)).transpose()?;
    let receipt = client.receipt(id).await?;
    let signed = receipt::taken(session, client, &receipt).await?;
    if let Some(file) = out {
        print(receipt::write(session, &signed, file)?.trim_start())?;
    } else if session.is_json() {
        print_json(&json::receipt(&receipt))?;
    } else {
        // As it is filed: one line, byte for byte what `hub receipt verify` takes.
        print(&signed.document)?;
    }
    Ok(Exit::Accepted)
}

async fn payload(session: &Session, client: &Client, id: &str, out: &Path) -> Result<Exit, Failure> {
    let bar = session.bar(text::PULLING, Unit::Bytes);
    let progress = {
        let bar = bar.clone();
        Arc::new(move |done, all| {
            bar.set_length(all);
            bar.set_position(done);
        })
    };
    let outcome = client.payload_to_file(id, out, Some(progress)).await;
    bar.finish_and_clear();
    session.tell_detour(client);
    let Digest { size, sha256 } = outcome?;
    let file = out.display().to_string();
    if session.is_json() {
        print_json(&serde_json::json!({ "file": file, "bytes": size, "sha256": sha256 }))?;
    } else {
        let values = [("file", file.as_str()), ("bytes", &size.to_string()), ("sha256", &sha256)];
        print(&session.say(text::PAYLOAD_BACK, &values))?;
    }
    Ok(Exit::Accepted)
}
