//! One acceptor for both listeners: plain TCP on loopback, TLS anywhere (ALPN h2 and http/1.1), with
//! bounds on connections, handshakes and silence.

mod connection;
mod phase;
mod quota;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::Stream;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

use crate::config::limits::{self, UNSENT_BYTES};
pub(crate) use connection::Connection;
pub(crate) use phase::{Phase, PhaseWatch, phase, stopping};
use quota::{Quota, Ticket};
pub(crate) use tls::{Certificate, install_crypto};

/// Bounds of one listener.
#[derive(Debug, Clone)]
pub(crate) struct ListenLimits {
    /// Connections at once.
    pub(crate) connections: usize,
    /// Connections at once from one address; loopback is exempt, since a proxy there stands for many.
    pub(crate) connections_per_address: usize,
    /// Time for a TLS handshake.
    pub(crate) handshake: Duration,
    /// Time until the first byte of a connection.
    pub(crate) first_byte: Duration,
}

impl ListenLimits {
    /// The usual bounds for this many connections.
    pub(crate) fn of(connections: usize) -> Self {
        Self {
            connections,
            connections_per_address: limits::CONNECTIONS_PER_ADDRESS,
            handshake: limits::HANDSHAKE_TIMEOUT,
            first_byte: limits::FIRST_BYTE_TIMEOUT,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ListenError {
    #[error("{0} is not loopback and no certificate is configured; set one or listen on 127.0.0.1")]
    PlainOffLoopback(SocketAddr),
    #[error("cannot listen on {address}; is another server running there?")]
    Bind { address: SocketAddr, source: io::Error },
    #[error("certificate {path}: {message}")]
    Certificate { path: String, message: String },
}

/// A bound listener that is not accepting yet.
#[derive(Debug)]
pub(crate) struct Acceptor {
    listener: TcpListener,
    address: SocketAddr,
    certificate: Option<Arc<Certificate>>,
    limits: ListenLimits,
}

/// Waits after a failed accept (too many open files), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How often certificate files are looked at again.
const CERTIFICATE_INTERVAL: Duration = Duration::from_secs(60);
/// Connections that are through the handshake and wait to be served.
const READY_QUEUE: usize = 64;

impl Acceptor {
    /// Binds; without a certificate only loopback is allowed.
    pub(crate) async fn bind(
        address: SocketAddr,
        certificate: Option<Arc<Certificate>>,
        limits: ListenLimits,
    ) -> Result<Self, ListenError> {
        if certificate.is_none() && !address.ip().is_loopback() {
            return Err(ListenError::PlainOffLoopback(address));
        }
        let bound = |source| ListenError::Bind { address, source };
        let listener = TcpListener::bind(address).await.map_err(bound)?;
        let address = listener.local_addr().map_err(bound)?;
        Ok(Self { listener, address, certificate, limits })
    }

    /// The address with the real port.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts to accept; ends when `stop` is cancelled or the stream is dropped.
    pub(crate) fn connections(
        self,
        stop: CancellationToken,
    ) -> impl Stream<Item = io::Result<Connection>> + Send + 'static {
        let (ready, connections) = mpsc::channel(READY_QUEUE);
        if let Some(certificate) = &self.certificate {
            tokio::spawn(renew(Arc::clone(certificate), stop.clone(), ready.clone()));
        }
        tokio::spawn(self.accept(stop, ready));
        ReceiverStream::new(connections)
    }

    async fn accept(self, stop: CancellationToken, ready: mpsc::Sender<io::Result<Connection>>) {
        let quota = Quota::new(self.limits.connections, self.limits.connections_per_address);
        loop {
            // Room first: what does not fit waits in the kernel's queue.
            let room = tokio::select! {
                room = quota.room() => room,
                () = stop.cancelled() => return,
                () = ready.closed() => return,
            };
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = stop.cancelled() => return,
                () = ready.closed() => return,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let Some(ticket) = quota.ticket(room, peer.ip()) else {
                        tracing::debug!(%peer, "too many connections from one address");
                        continue;
                    };
                    self.greet(stream, peer, ticket, ready.clone());
                }
                Err(error) => {
                    tracing::warn!(%error, address = %self.address, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Does the handshake beside the accept loop, so that a slow caller delays nobody.
    fn greet(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        ticket: Ticket,
        ready: mpsc::Sender<io::Result<Connection>>,
    ) {
        let limits = self.limits.clone();
        let tls = self.certificate.as_ref().map(|c| c.acceptor());
        tokio::spawn(async move {
            if let Err(error) = settle(&stream) {
                tracing::debug!(%peer, %error, "the connection went away at once");
                return;
            }
            let Some(tls) = tls else {
                let plain = Connection::plain(stream, peer, ticket, limits.first_byte);
                // A send fails only when the server stops.
                return ready.send(Ok(plain)).await.unwrap_or_default();
            };
            match tokio::time::timeout(limits.handshake, tls.accept(stream)).await {
                Ok(Ok(stream)) => {
                    let secured = Connection::tls(stream, peer, ticket, limits.first_byte);
                    ready.send(Ok(secured)).await.unwrap_or_default();
                }
                Ok(Err(error)) => tracing::debug!(%peer, %error, "the TLS handshake failed"),
                Err(_) => tracing::debug!(%peer, "the TLS handshake took too long"),
            }
        });
    }
}

/// Without the first, small answers wait for the peer's delayed acknowledgement; without the second, answers to its
/// question whether we live stand behind megabytes of rows, on a slow line for minutes.
fn settle(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    SockRef::from(stream).set_tcp_notsent_lowat(UNSENT_BYTES)
}

/// Takes up renewed certificate files; a bad one leaves the old in use.
async fn renew(
    certificate: Arc<Certificate>,
    stop: CancellationToken,
    ready: mpsc::Sender<io::Result<Connection>>,
) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(CERTIFICATE_INTERVAL) => {}
            () = stop.cancelled() => return,
            () = ready.closed() => return,
        }
        match certificate.reload().await {
            Ok(false) => {}
            Ok(true) => tracing::info!("a renewed certificate is in use"),
            Err(error) => tracing::warn!(%error, "the old certificate stays in use"),
        }
    }
}

#[cfg(test)]
mod tests;
