//! `hub patterns …`: looking patterns up, and what is made of one for those who send: form, page, kit.

use std::path::Path;
use std::sync::Arc;

use hub_client::{PatternFile, pattern_folder, short, write_whole};
use hub_datasets::Pattern;
use hub_datasets::kit::{self, PageOf, Place};
use hub_datasets::pattern::embedded_pattern;

use super::known::Known;
use super::{lookup, of_report};
use crate::args::{Made, PageLanguage, Patterns};
use crate::exit::{Exit, Failure};
use crate::session::Session;
use crate::text::{self, Language};
use crate::told;

pub(super) async fn run(session: &Session, deed: &Patterns) -> Result<Exit, Failure> {
    match deed {
        Patterns::Lookup(deed) => lookup::patterns(session, deed).await,
        Patterns::Template(made) => {
            let file = match extension(&made.out).as_str() {
                "xlsx" => PatternFile::XlsxForm,
                "csv" => PatternFile::CsvForm,
                _ => return Err(kind(session, &made.out, ".xlsx / .csv")),
            };
            make(session, made, file).await
        }
        Patterns::Page { made, lang } => {
            if !matches!(extension(&made.out).as_str(), "html" | "htm") {
                return Err(kind(session, &made.out, ".html"));
            }
            let file = match (lang, session.language) {
                (Some(PageLanguage::Pl), _) | (None, Language::Polish) => PatternFile::PolishPage,
                (Some(PageLanguage::En), _) | (None, Language::English) => PatternFile::EnglishPage,
            };
            make(session, made, file).await
        }
        Patterns::Kit(made) if extension(&made.out) == "zip" => make(session, made, PatternFile::Kit).await,
        Patterns::Kit(made) => Err(kind(session, &made.out, ".zip")),
    }
}

fn extension(path: &Path) -> String {
    path.extension().map(|end| end.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
}

/// The file to write has another extension than what it is to hold.
fn kind(session: &Session, out: &Path, known: &str) -> Failure {
    let name = out.display().to_string();
    Failure::Usage(session.say(text::MADE_KIND, &[("file", &name), ("known", known)]))
}

async fn make(session: &Session, made: &Made, file: PatternFile) -> Result<Exit, Failure> {
    let (of, bytes) = if made.from_hub {
        let bytes = session.pattern_file(&made.pattern, file).await?;
        (short(&made.pattern).to_owned(), bytes.to_vec())
    } else {
        let local = Local::open(session, made)?;
        (local.pattern.reference(), local.make(session, made, file)?)
    };
    write_whole(&made.out, &bytes)?;
    let name = made.out.display().to_string();
    eprintln!("{}", session.say(text::MADE, &[("file", &name), ("pattern", &of)]));
    Ok(Exit::Accepted)
}

/// A pattern that is known here.
struct Local {
    known: Known,
    pattern: Arc<Pattern>,
    /// Files of its folder.
    files: Vec<(String, Vec<u8>)>,
}

impl Local {
    fn open(session: &Session, made: &Made) -> Result<Self, Failure> {
        let known = Known::new(session, made.patterns_dir.as_deref())?;
        let id = short(&made.pattern);
        let pattern = known.patterns.get(id).ok_or_else(|| {
            let mut ids: Vec<&str> = known.patterns.iter().map(|pattern| pattern.id.as_str()).collect();
            ids.dedup();
            let facts = [("pattern", id), ("known", &ids.join(", "))];
            Failure::Usage(session.say(text::UNKNOWN_PATTERN_HERE, &facts))
        })?;
        let of_folder = made.patterns_dir.as_deref().map(|folder| folder.join(pattern.reference()));
        let files = match of_folder.filter(|folder| folder.is_dir()) {
            Some(folder) => pattern_folder(&folder, kit::limits::BYTES).map_err(|error| {
                let (file, cause) = (folder.display().to_string(), told::cause(&error, session.language));
                Failure::Usage(session.say(text::UNREADABLE, &[("file", &file), ("cause", &cause)]))
            })?,
            None => {
                let files = embedded_pattern(&pattern.reference()).into_iter();
                files.map(|(name, bytes)| (name.to_owned(), bytes.to_vec())).collect()
            }
        };
        Ok(Self { known, pattern, files })
    }

    fn make(&self, session: &Session, made: &Made, file: PatternFile) -> Result<Vec<u8>, Failure> {
        let (pattern, lists) = (&*self.pattern, &*self.known.lists);
        let unmade = |cause: String| {
            let name = made.out.display().to_string();
            Failure::Other(session.say(text::UNMADE, &[("file", &name), ("cause", &cause)]))
        };
        let files: Vec<kit::KitFile<'_>> =
            self.files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
        let page = |language| {
            let samples = kit::sample_names(files.iter().map(|(name, _)| *name));
            let examples = kit::examples(&files);
            let of = PageOf { pattern, lists, samples: &samples, examples: &examples, place: Place::Alone };
            kit::page(of, of_report(language)).into_bytes()
        };
        match file {
            PatternFile::XlsxForm => {
                kit::xlsx_form(pattern, lists).map_err(|error| unmade(error.to_string()))
            }
            PatternFile::CsvForm => Ok(kit::csv_form(pattern)),
            PatternFile::PolishPage => Ok(page(Language::Polish)),
            PatternFile::EnglishPage => Ok(page(Language::English)),
            PatternFile::Kit => kit::kit(pattern, lists, &files).map_err(|error| unmade(error.to_string())),
        }
    }
}
