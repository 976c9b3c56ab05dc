//! Opening a table: version 0 when it is new, replay, new columns, orphans.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use chrono::{DateTime, Utc};
use hub_datasets::Pattern;
use tokio::sync::watch;

use super::history::History;
use super::{Snapshot, Table, log_file, log_number, read_entry};
use crate::store::StoreError;
use crate::store::disk::{self, Disk};
use crate::store::journal::Journal;
use crate::store::log::{self, CommitInfo, Definition, Entry};

/// What a table is opened as.
#[derive(Debug, Clone)]
pub(crate) struct TableSpec {
    /// `rb28s`
    pub(crate) dataset: String,
    /// `rb28s_v1`
    pub(crate) name: String,
    /// Physical columns.
    pub(crate) schema: SchemaRef,
}

impl TableSpec {
    pub(crate) fn of(pattern: &Pattern) -> Self {
        Self {
            dataset: pattern.id.clone(),
            name: format!("{}_v{}", pattern.id, pattern.version.major),
            schema: physical(&pattern.schema()),
        }
    }
}

/// A pattern's columns, then the hub's.
pub(crate) fn physical(columns: &Schema) -> SchemaRef {
    let own = [
        Field::new("_period_end", DataType::Date32, false),
        Field::new("_publisher", DataType::Utf8, false),
        Field::new("_seq", DataType::Int64, false),
    ];
    let fields: Fields = columns.fields().iter().map(Arc::clone).chain(own.map(Arc::new)).collect();
    Arc::new(Schema::new(fields))
}

/// Folder of data files in a table's folder.
const DATA: &str = "d";

impl Table {
    /// Opens (or makes) a table below the data folder. Blocking.
    pub(crate) fn open(
        disk: &Arc<dyn Disk>,
        journal: &Arc<Journal>,
        root: &Path,
        spec: &TableSpec,
        epoch: &str,
        now: DateTime<Utc>,
    ) -> Result<Self, StoreError> {
        let opening = Opening { disk: disk.as_ref(), folder: root.join("tables").join(&spec.name), spec };
        opening.make_folders()?;
        let first = opening.read(0)?;
        let first = match first {
            Some(entry) => entry,
            None => opening.create(epoch, now)?,
        };
        let versions = opening.versions()?;
        let state = Arc::new(Snapshot::empty(&spec.name, &spec.dataset, &spec.schema));
        let mut history = History::from(Arc::clone(&state));
        let mut definition = opening.definition_of(&first)?;
        let mut newest = state;
        for version in 1..versions {
            let path = log_file(&opening.folder, version);
            let entry = opening.read(version)?.ok_or_else(|| gone(&path))?;
            newest = Arc::new(newest.after(version, &entry)?);
            history.push(&entry, &newest);
            definition = entry.definition.clone().unwrap_or(definition);
        }
        opening.sweep(&history)?;
        let (newest_sender, _) = watch::channel(Arc::clone(&newest));
        let table = Self {
            disk: Arc::clone(disk),
            journal: Arc::clone(journal),
            folder: opening.folder.clone(),
            name: spec.name.clone(),
            newest: newest_sender,
            history: Mutex::new(history),
        };
        if let Some(entry) = opening.new_columns(&definition, &newest, epoch, now)? {
            let version = newest.log_version + 1;
            opening.put(version, &entry)?;
            table.advance(version, &entry)?;
        }
        Ok(table)
    }

    /// Folder of the table's data files.
    pub(crate) fn data_folder(&self) -> PathBuf {
        self.folder.join(DATA)
    }
}

struct Opening<'a> {
    disk: &'a dyn Disk,
    folder: PathBuf,
    spec: &'a TableSpec,
}

fn gone(path: &Path) -> StoreError {
    StoreError::LogCorrupt {
        file: path.display().to_string(),
        line: 1,
        message: "this log version is missing, though later ones exist".into(),
    }
}

