//! The measuring stick of Arrow pushes: what `arrow-flight`, `tonic` and `parquet` do with nothing around them.
//! A server takes one DoPut at a time and deals its batches out to two writers, each with its own file.

use std::fs::File;
use std::io::BufReader;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::ipc::reader::StreamReader;
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::error::FlightError;
use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::flight_service_server::{FlightService, FlightServiceServer};
use arrow_flight::{
    Action, ActionType, Criteria, Empty, FlightClient, FlightData, FlightDescriptor, FlightInfo,
    HandshakeRequest, HandshakeResponse, PollInfo, PutResult, SchemaResult, Ticket,
};
use clap::Args;
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tonic::transport::{Endpoint, Server};
use tonic::{Request, Response, Status, Streaming};

use crate::{Failure, runtime};

/// Serves Arrow Flight: what is put is written to two Parquet files, zstd-1, and synced.
#[derive(Debug, Args)]
pub(crate) struct Flight {
    #[arg(long)]
    listen: SocketAddr,
    /// Folder for the two files.
    out: PathBuf,
}

/// Puts the batches of an Arrow stream file to a Flight server and waits for its answer.
#[derive(Debug, Args)]
pub(crate) struct Put {
    /// As http://127.0.0.1:50051.
    #[arg(long)]
    to: String,
    file: PathBuf,
}

const WRITERS: usize = 2;
const ROW_GROUP_ROWS: usize = 1_000_000;
/// Batches that wait for a writer, or for the line.
const AHEAD: usize = 4;
/// Batches go as they are: the encoder cuts only what is longer.
const MESSAGE_BYTES: usize = 64 << 20;

impl Flight {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let service = FlightServiceServer::new(Stick { out: self.out.clone() })
            .max_decoding_message_size(MESSAGE_BYTES)
            .max_encoding_message_size(MESSAGE_BYTES);
        let server = Server::builder().add_service(service).serve(self.listen);
        Ok(runtime(2)?.block_on(server)?)
    }
}

impl Put {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        runtime(2)?.block_on(async {
            let channel = Endpoint::from_shared(self.to.clone())?.connect().await?;
            let inner = FlightServiceClient::new(channel).max_encoding_message_size(MESSAGE_BYTES);
            let (sender, mut batches) = mpsc::channel(AHEAD);
            let reader =
                StreamReader::try_new(BufReader::with_capacity(1 << 20, File::open(&self.file)?), None)?;
            let schema = reader.schema();
            let reading = tokio::task::spawn_blocking(move || {
                for batch in reader {
                    if sender.blocking_send(batch.map_err(FlightError::from)).is_err() {
                        break;
                    }
                }
            });
            let encoder = FlightDataEncoderBuilder::new()
                .with_max_flight_data_size(MESSAGE_BYTES)
                .with_schema(schema)
                .with_flight_descriptor(Some(FlightDescriptor::new_path(vec!["table".to_owned()])))
                .build(stream::poll_fn(move |context| batches.poll_recv(context)));
            let answers: Vec<PutResult> =
                FlightClient::new_from_inner(inner).do_put(encoder).await?.try_collect().await?;
            reading.await?;
            let rows = answers.first().ok_or("the server did not answer")?;
            println!(
                "{}",
                serde_json::json!({"rows": String::from_utf8(rows.app_metadata.to_vec())?.parse::<u64>()?})
            );
            Ok(())
        })
    }
}

/// A thread with one Parquet file.
struct Writer {
    batches: mpsc::Sender<RecordBatch>,
    done: JoinHandle<Result<(), Failure>>,
}

impl Writer {
    fn start(path: PathBuf) -> Self {
        let (batches, receiver) = mpsc::channel(AHEAD);
        Self { batches, done: tokio::task::spawn_blocking(move || write(&path, receiver)) }
    }
}

fn write(path: &Path, mut batches: mpsc::Receiver<RecordBatch>) -> Result<(), Failure> {
    let Some(first) = batches.blocking_recv() else { return Ok(()) };
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .build();
    let mut writer = ArrowWriter::try_new(File::create(path)?, first.schema(), Some(properties))?;
    writer.write(&first)?;
    while let Some(batch) = batches.blocking_recv() {
        writer.write(&batch)?;
    }
    Ok(writer.into_inner()?.sync_all()?)
}

struct Stick {
    out: PathBuf,
}

impl Stick {
    async fn take(&self, data: Streaming<FlightData>) -> Result<u64, Failure> {
        let data = data.map_err(|status| FlightError::Tonic(Box::new(status)));
        let mut batches = FlightRecordBatchStream::new_from_flight_data(data);
        let writers: Vec<Writer> =
            (0..WRITERS).map(|n| Writer::start(self.out.join(format!("{n}.parquet")))).collect();
        let (mut rows, mut turn) = (0, writers.iter().cycle());
        while let (Some(batch), Some(writer)) = (batches.try_next().await?, turn.next()) {
            rows += batch.num_rows() as u64;
            writer.batches.send(batch).await?;
        }
        for Writer { batches, done } in writers {
            drop(batches);
            done.await??;
        }
        File::open(&self.out)?.sync_all()?;
        Ok(rows)
    }
}

type Answers<T> = BoxStream<'static, Result<T, Status>>;

#[tonic::async_trait]
impl FlightService for Stick {
    type HandshakeStream = Answers<HandshakeResponse>;
    type ListFlightsStream = Answers<FlightInfo>;
    type DoGetStream = Answers<FlightData>;
    type DoPutStream = Answers<PutResult>;
    type DoExchangeStream = Answers<FlightData>;
    type DoActionStream = Answers<arrow_flight::Result>;
    type ListActionsStream = Answers<ActionType>;

    async fn do_put(
        &self,
        request: Request<Streaming<FlightData>>,
    ) -> Result<Response<Self::DoPutStream>, Status> {
        let rows = self.take(request.into_inner()).await.map_err(|e| Status::internal(e.to_string()))?;
        let answer = PutResult { app_metadata: rows.to_string().into() };
        Ok(Response::new(stream::iter([Ok(answer)]).boxed()))
    }

    async fn handshake(
        &self,
        _: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Self::HandshakeStream>, Status> {
        other()
    }
    async fn list_flights(&self, _: Request<Criteria>) -> Result<Response<Self::ListFlightsStream>, Status> {
        other()
    }
    async fn get_flight_info(&self, _: Request<FlightDescriptor>) -> Result<Response<FlightInfo>, Status> {
        other()
    }
    async fn poll_flight_info(&self, _: Request<FlightDescriptor>) -> Result<Response<PollInfo>, Status> {
        other()
    }
    async fn get_schema(&self, _: Request<FlightDescriptor>) -> Result<Response<SchemaResult>, Status> {
        other()
    }
    async fn do_get(&self, _: Request<Ticket>) -> Result<Response<Self::DoGetStream>, Status> {
        other()
    }
    async fn do_exchange(
        &self,
        _: Request<Streaming<FlightData>>,
    ) -> Result<Response<Self::DoExchangeStream>, Status> {
        other()
    }
    async fn do_action(&self, _: Request<Action>) -> Result<Response<Self::DoActionStream>, Status> {
        other()
    }
    async fn list_actions(&self, _: Request<Empty>) -> Result<Response<Self::ListActionsStream>, Status> {
        other()
    }
}

fn other<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("the measuring stick takes DoPut alone"))
}
