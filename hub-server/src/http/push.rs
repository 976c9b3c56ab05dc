//! `POST /api/v1/patterns/{pattern}/submissions`: opened, fed and committed in one request.

use axum::body::Body;
use axum::extract::State;
use futures::StreamExt as _;
use http::HeaderMap;
use hub_datasets::MediaType;
use hub_proto::json::{self, CommitOptions, NewSubmission};
use serde::Deserialize;
use uuid::Uuid;

use super::HttpDoor;
use super::asked::{Parameters, Path, media_type, pieces};
use super::caller::Caller;
use super::plain::plain;
use crate::error::HubError;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Of {
    period: String,
    publisher: String,
    request_id: String,
    sha256: String,
    validate_only: bool,
    strict: bool,
    replace_all: bool,
    confirm_deletions: bool,
    parent_revision: Option<u64>,
    nothing_to_report: bool,
}

pub(super) async fn push(
    State(door): State<HttpDoor>,
    Caller(caller): Caller,
    Path(pattern): Path<String>,
    Parameters(of): Parameters<Of>,
    headers: HeaderMap,
    body: Body,
) -> Result<axum::Json<json::Verdict>, HubError> {
    let pushing = door.desk.pushing(&caller)?;
    let mut pieces = pieces(plain(&headers, body)?, 0);
    let first = pieces.next().await.transpose()?.map(|(_, data)| data).unwrap_or_default();
    let media = media_type(&headers).unwrap_or_else(|| MediaType::by_bytes(&first).as_str().to_owned());
    let drew_id = of.request_id.is_empty();
    let new = NewSubmission {
        request_id: Some(of.request_id)
            .filter(|id| !id.is_empty())
            .unwrap_or_else(|| Uuid::new_v4().to_string()),
        pattern,
        publisher: of.publisher,
        period: of.period,
        media_type: media,
        size_bytes: 0,
        sha256: of.sha256,
        nothing_to_report: of.nothing_to_report,
    };
    let mut pushing = pushing.begin(&caller, new.into()).await?;
    let fed = async {
        pushing.data(first).await?;
        while let Some(piece) = pieces.next().await {
            pushing.data(piece?.1).await?;
        }
        Ok::<_, HubError>(())
    };
    if let Err(error) = fed.await {
        if drew_id {
            // Its sender does not know the id, so it cannot go on with it.
            if let Err(left) = pushing.give_up().await {
                tracing::warn!(
                    error = left.into_refusal().message,
                    "what a broken push brought waits until it expires"
                );
            }
        }
        return Err(error);
    }
    let options = CommitOptions {
        validate_only: of.validate_only,
        parent_revision: of.parent_revision,
        replace_all: of.replace_all,
        confirm_deletions: of.confirm_deletions,
        strict: of.strict,
        sha256: String::new(),
        explanations: Vec::new(),
    };
    Ok(axum::Json(pushing.commit(options.into()).await?.try_into()?))
}
