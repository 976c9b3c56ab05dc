//! The `hub-benches` command: payloads for measurements and trials, and the parts of the journeys that
//! are programs of their own. `peers/journeys.py` puts them side by side with other systems.

mod bare;
mod clients;
mod flight;
mod municipal;
mod pull;
mod reader;
mod real;
mod rules;
mod senders;
mod statements;
mod tally;

use std::error::Error;
use std::io::{BufWriter, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use hub_datasets::{CodeLists, Patterns, Period, synthetic};

/// Whatever ends a measurement; it is printed and nothing else.
type Failure = Box<dyn Error + Send + Sync>;

/// Seeded synthetic Poland, bare measuring sticks, and many small senders and readers.
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
    /// Writes the wide municipal table (30 columns, CSV) to stdout.
    Municipal {
        #[arg(long, default_value_t = 1_000_000)]
        rows: u64,
        #[arg(long, default_value_t = 7)]
        seed: u64,
    },
    /// Turns a CSV file into zstd-1 Parquet with the libraries alone: two threads, two files, fsync.
    Bare(bare::Bare),
    /// Pushes one small report for each of many publishers and prints the times as JSON.
    Senders(senders::Senders),
    /// Serves Arrow Flight with the libraries alone: DoPut into two zstd-1 Parquet files, fsync.
    Flight(flight::Flight),
    /// Puts an Arrow stream file to a Flight server.
    Put(flight::Put),
    /// Pulls a dataset of a hub and counts it.
    Pull(pull::Pull),
    /// Times how long scans of a dataset take to be planned.
    Plan(pull::Plan),
    Changes(pull::Changes),
    /// Runs a folder of statements by a hub.
    Statements(statements::Statements),
    /// Runs a folder of statements by DataFusion in this process.
    Engine(statements::Engine),
    /// Checks real files, which are not in the repository, and compares counts and sums with those of their sources.
    Real(real::Real),
    /// Times what rules cost beside parsing, on one core.
    Rules(rules::Rules),
    /// Asks a hub small statements, by one client or by many at once.
    Clients(clients::Clients),
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Synth { pattern, publisher, rows, period, seed } => {
            let mut out = BufWriter::new(std::io::stdout().lock());
            Synthesis::new()?.csv(&pattern, terc6(&publisher)?, &period, (rows, seed), &mut out)?;
            Ok(out.flush()?)
        }
        Command::Municipal { rows, seed } => {
            let mut out = BufWriter::new(std::io::stdout().lock());
            municipal::csv(rows, seed, &mut out)?;
            Ok(out.flush()?)
        }
        Command::Bare(bare) => bare.run(),
        Command::Senders(senders) => senders.run(),
        Command::Flight(flight) => flight.run(),
        Command::Put(put) => put.run(),
        Command::Pull(pull) => pull.run(),
        Command::Plan(plan) => plan.run(),
        Command::Changes(changes) => changes.run(),
        Command::Statements(statements) => statements.run(),
        Command::Engine(engine) => engine.run(),
        Command::Real(real) => real.run(),
        Command::Rules(rules) => rules.run(),
        Command::Clients(clients) => clients.run(),
    }
}

/// A runtime with this many threads.
fn runtime(threads: usize) -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?)
}

/// Seconds; 0 of nothing.
fn median(times: &[Duration]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).map_or(0.0, Duration::as_secs_f64)
}

/// Makes synthetic payloads of the embedded patterns.
struct Synthesis {
    lists: CodeLists,
    patterns: Patterns,
}

impl Synthesis {
    fn new() -> Result<Self, Failure> {
        Ok(Self { lists: CodeLists::embedded()?, patterns: Patterns::embedded()? })
    }

    fn csv(
        &self,
        pattern: &str,
        terc6: &str,
        period: &Period,
        (rows, seed): (u64, u64),
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        let pattern = self.patterns.get(pattern).ok_or_else(|| {
            format!("there is no synthetic `{pattern}`; there are {}", synthetic::PATTERNS.join(", "))
        })?;
        Ok(synthetic::csv(&pattern, &self.lists, terc6, period, rows, seed, out)?)
    }
}

fn terc6(publisher: &str) -> Result<&str, Failure> {
    publisher
        .strip_prefix("gmina-")
        .ok_or_else(|| format!("`{publisher}` is no municipality; write gmina-100201").into())
}
