//! What a copy says of itself, in the footer of its file.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::KeyValue;
use serde::{Deserialize, Serialize};

use super::CopyRequest;

/// Under which name it stands there.
const KEY: &str = "hub.copy";

/// Which rows a copy holds, and of which state.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Facts {
    dataset: String,
    columns: Vec<String>,
    filter: Option<String>,
    pub(super) version: u64,
    pub(super) cursor: String,
    pub(super) rows: u64,
    /// Sum over all rows, as [`super::net::Sum`] makes it; a copy that somebody changed has another one.
    pub(super) sum: String,
    /// Of the file.
    #[serde(skip, default = "empty")]
    pub(super) schema: SchemaRef,
}

fn empty() -> SchemaRef {
    Arc::new(Schema::empty())
}

impl Facts {
    pub(super) fn of(request: &CopyRequest, version: u64, cursor: String) -> Self {
        let CopyRequest { dataset, columns, filter } = request.clone();
        Self { dataset, columns, filter, version, cursor, rows: 0, sum: String::new(), schema: empty() }
    }

    pub(super) fn request(&self) -> CopyRequest {
        let (dataset, columns, filter) = (self.dataset.clone(), self.columns.clone(), self.filter.clone());
        CopyRequest { dataset, columns, filter }
    }

    /// The same copy at another place.
    pub(super) fn moved_to(&self, version: u64, cursor: String) -> Self {
        Self { version, cursor, ..self.clone() }
    }

    /// The same copy with what its file holds.
    pub(super) fn holding(self, rows: u64, sum: String) -> Self {
        Self { rows, sum, ..self }
    }

    /// As it stands in the footer.
    pub(super) fn written(&self) -> io::Result<KeyValue> {
        Ok(KeyValue::new(KEY.to_owned(), serde_json::to_string(self)?))
    }
}

/// Reads what a file says of itself. Blocking.
pub(super) fn read(path: &Path) -> io::Result<Facts> {
    let file = File::open(path)?;
    let other = || io::Error::other("it is no copy that this command keeps; name another file, or remove it");
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|_| other())?;
    let pairs = builder.metadata().file_metadata().key_value_metadata();
    let value = pairs.and_then(|pairs| pairs.iter().find(|pair| pair.key == KEY));
    let value = value.and_then(|pair| pair.value.as_deref()).ok_or_else(other)?;
    let facts: Facts = serde_json::from_str(value).map_err(|_| other())?;
    Ok(Facts { schema: Arc::clone(builder.schema()), ..facts })
}
