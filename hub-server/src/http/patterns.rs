//! `/patterns`: pages that explain what can be sent, and what is made of each pattern for those who send. For anyone.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use hub_datasets::Pattern;
use hub_datasets::kit::{self, KitFile, PageOf, Place};
use hub_datasets::pattern::embedded_pattern;
use hub_datasets::report::Language;
use hub_proto::name::Collection;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::HttpDoor;
use super::asked::{Parameters, Path};
use super::range::is_known;
use super::report::page;
use crate::error::HubError;

/// A pattern changes with a restart only; who asks again within minutes is answered by its own cache.
const CACHE: &str = "public, max-age=300, must-revalidate";

/// Files of patterns that are not embedded, by reference (`rb28s/1.1.0`) and by their names in the pattern's folder.
pub(crate) type PatternFolders = BTreeMap<String, Vec<(String, Vec<u8>)>>;

/// What is made of patterns, each made once.
#[derive(Debug, Default)]
pub(crate) struct Guides {
    folders: PatternFolders,
    made: Mutex<HashMap<(String, What), Made>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum What {
    XlsxForm,
    CsvForm,
    Page(Tongue),
    Kit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Tongue {
    Polish,
    English,
}

/// Bytes that were made, and their tag with its quotes.
#[derive(Debug, Clone)]
struct Made {
    bytes: Bytes,
    etag: String,
}

impl Tongue {
    fn language(self) -> Language {
        match self {
            Self::Polish => Language::Polish,
            Self::English => Language::English,
        }
    }
}

impl Guides {
    pub(crate) fn new(folders: PatternFolders) -> Self {
        Self { folders, made: Mutex::default() }
    }

    fn kept(&self, reference: &str, what: What) -> Option<Made> {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.get(&(reference.to_owned(), what)).cloned()
    }

    /// Makes it and keeps it; there are as many as patterns have versions, times the kinds.
    fn make(
        &self,
        pattern: &Pattern,
        lists: &hub_datasets::CodeLists,
        what: What,
    ) -> Result<Made, kit::KitError> {
        let reference = pattern.reference();
        let files: Vec<KitFile<'_>> = match self.folders.get(&reference) {
            Some(files) => files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect(),
            None => embedded_pattern(&reference),
        };
        let bytes = match what {
            What::XlsxForm => kit::xlsx_form(pattern, lists)?,
            What::CsvForm => kit::csv_form(pattern),
            What::Kit => kit::kit(pattern, lists, &files)?,
            What::Page(tongue) => {
                let samples = kit::sample_names(files.iter().map(|(name, _)| *name));
                let examples = kit::examples(&files);
                let of = PageOf { pattern, lists, samples: &samples, examples: &examples, place: Place::Hub };
                kit::page(of, tongue.language()).into_bytes()
            }
        };
        let sum: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let made = Made { bytes: bytes.into(), etag: format!("\"{sum}\"") };
        let mut kept = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert((reference, what), made.clone());
        Ok(made)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Spoken {
    lang: Option<String>,
}

/// The language that is asked for: `lang`, else the first of the two that the browser names, else Polish.
fn tongue(said: &Spoken, headers: &HeaderMap) -> Tongue {
    let of = |text: &str| match text.trim().to_ascii_lowercase() {
        text if text.starts_with("pl") => Some(Tongue::Polish),
        text if text.starts_with("en") => Some(Tongue::English),
        _ => None,
    };
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let named = said.lang.as_deref().and_then(of);
    named.or_else(|| accepted?.split(',').find_map(of)).unwrap_or(Tongue::Polish)
}

pub(super) async fn index(
    State(door): State<HttpDoor>,
    Parameters(said): Parameters<Spoken>,
    headers: HeaderMap,
) -> Response {
    let mut newest: Vec<&Arc<Pattern>> = door.desk.rooms.patterns.iter().collect();
    // The newest version of each comes first.
    newest.dedup_by(|later, earlier| later.id == earlier.id);
    let html =
        kit::index_page(newest.into_iter().map(|pattern| &**pattern), tongue(&said, &headers).language());
    let mut response = page(html);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(CACHE));
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept-Language"));
    response
}

pub(super) async fn one(
    State(door): State<HttpDoor>,
    Path(pattern): Path<String>,
    Parameters(said): Parameters<Spoken>,
    headers: HeaderMap,
) -> Result<Response, HubError> {
    let made = made(&door, &pattern, What::Page(tongue(&said, &headers))).await?;
    let mut response = page(String::from_utf8_lossy(&made.bytes).into_owned());
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept-Language"));
    Ok(tagged(response, &made, &headers))
}

pub(super) async fn xlsx_form(
    State(door): State<HttpDoor>,
    Path(pattern): Path<String>,
    headers: HeaderMap,
) -> Result<Response, HubError> {
    const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    file(&door, &pattern, &headers, (What::XlsxForm, XLSX, ".xlsx")).await
}

pub(super) async fn csv_form(
    State(door): State<HttpDoor>,
    Path(pattern): Path<String>,
    headers: HeaderMap,
) -> Result<Response, HubError> {
    file(&door, &pattern, &headers, (What::CsvForm, "text/csv; charset=utf-8", ".csv")).await
}

pub(super) async fn kit(
    State(door): State<HttpDoor>,
    Path(pattern): Path<String>,
    headers: HeaderMap,
) -> Result<Response, HubError> {
    file(&door, &pattern, &headers, (What::Kit, "application/zip", "-kit.zip")).await
}

async fn file(
    door: &HttpDoor,
    pattern: &str,
    headers: &HeaderMap,
    (what, media_type, ending): (What, &'static str, &str),
) -> Result<Response, HubError> {
    let made = made(door, pattern, what).await?;
    // An id is plain ASCII, so that the name needs no quoting.
    let name = format!("attachment; filename=\"{pattern}{ending}\"");
    let response = (
        [(header::CONTENT_TYPE, media_type.to_owned()), (header::CONTENT_DISPOSITION, name)],
        made.bytes.clone(),
    );
    Ok(tagged(response.into_response(), &made, headers))
}

/// The answer with its tag; without its bytes for who has them.
fn tagged(mut response: Response, made: &Made, asked: &HeaderMap) -> Response {
    let known = asked.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    if is_known(known, &made.etag) {
        response = StatusCode::NOT_MODIFIED.into_response();
    }
    if let Ok(etag) = HeaderValue::from_str(&made.etag) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(CACHE));
    response
}

async fn made(door: &HttpDoor, id: &str, what: What) -> Result<Made, HubError> {
    let pattern = door.desk.pattern(Collection::Patterns, &format!("patterns/{id}"))?;
    if let Some(made) = door.guides.kept(&pattern.reference(), what) {
        return Ok(made);
    }
    let (guides, lists) = (Arc::clone(&door.guides), Arc::clone(&door.desk.rooms.lists));
    let made = tokio::task::spawn_blocking(move || guides.make(&pattern, &lists, what)).await;
    let made =
        made.map_err(|error| HubError::fault(format!("what makes a pattern's files ended: {error}")))?;
    made.map_err(|error| HubError::fault(error.to_string()))
}
