//! Reports and receipts in the form that a request asks for.

use axum::response::{Html, IntoResponse as _, Response};
use http::{HeaderMap, HeaderName, header};
use hub_datasets::Report;
use hub_datasets::report::{Language, render, render_page};

/// The page brings its style, and nothing else is let in.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

fn asks(headers: &HeaderMap, name: HeaderName, begins: &str) -> bool {
    let said = headers.get(name).and_then(|value| value.to_str().ok());
    said.is_some_and(|said| said.trim_start().to_ascii_lowercase().starts_with(begins))
}

/// True when the request asks for a page.
pub(super) fn is_for_page(headers: &HeaderMap) -> bool {
    asks(headers, header::ACCEPT, "text/html")
}

/// A page of ours.
pub(super) fn page(html: String) -> Response {
    ([(header::CONTENT_SECURITY_POLICY, PAGE_POLICY)], Html(html)).into_response()
}

/// The report as text or as a page, in Polish unless English is asked for; none where neither is asked for.
pub(super) fn for_people(report: &Report, headers: &HeaderMap) -> Option<Response> {
    let english = asks(headers, header::ACCEPT_LANGUAGE, "en");
    let language = if english { Language::English } else { Language::Polish };
    if asks(headers, header::ACCEPT, "text/plain") {
        return Some(render(report, language).into_response());
    }
    is_for_page(headers).then(|| page(render_page(report, "", language)))
}
