//! Data files that a vacuum or an erasure rightly removed.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::{Fault, Finding, Inspection, Tell};
use crate::store::StoreError;
use crate::store::log::Entry;
use crate::store::table::{Erased, Homes, Horizon, Name, Snapshot, name_of, read_horizon};

/// What of a table is gone on purpose, as far as the log tells.
#[derive(Debug, Default)]
pub(crate) struct Gone {
    /// Paths of data files.
    pub(crate) paths: HashSet<String>,
    /// Erasures by the submission.
    pub(crate) erased: HashMap<String, Erased>,
}

impl Inspection {
    /// What of a table is gone because no promised state reads it, or because it was erased. Blocking.
    pub(crate) fn gone(&self, table: &str, tell: Tell<'_>) -> Result<Gone, StoreError> {
        let folder = self.root.join("tables").join(table);
        let horizon = match read_horizon(self.disk.as_ref(), &folder) {
            Ok(horizon) => horizon,
            Err(error) => {
                tell(Finding::Fault(Fault::from(error)));
                Horizon::default()
            }
        };
        let mut replay = Replay { horizon, homes: Homes::default(), state: None, gone: Gone::default() };
        // Damage is told when the table is walked for itself.
        self.walk(table, &|_| {}, &mut |version, entry| replay.take(table, version, entry))?;
        Ok(replay.gone)
    }

    /// Files that are there although they tell of an erased submission: data files that held its rows, and
    /// checkpoints from before, with bounds.
    pub(crate) fn unerased(&self, table: &str, erased: &Erased) -> Result<Vec<PathBuf>, StoreError> {
        let folder = self.root.join("tables").join(table);
        let paths = erased.erasure.files.iter().map(|path| folder.join(path));
        let mut left: Vec<PathBuf> = paths.filter(|path| self.exists(path)).collect();
        let log = folder.join("_delta_log");
        for entry in self.list_or_nothing(&log)? {
            if let Some(Name::Checkpoint(version)) = name_of(&entry.name)
                && version < erased.log_version
            {
                left.push(log.join(entry.name));
            }
        }
        Ok(left)
    }
}

struct Replay {
    horizon: Horizon,
    homes: Homes,
    /// State before the next version; None: a version before it could not be read.
    state: Option<Arc<Snapshot>>,
    gone: Gone,
}

impl Replay {
    fn take(&mut self, table: &str, version: u64, entry: &Entry) {
        if version == 0 {
            let schema = entry.definition.as_ref().map(|definition| &definition.schema);
            self.state = schema.map(|schema| Arc::new(Snapshot::empty(table, table, schema)));
            return;
        }
        if let Some(erasure) = &entry.info.erasure {
            self.gone.paths.extend(erasure.files.iter().cloned());
            let expired = |left: Option<u64>| left.is_some_and(|left| left <= self.horizon.expired);
            let stand_ins = erasure.stand_ins.iter().filter(|stand_in| expired(stand_in.left));
            self.gone.paths.extend(stand_ins.map(|stand_in| stand_in.file.path.clone()));
            let (at, of) = (entry.info.committed_at, erasure.submission.clone());
            let erased = Erased { log_version: version, at, erasure: Arc::clone(erasure) };
            self.gone.erased.insert(of, erased);
        }
        let Some(before) = self.state.take() else { return };
        self.homes.push(version, entry, &before);
        let taken = entry
            .removes
            .iter()
            .filter(|remove| self.horizon.takes(version, self.homes.merged(&remove.path)));
        self.gone.paths.extend(taken.map(|remove| remove.path.clone()));
        self.state = before.after(version, entry).ok().map(Arc::new);
    }
}
