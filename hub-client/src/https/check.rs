//! The check of a payload over the HTTP door.

use hub_proto::{json, v1};

use super::{Asked, Https, address, segment};
use crate::error::ClientError;
use crate::push::{bytes_of, packed};
use crate::validate::CheckRequest;
use http::Method;

impl Https {
    pub(crate) async fn validate(&self, request: &CheckRequest) -> Result<v1::Report, ClientError> {
        let publisher = request.publisher.as_deref().map(crate::names::short).unwrap_or_default();
        let parameters =
            [("period", request.period.as_deref().unwrap_or_default()), ("publisher", publisher)];
        let path = address(&format!("/api/v1/patterns/{}/check", segment(&request.pattern)), &parameters);
        let mut body = bytes_of(&request.payload).await?;
        let mut headers = Vec::new();
        if let Some(media) = request.media_type {
            headers.push(("content-type", media.as_str().to_owned()));
        }
        if self.packs(request.format_of(&body)) {
            body = packed(body).await?;
            headers.push(("content-encoding", "zstd".to_owned()));
        }
        let answer = self.ask(&Asked { method: Method::POST, path, headers, body }).await?;
        let checked: json::Checked = self.read(&answer)?;
        checked.report.map(Into::into).ok_or_else(|| self.incomplete("it holds no report"))
    }
}
