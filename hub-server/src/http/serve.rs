//! Serves the HTTP door on a listener: HTTP/1.1 and HTTP/2, with deadlines for headers and silence.

use std::pin::pin;
use std::time::Duration;

use axum::Router;
use futures::StreamExt as _;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio_util::sync::CancellationToken;

use crate::config::limits;
use crate::listen::{Acceptor, PhaseWatch, stopping};

/// Serves until the server stops; then running answers have `grace` to end.
pub(crate) async fn serve(acceptor: Acceptor, routes: Router, phase: PhaseWatch, grace: Duration) {
    let stop = CancellationToken::new();
    let graceful = GracefulShutdown::new();
    let builder = builder();
    let mut connections = pin!(acceptor.connections(stop.clone()));
    let mut stopped = pin!(stopping(phase));
    loop {
        let connection = tokio::select! {
            connection = connections.next() => connection,
            () = &mut stopped => None,
        };
        // The acceptor yields no error of a single connection: those are logged where they happen.
        let Some(Ok(connection)) = connection else { break };
        let peer = connection.peer();
        let service = TowerToHyperService::new(routes.clone());
        let served = builder.serve_connection(TokioIo::new(connection), service).into_owned();
        let watched = graceful.watch(served);
        tokio::spawn(async move {
            if let Err(error) = watched.await {
                tracing::debug!(%peer, error, "the connection ended early");
            }
        });
    }
    stop.cancel();
    if tokio::time::timeout(grace, graceful.shutdown()).await.is_err() {
        tracing::warn!(?grace, "downloads were still running when the server stopped");
    }
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // Also bounds how long a kept connection may idle between requests.
        .header_read_timeout(limits::HTTP_HEADER_TIMEOUT)
        .max_headers(limits::HTTP_HEADERS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(limits::KEEPALIVE_INTERVAL)
        .keep_alive_timeout(limits::KEEPALIVE_TIMEOUT)
        .max_concurrent_streams(limits::STREAMS_PER_CONNECTION)
        .max_header_list_size(limits::HTTP_HEADER_BYTES);
    builder
}

#[cfg(test)]
mod tests;
