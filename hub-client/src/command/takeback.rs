//! `hub submissions withdraw` and `revert`.

use hub_client::v1::SubmissionState;
use hub_client::{Client, Pending, PushKey, PushOptions, Verdict, short};

use super::verdict::{Flags, exit_of, is_final, told};
use super::{json, print, print_json, receipt, report_of};
use crate::exit::{Exit, Failure};
use crate::session::Session;
use crate::text;

/// The id of a deed, kept until it has its answer, so that the same command takes it up again.
fn pending(session: &Session, deed: &str, id: &str) -> Result<Pending, Failure> {
    let key = PushKey {
        profile: session.profile()?.name,
        payload: format!("{deed} {}", short(id)),
        pattern: String::new(),
        publisher: String::new(),
        period: String::new(),
    };
    Ok(Pending::take_up(&session.environment.config_dir, &key)?)
}

pub(super) async fn withdraw(
    session: &Session,
    client: &Client,
    id: &str,
    said: (bool, Option<u64>),
) -> Result<Exit, Failure> {
    let pending = pending(session, "withdraw", id)?;
    let outcome = client.withdraw(id, pending.request_id(), said).await;
    if outcome.as_ref().map_or_else(is_final, |_| true) {
        pending.settle()?;
    }
    let verdict = outcome?;
    compare(session, client, &verdict).await?;
    if session.is_json() {
        print_json(&json::verdict(short(id), &verdict, None))?;
    } else {
        let submission = &verdict.submission;
        let (revision, version) = (submission.revision.to_string(), submission.dataset_version.to_string());
        let facts = [("submission", short(id)), ("revision", &revision), ("version", &version)];
        let receipt = session.say(text::RECEIPT, &[("receipt", short(&submission.name))]);
        print(&format!("{}\n{receipt}", session.say(text::WITHDRAWN, &facts)))?;
    }
    Ok(Exit::Accepted)
}

pub(super) async fn revert(
    session: &Session,
    client: &Client,
    id: &str,
    options: &PushOptions,
) -> Result<Exit, Failure> {
    let pending = pending(session, "revert", id)?;
    let outcome = client.revert(id, pending.request_id(), options).await;
    let is_over = |verdict: &Verdict| verdict.submission.state() != SubmissionState::Awaiting;
    if outcome.as_ref().map_or_else(is_final, is_over) {
        pending.settle()?;
    }
    let verdict = outcome?;
    compare(session, client, &verdict).await?;
    let report = verdict.report.clone().map(report_of).transpose()?;
    let flags = Flags { strict: options.strict, dry_run: options.validate_only };
    let exit = exit_of(&verdict, report.as_ref(), &flags);
    if session.is_json() {
        print_json(&json::verdict(short(id), &verdict, report.as_ref()))?;
    } else {
        print(&told(session, short(id), &verdict, report.as_ref(), (&flags, exit)))?;
    }
    Ok(exit)
}

/// The receipt is as the hub signed it.
async fn compare(session: &Session, client: &Client, verdict: &Verdict) -> Result<(), Failure> {
    match &verdict.receipt {
        Some(signed) => receipt::taken(session, client, signed).await.map(drop),
        None => Ok(()),
    }
}
