//! `hub-server erase`.

use std::io::Write;
use std::sync::Arc;

use clap::Args;
use hub_datasets::CodeLists;

use super::Failure;
use super::offline::Offline;
use super::settings::Folder;
use crate::app;
use crate::clock::SystemClock;
use crate::commit::{self, EraseOrder, Erased};
use crate::config;
use crate::extract;

#[derive(Debug, Args)]
pub(super) struct Erase {
    /// Id of the submission, as `hub submissions list` shows it.
    submission: String,
    /// Why it is erased, for example the file number of the court order. It is kept for ever and shown to the
    /// publisher: write no personal data into it.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who erases it; without it the user of this session.
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Says what would go, and erases nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    folder: Folder,
}

impl Erase {
    pub(super) async fn run(self, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
        let settings = self.folder.config()?;
        let offline = Offline::open(&self.folder).await?;
        let patterns = app::patterns_of(&settings, &offline.store, &CodeLists::embedded()?).await?.all();
        let order = EraseOrder {
            id: self.submission.trim_start_matches("submissions/").to_owned(),
            reason: self.reason.clone(),
            by: self.by.clone().or_else(config::user).unwrap_or_else(|| "operator".to_owned()),
            dry_run: self.dry_run,
        };
        let rooms = (Arc::clone(&offline.store), Arc::clone(&offline.catalog));
        let erased = commit::erase(rooms, &patterns, Arc::new(SystemClock), order).await;
        offline.close().await;
        let erased = erased?;
        let mut extracts = 0;
        if !self.dry_run {
            if let Some(versions) = erased.versions {
                extracts = extract::forget(&settings.data_dir, &erased.dataset, versions)?;
            }
            app::empty_scratch(&settings.data_dir)?;
        }
        self.tell(&erased, extracts, out)
    }

    /// What was done, as lines of a name, a tab and a value.
    fn tell(&self, erased: &Erased, extracts: u64, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
        let versions = match erased.versions {
            Some((first, last)) => format!("{first} to {last}"),
            None => "none".to_owned(),
        };
        let mut lines = vec![
            ("submission", self.submission.clone()),
            ("dataset", erased.table.clone()),
            ("publisher", erased.publisher.clone()),
            ("period", erased.period.clone()),
            ("rows", erased.rows.to_string()),
            ("dataset versions that answer ERASED", versions),
            ("data files removed", format!("{}, {} bytes", erased.data.files, erased.data.bytes)),
            ("data files written without its rows", erased.rewritten.to_string()),
        ];
        if !self.dry_run {
            let (payload, spool) = (&erased.evidence, &erased.spool);
            lines.extend([
                ("files of the log written without its values", erased.log.to_string()),
                ("checkpoints replaced", erased.checkpoints.to_string()),
                ("original bytes", format!("{} of evidence, {} of the spool", payload.bytes, spool.bytes)),
                ("extracts", format!("{extracts} bytes")),
            ]);
        }
        for (name, value) in lines {
            writeln!(out, "{name}\t{value}")?;
        }
        self.say(erased);
        Ok(())
    }

    fn say(&self, erased: &Erased) {
        let id = &self.submission;
        match (self.dry_run, erased.at) {
            (true, Some(at)) => {
                eprintln!("{id} was erased at {at}; without --dry-run this looks for what is left of it");
            }
            (true, None) => eprintln!("nothing was erased; this is what would go"),
            (false, Some(at)) if erased.before => {
                eprintln!(
                    "{id} was erased at {at} already; what was left of it is gone now, as counted above"
                );
            }
            (false, _) => eprintln!("{id} is erased; start the server again"),
        }
        if let Some(other) = &erased.same_bytes {
            eprintln!(
                "note: submission {other} was sent with the same bytes, which stay for it; erase it too if they must go"
            );
        }
        for segment in &erased.spool.unreadable {
            eprintln!("note: {segment} holds damaged bytes of nobody knows which submission; they stay");
        }
        if !self.dry_run {
            eprintln!("note: backups of this folder still hold the bytes; see the operator's guide");
        }
    }
}
