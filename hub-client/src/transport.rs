//! Connections: plain on loopback, TLS everywhere else.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use http::uri::InvalidUri;
use hyper_util::rt::TokioIo;
use rustls::RootCertStore;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tonic::transport::{Channel, Endpoint};

use crate::error::{ClientError, Deed};
use crate::fault::EndpointFault;
use crate::profile::Profile;

pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(10);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(20);
/// Bytes under way before the hub must wait for us: enough for 80 MB/s at 100 ms.
const STREAM_WINDOW: u32 = 8 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;
/// Bytes that wait in the system to be sent: two seconds of a line of 512 kbit/s.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNSENT: u32 = 128 << 10;
/// Ports of a hub without settings.
pub(crate) const GRPC_PORT: u16 = 50051;
pub(crate) const HTTP_PORT: u16 = 8080;
/// Names of protocols in a TLS handshake (ALPN).
pub(crate) const HTTP2: &[u8] = b"h2";
pub(crate) const HTTP1: &[u8] = b"http/1.1";

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A byte stream to the hub, encrypted or on loopback.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// What a connection needs to know about TLS.
#[derive(Clone)]
struct Tls {
    connector: tokio_rustls::TlsConnector,
    server: ServerName<'static>,
}

/// How a listener of the hub is reached: where it is, and encrypted or not.
#[derive(Clone)]
pub(crate) struct Way {
    pub(crate) host: String,
    pub(crate) port: u16,
    tls: Option<Tls>,
}

/// A connection that was opened.
pub(crate) struct Line {
    pub(crate) wire: Box<dyn Wire>,
    /// The protocol that both sides chose by TLS, if they did.
    pub(crate) protocol: Option<Vec<u8>>,
}

impl std::fmt::Debug for Way {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Way").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

impl Way {
    /// The way to an address, with the protocols that may be spoken there and the port without one.
    pub(crate) fn to(
        endpoint: &str,
        ca: Option<&Path>,
        protocols: &[&[u8]],
        default_port: u16,
    ) -> Result<Self, ClientError> {
        let refused = |fault| ClientError::endpoint(endpoint, fault);
        let uri: Uri = endpoint
            .parse()
            .map_err(|error: InvalidUri| refused(EndpointFault::Address(error.to_string())))?;
        let host =
            uri.host().ok_or_else(|| refused(EndpointFault::Host))?.trim_matches(['[', ']']).to_owned();
        let port = uri.port_u16().unwrap_or(default_port);
        let tls = match uri.scheme_str() {
            Some("https") => Some(tls(&host, ca, protocols)?),
            Some("http") if is_loopback(&host) => None,
            Some("http") => return Err(refused(EndpointFault::Unencrypted)),
            _ => return Err(refused(EndpointFault::Scheme)),
        };
        Ok(Self { host, port, tls })
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// True when it leads nowhere but to this machine.
    pub(crate) fn is_local(&self) -> bool {
        is_loopback(&self.host)
    }

    pub(crate) async fn open(&self) -> Result<Line, BoxError> {
        let tcp = TcpStream::connect((self.host.as_str(), self.port)).await?;
        tcp.set_nodelay(true)?;
        keep_unsent_short(&tcp)?;
        let Some(tls) = &self.tls else { return Ok(Line { wire: Box::new(tcp), protocol: None }) };
        let stream = tls.connector.connect(tls.server.clone(), tcp).await?;
        let protocol = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
        Ok(Line { wire: Box::new(stream), protocol })
    }
}

/// Has the system take no more than it can send soon: behind megabytes in its buffers an answer to HTTP/2's question
/// whether we live would come after minutes on a slow line.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn keep_unsent_short(tcp: &TcpStream) -> std::io::Result<()> {
    socket2::SockRef::from(tcp).set_tcp_notsent_lowat(UNSENT)
}

/// Other systems keep little by themselves, or cannot be told.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn keep_unsent_short(_: &TcpStream) -> std::io::Result<()> {
    Ok(())
}

/// A channel that connects when it is first used and again after every cut.
pub(crate) fn channel(profile: &Profile) -> Result<Channel, ClientError> {
    let way = Way::to(&profile.endpoint, profile.ca.as_deref(), &[HTTP2], GRPC_PORT)?;
    let refused = |error: InvalidUri| {
        ClientError::endpoint(&profile.endpoint, EndpointFault::Address(error.to_string()))
    };
    let endpoint = Endpoint::from(profile.endpoint.parse::<Uri>().map_err(refused)?)
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEP_ALIVE_EVERY)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW);
    Ok(endpoint.connect_with_connector_lazy(tower::service_fn(move |_| {
        let way = way.clone();
        async move { way.open().await.map(|line| TokioIo::new(line.wire)) }
    })))
}

fn tls(host: &str, ca: Option<&Path>, protocols: &[&[u8]]) -> Result<Tls, ClientError> {
    let fault = |cause: String| ClientError::endpoint(host, EndpointFault::Tls(cause));
    let server = ServerName::try_from(host.to_owned()).map_err(|error| fault(error.to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| fault(error.to_string()))?
        .with_root_certificates(roots(host, ca)?)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(Tls { connector: Arc::new(config).into(), server })
}

/// The profile's authority alone, or the system's.
fn roots(host: &str, ca: Option<&Path>) -> Result<RootCertStore, ClientError> {
    let mut store = RootCertStore::empty();
    let Some(path) = ca else {
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if store.is_empty() {
            return Err(ClientError::endpoint(host, EndpointFault::Authorities));
        }
        return Ok(store);
    };
    let unreadable = |cause: BoxError| ClientError::file(Deed::Read, path, std::io::Error::other(cause));
    for certificate in CertificateDer::pem_file_iter(path).map_err(|e| unreadable(e.into()))? {
        store.add(certificate.map_err(|e| unreadable(e.into()))?).map_err(|e| unreadable(e.into()))?;
    }
    if store.is_empty() {
        return Err(unreadable("the file holds no PEM certificate".into()));
    }
    Ok(store)
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests;
