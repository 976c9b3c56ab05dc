//! What hub and worker say to each other. They are one program, but not always one version of it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use bytes::{Buf as _, Bytes};
use serde::{Deserialize, Serialize};

use super::super::bounds::Bounds;
use super::super::encode::RowChunk;
use super::super::limits::QueryLimits;
use super::super::lineage::Lineage;
use super::super::source::{Known, Origin};
use super::super::traps::Warning;
use super::super::views::Codes;
use super::super::visible::{Visible, shown_columns};
use super::super::{QueryError, RowFormat};
use super::line::unexpected;
use crate::store::blocks::Blocks;
use crate::store::index::{DataFile, shared};

/// Raised whenever a frame or its body changes.
pub(super) const PROTOCOL: u32 = 3;

/// What a worker is to know of the hub.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Setup {
    pub(super) protocol: u32,
    /// The data folder, absolute.
    pub(super) root: PathBuf,
    /// Folder for spilled rows, the worker's own.
    pub(super) spill: PathBuf,
    pub(super) limits: QueryLimits,
}

/// A statement with all that it may see.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Job {
    pub(super) sql: String,
    pub(super) format: RowFormat,
    /// Say what it would give, and do not run it.
    pub(super) describe: bool,
    /// Values of its parameters: an Arrow stream of one row, as base64.
    pub(super) parameters: Option<String>,
    /// True beside others that keep all threads busy.
    pub(super) one_of_many: bool,
    pub(super) tables: Vec<Table>,
    /// Names of tables that the statement does not name.
    pub(super) others: Vec<String>,
    /// Name of the table that comes with the job.
    pub(super) with: Option<String>,
}

/// A table as a reader sees it. Its place in the job is its number.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Table {
    dataset: String,
    names: Vec<String>,
    folder: String,
    /// Name, type and whether it may be empty of the columns that may be read from files.
    files: Vec<(String, String, bool)>,
    /// Indexes of those that are shown.
    shown: Vec<usize>,
    publisher: Option<String>,
    mixed: bool,
    rows: u64,
    lineage: Lineage,
    codes: Codes,
}

impl From<&Visible> for Table {
    fn from(visible: &Visible) -> Self {
        let column =
            |field: &Arc<Field>| (field.name().clone(), field.data_type().to_string(), field.is_nullable());
        Self {
            dataset: visible.dataset.clone(),
            names: visible.names.clone(),
            folder: visible.folder.clone(),
            files: visible.files.fields().iter().map(column).collect(),
            shown: visible.shown(),
            publisher: visible.publisher.clone(),
            mixed: visible.mixed,
            rows: visible.rows,
            lineage: visible.lineage.clone(),
            codes: visible.codes.clone(),
        }
    }
}

impl Table {
    pub(super) fn visible(self) -> io::Result<Visible> {
        let column = |(name, kind, nullable): (String, String, bool)| {
            let kind = kind.parse().map_err(|_| unexpected())?;
            Ok(Field::new(name, kind, nullable))
        };
        let files = Schema::new(self.files.into_iter().map(column).collect::<io::Result<Vec<_>>>()?);
        let (schema, places) = shown_columns(&files, &self.shown);
        Ok(Visible {
            dataset: self.dataset,
            names: self.names,
            folder: self.folder,
            files: Arc::new(files),
            schema,
            places,
            publisher: self.publisher,
            mixed: self.mixed,
            rows: self.rows,
            lineage: self.lineage,
            codes: self.codes,
        })
    }
}

/// What a worker asks while it works on a job.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Question {
    /// Files of a table that may hold a row within the bounds, and statistics of columns.
    Choose { table: usize, read: Vec<usize>, bounds: Bounds },
    /// Entries of chosen files from a place on.
    Page { choice: usize, long: bool, from: usize },
    /// What rows of a table came with.
    Origins { table: usize, seqs: Vec<i64> },
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    Chosen { choice: usize, small: Chosen, long: Chosen },
    Page(Vec<File>),
    Origins(Vec<Origin>),
    Failed(QueryError),
}

/// Chosen files; a few of them come at once.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Chosen {
    pub(super) known: Known,
    pub(super) first: Vec<File>,
}

/// What it takes to read a data file and to compare its bytes.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct File {
    path: String,
    bytes: u64,
    rows: u64,
    sha256: String,
    blocks: Option<String>,
    /// Numbers of the rows that are meant, when others are not.
    seqs: Option<Vec<i64>>,
}

impl From<&Arc<DataFile>> for File {
    fn from(file: &Arc<DataFile>) -> Self {
        Self {
            path: file.path.clone(),
            bytes: file.bytes,
            rows: file.rows,
            sha256: file.sha256.clone(),
            blocks: file.blocks.list(),
            seqs: file.partial.then(|| file.seqs.clone()),
        }
    }
}

impl File {
    pub(super) fn entry(self) -> Result<DataFile, String> {
        Ok(DataFile {
            blocks: Blocks::of(self.bytes, &self.sha256, self.blocks.as_deref())?,
            path: self.path,
            bytes: self.bytes,
            rows: self.rows,
            sha256: self.sha256,
            partition: shared(""),
            partial: self.seqs.is_some(),
            seqs: self.seqs.unwrap_or_default(),
            publishers: Vec::new(),
            publisher_rows: Vec::new(),
            stats: Default::default(),
        })
    }
}

/// What a plan scans, and of a statement that is described what its rows say not.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) datasets: Vec<String>,
    /// What may be bound to its parameters: the schema of an Arrow stream, as base64.
    pub(super) parameters: String,
    /// Parameters to which no value was bound.
    pub(super) unbound: usize,
    /// Columns, when it reads those of one table and does nothing else.
    pub(super) columns: Option<Vec<String>>,
    /// Traps of the statement.
    pub(super) warnings: Vec<Warning>,
}

/// The head of a [`super::line::Kind::Rows`].
pub(super) fn rows_head(chunk: &RowChunk) -> [u8; 9] {
    let mut head = [0; 9];
    head[..8].copy_from_slice(&chunk.rows.to_le_bytes());
    head[8] = u8::from(chunk.complete);
    head
}

/// The piece of an answer that a [`super::line::Kind::Rows`] holds.
pub(super) fn rows_of(mut body: Bytes) -> io::Result<RowChunk> {
    let (rows, complete) = match (body.try_get_u64_le(), body.try_get_u8()) {
        (Ok(rows), Ok(complete)) => (rows, complete != 0),
        _ => return Err(unexpected()),
    };
    Ok(RowChunk { data: body, rows, complete })
}

/// A job and the table that comes with it, in one body.
pub(super) fn job_of(mut body: Bytes) -> io::Result<(Job, Bytes)> {
    let length = body.try_get_u32_le().map_err(|_| unexpected())? as usize;
    if length > body.len() {
        return Err(unexpected());
    }
    let job = serde_json::from_slice(&body.split_to(length))?;
    Ok((job, body))
}
