//! The gRPC listener: limits, health, reflection, and an end in bounded time.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use hub_proto::v1;
use hub_proto::v1::catalog_service_server::{CatalogServiceServer, SERVICE_NAME as CATALOG};
use hub_proto::v1::notice_service_server::{NoticeServiceServer, SERVICE_NAME as NOTICE};
use hub_proto::v1::read_service_server::{ReadServiceServer, SERVICE_NAME as READ};
use hub_proto::v1::submission_service_server::{SERVICE_NAME as SUBMISSION, SubmissionServiceServer};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::transport::Server;
use tonic::transport::server::Connected;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;
use tower::Service;

use super::Door;
use super::calls::Calls;
use super::catalog::CatalogDoor;
use super::fault::Guard;
use super::notices::NoticeDoor;
use super::read::ReadDoor;
use super::submission::Submissions;
use crate::config::limits;
use crate::desk::Desk;
use crate::listen::{Acceptor, Connection, Phase, PhaseWatch, stopping};

/// Names that the health service knows, beside that of the other door; "" is the whole server.
const HEALTH_NAMES: [&str; 5] = ["", CATALOG, SUBMISSION, READ, NOTICE];

impl Connected for Connection {
    type ConnectInfo = std::net::SocketAddr;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.peer()
    }
}

/// Why the gRPC door could not be served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    #[error("the description of the contract cannot be served")]
    Reflection(#[from] tonic_reflection::server::Error),
    #[error("the gRPC listener failed")]
    Transport(#[from] tonic::transport::Error),
}

/// Serves until the server stops; then running calls have `grace` to end.
///
/// `beside`: the service of another door on the same listener.
pub(crate) async fn serve<S>(
    acceptor: Acceptor,
    desk: Desk,
    beside: S,
    phase: PhaseWatch,
    grace: Duration,
) -> Result<(), ServeError>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>
        + NamedService
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send + 'static,
{
    let (reporter, health) = tonic_health::server::health_reporter();
    let now = *phase.borrow();
    tell(&reporter, S::NAME, now).await;
    let teller = tokio::spawn(keep_telling(reporter, S::NAME, phase.clone()));
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(v1::DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()?;
    let door = Door(desk);
    let router = transport()
        .layer(Calls)
        .layer(Guard)
        .add_service(health)
        .add_service(reflection)
        .add_service(beside)
        .add_service(
            CatalogServiceServer::new(CatalogDoor(door.clone()))
                .max_decoding_message_size(limits::MESSAGE_IN_BYTES)
                .max_encoding_message_size(limits::MESSAGE_OUT_BYTES),
        )
        .add_service(
            SubmissionServiceServer::new(Submissions(door.clone()))
                .max_decoding_message_size(limits::MESSAGE_IN_BYTES)
                .max_encoding_message_size(limits::MESSAGE_OUT_BYTES),
        )
        .add_service(
            NoticeServiceServer::new(NoticeDoor(door.clone()))
                .max_decoding_message_size(limits::MESSAGE_IN_BYTES)
                .max_encoding_message_size(limits::MESSAGE_OUT_BYTES),
        )
        .add_service(
            ReadServiceServer::new(ReadDoor(door))
                .max_decoding_message_size(limits::MESSAGE_IN_BYTES)
                .max_encoding_message_size(limits::MESSAGE_OUT_BYTES),
        );
    let stop = CancellationToken::new();
    let connections = acceptor.connections(stop.clone());
    let served = router
        .serve_with_incoming_shutdown::<_, Connection, io::Error, _, _>(connections, stopping(phase.clone()));
    // tonic waits for every connection without bound; a peer that stays must not keep the server.
    let bound = async {
        stopping(phase).await;
        stop.cancel();
        tokio::time::sleep(grace).await;
    };
    let ended = tokio::select! {
        ended = served => ended.map_err(ServeError::from),
        () = bound => {
            tracing::warn!(?grace, "calls were still running when the server stopped");
            Ok(())
        }
    };
    teller.abort();
    ended
}

fn transport() -> Server {
    Server::builder()
        .initial_stream_window_size(limits::STREAM_WINDOW_BYTES)
        .initial_connection_window_size(limits::CONNECTION_WINDOW_BYTES)
        .max_concurrent_streams(limits::STREAMS_PER_CONNECTION)
        .http2_max_header_list_size(limits::HTTP_HEADER_BYTES)
        .http2_keepalive_interval(Some(limits::KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(limits::KEEPALIVE_TIMEOUT))
}

/// Repeats each change of phase to those who watch the health service.
async fn keep_telling(reporter: HealthReporter, beside: &'static str, mut phase: PhaseWatch) {
    while phase.changed().await.is_ok() {
        let now = *phase.borrow_and_update();
        tell(&reporter, beside, now).await;
    }
    tell(&reporter, beside, Phase::Stopping).await;
}

async fn tell(reporter: &HealthReporter, beside: &str, phase: Phase) {
    let status = match phase {
        Phase::Serving => ServingStatus::Serving,
        Phase::Starting | Phase::Stopping => ServingStatus::NotServing,
    };
    for name in HEALTH_NAMES.into_iter().chain([beside]) {
        reporter.set_service_status(name, status).await;
    }
}
