//! The command line.

mod told;

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use hub_client::{AsOf, Compression};
use hub_datasets::Period;
use hub_datasets::report::Explanation;

use crate::text::{self, Language, Text};
pub(crate) use told::{News, NoticeDeed, Notices, Subscriptions};

/// Push a dataset once, let every ministry that is entitled to it query and pull it.
#[derive(Debug, Parser)]
#[command(name = "hub", version, propagate_version = true)]
pub(crate) struct Args {
    /// Profile: NAME.toml in HUB_CONFIG_DIR (else ~/.config/hub) [default: default]
    #[arg(long, global = true, value_name = "P")]
    pub(crate) profile: Option<String>,
    /// How answers are written; rows are a table on a terminal and CSV in a pipe unless told
    #[arg(long, global = true)]
    pub(crate) format: Option<Format>,
    /// Seconds to go on without a connection
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = hub_client::RETRY_FOR.as_secs())]
    pub(crate) retry_for: u64,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Table,
    Json,
    Csv,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Compress {
    Auto,
    Always,
    Never,
}

impl From<Compress> for Compression {
    fn from(when: Compress) -> Self {
        match when {
            Compress::Auto => Self::Auto,
            Compress::Always => Self::Always,
            Compress::Never => Self::Never,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Patterns: what may be pushed
    #[command(subcommand)]
    Patterns(Patterns),
    /// Datasets: what can be read
    #[command(subcommand)]
    Datasets(Lookup),
    /// Organisations: who publishes and who reads
    #[command(subcommand)]
    Organisations(Lookup),
    /// Check files here, without a hub; the verdict is the hub's
    Check(Check),
    /// Push files to the hub
    Push(Push),
    /// Look after what was pushed
    #[command(subcommand)]
    Submissions(Submissions),
    /// Receipts (UPO): verify them without the hub
    #[command(subcommand)]
    Receipt(Receipt),
    /// Pull a dataset into a file
    Pull(Pull),
    /// Ask the hub by SQL
    Query(Query),
    /// Tell of dataset versions as they come
    Watch(Watch),
    /// Notices: what you pulled was corrected
    Notices(Notices),
    /// Subscriptions: news that the hub sends to an address of yours
    #[command(subcommand)]
    Subscriptions(Subscriptions),
    /// Say in one sentence what is wrong between here and the hub
    Doctor,
    /// Write completions for a shell to stdout
    Completions {
        /// For which shell
        shell: Shell,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Patterns {
    #[command(flatten)]
    Lookup(Lookup),
    /// Write the empty form of a pattern: .xlsx or .csv; filled in it is sent as it is
    Template(Made),
    /// Write the page that explains a pattern: .html
    Page {
        #[command(flatten)]
        made: Made,
        /// Language of the page: pl or en [default: that of the messages]
        #[arg(long, value_name = "LANG")]
        lang: Option<PageLanguage>,
    },
    /// Write the kit of a pattern for tests of your program: .zip with pattern, form, samples and expected reports
    Kit(Made),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PageLanguage {
    Pl,
    En,
}

/// What is made of a pattern.
#[derive(Debug, clap::Args)]
pub(crate) struct Made {
    /// Pattern, as rb28s
    pub(crate) pattern: String,
    /// File to write
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Folder with further patterns, as ID/SEMVER/pattern.yaml; they go before the program's own
    #[arg(long, value_name = "DIR")]
    pub(crate) patterns_dir: Option<PathBuf>,
    /// Ask the hub, which may know newer versions and other patterns, over HTTPS
    #[arg(long, conflicts_with = "patterns_dir")]
    pub(crate) from_hub: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Lookup {
    /// All of them
    List {
        /// Only names that contain this text
        #[arg(long)]
        filter: Option<String>,
    },
    /// One of them
    Show {
        /// Its id, as rb28s or gmina-100201
        id: String,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    /// Files to check (.csv, .xlsx, .xls, .ods, .xml, .json, .ndjson, .parquet, .arrow)
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Pattern, as rb28s [default: the one that the file fits]
    #[arg(long)]
    pub(crate) pattern: Option<String>,
    /// Period, as 2022-Q4 [default: what the file says; without one rules that need it are not evaluated]
    #[arg(long)]
    pub(crate) period: Option<Period>,
    /// Publisher, as gmina-100201
    #[arg(long)]
    pub(crate) publisher: Option<String>,
    /// What the file does not say, for tables of other systems, as data=2017-02-15 [default: what its name says]
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,
    /// Warnings block too
    #[arg(long)]
    pub(crate) strict: bool,
    /// Write your rows with findings beside them here, if there are any: .xlsx or .csv
    #[arg(long, value_name = "FILE")]
    pub(crate) error_file: Option<PathBuf>,
    /// Write the report here as a page: .html
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Explain all findings of a rule of the report
    #[arg(long, value_name = "RULE=TEXT", value_parser = explanation)]
    pub(crate) explain: Vec<Explanation>,
    /// The report for the period before, to compare with
    #[arg(long, value_name = "FILE")]
    pub(crate) previous: Option<PathBuf>,
    /// A report under another pattern for the same period, to compare with
    #[arg(long, value_name = "PATTERN=FILE", value_parser = beside)]
    pub(crate) with: Vec<(String, PathBuf)>,
    /// There is no other report: comparisons with what is not given are as for the publisher's first one
    #[arg(long)]
    pub(crate) alone: bool,
    /// Folder with further patterns, as ID/SEMVER/pattern.yaml, or an unpacked kit; they go before the program's own
    #[arg(long, value_name = "DIR")]
    pub(crate) patterns_dir: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Push {
    /// Files to push (.csv, .xlsx, .xls, .ods, .xml, .json, .ndjson, .parquet, .arrow), each a submission of its own
    #[arg(
        required_unless_present = "nothing_to_report",
        conflicts_with = "nothing_to_report",
        value_name = "FILE"
    )]
    pub(crate) files: Vec<PathBuf>,
    /// Pattern, as rb28s [default: the one that the file fits]
    #[arg(long, required_if_eq("nothing_to_report", "true"))]
    pub(crate) pattern: Option<String>,
    /// Period, as 2022-Q4 [default: what the file says]
    #[arg(long, required_if_eq("nothing_to_report", "true"))]
    pub(crate) period: Option<Period>,
    /// For which publisher; without it for the key's own organisation
    #[arg(long)]
    pub(crate) publisher: Option<String>,
    /// Check on the hub only; nothing is kept
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Show row by row what would change, with --dry-run
    #[arg(long, requires = "dry_run", conflicts_with = "nothing_to_report")]
    pub(crate) diff: bool,
    /// What the file does not say, for tables of other systems, as data=2017-02-15 [default: what its name says]
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,
    /// Warnings block too
    #[arg(long)]
    pub(crate) strict: bool,
    /// Write your rows with findings beside them here, if there are any: .xlsx or .csv
    #[arg(long, value_name = "FILE")]
    pub(crate) error_file: Option<PathBuf>,
    /// Drop parts of the earlier revision that the file lacks
    #[arg(long)]
    pub(crate) replace_all: bool,
    /// Agree that rows are dropped
    #[arg(long)]
    pub(crate) confirm_deletions: bool,
    /// Explain all findings of a rule of the report
    #[arg(long, value_name = "RULE=TEXT", value_parser = explanation)]
    pub(crate) explain: Vec<Explanation>,
    /// The publisher has nothing to report for the period
    #[arg(long)]
    pub(crate) nothing_to_report: bool,
    /// Pack payloads on their way (zstd): auto packs text that leaves this machine
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) compress: Compress,
    /// Only if this is still the current revision
    #[arg(long, value_name = "N")]
    pub(crate) parent_revision: Option<u64>,
    /// Write the receipt (UPO) of one file: .json, or .html for archives and printers
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    pub(crate) receipt: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Submissions {
    /// All of them, newest first
    List {
        /// Under this pattern
        #[arg(long)]
        pattern: Option<String>,
        /// By this publisher
        #[arg(long)]
        publisher: Option<String>,
        /// For this period
        #[arg(long)]
        period: Option<String>,
    },
    /// One of them
    Show {
        /// Its id
        id: String,
    },
    /// What the check found
    Report {
        /// Id of the submission
        id: String,
        /// Write it as a page instead: .html
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// The receipt (UPO): signed JSON, or a page with it inside
    Receipt {
        /// Id of the submission
        id: String,
        /// File to write instead: .json, or .html for archives and printers
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// The file back as it was sent
    Payload {
        /// Id of the submission
        id: String,
        /// File to write
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// What differs, row by row, between two states of a report
    Diff {
        /// The submission that made the earlier state; alone: the one to hold beside the state before it
        first: String,
        /// The submission that made the later state; one without verdict is held beside what it would change
        second: Option<String>,
        /// Of one without verdict: what its file lacks would be dropped
        #[arg(long)]
        replace_all: bool,
    },
    /// Take a committed one back: its rows go, and what was before does not come back by itself
    Withdraw {
        /// Its id
        id: String,
        /// Agree that its rows go
        #[arg(long)]
        confirm_deletions: bool,
        /// Only if this revision is still current
        #[arg(long, value_name = "N")]
        parent_revision: Option<u64>,
    },
    /// Send a committed one again as it was sent, so that what it said is current again
    Revert {
        /// Its id
        id: String,
        /// Check on the hub only; nothing is kept
        #[arg(long)]
        dry_run: bool,
        /// Warnings block too
        #[arg(long)]
        strict: bool,
        /// Drop parts of the current revision that the file lacks
        #[arg(long)]
        replace_all: bool,
        /// Agree that rows are dropped
        #[arg(long)]
        confirm_deletions: bool,
        /// Only if this revision is still current
        #[arg(long, value_name = "N")]
        parent_revision: Option<u64>,
        /// Explain all findings of a rule of the report
        #[arg(long, value_name = "RULE=TEXT", value_parser = explanation)]
        explain: Vec<Explanation>,
    },
    /// Give up one that has no verdict yet
    Abandon {
        /// Its id
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Receipt {
    /// Whether receipts are as the hub signed them; needs no hub
    Verify(Verify),
    /// The public keys of the hub (JSON Web Key Set), to keep beside receipts
    Keys,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Verify {
    /// Receipts: the signed JSON, or the page with it inside
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Keys, as `hub receipt keys` wrote them; without it those that were kept when the profile met its hub
    #[arg(long, value_name = "FILE")]
    pub(crate) keys: Option<PathBuf>,
    /// Compare the receipt with the file that was sent, too
    #[arg(long, value_name = "FILE")]
    pub(crate) payload: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Pull {
    /// Dataset, as rb28s
    pub(crate) dataset: String,
    /// Columns, in this order [default: all that the key may see]
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    pub(crate) columns: Vec<String>,
    /// Only rows of this publisher, as gmina-100201
    #[arg(long)]
    pub(crate) publisher: Option<String>,
    /// Only rows of this period, as 2022-Q4
    #[arg(long)]
    pub(crate) period: Option<Period>,
    /// Write the document of another system, as bestia, instead of rows
    #[arg(long = "as", value_name = "DOCUMENT", conflicts_with = "columns")]
    pub(crate) document: Option<String>,
    /// Write the rows of this dataset, whose pattern is of the same family, into the document too
    #[arg(long = "with", value_name = "DATASET", requires = "document")]
    pub(crate) with: Option<String>,
    /// Row expression, as "dzial = '801'"
    #[arg(long = "where", value_name = "EXPR")]
    pub(crate) filter: Option<String>,
    /// A past state: dataset version, day or moment
    #[arg(long, value_name = "VERSION|TIME")]
    pub(crate) as_of: Option<AsOf>,
    /// Keep FILE (.parquet) in step: only what changed is asked for. With a cursor: write what changed behind it into FILE
    #[arg(long, value_name = "CURSOR", num_args = 0..=1, conflicts_with_all = ["as_of", "document"])]
    pub(crate) since: Option<Option<String>>,
    /// File to write; its extension is the format: .parquet, .csv, .arrow, .ndjson
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Query {
    /// One SELECT, or a permalink: the same rows again
    #[arg(value_name = "SQL|PERMALINK")]
    pub(crate) sql: String,
    /// A past state: dataset version, day or moment
    #[arg(long, value_name = "VERSION|TIME")]
    pub(crate) as_of: Option<AsOf>,
    /// States of tables one by one, as rb28s@7; others are read at --as-of
    #[arg(long, value_name = "TABLE@STATE", value_delimiter = ',')]
    pub(crate) at: Vec<String>,
    /// List the revisions that the rows may come from, in place of the rows
    #[arg(long, conflicts_with = "as_of")]
    pub(crate) revisions: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Watch {
    /// Datasets, as rb28s [default: all that the key may see]
    #[arg(value_name = "DATASET")]
    pub(crate) datasets: Vec<String>,
    /// From where on, as an earlier watch told it [default: from now on]
    #[arg(long, value_name = "CURSOR")]
    pub(crate) since: Option<String>,
    /// Keep in this file how far it came, and go on from there
    #[arg(long, value_name = "FILE", conflicts_with = "since")]
    pub(crate) state: Option<PathBuf>,
    /// End after so many versions [default: never]
    #[arg(long, value_name = "N")]
    pub(crate) count: Option<u64>,
}

/// A value that is not written as its option asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.get(Language::English))]
pub(crate) struct Misspelt(pub(crate) Text);

/// `RULE=TEXT`.
fn explanation(text: &str) -> Result<Explanation, Misspelt> {
    match text.split_once('=') {
        Some((rule, said)) if !rule.is_empty() && !said.trim().is_empty() => {
            Ok(Explanation { rule: rule.to_owned(), text: said.trim().to_owned() })
        }
        _ => Err(Misspelt(text::USAGE_EXPLAIN)),
    }
}

/// `PATTERN=FILE`.
fn beside(text: &str) -> Result<(String, PathBuf), Misspelt> {
    match text.split_once('=') {
        Some((pattern, file)) if !pattern.is_empty() && !file.is_empty() => {
            Ok((pattern.to_owned(), PathBuf::from(file)))
        }
        _ => Err(Misspelt(text::USAGE_WITH)),
    }
}

#[cfg(test)]
mod tests;
