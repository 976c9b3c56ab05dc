//! The `hub-benches` command: payloads for measurements and trials.

use std::io::{BufWriter, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use hub_datasets::{CodeLists, Patterns, Period, synthetic};

/// Seeded synthetic Poland: real codes and units, drawn amounts.
#[derive(Debug, Parser)]
#[command(name = "hub-benches", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Writes a valid CSV payload of a pattern to stdout; the same options give the same bytes.
    Synth {
        /// rb28s, rb27s or jakosc_powietrza.
        pattern: String,
        /// A municipality, as gmina-100201.
        #[arg(long)]
        publisher: String,
        #[arg(long)]
        rows: u64,
        /// Period that event patterns draw their times from.
        #[arg(long, default_value = "2023-Q4")]
        period: Period,
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), String> {
    let Command::Synth { pattern, publisher, rows, period, seed } = command;
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let lists = CodeLists::embedded().map_err(|error| text(&error))?;
    let patterns = Patterns::embedded().map_err(|error| text(&error))?;
    let pattern = patterns.get(&pattern).ok_or_else(|| {
        format!("there is no synthetic `{pattern}`; there are {}", synthetic::PATTERNS.join(", "))
    })?;
    let terc6 = publisher
        .strip_prefix("gmina-")
        .ok_or_else(|| format!("`{publisher}` is no municipality; write gmina-100201"))?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    synthetic::csv(&pattern, &lists, terc6, &period, rows, seed, &mut out).map_err(|error| text(&error))?;
    out.flush().map_err(|error| text(&error))
}
