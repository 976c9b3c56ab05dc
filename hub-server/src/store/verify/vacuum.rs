//! Data files that a vacuum rightly removed.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Fault, Finding, Inspection, Tell};
use crate::store::StoreError;
use crate::store::log::Entry;
use crate::store::table::{Homes, Horizon, Snapshot, read_horizon};

impl Inspection {
    /// Paths of the files of a table that are gone because no promised state reads them. What the log does not
    /// tell any more is not among them. Blocking.
    pub(crate) fn vacuumed(&self, table: &str, tell: Tell<'_>) -> Result<HashSet<String>, StoreError> {
        let folder = self.root.join("tables").join(table);
        let horizon = match read_horizon(self.disk.as_ref(), &folder) {
            Ok(horizon) if horizon == Horizon::default() => return Ok(HashSet::new()),
            Ok(horizon) => horizon,
            Err(error) => {
                tell(Finding::Fault(Fault::from(error)));
                return Ok(HashSet::new());
            }
        };
        let mut gone = Gone { horizon, homes: Homes::default(), state: None, paths: HashSet::new() };
        // Damage is told when the table is walked for itself.
        self.walk(table, &|_| {}, &mut |version, entry| gone.take(table, version, entry))?;
        Ok(gone.paths)
    }
}

struct Gone {
    horizon: Horizon,
    homes: Homes,
    /// State before the next version; None: a version before it could not be read.
    state: Option<Arc<Snapshot>>,
    paths: HashSet<String>,
}

impl Gone {
    fn take(&mut self, table: &str, version: u64, entry: &Entry) {
        if version == 0 {
            let schema = entry.definition.as_ref().map(|definition| &definition.schema);
            self.state = schema.map(|schema| Arc::new(Snapshot::empty(table, table, schema)));
            return;
        }
        let Some(before) = self.state.take() else { return };
        self.homes.push(version, entry, &before);
        let taken = entry
            .removes
            .iter()
            .filter(|remove| self.horizon.takes(version, self.homes.merged(&remove.path)));
        self.paths.extend(taken.map(|remove| remove.path.clone()));
        self.state = before.after(version, entry).ok().map(Arc::new);
    }
}
