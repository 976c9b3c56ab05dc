//! `hub-server pattern`.

mod draft;
mod register;
mod summary;
mod trial;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Subcommand;
use hub_datasets::CodeLists;

use super::Failure;
use super::offline::Offline;
use super::settings::Folder;
use crate::app::{self, KnownPatterns};
use crate::config::Config;

#[derive(Debug, Subcommand)]
pub(super) enum Deed {
    /// Lists all patterns that this hub knows: reference, where it is from (program, folder, registered), title.
    List,
    /// Registers a new pattern, or a new version of one, from its folder. It is checked whole, its samples too, and
    /// compared with the newest version that is known: a number that is too small for what changed is refused. The
    /// next start uses it.
    Register {
        /// Folder with pattern.yaml, schema.json, samples and, where there are, mappings and tables.
        dir: PathBuf,
        /// Says what would be, and registers nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Runs a draft against the payloads that this hub holds for the pattern, and against files. Nothing is changed.
    /// The exit code is 3 when one of them fails.
    Trial(trial::Trial),
}

/// What a deed works with.
struct Known {
    config: Config,
    patterns: KnownPatterns,
    lists: Arc<CodeLists>,
}

pub(super) async fn run(deed: Deed, folder: &Folder, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    let config = folder.config()?;
    let offline = Offline::open(folder).await?;
    let done = with_folder(deed, config, &offline, out).await;
    offline.close().await;
    done
}

async fn with_folder(
    deed: Deed,
    config: Config,
    offline: &Offline,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    let lists = Arc::new(CodeLists::embedded()?);
    let patterns = app::patterns_of(&config, &offline.store, &lists).await?;
    let known = Known { config, patterns, lists };
    match deed {
        Deed::List => list(&known, out),
        Deed::Register { dir, dry_run } => register::run(&dir, dry_run, &known, offline, out).await,
        Deed::Trial(trial) => trial.run(&known, offline, out).await,
    }
}

fn list(known: &Known, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    for pattern in known.patterns.patterns.iter() {
        let reference = pattern.reference();
        let from = match () {
            () if known.patterns.registered.contains(&reference) => "registered",
            () if known.patterns.folders.contains_key(&reference) => "folder",
            () => "program",
        };
        writeln!(out, "{reference}\t{from}\t{}", pattern.title.pl)?;
    }
    for (name, why) in &known.patterns.unusable {
        writeln!(out, "{name}\tunusable\t{why}")?;
    }
    Ok(())
}
