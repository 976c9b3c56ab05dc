//! `hub push`.

use std::path::Path;
use std::sync::Arc;

use hub_client::v1::{self, SubmissionState};
use hub_client::{
    Client, ClientError, MediaType, Payload, Pending, Profile, PushKey, PushOptions, PushRequest, Verdict,
    identity_of, short,
};
use hub_datasets::check::{Checker, Context};
use hub_datasets::{Report, Settings, Severity};
use hub_proto::Reason;

use super::known::{Known, settings, settings_of, unusable};
use super::{error_file, json, print, print_json, receipt, rendered_short, report_of};
use crate::args::Push;
use crate::exit::{Exit, Failure};
use crate::reasons::advice;
use crate::session::{Session, Unit};
use crate::text;

pub(super) async fn run(session: &Session, args: Push) -> Result<Exit, Failure> {
    let profile = session.profile()?;
    let client = session.client()?.compression(args.compress.into());
    // All names are looked at before the first byte leaves: wrong usage must not leave half of the files pushed.
    error_file::usable(session, args.error_file.as_ref(), args.files.len())?;
    let mut known = None;
    let mut parcels = Vec::with_capacity(args.files.len());
    for file in &args.files {
        parcels.extend(parcels_of(session, &args, &mut known, file)?);
    }
    if let (true, Some(pattern), Some(period)) = (args.nothing_to_report, &args.pattern, &args.period) {
        let (pattern, period) = (pattern.clone(), period.to_string());
        let payload = Payload::NothingToReport;
        let (file, media_type, settings) = (String::new(), MediaType::Csv, Settings::default());
        parcels.push(Parcel { file, payload, media_type, settings, pattern, period });
    }
    if parcels.len() > 1 && args.error_file.is_some() {
        let (name, patterns) = (&parcels[0].file, parcels.iter().map(|parcel| parcel.pattern.as_str()));
        let facts = [("file", name.as_str()), ("patterns", &patterns.collect::<Vec<_>>().join(", "))];
        return Err(Failure::Usage(session.say(text::FITS_SEVERAL, &facts)));
    }
    if let Some(file) = &args.receipt {
        if parcels.len() > 1 {
            return Err(Failure::Usage(text::RECEIPT_OF_ONE.get(session.language).to_owned()));
        }
        receipt::form(session, file)?;
    }
    let mut worst = Exit::Accepted;
    for Parcel { file, payload, media_type, settings, pattern, period } in parcels {
        let (profile, client, args) = (&profile, &client, &args);
        let one = One { session, profile, client, args, file, settings, pattern, period };
        let exit = match one.push(payload, media_type).await {
            Ok(exit) => exit,
            // Without the hub, or with a key that it does not take, the next file ends the same way.
            Err(failure) if matches!(failure.exit(), Exit::NotReached | Exit::NotPermitted | Exit::Usage) => {
                return Err(failure);
            }
            Err(failure) => {
                if let Some(message) = failure.message(session.language) {
                    eprintln!("{}: {message}", one.file);
                }
                failure.exit()
            }
        };
        worst = worst.max(exit);
    }
    Ok(worst)
}

/// What is sent.
struct Parcel {
    file: String,
    payload: Payload,
    media_type: MediaType,
    settings: Settings,
    pattern: String,
    period: String,
}

/// A file under each pattern that it is of.
fn parcels_of(
    session: &Session,
    args: &Push,
    known: &mut Option<Known>,
    file: &Path,
) -> Result<Vec<Parcel>, Failure> {
    let name = file.display().to_string();
    let media_type = MediaType::of(file)
        .ok_or_else(|| Failure::Usage(session.say(text::UNKNOWN_MEDIA, &[("file", &name)])))?;
    let set = settings(session, &args.set)?;
    let known = match known {
        Some(known) => known,
        None => known.insert(Known::new(session, None)?),
    };
    let of = match (&args.pattern, &args.period) {
        // The hub may know patterns that the program does not.
        (Some(pattern), Some(period)) => vec![(pattern.clone(), period.to_string())],
        (pattern, period) => {
            let said = (pattern.as_deref(), period.as_ref());
            let untold = || Failure::Usage(session.say(text::PERIOD_UNTOLD, &[("file", &name)]));
            let of = known.of_file(session, (file, media_type), said, &set)?.into_iter().map(|fit| {
                let period = fit.period.ok_or_else(untold)?;
                Ok((fit.pattern.id.clone(), period.to_string()))
            });
            of.collect::<Result<Vec<_>, Failure>>()?
        }
    };
    let parcel = |(pattern, period): (String, String)| {
        let settings = match known.patterns.get(short(&pattern)) {
            Some(known) => settings_of(session, &known, &name, &set)?,
            None => set.clone(),
        };
        let (file, payload) = (name.clone(), Payload::File(file.to_path_buf()));
        Ok(Parcel { file, payload, media_type, settings, pattern, period })
    };
    of.into_iter().map(parcel).collect()
}

