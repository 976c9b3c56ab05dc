//! `hub-server pattern trial`: what would a draft say to what is held already?

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use hub_client::offline::{self, PayloadFile};
use hub_client::{MediaType, short};
use hub_datasets::check::{Checker, Fit, Publisher, ReadAt, recognise};
use hub_datasets::{Patterns, Period, Settings};

use super::super::Failure;
use super::super::offline::Offline;
use super::Known;
use super::draft::Draft;
use super::summary::{Summary, Tally, Tried};
use crate::catalog::{SubmissionFilter, SubmissionRecord};

/// Submissions that one page of the catalogue holds.
const PAGE: u32 = 1_000;
/// Bytes of a payload that are copied at once.
const COPY_BYTES: usize = 1 << 20;

#[derive(Debug, Args)]
pub(in crate::cli) struct Trial {
    /// Folder of the draft.
    dir: PathBuf,
    /// Files to run it against too, with the period and the publisher that they name.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Period of the files that name none, as 2022-Q4.
    #[arg(long)]
    period: Option<Period>,
    /// Publisher of the files, as gmina-100201.
    #[arg(long, value_name = "ID")]
    publisher: Option<String>,
    /// table or json.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
}

/// A draft with its compiled checks, by period.
struct Bench<'a> {
    draft: &'a Draft,
    known: &'a Known,
    checkers: HashMap<String, Checker>,
}

impl Trial {
    pub(super) async fn run(
        self,
        known: &Known,
        offline: &Offline,
        out: &mut (dyn Write + Send),
    ) -> Result<(), Failure> {
        let draft = Draft::read(&self.dir, &known.patterns.patterns, &known.lists)?;
        let mut bench = Bench { draft: &draft, known, checkers: HashMap::new() };
        // What does not compile is told before anything is read.
        bench.checker(None, None)?;
        let mut tally = Tally::default();
        for organisation in super::super::org::all("", offline).await? {
            let mut held = Held::of(&draft.pattern.id, organisation.id);
            while let Some(page) = held.page(offline).await? {
                for record in page {
                    let one = bench.submission(&record, offline)?;
                    self.tell(&one, out)?;
                    tally.add(&one);
                }
            }
        }
        for file in &self.files {
            let one = bench.file(file, &self)?;
            self.tell(&one, out)?;
            tally.add(&one);
        }
        let summary = Summary::of(&draft.pattern, tally);
        match self.format {
            Format::Table => summary.lines().iter().try_for_each(|line| writeln!(out, "{line}"))?,
            Format::Json => writeln!(out, "{}", json(&summary)?)?,
        }
        let failed = summary.payloads - summary.pass;
        if failed > 0 {
            return Err(Failure::Fails(format!(
                "{failed} of {} payloads fail; nothing was changed",
                summary.payloads
            )));
        }
        Ok(())
    }

    fn tell(&self, tried: &Tried, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
        if self.format == Format::Json {
            return Ok(writeln!(out, "{}", json(tried)?)?);
        }
        let Tried { payload, publisher, period, report, error } = tried;
        let word = if tried.passes() { "pass" } else { "fail" };
        let (read, refused) =
            report.as_ref().map_or((0, 0), |report| (report.rows_read, report.rows_refused));
        let said = if error.is_empty() { format!("{refused} of {read} rows refused") } else { error.clone() };
        Ok(writeln!(out, "{word}\t{publisher}\t{period}\t{payload}\t{said}")?)
    }
}

fn json(value: &impl serde::Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| Failure::Output(error.into()))
}

/// The current submissions of a dataset and a publisher that were sent with rows, a page at a time.
struct Held {
    filter: SubmissionFilter,
    is_over: bool,
}

impl Held {
    fn of(dataset: &str, publisher: String) -> Self {
        let dataset = Some(dataset.to_owned());
        let filter = SubmissionFilter { publisher, dataset, period: None, after: None, limit: PAGE };
        Self { filter, is_over: false }
    }

    /// Those of the next page; None at the end.
    async fn page(&mut self, offline: &Offline) -> Result<Option<Vec<SubmissionRecord>>, Failure> {
        if self.is_over {
            return Ok(None);
        }
        let mut page = offline.catalog.submissions(&self.filter).await?;
        self.is_over = page.len() < PAGE as usize;
        self.filter.after = page.last().map(|last| (last.created_at.timestamp_micros(), last.id.clone()));
        page.retain(|record| {
            // What is current of a withdrawal is that nothing is: it was sent without a payload.
            record.state == "COMMITTED"
                && !record.nothing_to_report
                && record.withdraws.is_none()
                && record.erased.is_none()
        });
        Ok(Some(page))
    }
}

