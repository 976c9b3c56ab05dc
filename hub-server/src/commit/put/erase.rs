//! The log version of an erasure.

use std::sync::Arc;

use super::{GroupEnd, PutEnd, Putter};
use crate::commit::CommitError;
use crate::fault;
use crate::store::index::DataFile;
use crate::store::log::{CommitInfo, ERASE, Entry, Erasure, Remove};

impl Putter {
    /// Puts the tombstone of a submission, a dataset version of its own: from here on its rows are in no state.
    /// `live`: the files that leave the table. An error other than that of an unknown outcome says that nothing
    /// happened. Blocking.
    pub(crate) fn erase(
        &mut self,
        erasure: Erasure,
        live: &[Arc<DataFile>],
        end: &mut GroupEnd,
    ) -> Result<(), CommitError> {
        self.close(end)?;
        let snapshot = self.context.files.table().snapshot();
        let (log_version, dataset_version) = (snapshot.log_version + 1, snapshot.dataset_version + 1);
        let of_live = erasure.stand_ins.iter().filter(|stand_in| stand_in.left.is_none());
        let adds = of_live.map(|stand_in| Arc::clone(&stand_in.file)).collect();
        let removes = live.iter().map(|file| Remove::from(file.as_ref())).collect();
        let info = CommitInfo { erasure: Some(Arc::new(erasure)), ..self.info(ERASE, dataset_version) };
        let entry = Entry { info, definition: None, removes, adds };
        let put = self.put(log_version, &entry, &[]);
        fault::point("erase.put.after");
        match put {
            PutEnd::Done => self.project(log_version, entry, end),
            PutEnd::Taken(_) => {
                let message =
                    format!("version {log_version} is another program's; stop it and run this again");
                Err(CommitError::LogForeign { dataset: self.context.name().to_owned(), message })
            }
            PutEnd::Failed(error) => Err(self.context.files.store_error(error)),
            PutEnd::Unknown => Err(self.outcome_unknown()),
        }
    }
}
