//! What speaks where the hub's gRPC door should be: a proxy that lets only HTTP/1.1 through, or a firewall that lets
//! nothing through to its port, looks like a hub that is down, and waiting does not help there.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use crate::error::ClientError;
use crate::profile::Profile;
use crate::retry::within;
use crate::transport::{BoxError, GRPC_PORT, HTTP_PORT, HTTP1, HTTP2, Line, Way};

/// Time for one look.
const LOOK: Duration = Duration::from_secs(3);
/// How an HTTP/2 connection begins: the preface, and settings that change nothing.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
/// Bytes that tell which protocol an answer is of.
const BEGINNING: usize = 9;
/// Type of the frame with which an HTTP/2 server begins, and where it stands in it.
const SETTINGS: u8 = 4;
const TYPE_AT: usize = 3;

/// How a hub that serves answers when it is asked whether it does.
const SERVES: &str = "\"status\":\"serving\"";
/// Longest such answer.
const HEALTH_MAX: usize = 4_096;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spoken {
    Http2,
    /// HTTP/1.1 is answered, HTTP/2 is not.
    Http1Only,
    /// Neither; the call's own error says why.
    Nothing,
}

/// Looks at the addresses of the hub's doors.
#[derive(Debug)]
pub(crate) struct Probe {
    way: Way,
    /// To the HTTP door, if its address is one.
    https: Option<Way>,
}

impl Probe {
    pub(crate) fn new(profile: &Profile) -> Result<Self, ClientError> {
        let way = Way::to(&profile.endpoint, profile.ca.as_deref(), &[HTTP2, HTTP1], GRPC_PORT)?;
        let https = Way::to(&profile.http_address(), profile.ca.as_deref(), &[HTTP1], HTTP_PORT).ok();
        Ok(Self { way, https })
    }

    pub(crate) fn way(&self) -> &Way {
        &self.way
    }

    /// True when a hub serves at its HTTP door alone, as far as can be seen from here. One that starts or stops does not.
    pub(crate) async fn is_blocked(&self) -> bool {
        match self.speaks().await {
            Spoken::Http2 => false,
            Spoken::Http1Only => true,
            Spoken::Nothing => self.serves_https().await,
        }
    }

    async fn serves_https(&self) -> bool {
        let Some(way) = &self.https else { return false };
        let answer = begin(way, health(way).as_bytes(), HEALTH_MAX).await;
        answer.is_ok_and(|(_, answer)| String::from_utf8_lossy(&answer).contains(SERVES))
    }

    /// Asks for HTTP/2, and where that is not answered for HTTP/1.1.
    pub(crate) async fn speaks(&self) -> Spoken {
        match begin(&self.way, PREFACE, BEGINNING).await {
            Ok((Some(protocol), _)) if protocol != HTTP2 => Spoken::Http1Only,
            Ok((_, answer)) if answer.starts_with(b"HTTP/1.") => Spoken::Http1Only,
            Ok((_, answer)) if answer.get(TYPE_AT) == Some(&SETTINGS) => Spoken::Http2,
            Err(error) if is_refusal_of_protocol(error.as_ref()) => Spoken::Http1Only,
            Ok(_) | Err(_) => self.http1().await,
        }
    }

    async fn http1(&self) -> Spoken {
        match begin(&self.way, health(&self.way).as_bytes(), BEGINNING).await {
            Ok((_, answer)) if answer.starts_with(b"HTTP/1.") => Spoken::Http1Only,
            _ => Spoken::Nothing,
        }
    }
}

/// The question whether a hub serves, over HTTP/1.1.
fn health(way: &Way) -> String {
    format!("GET /healthz HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", way.host)
}

/// Opens a line, says something, and takes the answer up to its end or so many bytes.
async fn begin(way: &Way, said: &[u8], most: usize) -> Result<(Option<Vec<u8>>, Vec<u8>), BoxError> {
    timeout(LOOK, async {
        let Line { mut wire, protocol } = way.open().await?;
        wire.write_all(said).await?;
        wire.flush().await?;
        let mut answer = Vec::new();
        wire.take(most as u64).read_to_end(&mut answer).await?;
        Ok((protocol, answer))
    })
    .await?
}

/// True when the other side ended the handshake because it speaks neither protocol.
fn is_refusal_of_protocol(error: &(dyn std::error::Error + 'static)) -> bool {
    let alert = rustls::AlertDescription::NoApplicationProtocol;
    within::<rustls::Error>(error).is_some_and(|error| *error == rustls::Error::AlertReceived(alert))
}
