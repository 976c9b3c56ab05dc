//! `hub push`.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use hub_client::v1::{self, SubmissionState};
use hub_client::{
    Client, ClientError, MediaType, Payload, Pending, Profile, Progress, PushKey, PushOptions, PushRequest,
    Verdict, identity_of, short,
};
use hub_datasets::check::{Checker, Context};
use hub_datasets::period::Frequency;
use hub_datasets::report::Explanation;
use hub_datasets::{Pattern, Report, Settings};

use super::known::{Known, settings, settings_of, unusable};
use super::verdict::{Flags, exit_of, is_final, told};
use super::{changes, error_file, json, print, print_json, receipt, report_of};
use crate::args::Push;
use crate::exit::{Exit, Failure};
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
        parcels.push(Parcel {
            file,
            payload,
            media_type,
            settings,
            pattern,
            period,
            explanations: Vec::new(),
        });
    }
    explain(known.as_ref(), &args, &mut parcels);
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
    for Parcel { file, payload, media_type, settings, pattern, period, explanations } in parcels {
        let (profile, client, args) = (&profile, &client, &args);
        let one = One { session, profile, client, args, file, settings, pattern, period, explanations };
        let exit = match one.push(payload, media_type).await {
            Ok(exit) => exit,
            // Without the hub, or with a key that it does not take, the next file ends the same way.
            Err(failure) if matches!(failure.exit(), Exit::NotReached | Exit::NotPermitted | Exit::Usage) => {
                return Err(failure);
            }
            Err(failure) => {
                if let Some(message) = failure.message(session.language) {
                    eprintln!("{}: {message}", one.name());
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
    explanations: Vec<Explanation>,
}

/// Gives each parcel what is said of rules of its pattern. What no pattern here knows the hub may know.
fn explain(known: Option<&Known>, args: &Push, parcels: &mut [Parcel]) {
    let pattern = |parcel: &Parcel| known.and_then(|known| known.patterns.get(short(&parcel.pattern)));
    let patterns: Vec<Option<Arc<Pattern>>> = parcels.iter().map(pattern).collect();
    let is_of = |of: &Option<Arc<Pattern>>, said: &Explanation| {
        of.as_ref().is_some_and(|pattern| pattern.has_rule(&said.rule))
    };
    for (parcel, pattern) in parcels.iter_mut().zip(&patterns) {
        let mut said = args.explain.clone();
        said.retain(|said| is_of(pattern, said) || !patterns.iter().any(|other| is_of(other, said)));
        parcel.explanations = said;
    }
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
            let untold = |pattern: &Pattern| {
                let forms = Frequency::examples(&pattern.period.frequencies);
                let facts = [("file", name.as_str()), ("pattern", &pattern.id), ("forms", &forms)];
                Failure::Usage(session.say(text::PERIOD_UNTOLD, &facts))
            };
            let of = known.of_file(session, (file, media_type), said, &set)?.into_iter().map(|fit| {
                let period = fit.period.ok_or_else(|| untold(&fit.pattern))?;
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
        Ok(Parcel { file, payload, media_type, settings, pattern, period, explanations: Vec::new() })
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
    explanations: Vec<Explanation>,
}

impl One<'_> {
    async fn push(&self, payload: Payload, media_type: MediaType) -> Result<Exit, Failure> {
        let mut request = self.request(payload, media_type);
        if self.args.dry_run && self.args.diff {
            return self.show_changes(&request).await;
        }
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
            eprintln!("{}", self.session.say(text::RESUMED, &[("file", self.name().as_ref())]));
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

    /// Brings the file, has its rows held beside what is current, and then judged; nothing stays.
    async fn show_changes(&self, request: &PushRequest) -> Result<Exit, Failure> {
        let (bar, progress) = self.bar();
        let brought = self.client.propose(request, Some(progress)).await;
        bar.finish_and_clear();
        let brought = brought?;
        let sides = (None, brought.submission().to_owned(), self.args.replace_all);
        let compared = changes::write(self.session, self.client, sides, &self.pattern).await;
        let verdict = self.client.judge(brought).await?;
        let exit = self.tell(&verdict, None)?;
        match compared {
            // Its report says why there is nothing to compare.
            Err(_) if exit == Exit::Blocked => Ok(exit),
            compared => compared.map(|()| exit),
        }
    }

    fn bar(&self) -> (indicatif::ProgressBar, Progress) {
        let bar = self.session.bar(text::SENDING, Unit::Bytes);
        let shown = bar.clone();
        let progress: Progress = Arc::new(move |done, all| {
            shown.set_length(all);
            shown.set_position(done);
        });
        (bar, progress)
    }

    async fn send(&self, request: &PushRequest) -> Result<Verdict, ClientError> {
        let (bar, progress) = self.bar();
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
                explanations: self.explanations.clone(),
            },
        }
    }

    /// The file; where there is none, what is told in its place.
    fn name(&self) -> Cow<'_, str> {
        if !self.file.is_empty() {
            return Cow::Borrowed(&self.file);
        }
        let facts = [("pattern", short(&self.pattern)), ("period", self.period.as_str())];
        Cow::Owned(self.session.say(text::NOTHING, &facts))
    }

    fn tell(&self, verdict: &Verdict, written: Option<&str>) -> Result<Exit, Failure> {
        let report = verdict.report.clone().map(report_of).transpose()?;
        let exit = exit_of(verdict, report.as_ref(), &self.args.flags());
        if self.session.is_json() {
            print_json(&json::verdict(&self.file, verdict, report.as_ref()))?;
        } else {
            print(&told(self.session, &self.name(), verdict, report.as_ref(), (&self.args.flags(), exit)))?;
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
}

impl Push {
    fn flags(&self) -> Flags {
        Flags { strict: self.strict, dry_run: self.dry_run }
    }
}
