//! Dataset versions as they come.

use hub_proto::v1;
use tonic::Streaming;

use crate::client::Client;
use crate::error::ClientError;
use crate::names;
use crate::retry::Patience;

/// A watch that goes on after cuts and restarts of the hub.
#[derive(Debug)]
pub struct Watch {
    client: Client,
    request: v1::WatchDatasetsRequest,
    stream: Option<Streaming<v1::WatchDatasetsResponse>>,
    patience: Patience,
}

impl Client {
    /// Watches datasets, as `rb28s`; none: all that the caller may read. `cursor`: that of the last version which was
    /// worked off; empty: from now on. By gRPC alone: where HTTP/2 is blocked the hub's HTTP door has the same as
    /// server-sent events.
    pub fn watch(&self, datasets: &[String], cursor: &str) -> Watch {
        let datasets = datasets.iter().map(|dataset| names::dataset(dataset)).collect();
        let request = v1::WatchDatasetsRequest { datasets, cursor: cursor.to_owned() };
        Watch { client: self.clone(), request, stream: None, patience: self.patience() }
    }
}

impl Watch {
    /// Behind all that was told.
    pub fn cursor(&self) -> &str {
        &self.request.cursor
    }

    /// The next message: a version with what made it, or, when nothing happened for a while, a cursor alone. It does not
    /// end; after a cut it goes on behind what was told.
    pub async fn next(&mut self) -> Result<v1::WatchDatasetsResponse, ClientError> {
        loop {
            match self.message().await {
                Ok(Some(told)) => {
                    self.patience.progressed();
                    self.request.cursor.clone_from(&told.cursor);
                    return Ok(told);
                }
                // Its time is over, and it is begun anew.
                Ok(None) => self.stream = None,
                Err(status) => {
                    self.stream = None;
                    self.patience.after(status).await?;
                }
            }
        }
    }

    async fn message(&mut self) -> Result<Option<v1::WatchDatasetsResponse>, tonic::Status> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => {
                let begun = self.client.reads().watch_datasets(self.request.clone()).await?;
                self.stream.insert(begun.into_inner())
            }
        };
        stream.message().await
    }
}
