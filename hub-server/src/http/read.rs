//! Rows of a dataset, and answers to statements, as files.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::iter;
use http::{HeaderName, Version, header};
use hub_proto::convert::{Timestamp, time_to_wire};
use hub_proto::name::Collection;
use hub_proto::{Reason, Refusal, TypeConversionError, json, permalink, v1};
use serde::Deserialize;

use super::HttpDoor;
use super::array::Array;
use super::asked::{Json, Parameters, Path};
use super::caller::Caller;
use crate::config::limits;
use crate::desk::Answers;
use crate::error::HubError;
use crate::identity::Principal;
use crate::query::RowChunk;

/// What an answer stands on, as `rb28s=7`.
const VERSIONS: HeaderName = HeaderName::from_static("hub-dataset-versions");

/// The same with all that is known of it, as JSON.
const HEAD: HeaderName = HeaderName::from_static("hub-rows");

/// Which rows of a dataset.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Of {
    columns: String,
    r#where: String,
    as_of: String,
    format: String,
}

/// A format of rows as it is written here: JSON is an array of what NDJSON has line by line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Format {
    pub(super) rows: v1::RowFormat,
    media_type: &'static str,
    as_array: bool,
}

pub(super) fn format(name: &str) -> Result<Format, HubError> {
    use v1::RowFormat::{Arrow, Csv, Ndjson, Parquet};
    let (rows, media_type) = match name {
        "" | "csv" => (Csv, "text/csv; charset=utf-8"),
        "json" => (Ndjson, "application/json"),
        "ndjson" => (Ndjson, "application/x-ndjson"),
        "arrow" => (Arrow, "application/vnd.apache.arrow.stream"),
        "parquet" => (Parquet, "application/vnd.apache.parquet"),
        other => {
            let message = format!("there is no format `{other}`; write csv, json, ndjson, arrow or parquet");
            return Err(Refusal::new(Reason::RequestInvalid, message).field("format", "unknown").into());
        }
    };
    Ok(Format { rows, media_type, as_array: name == "json" })
}

/// The format of a session's rows.
pub(super) fn format_of(rows: v1::RowFormat) -> Format {
    use v1::RowFormat::{Arrow, Csv, Ndjson, Parquet, Unspecified};
    let media_type = match rows {
        Csv => "text/csv; charset=utf-8",
        Ndjson => "application/x-ndjson",
        Arrow | Unspecified => "application/vnd.apache.arrow.stream",
        Parquet => "application/vnd.apache.parquet",
    };
    Format { rows, media_type, as_array: false }
}

/// Names between commas.
pub(super) fn columns(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// A past state: a dataset version or a moment.
pub(super) enum AsOf {
    Version(u64),
    Time(Timestamp),
}

pub(super) fn as_of(text: &str) -> Result<Option<AsOf>, HubError> {
    if text.is_empty() {
        return Ok(None);
    }
    if let Ok(version) = text.parse() {
        return Ok(Some(AsOf::Version(version)));
    }
    let moment = chrono::DateTime::parse_from_rfc3339(text);
    moment.map(|moment| Some(AsOf::Time(time_to_wire(moment.to_utc())))).map_err(|_| {
        let told = "write a dataset version, or a moment as 2026-01-31T12:00:00Z";
        TypeConversionError::invalid("request", "as_of", told).into()
    })
}

/// Rows go only where a body that breaks off is told from one that ends.
pub(super) fn tells_the_end(version: Version) -> Result<(), HubError> {
    if version >= Version::HTTP_11 {
        return Ok(());
    }
    let message = "rows need HTTP/1.1 or newer: over HTTP/1.0 a part cannot be told from the whole; set the proxy to 1.1";
    Err(HubError::new(Reason::RequestInvalid, message))
}

pub(super) async fn rows(
    State(door): State<HttpDoor>,
    Caller(caller): Caller,
    version: Version,
    Path(dataset): Path<String>,
    Parameters(of): Parameters<Of>,
) -> Result<Response, HubError> {
    use v1::create_read_session_request::AsOf as Wire;
    tells_the_end(version)?;
    let format = format(&of.format)?;
    let request = v1::CreateReadSessionRequest {
        dataset: Collection::Datasets.name(&dataset),
        columns: columns(&of.columns),
        filter: of.r#where,
        format: format.rows.into(),
        as_of: as_of(&of.as_of)?.map(|as_of| match as_of {
            AsOf::Version(version) => Wire::Version(version),
            AsOf::Time(time) => Wire::Time(time),
        }),
        max_streams: 0,
    };
    let session = door.desk.create_session(&caller, request).await?;
    let head = Head {
        versions: session.version.into_iter().collect(),
        columns: session.columns,
        estimated_rows: session.estimated_rows,
        cursor: session.cursor,
        permalink: String::new(),
        warnings: Vec::new(),
    };
    let request = v1::ReadRowsRequest { session: session.name, ..Default::default() };
    answer(door.desk.read_rows(&caller, request).await?, format, head).await
}

pub(super) async fn query(
    State(door): State<HttpDoor>,
    Caller(caller): Caller,
    version: Version,
    Json(query): Json<json::Query>,
) -> Result<Response, HubError> {
    tells_the_end(version)?;
    statement(&door, &caller, query).await
}

/// As a permalink asks.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Linked {
    sql: String,
    at: String,
    as_of: String,
    format: String,
}

