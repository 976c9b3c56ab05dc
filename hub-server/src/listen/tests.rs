use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::*;

fn limits() -> ListenLimits {
    ListenLimits {
        connections: 8,
        connections_per_address: 8,
        handshake: Duration::from_secs(5),
        first_byte: Duration::from_secs(5),
    }
}

fn loopback() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// Writes a fresh self-signed certificate for `localhost`; gives its DER.
fn write_certificate(folder: &std::path::Path) -> rustls::pki_types::CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("chain.pem"), made.cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    made.cert.der().clone()
}

fn open(folder: &std::path::Path) -> Result<Arc<Certificate>, ListenError> {
    Certificate::open(folder.join("chain.pem"), folder.join("key.pem"))
}

fn connector(trusted: rustls::pki_types::CertificateDer<'static>, alpn: &[&[u8]]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(trusted).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|a| a.to_vec()).collect();
    TlsConnector::from(Arc::new(config))
}

/// Connects and hands back what ALPN chose and the certificate that the server showed.
async fn handshake(
    address: SocketAddr,
    connector: &TlsConnector,
) -> io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    connector.connect(ServerName::try_from("localhost").unwrap(), stream).await
}

#[tokio::test]
async fn plain_is_refused_off_loopback() {
    let error = Acceptor::bind("0.0.0.0:0".parse().unwrap(), None, limits()).await.unwrap_err();
    assert!(matches!(error, ListenError::PlainOffLoopback(_)), "{error}");
}

#[tokio::test]
async fn plain_bytes_arrive_on_loopback() {
    let acceptor = Acceptor::bind(loopback(), None, limits()).await.unwrap();
    let address = acceptor.address();
    let stop = CancellationToken::new();
    let mut connections = Box::pin(acceptor.connections(stop.clone()));
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(b"ping").await.unwrap();
    let mut server = connections.next().await.unwrap().unwrap();
    let mut got = [0; 4];
    server.read_exact(&mut got).await.unwrap();
    assert_eq!(&got, b"ping");
    assert_eq!(server.peer(), client.local_addr().unwrap());
    stop.cancel();
    assert!(connections.next().await.is_none(), "a stopped listener gives no more connections");
}

#[tokio::test]
async fn both_protocols_are_offered_and_bytes_are_secured() {
    let folder = tempfile::tempdir().unwrap();
    let trusted = write_certificate(folder.path());
    let acceptor = Acceptor::bind(loopback(), Some(open(folder.path()).unwrap()), limits()).await.unwrap();
    let address = acceptor.address();
    let mut connections = Box::pin(acceptor.connections(CancellationToken::new()));
    for (offered, chosen) in [
        (&[b"h2".as_slice()][..], Some(b"h2".as_slice())),
        (&[b"http/1.1".as_slice()][..], Some(b"http/1.1".as_slice())),
        (&[b"http/1.1".as_slice(), b"h2".as_slice()][..], Some(b"h2".as_slice())),
        (&[][..], None),
    ] {
        let mut client = handshake(address, &connector(trusted.clone(), offered)).await.unwrap();
        assert_eq!(client.get_ref().1.alpn_protocol(), chosen);
        let mut server = connections.next().await.unwrap().unwrap();
        server.write_all(b"pong").await.unwrap();
        server.flush().await.unwrap();
        let mut got = [0; 4];
        client.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"pong");
    }
}

#[tokio::test]
async fn a_plain_caller_of_a_tls_port_harms_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let trusted = write_certificate(folder.path());
    let acceptor = Acceptor::bind(loopback(), Some(open(folder.path()).unwrap()), limits()).await.unwrap();
    let address = acceptor.address();
    let mut connections = Box::pin(acceptor.connections(CancellationToken::new()));
    let mut plain = TcpStream::connect(address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    // A silent caller holds its own handshake up, not the next one's.
    let _silent = TcpStream::connect(address).await.unwrap();
    handshake(address, &connector(trusted, &[b"h2"])).await.unwrap();
    assert!(connections.next().await.unwrap().is_ok());
}

#[tokio::test]
async fn silence_ends_a_handshake_and_a_connection() {
    let folder = tempfile::tempdir().unwrap();
    write_certificate(folder.path());
    let brief = ListenLimits {
        handshake: Duration::from_millis(20),
        first_byte: Duration::from_millis(20),
        ..limits()
    };
    let secured =
        Acceptor::bind(loopback(), Some(open(folder.path()).unwrap()), brief.clone()).await.unwrap();
    let address = secured.address();
    let _connections = secured.connections(CancellationToken::new());
    let mut silent = TcpStream::connect(address).await.unwrap();
    assert_eq!(silent.read(&mut [0; 1]).await.unwrap_or(0), 0, "the server hangs up");

    let plain = Acceptor::bind(loopback(), None, brief).await.unwrap();
    let address = plain.address();
    let mut connections = Box::pin(plain.connections(CancellationToken::new()));
    let _silent = TcpStream::connect(address).await.unwrap();
    let mut server = connections.next().await.unwrap().unwrap();
    let error = server.read(&mut [0; 1]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}

#[tokio::test]
async fn one_connection_more_waits_until_another_ends() {
    let tight = ListenLimits { connections: 1, ..limits() };
    let acceptor = Acceptor::bind(loopback(), None, tight).await.unwrap();
    let address = acceptor.address();
    let mut connections = Box::pin(acceptor.connections(CancellationToken::new()));
    let first_client = TcpStream::connect(address).await.unwrap();
    let second_client = TcpStream::connect(address).await.unwrap();
    let first = connections.next().await.unwrap().unwrap();
    assert_eq!(first.peer(), first_client.local_addr().unwrap());
    assert!(futures::poll!(connections.next()).is_pending());
    drop(first);
    let second = connections.next().await.unwrap().unwrap();
    assert_eq!(second.peer(), second_client.local_addr().unwrap());
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_and_a_broken_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    write_certificate(folder.path());
    let certificate = open(folder.path()).unwrap();
    assert!(!certificate.reload().await.unwrap(), "the same files change nothing");
    let renewed = write_certificate(folder.path());
    assert!(certificate.reload().await.unwrap());

    // Half a renewal: the new chain is there, its key is not.
    std::fs::write(folder.path().join("key.pem"), "-----BEGIN nonsense").unwrap();
    assert!(certificate.reload().await.is_err());
    let acceptor = Acceptor::bind(loopback(), Some(certificate), limits()).await.unwrap();
    let address = acceptor.address();
    let _connections = acceptor.connections(CancellationToken::new());
    handshake(address, &connector(renewed, &[])).await.unwrap();
}

#[tokio::test]
async fn a_key_of_another_certificate_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    write_certificate(folder.path());
    let key = std::fs::read(folder.path().join("key.pem")).unwrap();
    write_certificate(folder.path());
    std::fs::write(folder.path().join("key.pem"), key).unwrap();
    let error = open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("key.pem"), "{error}");
    assert!(!error.contains("BEGIN"), "{error}");
}
