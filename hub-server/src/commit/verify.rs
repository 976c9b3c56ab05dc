//! Verification of a data folder that no server uses: its tables with all their files, the original
//! bytes of what was committed, and the catalogue's projection of the logs.

mod projection;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::runtime::Handle;

use crate::catalog::Catalog;
use crate::store::disk::Disk;
use crate::store::log::SubmissionEntry;
use crate::store::spool::Payloads;
use crate::store::verify::{Fault, Finding, Inspection, RESTORE, Tell, Work, on_all_cores};
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
        self.part("original bytes");
        let payloads = self.inspection.payloads(self.tell)?;
        self.inspection.evidence(give)?;
        let (mut whole, mut shown, mut named) = (true, 0, HashSet::new());
        for table in self.inspection.tables()? {
            self.part(&table);
            let mut projection = Projection::of(self, catalog, &table);
            let vacuumed = self.inspection.vacuumed(&table, self.tell)?;
            let intact = self.inspection.walk(&table, self.tell, &mut |version, entry| {
                let there = entry.adds.iter().filter(|file| !vacuumed.contains(&file.path));
                there.for_each(|file| give(Work::Data(table.clone(), Arc::clone(file))));
                for submission in &entry.info.submissions {
                    self.payload(&payloads, &table, version, submission);
                    named.insert(submission.id.clone());
                }
                projection.take(version, entry);
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
