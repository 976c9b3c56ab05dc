//! Verification of a data folder that no server uses: its registered patterns, its tables with all their files, the
//! original bytes of what was committed, and the catalogue's projection of the logs.

mod projection;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::runtime::Handle;

use crate::catalog::Catalog;
use crate::store::disk::Disk;
use crate::store::log::{Erasure, SubmissionEntry};
use crate::store::spool::Payloads;
use crate::store::verify::{
    ERASE_AGAIN, Fault, Finding, Gone, Inspection, RESTORE, Tell, Work, on_all_cores,
};
use crate::store::{StoreError, blocking};
use projection::{Projection, REBUILD};

/// Reads everything and tells what it finds. An error: the folder cannot be looked at.
pub(crate) async fn verify(
    disk: Arc<dyn Disk>,
    root: PathBuf,
    catalog: PathBuf,
    tell: impl Fn(Finding) + Send + Sync + 'static,
) -> Result<(), StoreError> {
    let runtime = Handle::current();
    blocking(move || {
        let inspection = Inspection::open(disk, root, &tell)?;
        let verification =
            Verification { inspection: &inspection, runtime: &runtime, tell: &tell, file: &catalog };
        verification.run()
    })
    .await
}

struct Verification<'a> {
    inspection: &'a Inspection,
    runtime: &'a Handle,
    tell: Tell<'a>,
    /// Of the catalogue.
    file: &'a Path,
}