impl Opening<'_> {
    fn make_folders(&self) -> Result<(), StoreError> {
        for dir in [self.folder.join("_delta_log"), self.folder.join(DATA)] {
            self.disk.make_dir(&dir).map_err(|e| StoreError::io("make the folder", &dir, e))?;
            // A killed process may have left a log version that is seen but whose name is not durable;
            // it is made so before it is believed.
            self.disk.sync_dir(&dir).map_err(|e| StoreError::io("sync", &dir, e))?;
            disk::sweep_temporary(self.disk, &dir).map_err(|e| StoreError::io("sweep", &dir, e))?;
        }
        Ok(())
    }

    fn read(&self, version: u64) -> Result<Option<Entry>, StoreError> {
        read_entry(self.disk, &log_file(&self.folder, version), &self.spec.schema)
    }

    fn put(&self, version: u64, entry: &Entry) -> Result<(), StoreError> {
        let path = log_file(&self.folder, version);
        let bytes = log::write(entry).map_err(|e| StoreError::encode(&path.display().to_string(), &e))?;
        disk::publish(self.disk, &path, &bytes).map_err(|e| StoreError::io("put the log version", &path, e))
    }

    fn info(&self, operation: &str, epoch: &str, dataset_version: u64, at: DateTime<Utc>) -> CommitInfo {
        CommitInfo {
            commit: uuid::Uuid::now_v7().to_string(),
            epoch: epoch.to_owned(),
            operation: operation.to_owned(),
            committed_at: at,
            dataset_version,
            submissions: Vec::new(),
        }
    }

    fn create(&self, epoch: &str, now: DateTime<Utc>) -> Result<Entry, StoreError> {
        let definition = Definition {
            id: uuid::Uuid::now_v7().to_string(),
            name: self.spec.name.clone(),
            schema: Arc::clone(&self.spec.schema),
            created_at: now,
        };
        let info = self.info("CREATE TABLE", epoch, 0, now);
        let entry = Entry { info, definition: Some(definition), removes: Vec::new(), adds: Vec::new() };
        // A log without its first version is not new but broken.
        if self.versions()? > 0 {
            return Err(gone(&log_file(&self.folder, 0)));
        }
        self.put(0, &entry)?;
        Ok(entry)
    }

    /// Number of log versions; all names in the log folder must be theirs, without a gap.
    fn versions(&self) -> Result<u64, StoreError> {
        let dir = self.folder.join("_delta_log");
        let entries = self.disk.list(&dir).map_err(|e| StoreError::io("list", &dir, e))?;
        let mut next = 0;
        for entry in entries {
            let Some(number) = log_number(&entry.name).filter(|_| !entry.is_dir) else {
                return Err(StoreError::Corrupt {
                    file: dir.join(&entry.name).display().to_string(),
                    message: "is not a log version; take it out of the log folder".into(),
                });
            };
            if number != next {
                return Err(gone(&log_file(&self.folder, next)));
            }
            next += 1;
        }
        Ok(next)
    }

    fn definition_of(&self, first: &Entry) -> Result<Definition, StoreError> {
        first.definition.clone().ok_or_else(|| StoreError::LogCorrupt {
            file: log_file(&self.folder, 0).display().to_string(),
            line: 1,
            message: "the first log version has no metaData".into(),
        })
    }

    /// The entry that adds the columns which the pattern has and the log lacks; None: they are equal.
    fn new_columns(
        &self,
        logged: &Definition,
        newest: &Snapshot,
        epoch: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Entry>, StoreError> {
        if log::schema_string(&logged.schema) == log::schema_string(&self.spec.schema) {
            return Ok(None);
        }
        for field in logged.schema.fields() {
            let same =
                self.spec.schema.field_with_name(field.name()).ok().is_some_and(|f| log::same_type(f, field));
            if !same {
                return Err(self.conflict(format!("column {} is gone or has another type", field.name())));
            }
        }
        for field in self.spec.schema.fields() {
            if logged.schema.field_with_name(field.name()).is_err() && !field.is_nullable() {
                return Err(self.conflict(format!("the new column {} may not be empty", field.name())));
            }
        }
        let definition = Definition { schema: Arc::clone(&self.spec.schema), ..logged.clone() };
        let at = newest.committed_at.map_or(now, |last| last.max(now));
        let info = self.info("CHANGE COLUMNS", epoch, newest.dataset_version, at);
        Ok(Some(Entry { info, definition: Some(definition), removes: Vec::new(), adds: Vec::new() }))
    }

    fn conflict(&self, message: String) -> StoreError {
        let message = format!("{message} in the pattern; such a change needs a new major version of it");
        StoreError::TableConflict { table: self.spec.name.clone(), message }
    }

    /// Removes staged files that no log version names.
    fn sweep(&self, history: &History) -> Result<(), StoreError> {
        let named: HashSet<&str> = history.paths().collect();
        let dir = self.folder.join(DATA);
        let entries = self.disk.list(&dir).map_err(|e| StoreError::io("list", &dir, e))?;
        for entry in entries.into_iter().filter(|e| !e.is_dir) {
            if !named.contains(format!("{DATA}/{}", entry.name).as_str()) {
                let path = dir.join(entry.name);
                self.disk.remove(&path).map_err(|e| StoreError::io("remove the staged file", &path, e))?;
            }
        }
        Ok(())
    }
}
