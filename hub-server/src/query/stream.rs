//! The bridge between the engine's threads and the doors: bounded, cancelled on drop, never silently
//! short.

use arrow::record_batch::RecordBatch;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::QueryError;
use super::limits::QUEUE;

/// What travels over the bridge. A stream that ends without `End` was cut by a fault.
#[derive(Debug)]
pub(super) enum Item<T> {
    One(T),
    Failed(QueryError),
    End,
}

pub(super) fn channel<T>() -> (mpsc::Sender<Item<T>>, mpsc::Receiver<Item<T>>) {
    mpsc::channel(QUEUE)
}

struct Receiver<T> {
    items: mpsc::Receiver<Item<T>>,
    /// Dropping it stops the work.
    _task: AbortOnDropHandle<()>,
    done: bool,
}

/// The receiving end as a stream.
pub(super) fn receive<T: Send + 'static>(
    items: mpsc::Receiver<Item<T>>,
    task: AbortOnDropHandle<()>,
) -> BoxStream<'static, Result<T, QueryError>> {
    let receiver = Receiver { items, _task: task, done: false };
    futures::stream::unfold(receiver, |mut receiver| async move {
        if receiver.done {
            return None;
        }
        let result = match receiver.items.recv().await {
            Some(Item::One(value)) => return Some((Ok(value), receiver)),
            Some(Item::Failed(error)) => Err(error),
            Some(Item::End) => return None,
            None => Err(QueryError::internal(&"the engine's task ended without a result")),
        };
        receiver.done = true;
        receiver.items.close();
        Some((result, receiver))
    })
    .boxed()
}

/// Sends the rows of a plan, with the row cap, until the receiver is gone.
pub(super) async fn pump<S>(mut rows: S, sender: mpsc::Sender<Item<RecordBatch>>, cap: Option<u64>)
where
    S: futures::Stream<Item = datafusion::common::Result<RecordBatch>> + Unpin,
{
    let mut sent = 0u64;
    while let Some(batch) = rows.next().await {
        let item = match batch {
            Ok(batch) if batch.num_rows() == 0 => continue,
            Ok(batch) => {
                sent += batch.num_rows() as u64;
                match cap {
                    Some(cap) if sent > cap => Item::Failed(QueryError::Limit(format!(
                        "the answer has more than {cap} rows; aggregate, filter, or pull the dataset"
                    ))),
                    _ => Item::One(batch),
                }
            }
            Err(error) => Item::Failed(error.into()),
        };
        let last = matches!(item, Item::Failed(_));
        // A failed send means that nobody listens any more.
        if sender.send(item).await.is_err() || last {
            return;
        }
    }
    // Likewise.
    let _ = sender.send(Item::End).await;
}
