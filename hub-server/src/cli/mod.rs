//! The command line of `hub-server`.
//!
//! Exit codes: 0 done, 1 the deed or the start failed, 2 wrong usage, 3 payloads fail under a draft, 64 the
//! configuration is not valid. stdout holds only data; everything for people goes to stderr.

mod credential;
mod erase;
mod offline;
mod org;
mod pattern;
mod receipt_key;
mod settings;
mod verify;

#[cfg(test)]
mod tests;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::app;
use crate::config::{ConfigError, limits};
use crate::telemetry::{self, TelemetryError};
use settings::{Folder, Serving};

/// Data hub of local government: the server and its administration.
#[derive(Debug, Parser)]
#[command(
    name = "hub-server",
    version,
    after_help = "Exit codes: 0 done, 1 the deed or the start failed, 2 wrong usage, 3 payloads fail under a draft, 64 the configuration is not valid."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves until SIGTERM or SIGINT.
    Serve(Serving),
    /// Serves on loopback with throw-away keys; profiles for `hub` go to <data-dir>/dev.
    Dev(Serving),
    /// Shows the main job, start to end, over real gRPC and HTTP.
    Demo {
        /// Folder of the demo's data; it must be empty or not exist. Without it a temporary one is used.
        #[arg(long, value_name = "DIR")]
        data_dir: Option<PathBuf>,
        /// Leaves the data folder behind.
        #[arg(long)]
        keep: bool,
    },
    /// Decodes payloads for the server that starts it.
    #[command(hide = true)]
    Worker,
    /// Runs statements of callers for the server that starts it.
    #[command(hide = true)]
    QueryWorker,
    /// Organisations: publishers and consumers. Works while the server is stopped.
    Org {
        #[command(subcommand)]
        deed: org::Deed,
        #[command(flatten)]
        folder: Folder,
    },
    /// Patterns: registers new ones, and tries drafts. Works while the server is stopped.
    Pattern {
        #[command(subcommand)]
        deed: pattern::Deed,
        #[command(flatten)]
        folder: Folder,
    },
    /// API keys. Works while the server is stopped.
    Credential {
        #[command(subcommand)]
        deed: credential::Deed,
        #[command(flatten)]
        folder: Folder,
    },
    /// Keys that sign receipts. Works while the server is stopped.
    ReceiptKey {
        #[command(subcommand)]
        deed: receipt_key::Deed,
        #[command(flatten)]
        folder: Folder,
    },
    /// Looks for damage. Works while the server is stopped.
    Verify {
        #[command(subcommand)]
        what: verify::What,
        #[command(flatten)]
        folder: Folder,
    },
    /// Erases a committed submission for good: its rows from all dataset versions, the bytes that it was sent with, and
    /// what extracts, log and catalogue hold of it. Its hash, its receipt and a tombstone stay; dataset versions that
    /// held it answer ERASED. What was cut off is ended by the same command. Works while the server is stopped.
    Erase(erase::Erase),
    /// Removes what the catalogue shows of committed submissions; the next start makes it again from the
    /// logs. Organisations, keys and refusals stay. Works while the server is stopped.
    Rebuild {
        #[command(flatten)]
        folder: Folder,
    },
}

/// Why a command failed; decides the exit code.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    #[error("the machine gives no threads: {0}")]
    Threads(std::io::Error),
    #[error(transparent)]
    Folder(#[from] crate::store::StoreError),
    #[error(transparent)]
    Identity(#[from] crate::identity::IdentityError),
    #[error(transparent)]
    Catalog(#[from] crate::catalog::CatalogError),
    #[error(transparent)]
    Lists(#[from] hub_datasets::pattern::PatternError),
    #[error("{0}")]
    Refused(String),
    /// Payloads do not pass a draft.
    #[error("{0}")]
    Fails(String),
    #[error("the worker ends: {0}")]
    Worker(std::io::Error),
    #[error("the answer cannot be written: {0}")]
    Output(#[from] std::io::Error),
    #[error(transparent)]
    Erase(#[from] crate::commit::EraseError),
    #[error(transparent)]
    Extract(#[from] crate::extract::ExtractError),
    #[error("the hub does not start: {0}")]
    Start(#[from] app::StartError),
    #[error(transparent)]
    Dev(#[from] app::DevError),
}

impl Failure {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_)
            | Self::Telemetry(TelemetryError::Level { .. })
            | Self::Dev(app::DevError::Tls) => 64,
            Self::Fails(_) => 3,
            _ => 1,
        }
    }
}

/// Runs the command that the arguments name.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to stdout with 0, wrong usage to stderr with 2.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match to_the_end(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Runs a command on threads of its own. One that is busy with a long check or a large file does not keep
/// the process: what was acknowledged lies on the disk, and the next start does the rest.
fn to_the_end(order: Command) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(Failure::Threads)?;
    let done = runtime.block_on(command(order, &mut std::io::stdout()));
    runtime.shutdown_timeout(limits::LAST_MARGIN);
    done
}

async fn command(command: Command, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    #[cfg(debug_assertions)]
    crate::config::arm_fault().map_err(Failure::Refused)?;
    match command {
        Command::Serve(serving) => {
            let config = serving.config()?;
            telemetry::init(&config.log)?;
            app::serve(&config).await?;
            Ok(())
        }
        Command::Dev(serving) => {
            let config = serving.config()?;
            telemetry::init(&config.log)?;
            Ok(app::dev(&config).await?)
        }
        Command::Demo { data_dir, keep } => Ok(app::demo(data_dir, keep).await?),
        Command::Worker => {
            let work = tokio::task::spawn_blocking(crate::intake::work);
            work.await.map_err(|panic| Failure::Worker(panic.into()))?.map_err(Failure::Worker)
        }
        Command::QueryWorker => crate::query::work().await.map_err(Failure::Worker),
        Command::Org { deed, folder } => {
            let offline = offline::Offline::open(&folder).await?;
            let done = org::run(deed, &offline, out).await;
            offline.close().await;
            done
        }
        Command::Pattern { deed, folder } => pattern::run(deed, &folder, out).await,
        Command::Credential { deed, folder } => {
            let offline = offline::Offline::open(&folder).await?;
            let done = credential::run(deed, &offline, out).await;
            offline.close().await;
            done
        }
        Command::ReceiptKey { deed, folder } => {
            let offline = offline::Offline::open(&folder).await?;
            let done = receipt_key::run(deed, &offline, out).await;
            offline.close().await;
            done
        }
        Command::Erase(erase) => erase.run(out).await,
        Command::Verify { what, folder } => verify::run(what, &folder, out).await,
        Command::Rebuild { folder } => {
            let offline = offline::Offline::open(&folder).await?;
            let done = verify::rebuild(&offline).await;
            offline.close().await;
            done
        }
    }
}
