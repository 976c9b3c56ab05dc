//! The plain bytes of a body, which may come packed (`Content-Encoding`).

use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures::stream::{BoxStream, try_unfold};
use futures::{StreamExt as _, TryStreamExt as _};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use hub_proto::{Reason, Refusal};

use crate::config::limits;
use crate::error::HubError;
use crate::packed::{Coding, Fault, Unpacker};

/// Plain bytes, as they come.
pub(super) type Plain = BoxStream<'static, Result<Bytes, HubError>>;

/// The plain bytes of a body under the headers of its request.
pub(super) fn plain(headers: &HeaderMap, body: Body) -> Result<Plain, HubError> {
    let said = headers.get(CONTENT_ENCODING).map_or(Ok(""), |said| said.to_str().map(str::trim));
    let name = said.unwrap_or("?").to_ascii_lowercase();
    let body = body.into_data_stream();
    let coding = match name.as_str() {
        "" | "identity" => return Ok(body.map_err(|error| broken(&error)).boxed()),
        "zstd" => Coding::Zstd,
        "gzip" => Coding::Gzip,
        other => {
            let other: String = other.chars().take(limits::ECHO_CHARS).collect();
            let message = format!(
                "header Content-Encoding: `{other}` is not read here; send zstd, gzip or plain bytes"
            );
            let refusal = Refusal::new(Reason::MediaTypeUnsupported, message);
            return Err(refusal.field("Content-Encoding", "unknown").into());
        }
    };
    let begun = (body, Some(Unpacker::new(coding).map_err(refused)?), Bytes::new());
    Ok(try_unfold(begun, |(body, unpacker, rest)| next(body, unpacker, rest)).boxed())
}

type Reading = (BodyDataStream, Option<Unpacker>, Bytes);

/// The next plain bytes; none at the end.
async fn next(
    mut body: BodyDataStream,
    unpacker: Option<Unpacker>,
    mut rest: Bytes,
) -> Result<Option<(Bytes, Reading)>, HubError> {
    let Some(mut unpacker) = unpacker else { return Ok(None) };
    loop {
        if rest.is_empty() && unpacker.is_drained() {
            match body.next().await {
                Some(data) => rest = data.map_err(|error| broken(&error))?,
                None => {
                    let last = unpacker.end().map_err(refused)?;
                    return Ok((!last.is_empty()).then_some((last, (body, None, rest))));
                }
            }
        }
        let plain = unpacker.take(&mut rest).map_err(refused)?;
        if !plain.is_empty() {
            return Ok(Some((plain, (body, Some(unpacker), rest))));
        }
    }
}

fn refused(fault: Fault) -> HubError {
    let refusal = Refusal::new(Reason::RequestInvalid, format!("the body: {fault}"));
    refusal.field("Content-Encoding", "the body is not what it says").into()
}

/// A body that ended before it was whole.
pub(super) fn broken(error: &(dyn std::error::Error + 'static)) -> HubError {
    let innermost = std::iter::successors(Some(error), |error| error.source()).last().unwrap_or(error);
    let message =
        format!("the body broke off ({innermost}); send it again, an upload from its durable offset on");
    HubError::new(Reason::BodyIncomplete, message)
}
