//! `/healthz`: whether the doors are open.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;

use super::HttpDoor;
use crate::listen::Phase;

#[derive(Debug, Serialize)]
pub(super) struct Health {
    status: &'static str,
    version: &'static str,
}

pub(super) async fn healthz(State(door): State<HttpDoor>) -> (StatusCode, Json<Health>) {
    let (code, status) = match *door.phase.borrow() {
        Phase::Starting => (StatusCode::SERVICE_UNAVAILABLE, "starting"),
        Phase::Serving => (StatusCode::OK, "serving"),
        Phase::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
    };
    (code, Json(Health { status, version: env!("CARGO_PKG_VERSION") }))
}