/// The push of one file.
struct One<'a> {
    session: &'a Session,
    profile: &'a Profile,
    client: &'a Client,
    args: &'a Push,
    file: String,
    settings: Settings,
    pattern: String,
    period: String,
}

impl One<'_> {
    async fn push(&self, payload: Payload, media_type: MediaType) -> Result<Exit, Failure> {
        let mut request = self.request(payload, media_type);
        if self.args.dry_run {
            // Nothing is kept of a dry run, so there is nothing to take up again.
            let verdict = self.send(&request).await?;
            return self.tell(&verdict, None);
        }
        let identity = identity_of(&request.payload).await?;
        let verdict = match self.remembered(&mut request, &identity).await {
            // What was begun earlier has expired or was abandoned: its id was forgotten, a fresh one is drawn.
            Err(Failure::Client(ClientError::Closed { .. })) => {
                self.remembered(&mut request, &identity).await?
            }
            other => other?,
        };
        let written = self.receipt(&verdict).await?;
        self.tell(&verdict, written.as_deref())
    }

    /// Writes the receipt if it is wanted; gives a line that says so.
    async fn receipt(&self, verdict: &Verdict) -> Result<Option<String>, Failure> {
        // An older hub signs nothing; then there is nothing to compare, unless a receipt is wanted.
        let is_wanted = |receipt: &&v1::Receipt| !receipt.signature.is_empty() || self.args.receipt.is_some();
        let Some(receipt) = verdict.receipt.as_ref().filter(is_wanted) else { return Ok(None) };
        match (receipt::taken(self.session, self.client, receipt).await, &self.args.receipt) {
            (Ok(signed), Some(file)) => receipt::write(self.session, &signed, file).map(Some),
            (Ok(_), None) => Ok(None),
            (Err(failure), Some(_)) => Err(failure),
            // Nobody asked for it, and the push is done: what is wrong is told beside its verdict.
            (Err(failure), None) => {
                if let Some(message) = failure.message(self.session.language) {
                    eprintln!("{}: UPO: {message}", self.name());
                }
                Ok(None)
            }
        }
    }

    /// Pushes under an id that is kept until a verdict came.
    async fn remembered(&self, request: &mut PushRequest, identity: &str) -> Result<Verdict, Failure> {
        let key = PushKey {
            profile: self.profile.name.clone(),
            payload: self
                .settings
                .iter()
                .fold(identity.to_owned(), |all, (name, value)| format!("{all} {name}={value}")),
            pattern: short(&self.pattern).to_owned(),
            publisher: self.args.publisher.as_deref().map(short).unwrap_or_default().to_owned(),
            period: self.period.clone(),
        };
        let pending = Pending::take_up(&self.session.environment.config_dir, &key)?;
        if pending.is_resumed() {
            eprintln!("{}", self.session.say(text::RESUMED, &[("file", self.name())]));
        }
        request.request_id = Some(pending.request_id().to_owned());
        let outcome = self.send(request).await;
        // What waits for an explanation is taken up by the same command with one.
        let is_over = |verdict: &Verdict| verdict.submission.state() != SubmissionState::Awaiting;
        if outcome.as_ref().map_or_else(is_final, is_over) {
            pending.settle()?;
        }
        Ok(outcome?)
    }

    async fn send(&self, request: &PushRequest) -> Result<Verdict, ClientError> {
        let bar = self.session.bar(text::SENDING, Unit::Bytes);
        let progress = {
            let bar = bar.clone();
            Arc::new(move |done, all| {
                bar.set_length(all);
                bar.set_position(done);
            })
        };
        let was_over_https = self.client.is_over_https();
        let outcome = self.client.push(request, Some(progress)).await;
        bar.finish_and_clear();
        if !was_over_https {
            self.session.tell_detour(self.client);
        }
        outcome
    }

    fn request(&self, payload: Payload, media_type: MediaType) -> PushRequest {
        PushRequest {
            pattern: self.pattern.clone(),
            publisher: self.args.publisher.clone(),
            period: self.period.clone(),
            media_type,
            settings: self.settings.clone(),
            payload,
            digest: None,
            request_id: None,
            options: PushOptions {
                validate_only: self.args.dry_run,
                strict: self.args.strict,
                replace_all: self.args.replace_all,
                confirm_deletions: self.args.confirm_deletions,
                parent_revision: self.args.parent_revision,
                explanations: self.args.explain.clone(),
            },
        }
    }

    fn name(&self) -> &str {
        if self.file.is_empty() { text::NOTHING.get(self.session.language) } else { &self.file }
    }

    fn tell(&self, verdict: &Verdict, written: Option<&str>) -> Result<Exit, Failure> {
        let report = verdict.report.clone().map(report_of).transpose()?;
        let exit = exit_of(verdict, report.as_ref(), &self.args.flags());
        if self.session.is_json() {
            print_json(&json::verdict(&self.file, verdict, report.as_ref()))?;
        } else {
            print(&self.told(verdict, report.as_ref(), exit))?;
            written.map_or(Ok(()), print)?;
        }
        // The push has its verdict, whatever becomes of the error file.
        if let (Some(out), Some(report)) = (&self.args.error_file, &report) {
            match self.error_file(out, report) {
                Ok(told) => eprintln!("{told}"),
                Err(failure) => {
                    failure.message(self.session.language).iter().for_each(|told| eprintln!("{told}"))
                }
            }
        }
        Ok(exit)
    }

    fn error_file(&self, out: &Path, report: &Report) -> Result<String, Failure> {
        let session = self.session;
        let known = Known::new(session, None)?;
        let pattern = known.get(session, &self.pattern)?;
        let context =
            Context { pattern, lists: known.lists, period: self.period.parse().ok(), publisher: None };
        let checker = Checker::new(context).map_err(|error| unusable(session, &error))?;
        let checker = checker.with(self.settings.clone());
        let file = Path::new(&self.file);
        let media_type = MediaType::of(file).unwrap_or(MediaType::Csv);
        error_file::write(session, out, error_file::Payload { file, media_type, checker: &checker }, report)
    }

    fn told(&self, verdict: &Verdict, report: Option<&Report>, exit: Exit) -> String {
        let session = self.session;
        let submission = &verdict.submission;
        let (revision, version) = (submission.revision.to_string(), submission.dataset_version.to_string());
        let rows = submission.rows.to_string();
        let facts = [
            ("file", self.name()),
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
            _ if self.args.dry_run => text::VALIDATED,
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
            lines.extend(self.remarks(report, refused, short(&submission.name)));
        }
        lines.join("\n")
    }

    /// The report where it decides, else how much it says.
    fn remarks(&self, report: &Report, refused: bool, submission: &str) -> Option<String> {
        if refused || self.args.dry_run || report.unexplained() > 0 {
            // The hub keeps nothing of a dry run that could be asked for later.
            let rest = if self.args.dry_run { text::REST_OF_CHECK } else { text::REST_OF_REPORT };
            let rest = self.session.say(rest, &[("submission", submission)]);
            return Some(rendered_short(report, self.session.language, &rest).trim_end().to_owned());
        }
        let count: u64 = report.counts.iter().map(|count| count.count).sum();
        let values = [("count", count.to_string()), ("submission", submission.to_owned())];
        let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
        (count > 0).then(|| self.session.say(text::WARNINGS, &values))
    }
}

/// True when asking again under the same id would only give the same refusal. What waits for the sender's
/// word (may rows go, does the correction still stand) is not: the hub holds the bytes until that comes.
fn is_final(error: &ClientError) -> bool {
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

fn exit_of(verdict: &Verdict, report: Option<&Report>, flags: &Flags) -> Exit {
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
struct Flags {
    strict: bool,
    dry_run: bool,
}

impl Push {
    fn flags(&self) -> Flags {
        Flags { strict: self.strict, dry_run: self.dry_run }
    }
}

#[cfg(test)]
mod tests;
