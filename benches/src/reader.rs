//! A reader of the hub: statements and pulls over `hub.v1`, decoded as they come and counted.

use std::time::{Duration, Instant};

use arrow::buffer::Buffer;
use arrow::ipc::reader::StreamDecoder;
use bytes::Bytes;
use clap::Args;
use hub_proto::v1::read_service_client::ReadServiceClient;
use hub_proto::v1::{
    CreateReadSessionRequest, ListChangesRequest, QueryRowsRequest, ReadRowsRequest, ReadSession,
};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::Failure;
use crate::tally::Tally;

/// Windows and message bound as in the client library.
const STREAM_WINDOW: u32 = 4 << 20;
const CONNECTION_WINDOW: u32 = 8 << 20;
const MESSAGE_MAX: usize = 8 << 20;

/// Where the hub is and who reads.
#[derive(Debug, Clone, Args)]
pub(crate) struct Door {
    /// Address of the hub's gRPC door, as http://127.0.0.1:50051.
    #[arg(long)]
    endpoint: String,
    /// Key of a reader.
    #[arg(long, env = "HUB_BENCH_KEY", hide_env_values = true)]
    key: String,
}

/// One connection with one key.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    service: ReadServiceClient<Channel>,
    authorization: MetadataValue<Ascii>,
}

impl Door {
    pub(crate) async fn open(&self) -> Result<Reader, Failure> {
        let channel = Endpoint::from_shared(self.endpoint.clone())?
            .tcp_nodelay(true)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .connect()
            .await?;
        let service = ReadServiceClient::new(channel).max_decoding_message_size(MESSAGE_MAX);
        Ok(Reader { service, authorization: format!("Bearer {}", self.key).parse()? })
    }
}

impl Reader {
    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", self.authorization.clone());
        request
    }

    /// Runs a statement to its last row.
    pub(crate) async fn query(&mut self, sql: &str) -> Result<Tally, Failure> {
        let request = self.request(QueryRowsRequest { sql: sql.to_owned(), ..Default::default() });
        let mut answer = self.service.query_rows(request).await.map_err(refused)?.into_inner();
        let (mut tally, mut decoder, mut told) = (Tally::default(), StreamDecoder::new(), None);
        while let Some(message) = answer.message().await.map_err(refused)? {
            decode(&mut decoder, message.data, |batch| tally.add(batch))?;
            told = message.complete.then_some(message.rows);
        }
        whole(tally, told)
    }

    /// Pins a version of a dataset, which plans the scan and reads nothing.
    pub(crate) async fn session(
        &mut self,
        dataset: &str,
        columns: &[String],
        filter: &str,
    ) -> Result<ReadSession, Failure> {
        let request = self.request(CreateReadSessionRequest {
            dataset: format!("datasets/{dataset}"),
            columns: columns.to_vec(),
            filter: filter.to_owned(),
            ..Default::default()
        });
        let answer = self.service.create_read_session(request).await.map_err(refused)?.into_inner();
        Ok(answer.session.ok_or("an answer without a session")?)
    }

    /// Rows that changed behind a cursor, page by page to the newest version, and where that stands.
    pub(crate) async fn changes(&mut self, dataset: &str, since: String) -> Result<(Tally, String), Failure> {
        let (mut tally, mut cursor) = (Tally::default(), since);
        loop {
            let request = self.request(ListChangesRequest {
                dataset: format!("datasets/{dataset}"),
                cursor: cursor.clone(),
                values_only: true,
                ..Default::default()
            });
            let mut answer = self.service.list_changes(request).await.map_err(refused)?.into_inner();
            let (mut page, mut decoder) = (Tally::default(), StreamDecoder::new());
            let (mut covers, mut told) = (None, None);
            while let Some(message) = answer.message().await.map_err(refused)? {
                covers = message.page.or(covers);
                page.wire += message.data.len() as u64;
                decode(&mut decoder, message.data, |batch| {
                    page.count(batch);
                    Ok(())
                })?;
                told = message.complete.then_some(message.rows);
            }
            let page = whole(page, told)?;
            (tally.rows, tally.wire) = (tally.rows + page.rows, tally.wire + page.wire);
            let covers = covers.ok_or("a page that does not say what it covers")?;
            cursor = covers.next_cursor;
            if !covers.more {
                return Ok((tally, cursor));
            }
        }
    }

    /// Pulls columns of a whole dataset; also the time from the first call to the first rows.
    pub(crate) async fn pull(
        &mut self,
        dataset: &str,
        columns: &[String],
    ) -> Result<(Tally, Option<Duration>), Failure> {
        let begun = Instant::now();
        let session = self.session(dataset, columns, "").await?.name;
        let request = self.request(ReadRowsRequest { session, ..Default::default() });
        let mut answer = self.service.read_rows(request).await.map_err(refused)?.into_inner();
        let (mut tally, mut decoder) = (Tally::default(), StreamDecoder::new());
        let (mut first, mut told) = (None, None);
        while let Some(message) = answer.message().await.map_err(refused)? {
            tally.wire += message.data.len() as u64;
            decode(&mut decoder, message.data, |batch| {
                first.get_or_insert_with(|| begun.elapsed());
                tally.count(batch);
                Ok(())
            })?;
            told = message.complete.then_some(message.rows);
        }
        Ok((whole(tally, told)?, first))
    }
}

fn decode(
    decoder: &mut StreamDecoder,
    data: Bytes,
    mut each: impl FnMut(&arrow::array::RecordBatch) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut buffer = Buffer::from(data);
    while let Some(batch) = decoder.decode(&mut buffer)? {
        each(&batch)?;
    }
    Ok(())
}

/// An answer is whole when its last message says so, and counts what came.
fn whole(tally: Tally, told: Option<u64>) -> Result<Tally, Failure> {
    match told {
        Some(rows) if rows == tally.rows => Ok(tally),
        told => Err(format!("{} rows came of {told:?}", tally.rows).into()),
    }
}

fn refused(status: Status) -> Failure {
    let reason = hub_proto::reason_of(&status).map(|reason| format!("{reason:?}")).unwrap_or_default();
    format!("{reason} {}", status.message()).into()
}
