//! Who calls.

use axum::extract::FromRequestParts;
use http::header::AUTHORIZATION;
use http::request::Parts;

use super::HttpDoor;
use crate::error::HubError;
use crate::identity::Principal;

/// A caller whose key was verified.
#[derive(Debug)]
pub(super) struct Caller(pub(super) Principal);

impl FromRequestParts<HttpDoor> for Caller {
    type Rejection = HubError;

    async fn from_request_parts(parts: &mut Parts, door: &HttpDoor) -> Result<Self, HubError> {
        let authorization = parts.headers.get(AUTHORIZATION).map(|value| value.to_str());
        Ok(Self(door.desk.caller(authorization)?))
    }
}
