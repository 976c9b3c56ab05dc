//! Rows over the HTTP door, as they come.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hub_proto::json::{ChangesHead, Query, RevisionsBehind, RowsHead};
use hub_proto::v1::{self, RowFormat};
use hyper::body::Incoming;
use tokio::time::timeout;

use super::submissions::place;
use super::{Asked, Fault, Https, address, fault_of, segment, whole};
use crate::changes::DiffRequest;
use crate::error::ClientError;
use crate::pull::{AsOf, Counter, PullRequest};
use crate::query::QueryRequest;
use crate::retry::Patience;
use crate::since::SinceRequest;

/// Silence after which an answer is taken for cut.
const SILENCE: Duration = Duration::from_secs(60);
/// What the rows stand on, as JSON.
const HEAD: &str = "hub-rows";

/// What a page of changes covers, as JSON.
const PAGE: &str = "hub-changes";

/// An answer of rows whose head has come.
#[derive(Debug)]
pub(crate) struct Rows {
    head: RowsHead,
    page: Option<ChangesHead>,
    body: Incoming,
    counter: Counter,
}

fn format(format: RowFormat) -> &'static str {
    match format {
        RowFormat::Csv => "csv",
        RowFormat::Ndjson => "ndjson",
        RowFormat::Parquet => "parquet",
        RowFormat::Arrow | RowFormat::Unspecified => "arrow",
    }
}

fn as_of(as_of: Option<&AsOf>) -> String {
    match as_of {
        None => String::new(),
        Some(AsOf::Version(version)) => version.to_string(),
        Some(AsOf::Time(time)) => time.to_string(),
    }
}

impl Asked {
    pub(crate) fn pull(request: &PullRequest) -> Self {
        let path = format!("/api/v1/datasets/{}/rows", segment(&request.dataset));
        let (columns, as_of) = (request.columns.join(","), as_of(request.as_of.as_ref()));
        Self::get(address(
            &path,
            &[
                ("columns", &columns),
                ("where", request.filter.as_deref().unwrap_or_default()),
                ("as_of", &as_of),
                ("format", format(request.format)),
            ],
        ))
    }

    pub(crate) fn changes(request: &DiffRequest) -> Self {
        let replace_all = if request.replace_all { "true" } else { "" };
        let from = request.from.as_deref().map(crate::names::short).unwrap_or_default();
        Self::get(address(
            &format!("{}/changes", place(&request.to)),
            &[("from", from), ("replace_all", replace_all), ("format", format(request.format))],
        ))
    }

    pub(crate) fn since(request: &SinceRequest) -> Self {
        let path = format!("/api/v1/datasets/{}/changes", crate::names::short(&request.dataset));
        Self::get(address(
            &path,
            &[
                ("since", &request.cursor),
                ("columns", &request.columns.join(",")),
                ("where", request.filter.as_deref().unwrap_or_default()),
                ("values_only", if request.values_only { "true" } else { "" }),
                ("format", format(request.format)),
            ],
        ))
    }

    pub(crate) fn query(request: &QueryRequest) -> Self {
        let query = Query {
            sql: request.sql.clone(),
            format: format(request.format).to_owned(),
            as_of: as_of(request.as_of.as_ref()),
            at: request.at.clone(),
        };
        Self::post("/api/v1/query", &query)
    }
}

impl Https {
    pub(crate) async fn revisions_behind(
        &self,
        request: &v1::ListRevisionsBehindRequest,
    ) -> Result<v1::ListRevisionsBehindResponse, ClientError> {
        let parameters = [
            ("sql", request.sql.as_str()),
            ("at", &request.at.join(",")),
            ("page_token", &request.page_token),
        ];
        let asked = Asked::get(address("/api/v1/query/revisions", &parameters));
        let page: RevisionsBehind = self.read(&self.ask(&asked).await?)?;
        page.try_into().map_err(|error| self.unread(&error))
    }

    pub(crate) fn patience(&self) -> Patience {
        Patience::new(&self.endpoint, self.retry_for)
    }

    /// Asks until the head of the rows is there, as long as there is patience.
    pub(crate) async fn rows(
        &self,
        asked: &Asked,
        format: RowFormat,
        patience: &mut Patience,
    ) -> Result<Rows, ClientError> {
        loop {
            match self.begun(asked).await {
                Ok((headers, body)) => {
                    let head =
                        headers.get(HEAD).and_then(|head| serde_json::from_slice(head.as_bytes()).ok());
                    let head =
                        head.ok_or_else(|| self.incomplete("it does not say what its rows stand on"))?;
                    let page =
                        headers.get(PAGE).and_then(|page| serde_json::from_slice(page.as_bytes()).ok());
                    return Ok(Rows { head, page, body, counter: Counter::of_bytes(format) });
                }
                Err(fault) => patience.after_request(fault).await?,
            }
        }
    }

    pub(super) async fn begun(&self, asked: &Asked) -> Result<(http::HeaderMap, Incoming), Fault> {
        let late = |_| Fault::Cut(format!("no answer for {} s", super::ANSWER_TIMEOUT.as_secs()));
        let (status, headers, body) =
            timeout(super::ANSWER_TIMEOUT, self.head(asked)).await.map_err(late)??;
        if status.is_success() {
            return Ok((headers, body));
        }
        let body = timeout(SILENCE, whole(body)).await.map_err(late)??;
        Err(self.refusal(status, &headers, &body))
    }
}

impl Rows {
    /// The dataset versions that they stand on.
    pub(crate) fn versions(&self) -> Result<Vec<v1::DatasetVersionRef>, hub_proto::TypeConversionError> {
        self.head.versions.iter().cloned().map(TryInto::try_into).collect()
    }

    /// Empty where there is none.
    pub(crate) fn permalink(&self) -> &str {
        &self.head.permalink
    }

    /// Traps of the statement.
    pub(crate) fn warnings(&self) -> Vec<v1::Warning> {
        self.head.warnings.iter().cloned().map(Into::into).collect()
    }

    pub(crate) fn columns(&self) -> &[String] {
        &self.head.columns
    }

    /// What a page of changes covers.
    pub(crate) fn page(&self) -> Option<&ChangesHead> {
        self.page.as_ref()
    }

    /// Where the dataset version stands; empty for statements.
    pub(crate) fn cursor(&self) -> &str {
        &self.head.cursor
    }

    pub(crate) fn estimated(&self) -> u64 {
        self.head.estimated_rows
    }

    /// Rows that came; of a Parquet file its footer tells, when it is whole.
    pub(crate) fn counted(&self) -> Option<u64> {
        self.counter.rows()
    }

    /// The next bytes; none at an end that the door told as one.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        let Some(data) = next_of(&mut self.body).await? else { return Ok(None) };
        self.counter.add(&data).map_err(Fault::Cut)?;
        Ok(Some(data))
    }
}

/// The next bytes of a body that comes; none at its end.
pub(super) async fn next_of(body: &mut Incoming) -> Result<Option<Bytes>, Fault> {
    loop {
        let frame = timeout(SILENCE, body.frame()).await;
        let frame = frame.map_err(|_| Fault::Cut(format!("nothing came for {} s", SILENCE.as_secs())))?;
        let Some(frame) = frame else { return Ok(None) };
        let frame = frame.map_err(|error| fault_of(&error))?;
        if let Ok(data) = frame.into_data()
            && !data.is_empty()
        {
            return Ok(Some(data));
        }
    }
}
