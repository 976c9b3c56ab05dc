//! `hub check`: the hub's verdict without a hub.

use std::path::Path;
use std::sync::Arc;

use hub_client::{MediaType, pattern_files, short};
use hub_datasets::check::{Checker, Context, Publisher};
use hub_datasets::pattern::PatternError;
use hub_datasets::{CodeLists, Patterns, Report, Severity};
use serde_json::json;

use super::{print, print_json, rendered};
use crate::args::Check;
use crate::exit::{Exit, Failure};
use crate::offline;
use crate::session::{Session, Unit};
use crate::text;
use crate::told;

pub(super) fn run(session: &Session, args: &Check) -> Result<Exit, Failure> {
    let checker = checker(session, args)?;
    let mut worst = Exit::Accepted;
    for file in &args.files {
        let name = file.display().to_string();
        let exit = match one(session, args, &checker, file, &name) {
            Ok(exit) => exit,
            Err(Failure::Output(error)) => return Err(Failure::Output(error)),
            Err(failure) => {
                if let Some(message) = failure.message(session.language) {
                    eprintln!("{message}");
                }
                failure.exit()
            }
        };
        worst = worst.max(exit);
    }
    Ok(worst)
}

fn one(session: &Session, args: &Check, checker: &Checker, file: &Path, name: &str) -> Result<Exit, Failure> {
    let media_type = MediaType::of(file)
        .ok_or_else(|| Failure::Usage(session.say(text::UNKNOWN_MEDIA, &[("file", name)])))?;
    let unreadable = |error: std::io::Error| {
        let cause = told::cause(&error, session.language);
        Failure::Other(session.say(text::UNREADABLE, &[("file", name), ("cause", &cause)]))
    };
    let bar = session.bar(text::CHECKING, Unit::Bytes);
    bar.set_length(std::fs::metadata(file).map_err(unreadable)?.len());
    let report = offline::check(file, media_type, checker, &|read| bar.set_position(read));
    bar.finish_and_clear();
    let report = report.map_err(unreadable)?;
    let exit = exit_of(&report, args.strict);
    if session.is_json() {
        let verdict = if exit == Exit::Accepted { "ACCEPTED" } else { "REFUSED" };
        print_json(&json!({"file": name, "verdict": verdict, "report": report}))?;
        return Ok(exit);
    }
    print(&session.say(text::FILE_CHECKED, &[("file", name)]))?;
    print(rendered(&report, session.language).trim_end())?;
    if exit == Exit::Blocked && !report.blocks() {
        print(text::STRICT.get(session.language))?;
    }
    Ok(exit)
}

fn exit_of(report: &Report, strict: bool) -> Exit {
    let bar = if strict { Severity::Warn } else { Severity::Block };
    if report.counts.iter().any(|count| count.severity >= bar) { Exit::Blocked } else { Exit::Accepted }
}

fn checker(session: &Session, args: &Check) -> Result<Checker, Failure> {
    let fault = |error: PatternError| {
        Failure::Other(session.say(text::UNUSABLE_PATTERN, &[("cause", &error.to_string())]))
    };
    let lists = CodeLists::embedded().map_err(fault)?;
    let mut patterns = Patterns::embedded().map_err(fault)?;
    if let Some(folder) = &args.patterns_dir {
        let files = pattern_files(folder).map_err(|error| {
            let (file, cause) = (folder.display().to_string(), told::cause(&error, session.language));
            Failure::Usage(session.say(text::UNREADABLE, &[("file", &file), ("cause", &cause)]))
        })?;
        let pairs = files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice()));
        patterns = patterns.with_files(pairs, &lists).map_err(fault)?;
    }
    let id = short(&args.pattern);
    let Some(pattern) = patterns.get(id) else {
        let mut known: Vec<&str> = patterns.iter().map(|pattern| pattern.id.as_str()).collect();
        known.dedup();
        let known = known.join(", ");
        return Err(Failure::Usage(
            session.say(text::UNKNOWN_PATTERN, &[("pattern", id), ("known", &known)]),
        ));
    };
    let context =
        Context { pattern, lists: Arc::new(lists), period: args.period.clone(), publisher: publisher(args) };
    Checker::new(context).map_err(fault)
}

/// Offline only the id is known; a municipality's carries its TERC. Of another publisher nothing is known
/// that a file could be compared with, so that the report lists the comparison as not evaluated.
fn publisher(args: &Check) -> Option<Publisher> {
    let id = short(args.publisher.as_deref()?).to_owned();
    let (_, code) = id.split_once('-')?;
    let terc6 = Some(code.to_owned())
        .filter(|code| code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()))?;
    Some(Publisher { id, terc6: Some(terc6), regon: None })
}
