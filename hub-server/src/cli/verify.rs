//! `hub-server verify` and `hub-server rebuild`.

use std::io::Write;
use std::sync::Arc;

use clap::Subcommand;
use tokio::sync::mpsc;

use super::Failure;
use super::offline::{Offline, in_use};
use super::settings::Folder;
use crate::commit;
use crate::store::disk::LocalDisk;
use crate::store::verify::{Fault, Finding};

#[derive(Debug, Subcommand)]
pub(super) enum What {
    /// Reads the whole folder and compares it with what was committed: registered patterns, logs, all data files of today and
    /// of earlier versions, original bytes, journal, and the catalogue's view of the logs. Nothing is changed.
    /// Each fault is a line on stdout, with its file and what to do; the exit code is 1 when there is one.
    Data,
}

/// Findings on their way from the threads that read.
const FINDINGS: usize = 256;
const GIB: u64 = 1 << 30;

/// What was read so far.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    versions: u64,
    files: u64,
    bytes: u64,
    faults: u64,
}

pub(super) async fn run(what: What, folder: &Folder, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    let What::Data = what;
    let config = folder.config()?;
    let (sender, mut findings) = mpsc::channel(FINDINGS);
    let tell = move |finding| {
        // The command reads to the end, unless it could not write.
        let _given_up = sender.blocking_send(finding);
    };
    let (root, catalog) = (config.data_dir.clone(), config.catalog_path());
    let verified = tokio::spawn(commit::verify(Arc::new(LocalDisk), root, catalog, tell));
    let mut tally = Tally::default();
    while let Some(finding) = findings.recv().await {
        tally.note(finding, out)?;
    }
    let verified =
        verified.await.map_err(|lost| Failure::Refused(format!("the verification broke off: {lost}")))?;
    verified.map_err(in_use)?;
    let Tally { versions, files, bytes, faults } = tally;
    let summary = format!("{versions} log versions, {files} files, {bytes} bytes read; {faults} faults");
    if faults > 0 {
        return Err(Failure::Refused(summary));
    }
    eprintln!("{summary}");
    Ok(())
}

impl Tally {
    fn note(&mut self, finding: Finding, out: &mut (dyn Write + Send)) -> std::io::Result<()> {
        match finding {
            Finding::Part(name) => eprintln!("{name} …"),
            Finding::Note(text) => eprintln!("note: {text}"),
            Finding::Version => self.versions += 1,
            Finding::File { bytes } => {
                let before = self.bytes / GIB;
                self.files += 1;
                self.bytes += bytes;
                if self.bytes / GIB > before {
                    eprintln!("{} GiB read …", self.bytes / GIB);
                }
            }
            Finding::Fault(Fault { file, message, advice }) => {
                self.faults += 1;
                writeln!(out, "{file}: {message}; {advice}")?;
            }
        }
        Ok(())
    }
}

/// Has the projection made again: removes it, and leaves the rest of the catalogue as it is.
pub(super) async fn rebuild(offline: &Offline) -> Result<(), Failure> {
    offline.catalog.forget_projection().await?;
    eprintln!("the projection is removed; the next start makes it again from the logs");
    Ok(())
}
