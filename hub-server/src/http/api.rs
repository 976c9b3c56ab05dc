//! The addresses of the door as one table: the router and the OpenAPI document are made of it, so that no address can
//! be in one and not in the other.

use axum::handler::Handler;
use axum::middleware;
use axum::routing::{MethodFilter, MethodRouter, on};
use http::Method;
use hub_proto::json::Shape;
use serde_json::{Map, Value, json};

use super::{HttpDoor, in_time};

/// Puts named schemas into the components of the document.
type Describe = fn(&mut Map<String, Value>);

/// One method of one address: what does it, and what is told of it.
pub(super) struct Operation {
    pub(super) path: &'static str,
    pub(super) method: Method,
    pub(super) handler: MethodRouter<HttpDoor>,
    about: &'static str,
    detail: &'static str,
    group: &'static str,
    parameters: Vec<Value>,
    body: Option<Value>,
    answers: Map<String, Value>,
    describe: Vec<Describe>,
    keyed: bool,
}

impl Operation {
    pub(super) fn new<H, T>(method: Method, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, HttpDoor>,
        T: 'static,
    {
        let filter = MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::GET);
        Self {
            path,
            method,
            handler: on(filter, handler),
            about: "",
            detail: "",
            group: "",
            parameters: Vec::new(),
            body: None,
            answers: Map::new(),
            describe: Vec::new(),
            keyed: false,
        }
    }

    /// One line and more on what it does, among which others.
    pub(super) fn says(mut self, group: &'static str, about: &'static str, detail: &'static str) -> Self {
        (self.group, self.about, self.detail) = (group, about, detail);
        self
    }

    /// The head of its answer comes in bounded time; for what takes no bytes and computes nothing long.
    pub(super) fn in_time(mut self) -> Self {
        self.handler = self.handler.layer(middleware::from_fn(in_time));
        self
    }

    /// It needs a key.
    pub(super) fn keyed(mut self) -> Self {
        self.keyed = true;
        self
    }

    pub(super) fn query(self, name: &str, about: &str) -> Self {
        self.parameter("query", name, about, false)
    }

    pub(super) fn needed_query(self, name: &str, about: &str) -> Self {
        self.parameter("query", name, about, true)
    }

    /// It answers page by page.
    pub(super) fn paged(self) -> Self {
        self.query("page_size", "Entries of a page, at most 1,000")
            .query("page_token", "`next_page_token` of the page before")
    }

    pub(super) fn header(self, name: &str, about: &str) -> Self {
        self.parameter("header", name, about, true)
    }

    /// Its body may come packed.
    pub(super) fn packed(self) -> Self {
        let about = "zstd (windows up to 8 MiB) or gzip, of the body alone: offsets, length and SHA-256 are those of the plain payload";
        self.parameter("header", "Content-Encoding", about, false)
    }

    fn parameter(mut self, place: &str, name: &str, about: &str, required: bool) -> Self {
        let schema = json!({ "type": "string" });
        self.parameters.push(json!({
            "name": name, "in": place, "description": about, "required": required, "schema": schema,
        }));
        self
    }

    /// It takes JSON.
    pub(super) fn takes<S: Shape>(mut self, required: bool) -> Self {
        self.describe.push(S::describe);
        let content = json!({ "application/json": { "schema": S::schema() } });
        self.body = Some(json!({ "required": required, "content": content }));
        self
    }

    /// It takes a payload, or a piece of one.
    pub(super) fn takes_bytes(mut self, about: &str) -> Self {
        let content = json!({ "*/*": { "schema": { "type": "string", "format": "binary" } } });
        self.body = Some(json!({ "required": true, "description": about, "content": content }));
        self
    }

    /// It answers with JSON.
    pub(super) fn gives<S: Shape>(mut self, status: u16, about: &str) -> Self {
        self.describe.push(S::describe);
        let schema = S::schema();
        self.answer(status, about, &[("application/json", &schema)])
    }

    /// It answers with other media types, besides what it answers already under this status.
    pub(super) fn also(self, status: u16, about: &str, media: &[&str]) -> Self {
        let text = json!({ "type": "string" });
        let content: Vec<(&str, &Value)> = media.iter().map(|media| (*media, &text)).collect();
        self.answer(status, about, &content)
    }

    /// It answers with events, whose data is JSON of a shape.
    pub(super) fn tells<S: Shape>(mut self, about: &str) -> Self {
        self.describe.push(S::describe);
        self.also(200, about, &["text/event-stream"])
    }

    fn answer(mut self, status: u16, about: &str, content: &[(&str, &Value)]) -> Self {
        let answer =
            self.answers.entry(status.to_string()).or_insert_with(|| json!({ "description": about }));
        for (media, schema) in content {
            answer["content"][*media] = json!({ "schema": schema });
        }
        self
    }

    /// What the document says of it.
    fn described(&self) -> Value {
        let mut answers = self.answers.clone();
        answers.insert("default".to_owned(), json!({ "$ref": "#/components/responses/Refused" }));
        let in_path = self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let in_path = in_path.map(
            |name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }),
        );
        let mut described = json!({
            "tags": [self.group],
            "summary": self.about,
            "operationId": self.id(),
            "parameters": in_path.chain(self.parameters.iter().cloned()).collect::<Vec<_>>(),
            "responses": answers,
        });
        if !self.detail.is_empty() {
            described["description"] = self.detail.into();
        }
        if let Some(body) = &self.body {
            described["requestBody"] = body.clone();
        }
        if self.keyed {
            described["security"] = json!([{ "key": [] }]);
        }
        described
    }

    /// `getApiV1SubmissionsId` of `GET /api/v1/submissions/{id}`.
    fn id(&self) -> String {
        let words = self.path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        let words = words.map(|word| word[..1].to_ascii_uppercase() + &word[1..]);
        self.method.as_str().to_ascii_lowercase() + &words.collect::<String>()
    }
}

/// The OpenAPI document of all operations.
pub(super) fn document(operations: &[Operation]) -> Value {
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    hub_proto::json::Problem::describe(&mut schemas);
    for operation in operations {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method.as_str().to_ascii_lowercase()] = operation.described();
        operation.describe.iter().for_each(|describe| describe(&mut schemas));
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Hub over HTTPS",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The same calls as over gRPC, for programs that have plain HTTPS. Every refusal is \
                application/problem+json with a stable `reason`.",
            "license": { "name": "EUPL-1.2", "identifier": "EUPL-1.2" },
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": { "Refused": {
                "description": "A refusal; `reason` says why and never changes its name.",
                "content": { "application/problem+json": {
                    "schema": { "$ref": "#/components/schemas/Problem" },
                } },
            } },
            "securitySchemes": { "key": {
                "type": "http", "scheme": "bearer", "description": "A key of the hub: `hub_` and 43 letters and digits.",
            } },
        },
    })
}
