//! The HTTP door: health, open extracts, and the calls of the contract for programs that have plain HTTPS. It converts,
//! and the desk does the rest.

mod api;
mod array;
mod asked;
mod caller;
mod catalog;
mod changes;
mod check;
mod datasets;
mod download;
mod extract;
mod health;
mod keys;
mod notices;
mod original;
mod patterns;
mod plain;
mod problem;
mod push;
mod range;
mod read;
mod report;
mod routes;
mod serve;
mod sessions;
mod submissions;
mod subscriptions;
mod upload;
mod watch;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use futures::FutureExt as _;
use http::{HeaderName, HeaderValue, Method, Uri, header};
use hub_datasets::Pattern;
use hub_proto::Reason;
use hub_proto::name;
use tracing::Instrument as _;

use crate::config::limits;
use crate::desk::{Desk, panicked};
use crate::error::{HubError, hub_errors};
use crate::extract::Extracts;
use crate::listen::{Phase, PhaseWatch};
use crate::permit::ReadPermit;
use crate::telemetry::{Call, Deed};

pub(crate) use patterns::{Guides, PatternFolders};
pub(crate) use serve::serve;

hub_errors!(crate::extract::ExtractError);

/// Where the description of the door lies.
const DOCUMENT: &str = "/api/v1/openapi.json";
/// Answered in every phase.
const HEALTH: &str = "/healthz";

/// What is behind the HTTP door.
#[derive(Debug, Clone)]
pub(crate) struct HttpDoor {
    pub(crate) desk: Desk,
    pub(crate) extracts: Arc<Extracts>,
    pub(crate) guides: Arc<Guides>,
    pub(crate) phase: PhaseWatch,
    /// What links in answers begin with; empty: they are relative.
    pub(crate) public_url: Arc<str>,
}

impl HttpDoor {
    /// All addresses of the door.
    pub(crate) fn routes(self) -> Router {
        let operations = routes::operations();
        let document = api::document(&operations).to_string();
        let mut routes = Router::new()
            .route(DOCUMENT, get(|| async move { ([(header::CONTENT_TYPE, "application/json")], document) }));
        for operation in operations {
            routes = routes.route(operation.path, operation.handler);
        }
        routes
            .fallback(unknown)
            .method_not_allowed_fallback(other_method)
            .layer(middleware::from_fn_with_state(self.clone(), serving))
            .layer(middleware::from_fn(secure))
            .layer(middleware::from_fn(call))
            .with_state(self)
    }

    /// A dataset's pattern and the permit that anyone has; a dataset that is not open is not named.
    fn open(&self, dataset: &str) -> Result<(Arc<Pattern>, ReadPermit), HubError> {
        let unknown = || {
            HubError::new(
                Reason::DatasetUnknown,
                "there is no open dataset of this name; GET /datasets lists them",
            )
        };
        if !name::is_id(dataset) {
            return Err(unknown());
        }
        let pattern = self.desk.rooms.patterns.get(dataset).ok_or_else(unknown)?;
        let permit = self.desk.rooms.identity.open(&pattern).map_err(|_| unknown())?;
        Ok((pattern, permit))
    }
}

/// Runs a request in its span; a panic becomes INTERNAL. Its end is told when the answer's head is there: a download goes on behind it.
async fn call(request: Request, next: Next) -> Response {
    let method = format!("{} {}", request.method(), request.uri().path());
    let deed = deed(request.method(), request.uri().path());
    let mut call = Call::begin(&method.chars().take(limits::ECHO_CHARS).collect::<String>(), deed);
    let answered = AssertUnwindSafe(next.run(request).instrument(call.span().clone())).catch_unwind().await;
    let response = answered.unwrap_or_else(|panic| panicked(panic.as_ref()).into_response());
    call.end(response.extensions().get::<Reason>().map(|reason| reason.as_str()));
    response
}

/// Checks and statements are sent, and change nothing.
fn deed(method: &Method, path: &str) -> Deed {
    let only_asks = ["/check", "/query", "/sessions"].iter().any(|end| path.ends_with(end));
    if method.is_safe() || only_asks { Deed::Read } else { Deed::Write }
}

/// Answers nothing but health before the server serves.
async fn serving(
    axum::extract::State(door): axum::extract::State<HttpDoor>,
    request: Request,
    next: Next,
) -> Response {
    if request.uri().path() != HEALTH && *door.phase.borrow() != Phase::Serving {
        return HubError::new(Reason::Unavailable, "the hub is starting or stopping; try again")
            .into_response();
    }
    next.run(request).await
}

/// Waits for no answer's head longer than allowed.
async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(limits::HTTP_ANSWER_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => HubError::new(Reason::Busy, "the hub took too long; try again").into_response(),
    }
}

async fn unknown() -> HubError {
    HubError::new(
        Reason::RouteUnknown,
        "there is nothing at this address; GET /api/v1/openapi.json describes what there is",
    )
}

/// The router adds `Allow`.
async fn other_method(method: Method, uri: Uri) -> HubError {
    let path: String = uri.path().chars().take(limits::ECHO_CHARS).collect();
    let method: String = method.as_str().chars().take(limits::ECHO_CHARS).collect();
    HubError::new(
        Reason::MethodNotAllowed,
        format!("`{path}` does not take {method}; the header `Allow` names what it takes"),
    )
}

/// Headers that keep browsers from guessing types, framing and calling home.
async fn secure(request: Request, next: Next) -> Response {
    let came_with_a_key = request.headers().contains_key(header::AUTHORIZATION);
    let mut response = next.run(request).await;
    const HEADERS: [(HeaderName, &str); 4] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    for (name, value) in HEADERS {
        // A page of ours says itself what it may hold.
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    if came_with_a_key {
        // What is for one caller stays in no cache, unless the answer says that it is for all.
        response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
    // Open data: any page may read it.
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_internal_and_shows_nothing() {
        async fn fails() -> &'static str {
            panic!("secret detail")
        }
        let routes: Router = Router::new().route("/", get(fails)).layer(middleware::from_fn(call));
        let response = routes.oneshot(Request::new(Body::empty())).await.unwrap();
        assert_eq!(response.status().as_u16(), Reason::Internal.http_status());
        let body = to_bytes(response.into_body(), 1 << 16).await.unwrap();
        let body = String::from_utf8_lossy(&body);
        assert!(body.contains("INTERNAL") && !body.contains("secret"), "{body}");
    }

    #[test]
    fn what_only_asks_is_told_quietly() {
        let told = |method: Method, path: &str| deed(&method, path);
        assert_eq!(told(Method::GET, "/api/v1/submissions"), Deed::Read);
        assert_eq!(told(Method::POST, "/api/v1/query"), Deed::Read);
        assert_eq!(told(Method::POST, "/api/v1/patterns/rb28s/check"), Deed::Read);
        assert_eq!(told(Method::PATCH, "/api/v1/submissions/x/payload"), Deed::Write);
        assert_eq!(told(Method::POST, "/api/v1/patterns/rb28s/submissions"), Deed::Write);
    }
}
