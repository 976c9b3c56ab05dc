//! One delivery over HTTP/1.1: sent, answered, and nothing followed.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;

use super::address::{Reachable, Target};
use super::sign::Secret;
use crate::catalog::Delivery;
use crate::config::limits::{WEBHOOK_ANSWER_BYTES, WEBHOOK_TIMEOUT};

trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// Sends deliveries; its connections live as long as one answer.
#[derive(Clone)]
pub(crate) struct Poster {
    tls: TlsConnector,
    pub(super) reachable: Reachable,
}

impl std::fmt::Debug for Poster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Poster").field("reachable", &self.reachable).finish_non_exhaustive()
    }
}

impl Poster {
    /// Trusts the authorities of this system. Blocking.
    pub(crate) fn new(reachable: Reachable) -> Result<Self, rustls::Error> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { tls: Arc::new(config).into(), reachable })
    }

    /// Sends a delivery; Err: why it was not taken, in words that hold nothing of the address, its answer or the secret.
    pub(super) async fn send(
        &self,
        url: &str,
        (delivery, at): (&Delivery, i64),
        secret: &Secret,
    ) -> Result<(), String> {
        let target = Target::of(url, self.reachable).map_err(|error| error.to_string())?;
        let answered = timeout(WEBHOOK_TIMEOUT, self.exchange(&target, (delivery, at), secret)).await;
        answered.unwrap_or_else(|_| Err(format!("no answer within {} s", WEBHOOK_TIMEOUT.as_secs())))
    }

    async fn exchange(
        &self,
        target: &Target,
        (delivery, at): (&Delivery, i64),
        secret: &Secret,
    ) -> Result<(), String> {
        let wire = self.connect(target).await?;
        let broken = |error: hyper::Error| format!("the line broke off: {error}");
        let (mut sender, connection) = handshake(TokioIo::new(wire)).await.map_err(broken)?;
        let _connection = AbortOnDropHandle::new(tokio::spawn(connection));
        let request = Request::post(&target.path)
            .header(header::HOST, &target.authority)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, "hub-webhooks/1")
            .header(header::CONNECTION, "close")
            .header("webhook-id", &delivery.id)
            .header("webhook-timestamp", at.to_string())
            .header("webhook-signature", secret.sign(&delivery.id, at, &delivery.body))
            .body(Full::new(Bytes::from(delivery.body.clone())))
            .map_err(|_| "the address does not fit into a request".to_owned())?;
        let answer = sender.send_request(request).await.map_err(broken)?;
        let status = answer.status();
        drained(answer.into_body()).await;
        match status.as_u16() {
            200..=299 => Ok(()),
            300..=399 => Err(format!("it answered {status}, and redirects are not followed")),
            _ => Err(format!("it answered {status}")),
        }
    }

    /// Connects to one of the addresses that were looked at, and to no other.
    async fn connect(&self, target: &Target) -> Result<Box<dyn Wire>, String> {
        let mut last = String::new();
        for address in target.resolved(self.reachable).await? {
            match TcpStream::connect(address).await {
                Ok(line) if target.is_encrypted => {
                    let name = ServerName::try_from(target.host.clone());
                    let name = name.map_err(|_| "its name is none of a certificate".to_owned())?;
                    let line = self.tls.connect(name, line).await;
                    return Ok(Box::new(line.map_err(|error| format!("TLS: {error}"))?));
                }
                Ok(line) => return Ok(Box::new(line)),
                Err(error) => last = format!("no connection: {error}"),
            }
        }
        Err(last)
    }
}

/// Takes an answer's body up to a bound, so that its sender is not cut off in the middle of few words.
async fn drained(mut body: Incoming) {
    let mut taken = 0;
    while let Some(Ok(frame)) = body.frame().await {
        taken += frame.data_ref().map_or(0, Bytes::len);
        if taken > WEBHOOK_ANSWER_BYTES {
            return;
        }
    }
}
