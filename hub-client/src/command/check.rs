//! `hub check`: the hub's verdict without a hub.

use std::path::Path;
use std::sync::Arc;

use hub_client::{MediaType, short, write_whole};
use hub_datasets::check::{Checker, Context, Fit, Publisher};
use hub_datasets::period::Frequency;
use hub_datasets::report::{Explanation, render_page};
use hub_datasets::{Report, Severity};
use serde_json::json;

use super::known::{Known, settings, settings_of, unusable};
use super::{beside, error_file, of_report, print, print_json, rendered};
use crate::args::Check;
use crate::exit::{Exit, Failure};
use crate::session::{Session, Unit};
use crate::text;
use crate::told;
use hub_client::offline;

pub(super) fn run(session: &Session, args: &Check) -> Result<Exit, Failure> {
    error_file::usable(session, args.error_file.as_ref(), args.files.len())?;
    page_usable(session, args.report.as_deref(), args.files.len())?;
    let known = Known::new(session, args.patterns_dir.as_deref())?;
    if let Some(id) = &args.pattern {
        known.get(session, id)?;
    }
    let mut worst = Exit::Accepted;
    for file in &args.files {
        let name = file.display().to_string();
        let exit = match each(session, args, &known, file, &name) {
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

/// Checks a file under each pattern that it is of.
fn each(session: &Session, args: &Check, known: &Known, file: &Path, name: &str) -> Result<Exit, Failure> {
    let media_type = MediaType::of(file)
        .ok_or_else(|| Failure::Usage(session.say(text::UNKNOWN_MEDIA, &[("file", name)])))?;
    let said = (args.pattern.as_deref(), args.period.as_ref());
    let set = settings(session, &args.set)?;
    let of = known.of_file(session, (file, media_type), said, &set)?;
    if of.len() > 1 && (args.error_file.is_some() || args.report.is_some()) {
        let fitting = of.iter().map(|fit| fit.pattern.id.as_str()).collect::<Vec<_>>().join(", ");
        return Err(Failure::Usage(
            session.say(text::FITS_SEVERAL, &[("file", name), ("patterns", &fitting)]),
        ));
    }
    let mut worst = Exit::Accepted;
    explainable(session, &of, &args.explain)?;
    for Fit { pattern, period } in of {
        if let Some(period) = period.as_ref().filter(|period| !pattern.period.takes(period)) {
            let forms = Frequency::examples(&pattern.period.frequencies);
            let facts =
                [("pattern", pattern.id.as_str()), ("period", &period.to_string()), ("forms", &forms)];
            return Err(Failure::Usage(session.say(text::PERIOD_NOT_TAKEN, &facts)));
        }
        let settings = settings_of(session, &pattern, name, &set)?;
        let lists = Arc::clone(&known.lists);
        let context = Context { pattern, lists, period, publisher: publisher(args) };
        let checker = Checker::new(context).map_err(|error| unusable(session, &error))?.with(settings);
        worst = worst.max(one(session, args, known, &checker, (file, media_type), name)?);
    }
    Ok(worst)
}

/// Refuses an explanation of what none of the patterns knows.
fn explainable(session: &Session, of: &[Fit], said: &[Explanation]) -> Result<(), Failure> {
    let is_known = |said: &Explanation| of.iter().any(|fit| fit.pattern.has_rule(&said.rule));
    let Some(said) = said.iter().find(|said| !is_known(said)) else { return Ok(()) };
    let known: Vec<&str> = of.iter().flat_map(|fit| fit.pattern.to_explain()).collect();
    let facts = [("rule", said.rule.as_str()), ("known", &known.join(", "))];
    Err(Failure::Usage(session.say(text::EXPLAIN_UNKNOWN, &facts)))
}

fn one(
    session: &Session,
    args: &Check,
    known: &Known,
    checker: &Checker,
    (file, media_type): (&Path, MediaType),
    name: &str,
) -> Result<Exit, Failure> {
    let unreadable = |error: std::io::Error| {
        let cause = told::cause(&error, session.language);
        Failure::Other(session.say(text::UNREADABLE, &[("file", name), ("cause", &cause)]))
    };
    let comparing = beside::read(session, args, known, checker)?;
    let bar = session.bar(text::CHECKING, Unit::Bytes);
    bar.set_length(std::fs::metadata(file).map_err(unreadable)?.len());
    let report = offline::check(file, media_type, checker, comparing, &|read| bar.set_position(read));
    bar.finish_and_clear();
    let mut report = report.map_err(unreadable)?;
    report.explain(&args.explain);
    let exit = exit_of(&report, args.strict);
    if let Some(out) = &args.report {
        write_page(session, out, name, &report)?;
    }
    if let Some(out) = &args.error_file {
        let payload = error_file::Payload { file, media_type, checker };
        eprintln!("{}", error_file::write(session, out, payload, &report)?);
    }
    if session.is_json() {
        let verdict = match exit {
            Exit::Accepted => "ACCEPTED",
            _ if !report.blocks() && report.unexplained() > 0 => "AWAITING",
            _ => "REFUSED",
        };
        print_json(&json!({"file": name, "verdict": verdict, "report": report}))?;
        return Ok(exit);
    }
    print(&session.say(text::FILE_CHECKED, &[("file", name)]))?;
    print(rendered(&report, session.language).trim_end())?;
    if exit == Exit::Blocked && !report.blocks() && report.unexplained() == 0 {
        print(text::STRICT.get(session.language))?;
    }
    Ok(exit)
}

/// A page is about one file.
fn page_usable(session: &Session, out: Option<&Path>, files: usize) -> Result<(), Failure> {
    match out {
        Some(_) if files != 1 => {
            Err(Failure::Usage(text::REPORT_PAGE_OF_ONE.get(session.language).to_owned()))
        }
        Some(out) => page_form(session, out),
        None => Ok(()),
    }
}

/// A report is written as a page of HTML.
pub(super) fn page_form(session: &Session, out: &Path) -> Result<(), Failure> {
    if out.extension().is_some_and(|end| end.eq_ignore_ascii_case("html")) {
        return Ok(());
    }
    let name = out.display().to_string();
    Err(Failure::Usage(session.say(text::REPORT_PAGE_KIND, &[("file", &name)])))
}

/// Writes a report as a page. `of`: what it is about.
pub(super) fn write_page(session: &Session, out: &Path, of: &str, report: &Report) -> Result<(), Failure> {
    let page = render_page(report, of, of_report(session.language));
    write_whole(out, page.as_bytes())?;
    eprintln!("{}", session.say(text::REPORT_PAGE, &[("file", &out.display().to_string())]));
    Ok(())
}

fn exit_of(report: &Report, strict: bool) -> Exit {
    let bar = if strict { Severity::Warn } else { Severity::Block };
    let blocks =
        report.counts.iter().any(|count| count.severity >= bar && count.severity != Severity::MustExplain);
    if blocks || report.unexplained() > 0 { Exit::Blocked } else { Exit::Accepted }
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
