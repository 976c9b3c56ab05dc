//! `hub submissions list|show|report|receipt|abandon`.

use std::io;

use hub_client::{SubmissionFilter, short};

use super::lookup::list;
use super::{json, print, print_json, rendered, report_of};
use crate::args::Submissions;
use crate::exit::{Exit, Failure};
use crate::output::write_object;
use crate::session::Session;
use crate::text;

pub(super) async fn run(session: &Session, deed: &Submissions) -> Result<Exit, Failure> {
    let client = session.client()?;
    match deed {
        Submissions::List { pattern, publisher, period } => {
            let filter = SubmissionFilter {
                pattern: pattern.clone(),
                publisher: publisher.clone(),
                period: period.clone(),
            };
            let columns = [
                "submission",
                "state",
                "pattern",
                "publisher",
                "period",
                "revision",
                "dataset_version",
                "rows",
                "create_time",
            ];
            list(session, client.submissions_list(&filter), json::submission, &columns, None).await
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
        Submissions::Report { id } => {
            let report = report_of(client.report(id).await?)?;
            if session.is_json() {
                print_json(&serde_json::to_value(&report).map_err(io::Error::from)?)?;
            } else {
                print(rendered(&report, session.language).trim_end())?;
            }
            Ok(if report.blocks() { Exit::Blocked } else { Exit::Accepted })
        }
        Submissions::Receipt { id } => {
            let receipt = client.receipt(id).await?;
            if session.is_json() {
                print_json(&json::receipt(&receipt))?;
            } else {
                // The very bytes that are hashed and signed, so that they can be filed.
                print(&receipt.canonical_json)?;
            }
            Ok(Exit::Accepted)
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