impl Bench<'_> {
    fn checker(&mut self, period: Option<&Period>, publisher: Option<Publisher>) -> Result<Checker, Failure> {
        let name = period.map(ToString::to_string).unwrap_or_default();
        if let Some(checker) = self.checkers.get(&name) {
            return Ok(checker.of(publisher));
        }
        let checker = self.draft.checker(&self.known.lists, period.cloned(), None)?;
        self.checkers.insert(name, checker.clone());
        Ok(checker.of(publisher))
    }

    /// Runs the draft against the bytes that a submission was sent with.
    fn submission(&mut self, record: &SubmissionRecord, offline: &Offline) -> Result<Tried, Failure> {
        let mut tried = Tried {
            payload: record.id.clone(),
            publisher: record.publisher.clone(),
            period: record.period.clone(),
            report: None,
            error: String::new(),
        };
        let (Some(media), Ok(period)) =
            (MediaType::named(&record.media_type), record.period.parse::<Period>())
        else {
            tried.error = format!("its media type {} or its period is not known any more", record.media_type);
            return Ok(tried);
        };
        let publisher = offline.catalog.organisation(&record.publisher);
        let publisher = publisher.map(|one| one.publisher_on(period.last_day()));
        let checker =
            self.checker(Some(&period), publisher)?.with(Settings::of_media_type(&record.media_type));
        match self.original(record, offline) {
            Ok(file) => check(file.path(), media, &checker, &mut tried)?,
            Err(error) => tried.error = error.to_string(),
        }
        Ok(tried)
    }

    /// A copy of the bytes within the data folder, which nobody else may enter; it goes when it was read.
    fn original(
        &self,
        record: &SubmissionRecord,
        offline: &Offline,
    ) -> Result<tempfile::NamedTempFile, Box<dyn std::error::Error>> {
        let original = offline.store.spool().original(&record.id, record.size, &record.sha256)?;
        let folder = self.known.config.data_dir.join("tmp");
        fs::create_dir_all(&folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        let (mut at, mut buffer) = (0, vec![0; COPY_BYTES]);
        loop {
            match original.read_at(at, &mut buffer)? {
                0 => return Ok(file),
                read => {
                    file.write_all(buffer.get(..read).unwrap_or_default())?;
                    at += read as u64;
                }
            }
        }
    }

    /// Runs the draft against a file of the operator's.
    fn file(&mut self, path: &Path, said: &Trial) -> Result<Tried, Failure> {
        let name = path.display().to_string();
        let fault = |error: io::Error| Failure::Refused(format!("{name}: {error}"));
        let Some(media) = MediaType::of(path) else {
            return Err(Failure::Refused(format!("{name}: its extension names no format that is read")));
        };
        let pattern = &self.draft.pattern;
        let settings = pattern.settings_of(&name, &Settings::default());
        let period = match &said.period {
            Some(period) => Some(period.clone()),
            None => {
                let payload: Arc<dyn ReadAt> = Arc::new(PayloadFile::open(path).map_err(fault)?);
                let (only, lists) = (Patterns::only(Arc::clone(pattern)), &self.known.lists);
                let fits = recognise(&only, lists, |_| true, |_| settings.clone(), media, &payload);
                fits.ok().and_then(|fits: Vec<Fit>| fits.into_iter().next()?.period)
            }
        };
        let publisher = said.publisher.as_deref().map(publisher);
        let checker = self.checker(period.as_ref(), publisher.clone())?.with(settings);
        let mut tried = Tried {
            payload: name.clone(),
            publisher: publisher.map(|publisher| publisher.id).unwrap_or_default(),
            period: period.map(|period| period.to_string()).unwrap_or_default(),
            report: None,
            error: String::new(),
        };
        check(path, media, &checker, &mut tried)?;
        Ok(tried)
    }
}

/// A municipality's id carries its TERC.
fn publisher(id: &str) -> Publisher {
    let id = short(id).to_owned();
    let code = id.split_once('-').map(|(_, code)| code.to_owned());
    let terc6 = code.filter(|code| code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()));
    Publisher { id, terc6, regon: None }
}

/// The check that laptops use. What other reports would be needed for is not evaluated.
fn check(path: &Path, media: MediaType, checker: &Checker, tried: &mut Tried) -> Result<(), Failure> {
    let comparing = checker.comparing(Vec::new(), &[])?;
    match offline::check(path, media, checker, comparing, &|_| {}) {
        Ok(report) => tried.report = Some(report),
        Err(error) => tried.error = error.to_string(),
    }
    Ok(())
}
