//! The patterns that the program knows, and which of them a file is of where nobody says it.

use std::path::Path;
use std::sync::Arc;

use hub_client::{MediaType, pattern_files, short};
use hub_datasets::check::{Fit, ReadAt, RecogniseError, recognise};
use hub_datasets::csv::foreign;
use hub_datasets::pattern::PatternError;
use hub_datasets::{CodeLists, Pattern, Patterns, Period, Settings};

use crate::exit::Failure;
use crate::session::Session;
use crate::text;
use crate::told;
use hub_client::offline::PayloadFile;

#[derive(Debug)]
pub(super) struct Known {
    pub(super) patterns: Patterns,
    pub(super) lists: Arc<CodeLists>,
}

impl Known {
    /// The embedded patterns, and those of a folder, which go before embedded ones of their ids.
    pub(super) fn new(session: &Session, folder: Option<&Path>) -> Result<Self, Failure> {
        let fault = |error| unusable(session, &error);
        let lists = CodeLists::embedded().map_err(fault)?;
        let mut patterns = Patterns::embedded().map_err(fault)?;
        if let Some(folder) = folder {
            let files = pattern_files(folder).map_err(|error| {
                let (file, cause) = (folder.display().to_string(), told::cause(&error, session.language));
                Failure::Usage(session.say(text::UNREADABLE, &[("file", &file), ("cause", &cause)]))
            })?;
            let pairs = files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice()));
            // A kit's pattern is the one to check with, whatever version the program has of it.
            let ids: Vec<&str> = files.iter().filter_map(|(path, _)| path.split('/').next()).collect();
            patterns = patterns.without(&ids).with_files(pairs, &lists).map_err(fault)?;
        }
        Ok(Self { patterns, lists: Arc::new(lists) })
    }

    pub(super) fn get(&self, session: &Session, id: &str) -> Result<Arc<Pattern>, Failure> {
        let id = short(id);
        self.patterns.get(id).ok_or_else(|| {
            let mut known: Vec<&str> = self.patterns.iter().map(|pattern| pattern.id.as_str()).collect();
            known.dedup();
            let known = known.join(", ");
            Failure::Usage(session.say(text::UNKNOWN_PATTERN, &[("pattern", id), ("known", &known)]))
        })
    }

    /// The patterns and the period of a file: what was said, else what the file tells. A document that holds the
    /// tables of a family is of each of its patterns.
    pub(super) fn of_file(
        &self,
        session: &Session,
        (file, media_type): (&Path, MediaType),
        said: (Option<&str>, Option<&Period>),
        set: &Settings,
    ) -> Result<Vec<Fit>, Failure> {
        let name = file.display().to_string();
        let asked = said.0.map(|id| self.get(session, id)).transpose()?;
        if let (Some(pattern), Some(period)) = (&asked, said.1) {
            return Ok(vec![Fit { pattern: Arc::clone(pattern), period: Some(period.clone()) }]);
        }
        let unreadable = |error: std::io::Error| {
            let cause = told::cause(&error, session.language);
            Failure::Other(session.say(text::UNREADABLE, &[("file", &name), ("cause", &cause)]))
        };
        let payload = PayloadFile::open(file).map_err(unreadable)?;
        let payload: Arc<dyn ReadAt> = Arc::new(payload);
        let settings = |pattern: &Pattern| pattern.settings_of(&name, set);
        let of_asked = |pattern: &Pattern| asked.as_ref().is_none_or(|asked| asked.id == pattern.id);
        let mut fits = recognise(&self.patterns, &self.lists, of_asked, settings, media_type, &payload)
            .map_err(|error| match error {
                RecogniseError::Io(error) => unreadable(error),
                RecogniseError::Pattern(error) => unusable(session, &error),
            })?;
        let recognised = |fit: &Fit| {
            let period = fit.period.as_ref().map(|period| format!(" {period}")).unwrap_or_default();
            let facts = [("file", name.as_str()), ("pattern", &fit.pattern.id), ("period", &period)];
            eprintln!("{}", session.say(text::RECOGNISED, &facts));
        };
        let told = match (asked, fits.len()) {
            (Some(pattern), _) => vec![Fit { pattern, period: fits.pop().and_then(|fit| fit.period) }],
            (None, 0) => {
                let other = (media_type == MediaType::Csv).then(|| content_of(&*payload)).flatten();
                let format = other.unwrap_or_default();
                let said = if format.is_empty() { text::UNRECOGNISED } else { text::NOT_OF_ITS_KIND };
                return Err(Failure::Usage(session.say(said, &[("file", &name), ("format", format)])));
            }
            (None, several) if several == 1 || is_family(&fits, media_type) => {
                fits.iter().for_each(recognised);
                fits
            }
            (None, _) => {
                let fitting = fits.iter().map(|fit| fit.pattern.id.as_str()).collect::<Vec<_>>().join(", ");
                let facts = [("file", name.as_str()), ("patterns", &fitting)];
                return Err(Failure::Usage(session.say(text::FITS_SEVERAL, &facts)));
            }
        };
        let said = |fit: Fit| Fit { period: said.1.cloned().or(fit.period), ..fit };
        Ok(told.into_iter().map(said).collect())
    }
}

/// What a file holds that is named as CSV and is none.
fn content_of(payload: &dyn ReadAt) -> Option<&'static str> {
    let mut first = [0; 1_024];
    let read = payload.read_at(0, &mut first).ok()?;
    foreign(first.get(..read)?)
}

/// True for the tables of a document that make one report. A table that fits several patterns is of one of them.
fn is_family(fits: &[Fit], media_type: MediaType) -> bool {
    let mut families = fits.iter().map(|fit| fit.pattern.family.as_deref());
    let first = families.next().flatten();
    media_type == MediaType::Json && first.is_some() && families.all(|family| family == first)
}

/// What the command line says of files: `NAME=VALUE` each.
pub(super) fn settings(session: &Session, set: &[String]) -> Result<Settings, Failure> {
    let mut settings = Settings::default();
    for said in set {
        let good = said.split_once('=').is_some_and(|(name, value)| settings.set(name.trim(), value.trim()));
        if !good {
            let most = Settings::VALUE_BYTES.to_string();
            let facts = [("text", said.as_str()), ("bytes", &most)];
            return Err(Failure::Usage(session.say(text::SETTING_INVALID, &facts)));
        }
    }
    Ok(settings)
}

/// What is said of a file under a pattern; what none of its tables asks for is a mistake.
pub(super) fn settings_of(
    session: &Session,
    pattern: &Pattern,
    file: &str,
    set: &Settings,
) -> Result<Settings, Failure> {
    let asked = |name: &str| {
        pattern.tables.iter().any(|table| table.settings.iter().any(|setting| setting.name == name))
    };
    match set.iter().find(|(name, _)| !asked(name)) {
        Some((name, _)) => {
            let facts = [("name", name), ("pattern", pattern.id.as_str())];
            Err(Failure::Usage(session.say(text::SETTING_UNKNOWN, &facts)))
        }
        None => Ok(pattern.settings_of(file, set)),
    }
}

/// A pattern that cannot be used.
pub(super) fn unusable(session: &Session, error: &PatternError) -> Failure {
    Failure::Other(session.say(text::UNUSABLE_PATTERN, &[("cause", &error.to_string())]))
}
