//! What became of a payload, for people and for the exit code.

use hub_client::v1::SubmissionState;
use hub_client::{ClientError, Verdict, short};
use hub_datasets::{Report, Severity};
use hub_proto::Reason;

use super::{json, rendered_brief, rendered_short};
use crate::exit::Exit;
use crate::reasons::advice;
use crate::session::Session;
use crate::text;

/// What became of a payload.
pub(super) fn told(
    session: &Session,
    name: &str,
    verdict: &Verdict,
    report: Option<&Report>,
    (flags, exit): (&Flags, Exit),
) -> String {
    let submission = &verdict.submission;
    let (revision, version) = (submission.revision.to_string(), submission.dataset_version.to_string());
    let rows = submission.rows.to_string();
    let facts = [
        ("file", name),
        ("revision", &revision),
        ("version", &version),
        ("rows", &rows),
        ("reason", &submission.reason),
        ("state", json::state(submission)),
    ];
    let awaits = submission.state() == SubmissionState::Awaiting;
    let refused = (exit == Exit::Blocked && !awaits) || verdict.is_refused();
    let head = match submission.state() {
        _ if refused => text::PUSH_REFUSED,
        _ if verdict.unchanged => text::UNCHANGED,
        SubmissionState::Awaiting => text::PUSH_AWAITS,
        _ if flags.dry_run => text::VALIDATED,
        SubmissionState::Committed | SubmissionState::Superseded => text::ACCEPTED,
        _ => text::PUSH_OTHER,
    };
    let mut lines = vec![session.say(head, &facts)];
    if verdict.receipt.is_some() {
        lines.push(session.say(text::RECEIPT, &[("receipt", short(&submission.name))]));
    }
    for (text, slices) in
        [(text::CARRIED, &submission.carried_slices), (text::DROPPED, &submission.dropped_slices)]
    {
        if !slices.is_empty() {
            lines.push(session.say(text, &[("slices", &slices.join(", "))]));
        }
    }
    if let Some(advice) = Reason::parse(&submission.reason).and_then(advice) {
        lines.push(format!("  {}", advice.get(session.language)));
    }
    if let Some(report) = report {
        lines.push(remarks(session, report, (refused, flags.dry_run), short(&submission.name)));
    }
    lines.join("\n")
}

/// The report where it decides, else in a few lines.
fn remarks(session: &Session, report: &Report, (refused, dry_run): (bool, bool), submission: &str) -> String {
    if refused || dry_run || report.unexplained() > 0 {
        // The hub keeps nothing of a dry run that could be asked for later.
        let rest = if dry_run { text::REST_OF_CHECK } else { text::REST_OF_REPORT };
        let rest = session.say(rest, &[("submission", submission)]);
        return rendered_short(report, session.language, &rest).trim_end().to_owned();
    }
    let brief = rendered_brief(report, session.language, submission);
    brief.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

/// True when asking again under the same id would only give the same refusal. What waits for the sender's
/// word (may rows go, does the correction still stand) is not: the hub holds the bytes until that comes.
pub(super) fn is_final(error: &ClientError) -> bool {
    match error {
        ClientError::Closed { .. } => true,
        ClientError::Refused(refusal) => !matches!(
            refusal.reason,
            None | Some(
                Reason::Busy
                    | Reason::Unavailable
                    | Reason::Internal
                    | Reason::StorageFull
                    | Reason::DeletionUnconfirmed
                    | Reason::RevisionMoved
            )
        ),
        _ => false,
    }
}

pub(super) fn exit_of(verdict: &Verdict, report: Option<&Report>, flags: &Flags) -> Exit {
    let bar = if flags.strict { Severity::Warn } else { Severity::Block };
    let blocked = report.is_some_and(|report| report.counts.iter().any(|count| count.severity >= bar));
    match verdict.submission.state() {
        SubmissionState::Refused | SubmissionState::Awaiting => Exit::Blocked,
        SubmissionState::Committed | SubmissionState::Superseded => Exit::Accepted,
        _ if verdict.unchanged => Exit::Accepted,
        _ if flags.dry_run => {
            if blocked {
                Exit::Blocked
            } else {
                Exit::Accepted
            }
        }
        _ => Exit::Failed,
    }
}

/// What of the command line decides the exit code.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flags {
    pub(super) strict: bool,
    pub(super) dry_run: bool,
}

#[cfg(test)]
mod tests;
