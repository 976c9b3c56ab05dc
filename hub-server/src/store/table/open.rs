//! Opening a table: version 0 when it is new, replay, new columns, orphans.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use chrono::{DateTime, Utc};
use hub_datasets::Pattern;
use tokio::sync::watch;

use super::history::History;
use super::keep::Kept;
use super::log_files::{ARCHIVE, LOG, LogFiles};
use super::{HUB, Snapshot, Table, horizon};
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
        let empty = Arc::new(Snapshot::empty(&spec.name, &spec.dataset, &spec.schema));
        let (log, found) = LogFiles::open(disk, &opening.folder, &empty)?;
        if found.versions == 0 {
            opening.put(&log, 0, &opening.first_entry(epoch, now))?;
        }
        let Replayed { history, newest, definition } = opening.replay(&log, empty, found.versions.max(1))?;
        let change = opening.new_columns(&definition, &newest, epoch, now)?;
        let changed = change.as_ref().and_then(|entry| entry.definition.clone());
        let (newest_sender, _) = watch::channel(Arc::clone(&newest));
        let table = Self {
            disk: Arc::clone(disk),
            journal: Arc::clone(journal),
            folder: opening.folder.clone(),
            name: spec.name.clone(),
            definition: changed.unwrap_or(definition),
            log,
            newest: newest_sender,
            history: Mutex::new(history),
            kept: Mutex::new(Kept { checkpoints: found.checkpoints, hinted: found.hinted }),
        };
        if let Some(entry) = change {
            let version = newest.log_version + 1;
            opening.put(&table.log, version, &entry)?;
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

/// What the log tells.
struct Replayed {
    history: History,
    newest: Arc<Snapshot>,
    definition: Definition,
}

impl Opening<'_> {
    fn make_folders(&self) -> Result<(), StoreError> {
        for dir in [LOG, HUB, ARCHIVE, DATA].map(|name| self.folder.join(name)) {
            self.disk.make_dir(&dir).map_err(|e| StoreError::io("make the folder", &dir, e))?;
            // A killed process may have left a log version that is seen but whose name is not durable;
            // it is made so before it is believed.
            self.disk.sync_dir(&dir).map_err(|e| StoreError::io("sync", &dir, e))?;
            disk::sweep_temporary(self.disk, &dir).map_err(|e| StoreError::io("sweep", &dir, e))?;
        }
        Ok(())
    }

    fn put(&self, log: &LogFiles, version: u64, entry: &Entry) -> Result<(), StoreError> {
        let path = log.log_file(version);
        let bytes = log::write(entry).map_err(|e| StoreError::encode(&path.display().to_string(), &e))?;
        disk::publish(self.disk, &path, &bytes).map_err(|e| StoreError::io("put the log version", &path, e))
    }

    /// Replays all log versions, and removes staged files that none of them names, and those that are to be gone.
    fn replay(&self, log: &LogFiles, empty: Arc<Snapshot>, versions: u64) -> Result<Replayed, StoreError> {
        let archived = log.archived().end();
        // Data files, and whether they are to stay.
        let mut files: HashMap<String, bool> = self.data_files()?;
        let gone = horizon::read(self.disk, &self.folder)?;
        let mut reader = log.reader();
        let first = reader.entry(0)?.ok_or_else(|| log.gone(0))?;
        let mut definition = Self::definition_of(log, &first)?;
        let mut history = History::from(Arc::clone(&empty), gone);
        let mut newest = empty;
        for version in 1..versions {
            let entry = reader.entry(version)?.ok_or_else(|| log.gone(version))?;
            let before = newest;
            newest = Arc::new(before.after(version, &entry)?);
            history.push(&entry, &before, &newest);
            let mut note = |path: &str, stays| {
                if let Some(known) = files.get_mut(path) {
                    *known = stays;
                }
            };
            entry.adds.iter().for_each(|file| note(&file.path, true));
            if let Some(erasure) = &entry.info.erasure {
                erasure.files.iter().for_each(|path| note(path, false));
                for stand_in in &erasure.stand_ins {
                    note(&stand_in.file.path, stand_in.left.is_none_or(|left| left > gone.expired));
                }
            }
            // A vacuum that was cut off had decided so.
            let left = entry
                .removes
                .iter()
                .filter(|remove| gone.takes(version, history.homes().merged(&remove.path)));
            left.for_each(|remove| note(&remove.path, false));
            definition = entry.definition.unwrap_or(definition);
            if version + 1 == archived {
                log.archived_mut().state = Arc::clone(&newest);
            }
        }
        for name in files.into_iter().filter_map(|(name, stays)| (!stays).then_some(name)) {
            let path = self.folder.join(name);
            self.disk.remove(&path).map_err(|e| StoreError::io("remove the staged file", &path, e))?;
        }
        Ok(Replayed { history, newest, definition })
    }

    /// Paths of all data files below the table's folder.
    fn data_files(&self) -> Result<HashMap<String, bool>, StoreError> {
        let dir = self.folder.join(DATA);
        let entries = self.disk.list(&dir).map_err(|e| StoreError::io("list", &dir, e))?;
        let files = entries.into_iter().filter(|entry| !entry.is_dir);
        Ok(files.map(|entry| (format!("{DATA}/{}", entry.name), false)).collect())
    }

    fn info(&self, operation: &str, epoch: &str, dataset_version: u64, at: DateTime<Utc>) -> CommitInfo {
        CommitInfo {
            commit: uuid::Uuid::now_v7().to_string(),
            epoch: epoch.to_owned(),
            operation: operation.to_owned(),
            committed_at: at,
            dataset_version,
            submissions: Vec::new(),
            erasure: None,
        }
    }

    fn first_entry(&self, epoch: &str, now: DateTime<Utc>) -> Entry {
        let definition = Definition {
            id: uuid::Uuid::now_v7().to_string(),
            name: self.spec.name.clone(),
            schema: Arc::clone(&self.spec.schema),
            created_at: now,
        };
        let info = self.info("CREATE TABLE", epoch, 0, now);
        Entry { info, definition: Some(definition), removes: Vec::new(), adds: Vec::new() }
    }

    fn definition_of(log: &LogFiles, first: &Entry) -> Result<Definition, StoreError> {
        first.definition.clone().ok_or_else(|| StoreError::LogCorrupt {
            file: log.log_file(0).display().to_string(),
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
}
