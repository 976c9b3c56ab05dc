//! `/.well-known/jwks.json`: the public keys of receipts, old ones too.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header;

use super::HttpDoor;

/// A key set of an hour ago is good enough: new keys come with a restart.
const CACHE: &str = "public, max-age=3600";

pub(super) async fn published(State(door): State<HttpDoor>) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/jwk-set+json"), (header::CACHE_CONTROL, CACHE)];
    (headers, door.desk.rooms.signer.published().to_json().to_string()).into_response()
}