impl Verification<'_> {
    fn run(&self) -> Result<(), StoreError> {
        let catalog = self.catalog();
        let told = on_all_cores(self.inspection, self.tell, |give| self.walk(catalog.as_ref(), give));
        if let Some(catalog) = catalog {
            self.runtime.block_on(catalog.close());
        }
        told
    }

    fn walk(&self, catalog: Option<&Catalog>, give: &mut dyn FnMut(Work)) -> Result<(), StoreError> {
        self.part("registered patterns");
        self.inspection.patterns(self.tell)?;
        self.part("original bytes");
        let payloads = self.inspection.payloads(self.tell)?;
        self.inspection.evidence(give)?;
        let (mut whole, mut shown, mut named) = (true, 0, HashSet::new());
        for table in self.inspection.tables()? {
            self.part(&table);
            let mut projection = Projection::of(self, catalog, &table);
            let gone = self.inspection.gone(&table, self.tell)?;
            self.erasures(&table, &gone)?;
            let intact = self.inspection.walk(&table, self.tell, &mut |version, entry| {
                // What stands in for a live file is among the files that were added.
                let erasure = entry.info.erasure.iter().flat_map(|erasure| &erasure.stand_ins);
                let stand_ins = erasure.filter(|one| one.left.is_some()).map(|one| &one.file);
                let there =
                    entry.adds.iter().chain(stand_ins).filter(|file| !gone.paths.contains(&file.path));
                there.for_each(|file| give(Work::Data(table.clone(), Arc::clone(file))));
                for submission in &entry.info.submissions {
                    match gone.erased.contains_key(&submission.id) {
                        true => self.erased(&payloads, catalog, (&table, version), submission),
                        false => self.payload(&payloads, &table, version, submission),
                    }
                    named.insert(submission.id.clone());
                }
                projection.take(version, entry, &gone);
            })?;
            shown += projection.end(intact);
            whole &= intact;
        }
        if whole {
            self.unnamed(payloads.kept().filter(|id| !named.contains(*id)).count());
        }
        // What a damaged log does not name any more is not too much.
        if let (true, Some(catalog)) = (whole, catalog) {
            match self.runtime.block_on(catalog.projected()) {
                Ok(all) if all > shown => {
                    let more = all - shown;
                    self.fault(self.file, format!("it shows {more} submissions that no log names"), REBUILD);
                }
                Ok(_) => {}
                Err(error) => self.fault(self.file, error.to_string(), RESTORE),
            }
        }
        Ok(())
    }

    /// The catalogue, if it can be read.
    fn catalog(&self) -> Option<Catalog> {
        self.part("catalogue");
        if !self.inspection.exists(self.file) {
            let lost = "the file is gone, and with it organisations, keys and refusals; submissions are shown again from the logs";
            self.fault(self.file, lost.to_owned(), RESTORE);
            return None;
        }
        let looked = self.runtime.block_on(async {
            let catalog = Catalog::open(self.file).await?;
            let damage = catalog.damage().await?;
            Ok::<_, crate::catalog::CatalogError>((catalog, damage))
        });
        match looked {
            Ok((catalog, damage)) => {
                damage.into_iter().for_each(|found| self.fault(self.file, found, RESTORE));
                Some(catalog)
            }
            Err(error) => {
                self.fault(self.file, error.to_string(), RESTORE);
                None
            }
        }
    }

    /// Tells of the erasures of a table, and of files that one left behind.
    fn erasures(&self, table: &str, gone: &Gone) -> Result<(), StoreError> {
        let mut all: Vec<_> = gone.erased.values().collect();
        all.sort_by_key(|erased| erased.log_version);
        for erased in all {
            let Erasure { submission, reason, by, held, .. } = erased.erasure.as_ref();
            let versions = held.map_or("no dataset version answers".to_owned(), |held| {
                let (first, last) = held.dataset_versions;
                format!("dataset versions {first} to {last} answer")
            });
            let at = erased.at;
            let note = format!(
                "{table}: submission {submission} was erased at {at} by {by} ({reason}); {versions} ERASED"
            );
            (self.tell)(Finding::Note(note));
            for file in self.inspection.unerased(table, erased)? {
                let message = format!("it tells of submission {submission}, which was erased");
                self.fault(&file, message, ERASE_AGAIN);
            }
        }
        Ok(())
    }

    /// Nothing is left of what an erased submission sent.
    fn erased(
        &self,
        payloads: &Payloads,
        catalog: Option<&Catalog>,
        (table, version): (&str, u64),
        submission: &SubmissionEntry,
    ) {
        let SubmissionEntry { id, sha256, report, .. } = submission;
        let evidence = self.inspection.exists(&self.inspection.evidence_path(sha256));
        // Others may have been sent with the same bytes.
        let is_own = || {
            let other = catalog.map(|catalog| self.runtime.block_on(catalog.same_bytes(id, sha256)));
            matches!(other, Some(Ok(None)))
        };
        if payloads.of(id).is_some() || !report.is_empty() || (evidence && is_own()) {
            let left = format!(
                "bytes of submission {id}, which was erased, are still there (log version {version})"
            );
            self.fault(Path::new(table), left, ERASE_AGAIN);
        }
    }

    /// The bytes that a committed submission was sent with are in the spool or among the evidence.
    fn payload(&self, payloads: &Payloads, table: &str, version: u64, submission: &SubmissionEntry) {
        let SubmissionEntry { id, size, sha256, .. } = submission;
        let evidence = self.inspection.evidence_path(sha256);
        if *size == 0 || payloads.of(id) == Some((*size, sha256)) || self.inspection.exists(&evidence) {
            return;
        }
        let place = match payloads.unreadable() {
            [] => evidence.display().to_string(),
            segments => segments.join(", "),
        };
        let lacking =
            format!("the original bytes of submission {id} (log version {version} of {table}) are not there");
        self.fault(Path::new(&place), lacking, RESTORE);
    }

    /// What was acknowledged ahead of a log is in it after the next start, whatever became of its record.
    fn unnamed(&self, submissions: usize) {
        if submissions > 0 {
            (self.tell)(Finding::Note(format!(
                "{submissions} submissions that were acknowledged are in no log yet; the next start takes them up"
            )));
        }
    }

    fn part(&self, name: &str) {
        (self.tell)(Finding::Part(name.to_owned()));
    }
    fn fault(&self, file: &Path, message: String, advice: &'static str) {
        (self.tell)(Finding::Fault(Fault::of(file, message, advice)));
    }
}
