//! The commands, a file each.

mod beside;
mod changes;
mod check;
mod doctor;
mod document;
mod error_file;
mod json;
mod known;
mod lookup;
mod notices;
mod pattern;
mod pattern_page;
mod pull;
mod push;
mod query;
mod receipt;
mod rows;
mod since;
mod submissions;
mod subscriptions;
mod takeback;
mod verdict;
mod watch;

use std::io::{self, Write as _};

use clap::CommandFactory as _;
use hub_datasets::Report;
use hub_datasets::report::{Language as ReportLanguage, render, render_brief, render_short};
use serde_json::Value;

use crate::args::{Args, Command, Receipt};
use crate::exit::{Exit, Failure};
use crate::session::Session;
use crate::text::Language;

pub(crate) fn run(session: &Session, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Check(args) => check::run(session, &args),
        Command::Receipt(Receipt::Verify(args)) => receipt::verify(session, &args),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Args::command(), "hub", &mut io::stdout());
            Ok(Exit::Accepted)
        }
        online => {
            // One thread serves the network, hashing and disk run on the blocking pool: enough for one caller.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(over_the_network(session, online))
        }
    }
}

async fn over_the_network(session: &Session, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Patterns(deed) => pattern::run(session, &deed).await,
        Command::Datasets(deed) => lookup::datasets(session, &deed).await,
        Command::Organisations(deed) => lookup::organisations(session, &deed).await,
        Command::Push(args) => push::run(session, args).await,
        Command::Submissions(deed) => submissions::run(session, &deed).await,
        Command::Receipt(Receipt::Keys) => receipt::keys(session).await,
        Command::Receipt(Receipt::Verify(args)) => receipt::verify(session, &args),
        Command::Pull(args) => pull::run(session, args).await,
        Command::Query(args) => query::run(session, args).await,
        Command::Watch(args) => watch::run(session, args).await,
        Command::Notices(args) => notices::run(session, &args).await,
        Command::Subscriptions(deed) => subscriptions::run(session, &deed).await,
        Command::Check(args) => check::run(session, &args),
        Command::Doctor => doctor::run(session).await,
        Command::Completions { .. } => Ok(Exit::Accepted),
    }
}

/// All that a report holds, in the reader's language.
fn rendered(report: &Report, language: Language) -> String {
    render(report, of_report(language))
}

/// The beginning of a report, and how to see the rest.
fn rendered_short(report: &Report, language: Language, rest: &str) -> String {
    render_short(report, of_report(language), rest)
}

/// What a report says to one whose rows were accepted.
fn rendered_brief(report: &Report, language: Language, submission: &str) -> String {
    render_brief(report, of_report(language), &format!("hub submissions report {submission}"))
}

fn of_report(language: Language) -> ReportLanguage {
    match language {
        Language::Polish => ReportLanguage::Polish,
        Language::English => ReportLanguage::English,
    }
}

/// A report as it came over the wire.
fn report_of(report: hub_client::v1::Report) -> Result<Report, Failure> {
    Report::try_from(report).map_err(|error| Failure::Answer(error.to_string()))
}

fn print_json(value: &Value) -> Result<(), Failure> {
    Ok(writeln!(io::stdout().lock(), "{value}")?)
}

fn print(text: &str) -> Result<(), Failure> {
    Ok(writeln!(io::stdout().lock(), "{text}")?)
}
