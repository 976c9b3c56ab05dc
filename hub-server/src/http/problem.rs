//! Refusals as `application/problem+json` (RFC 9457), with the Reason as a member.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use hub_proto::json::{FieldFault, Problem};
use hub_proto::status::RETRY_AFTER;
use hub_proto::{MESSAGE_PL, Refusal};

use super::upload::UPLOAD_OFFSET;
use crate::error::HubError;

impl IntoResponse for HubError {
    fn into_response(self) -> Response {
        respond(self.into_refusal())
    }
}

fn respond(refusal: Refusal) -> Response {
    let status =
        StatusCode::from_u16(refusal.reason.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let fact = |name: &str| refusal.facts.iter().find(|(known, _)| known == name).map(|(_, value)| value);
    let durable_offset = fact("durable_offset").and_then(|offset| offset.parse().ok());
    let errors = refusal.fields.iter();
    let problem = Problem {
        r#type: "about:blank".to_owned(),
        title: status.canonical_reason().unwrap_or("Refused").to_owned(),
        status: status.as_u16(),
        detail: refusal.message.clone(),
        detail_pl: fact(MESSAGE_PL).cloned(),
        reason: refusal.reason.as_str().to_owned(),
        errors: errors
            .map(|(field, detail)| FieldFault { field: field.clone(), detail: detail.clone() })
            .collect(),
        durable_offset,
    };
    let mut response = (status, axum::Json(problem)).into_response();
    // The line that tells the end of the call names it.
    response.extensions_mut().insert(refusal.reason);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(offset) = durable_offset {
        headers.insert(UPLOAD_OFFSET, HeaderValue::from(offset));
    }
    if refusal.reason.is_transient() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER.as_secs()));
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use hub_proto::Reason;

    use super::*;

    async fn parts(error: HubError) -> (StatusCode, http::HeaderMap, serde_json::Value) {
        let (parts, body) = error.into_response().into_parts();
        let body = to_bytes(body, 1 << 16).await.unwrap();
        (parts.status, parts.headers, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn every_reason_becomes_a_problem_with_its_status() {
        for reason in Reason::ALL {
            let (status, headers, body) = parts(HubError::new(*reason, "why")).await;
            assert_eq!(status.as_u16(), reason.http_status());
            assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json");
            assert_eq!(body["reason"], reason.as_str());
            assert_eq!((&body["status"], &body["detail"]), (&status.as_u16().into(), &"why".into()));
            assert_eq!(headers.contains_key(header::RETRY_AFTER), reason.is_transient());
        }
    }

    #[tokio::test]
    async fn faults_of_fields_and_the_durable_offset_are_told() {
        let refusal = Refusal::new(Reason::OffsetStale, "why").field("Upload-Offset", "stale");
        let (_, headers, body) = parts(HubError::from(refusal).fact("durable_offset", 7)).await;
        assert_eq!((&headers["upload-offset"], &body["durable_offset"]), (&"7".parse().unwrap(), &7.into()));
        assert_eq!(body["errors"][0]["field"], "Upload-Offset");
    }

    #[tokio::test]
    async fn what_a_clerk_reads_is_there_in_polish() {
        let error = HubError::new(Reason::PeriodMismatch, "why").fact(MESSAGE_PL, "dlaczego");
        let (_, _, body) = parts(error).await;
        assert_eq!((&body["detail"], &body["detail_pl"]), (&"why".into(), &"dlaczego".into()));
        let (_, _, body) = parts(HubError::new(Reason::Busy, "why")).await;
        assert!(body["detail_pl"].is_null());
    }

    #[tokio::test]
    async fn a_fault_shows_only_its_id() {
        let (status, _, body) = parts(HubError::fault("secret path")).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!body.to_string().contains("secret"), "{body}");
    }
}