pub(super) async fn linked(
    State(door): State<HttpDoor>,
    Caller(caller): Caller,
    version: Version,
    Parameters(Linked { sql, at, as_of, format }): Parameters<Linked>,
) -> Result<Response, HubError> {
    tells_the_end(version)?;
    statement(&door, &caller, json::Query { sql, at: permalink::states(&at), as_of, format }).await
}

async fn statement(door: &HttpDoor, caller: &Principal, query: json::Query) -> Result<Response, HubError> {
    use v1::query_rows_request::AsOf as Wire;
    let format = format(&query.format)?;
    let request = v1::QueryRowsRequest {
        sql: query.sql,
        format: format.rows.into(),
        as_of: as_of(&query.as_of)?.map(|as_of| match as_of {
            AsOf::Version(version) => Wire::Version(version),
            AsOf::Time(time) => Wire::Time(time),
        }),
        at: query.at,
    };
    let found = door.desk.query_rows(caller, request).await?;
    let head = Head {
        versions: found.versions,
        permalink: found.permalink,
        warnings: found.warnings,
        ..Head::default()
    };
    answer(found.rows, format, head).await
}

/// Which statement, and which page of what stands behind it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Behind {
    sql: String,
    at: String,
    page_size: i32,
    page_token: String,
}

pub(super) async fn behind(
    State(door): State<HttpDoor>,
    Caller(caller): Caller,
    Parameters(Behind { sql, at, page_size, page_token }): Parameters<Behind>,
) -> Result<axum::Json<json::RevisionsBehind>, HubError> {
    let request = v1::ListRevisionsBehindRequest { sql, at: permalink::states(&at), page_size, page_token };
    Ok(axum::Json(door.desk.list_revisions_behind(&caller, request).await?.into()))
}

/// Which states of a report, and how they are written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Beside {
    from: String,
    replace_all: bool,
    format: String,
}

pub(super) async fn differences(
    State(door): State<HttpDoor>,
    Caller(caller): Caller,
    version: Version,
    Path(id): Path<String>,
    Parameters(beside): Parameters<Beside>,
) -> Result<Response, HubError> {
    tells_the_end(version)?;
    let format = format(&beside.format)?;
    let name = |id: &str| Collection::Submissions.name(id);
    let request = v1::DiffRevisionsRequest {
        from: if beside.from.is_empty() { String::new() } else { name(&beside.from) },
        to: name(&id),
        format: format.rows.into(),
        replace_all: beside.replace_all,
    };
    let (rows, _) = door.desk.diff_revisions(&caller, request).await?.apart();
    answer(rows, format, Head::default()).await
}

/// What is known of rows before the first of them.
#[derive(Debug, Default)]
pub(super) struct Head {
    pub(super) versions: Vec<v1::DatasetVersionRef>,
    pub(super) columns: Vec<String>,
    pub(super) estimated_rows: u64,
    pub(super) cursor: String,
    pub(super) permalink: String,
    pub(super) warnings: Vec<v1::Warning>,
}

impl Head {
    /// As `rb28s=7, rb27s=3`.
    fn short(&self) -> String {
        let short = |v: &v1::DatasetVersionRef| {
            format!("{}={}", v.dataset.trim_start_matches("datasets/"), v.version)
        };
        self.versions.iter().map(short).collect::<Vec<_>>().join(", ")
    }

    /// As JSON; of more columns than a header carries through proxies it names none.
    fn whole(self) -> Result<String, HubError> {
        let length: usize = self.columns.iter().map(|name| name.len() + 3).sum();
        let columns = Some(self.columns).filter(|_| length <= limits::HTTP_COLUMNS_BYTES);
        let head = json::RowsHead {
            versions: self.versions.into_iter().map(Into::into).collect(),
            columns: columns.unwrap_or_default(),
            estimated_rows: self.estimated_rows,
            cursor: self.cursor,
            permalink: self.permalink,
            warnings: self.warnings.into_iter().map(Into::into).collect(),
        };
        let text = serde_json::to_string(&head).map_err(|error| HubError::fault(error.to_string()))?;
        Ok(ascii(&text))
    }
}

