//! A copy from a whole pull.

use std::io;
use std::path::Path;

use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::facts::Facts;
use super::net::Decoder;
use super::rewrite::Writing;
use crate::error::{ClientError, Deed};
use crate::pull::{Part, Pull, RowsProgress};

/// Messages that wait between network and disk.
const MESSAGES_AHEAD: usize = 4;

/// Writes the rows of a pull as a copy; gives their number.
pub(super) async fn write(
    pull: &mut Pull,
    path: &Path,
    facts: Facts,
    progress: Option<RowsProgress>,
) -> Result<u64, ClientError> {
    let (parts, receiver) = mpsc::channel(MESSAGES_AHEAD);
    let target = path.to_owned();
    let task = spawn_blocking(move || fill(&target, receiver));
    let mut taken = true;
    while taken && let Some(part) = pull.next().await? {
        if let Some(progress) = &progress {
            progress(pull.rows(), pull.session().estimated_rows);
        }
        taken = parts.send(part).await.is_ok();
    }
    drop(parts);
    let (target, is_whole) = (path.to_owned(), taken);
    let settled = async move {
        let writing = task.await.unwrap_or_else(|panic| Err(io::Error::other(panic)))?;
        if !is_whole {
            return Err(io::Error::other("its rows could not be written"));
        }
        let settle = spawn_blocking(move || writing.settle(&target, facts));
        settle.await.unwrap_or_else(|panic| Err(io::Error::other(panic)))
    };
    settled.await.map_err(|source| ClientError::file(Deed::Write, path, source))
}

fn fill(path: &Path, mut parts: mpsc::Receiver<Part>) -> io::Result<Writing> {
    let (mut decoder, mut writing) = (Decoder::default(), None::<Writing>);
    while let Some(part) = parts.blocking_recv() {
        let data = match part {
            Part::Data(data) => data,
            Part::Restart => {
                (decoder, writing) = (Decoder::default(), None);
                continue;
            }
        };
        let mut batches = Vec::new();
        decoder.decode(data, &mut batches).map_err(io::Error::other)?;
        for batch in batches {
            let writing = match &mut writing {
                Some(writing) => writing,
                None => writing.insert(Writing::start(path, &loose(&batch))?),
            };
            writing.write(&batch)?;
        }
    }
    writing.ok_or_else(|| io::Error::other("the answer has no schema"))
}

/// The columns without a promise about empty cells, as changes have them.
fn loose(batch: &RecordBatch) -> SchemaRef {
    let fields = batch
        .schema()
        .fields()
        .iter()
        .map(|f| Field::new(f.name(), f.data_type().clone(), true))
        .collect::<Vec<_>>();
    SchemaRef::new(Schema::new(fields))
}
