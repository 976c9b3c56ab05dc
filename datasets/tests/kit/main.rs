//! What is made of patterns, for all of them: forms that are accepted as they are once they are filled in.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests say what broke by panicking")]

mod filled;
mod forms;
mod pages;
#[path = "../shared/mod.rs"]
mod shared;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hub_datasets::check::{Checker, Context, PieceLimits, Publisher};
use hub_datasets::report::Report;
use hub_datasets::{CodeLists, MediaType, Pattern, Patterns};

const LIMITS: PieceLimits =
    PieceLimits { chunk_bytes: 1 << 20, record_bytes: 1 << 20, block_bytes: 1 << 20, rows: 16_384 };

fn embedded() -> (Patterns, Arc<CodeLists>) {
    (Patterns::embedded().unwrap(), Arc::new(CodeLists::embedded().unwrap()))
}

fn samples(pattern: &Pattern) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("patterns").join(pattern.reference()).join("samples")
}

/// Checks bytes as the pattern's samples are checked; nothing is compared.
fn check(pattern: &Arc<Pattern>, lists: &Arc<CodeLists>, media: MediaType, bytes: Vec<u8>) -> Report {
    let context = std::fs::read(samples(pattern).join("context.json")).unwrap();
    let context: serde_json::Value = serde_json::from_slice(&context).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let publisher = &context["publisher"];
    let publisher =
        Publisher { id: text(&publisher["id"]), terc6: Some(text(&publisher["terc6"])), regon: None };
    let checker = Checker::new(Context {
        pattern: Arc::clone(pattern),
        lists: Arc::clone(lists),
        period: Some(text(&context["period"]).parse().unwrap()),
        publisher: Some(publisher),
    });
    let checker = checker.unwrap();
    let (findings, rows) = shared::read(&checker, media, bytes, LIMITS, drop);
    checker.finish(findings, rows, checker.uncompared())
}