/// JSON as a header carries it: letters beyond ASCII as `\u0105`.
fn ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for unit in json.encode_utf16() {
        match u8::try_from(unit).ok().filter(u8::is_ascii) {
            Some(byte) => text.push(char::from(byte)),
            None => text.push_str(&format!("\\u{unit:04x}")),
        }
    }
    text
}

/// The rows as a body. Whatever refuses them at once is a refusal; what breaks them later breaks the connection, so
/// that nobody takes a part for the whole.
pub(super) async fn answer(
    mut rows: Answers<RowChunk>,
    format: Format,
    head: Head,
) -> Result<Response, HubError> {
    // Some formats begin with a head, before it is known whether there are rows.
    let mut begun = Vec::new();
    while let Some(piece) = rows.next().await.transpose()? {
        let is_head = begun.is_empty() && piece.rows == 0 && !piece.complete;
        begun.push(Ok(piece));
        if !is_head {
            break;
        }
    }
    let rows = iter(begun).chain(rows);
    let mut array = format.as_array.then(Array::default);
    let pieces = rows.map(move |piece| {
        let piece = piece?;
        Ok(match &mut array {
            Some(array) => array.piece(&piece.data, piece.complete),
            None => piece.data,
        })
    });
    let span = tracing::Span::current();
    let pieces = pieces.map(move |piece: Result<Bytes, HubError>| {
        piece.map_err(|error| {
            let refusal = error.into_refusal();
            // The call was told to have been answered when its head went.
            let reason = refusal.reason.as_str();
            span.in_scope(|| {
                tracing::warn!(reason, error = refusal.message, "the rows of an answer broke off")
            });
            std::io::Error::other(refusal.message)
        })
    });
    let headers = [
        (header::CONTENT_TYPE, format.media_type.to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    // Changes of a report stand on no version of the whole dataset.
    let versions = (!head.versions.is_empty()).then(|| [(VERSIONS, head.short())]);
    Ok((headers, versions, [(HEAD, head.whole()?)], Body::from_stream(pieces)).into_response())
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    #[test]
    fn a_head_is_ascii_and_says_the_same() {
        let text = ascii(r#"{"pl":"każdy 😀"}"#);
        assert_eq!(text, r#"{"pl":"ka\u017cdy \ud83d\ude00"}"#);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap()["pl"], "każdy 😀");
    }

    fn piece(data: &'static str, rows: u64) -> Result<RowChunk, HubError> {
        Ok(RowChunk { data: Bytes::from_static(data.as_bytes()), rows, complete: rows == 2 })
    }

    fn broken() -> Result<RowChunk, HubError> {
        Err(HubError::new(Reason::QueryLimit, "too many rows"))
    }

    #[tokio::test]
    async fn rows_that_break_off_are_no_whole_answer() {
        let csv = format("csv").unwrap();
        let whole = iter([piece("a\n", 0), piece("1\n", 1), piece("2\n", 2)]).boxed();
        let version =
            v1::DatasetVersionRef { dataset: "datasets/x".to_owned(), version: 1, ..Default::default() };
        let head = Head {
            versions: vec![version],
            columns: vec!["a".to_owned()],
            estimated_rows: 1,
            ..Head::default()
        };
        let answered = answer(whole, csv, head).await.unwrap();
        let told: json::RowsHead = serde_json::from_slice(answered.headers()[HEAD].as_bytes()).unwrap();
        assert_eq!((told.columns, told.versions[0].version), (vec!["a".to_owned()], 1));
        assert_eq!(answered.headers()[VERSIONS], "x=1");
        assert_eq!(to_bytes(answered.into_body(), 64).await.unwrap(), "a\n1\n2\n");
        let cut = iter([piece("a\n", 0), piece("1\n", 1), broken()]).boxed();
        let answered = answer(cut, csv, Head::default()).await.unwrap();
        assert!(to_bytes(answered.into_body(), 64).await.is_err(), "the connection breaks");
        // What is refused before the first row is a refusal.
        for rows in [vec![broken()], vec![piece("a\n", 0), broken()]] {
            let refused = answer(iter(rows).boxed(), csv, Head::default()).await.unwrap_err();
            assert_eq!(refused.reason(), Reason::QueryLimit);
        }
    }

    #[test]
    fn a_past_state_is_a_version_or_a_moment() {
        assert!(matches!(as_of(""), Ok(None)));
        assert!(matches!(as_of("7"), Ok(Some(AsOf::Version(7)))));
        assert!(matches!(
            as_of("1970-01-01T00:00:05Z"),
            Ok(Some(AsOf::Time(Timestamp { seconds: 5, nanos: 0 })))
        ));
        assert_eq!(as_of("yesterday").err().unwrap().reason(), Reason::RequestInvalid);
    }
}
