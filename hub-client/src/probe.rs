//! What speaks where the hub's gRPC door should be: a proxy that lets only HTTP/1.1 through looks like a hub that is
//! down, and waiting does not help there.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use crate::error::ClientError;
use crate::profile::Profile;
use crate::retry::within;
use crate::transport::{BoxError, GRPC_PORT, HTTP1, HTTP2, Line, Way};

/// Time for one look.
const LOOK: Duration = Duration::from_secs(3);
/// How an HTTP/2 connection begins: the preface, and settings that change nothing.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
/// Type of the frame with which an HTTP/2 server begins, and where it stands in it.
const SETTINGS: u8 = 4;
const TYPE_AT: usize = 3;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spoken {
    Http2,
    /// HTTP/1.1 is answered, HTTP/2 is not.
    Http1Only,
    /// Neither; the call's own error says why.
    Nothing,
}

/// Looks at the address of the gRPC door.
#[derive(Debug)]
pub(crate) struct Probe {
    way: Way,
}

impl Probe {
    pub(crate) fn new(profile: &Profile) -> Result<Self, ClientError> {
        let way = Way::to(&profile.endpoint, profile.ca.as_deref(), &[HTTP2, HTTP1], GRPC_PORT)?;
        Ok(Self { way })
    }

    pub(crate) fn way(&self) -> &Way {
        &self.way
    }

    /// Asks for HTTP/2, and where that is not answered for HTTP/1.1.
    pub(crate) async fn speaks(&self) -> Spoken {
        match self.begin(PREFACE).await {
            Ok((Some(protocol), _)) if protocol != HTTP2 => Spoken::Http1Only,
            Ok((_, answer)) if answer.starts_with(b"HTTP/1.") => Spoken::Http1Only,
            Ok((_, answer)) if answer.get(TYPE_AT) == Some(&SETTINGS) => Spoken::Http2,
            Err(error) if is_refusal_of_protocol(error.as_ref()) => Spoken::Http1Only,
            Ok(_) | Err(_) => self.http1().await,
        }
    }

    async fn http1(&self) -> Spoken {
        let request =
            format!("GET /healthz HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.way.host);
        match self.begin(request.as_bytes()).await {
            Ok((_, answer)) if answer.starts_with(b"HTTP/1.") => Spoken::Http1Only,
            _ => Spoken::Nothing,
        }
    }

    /// Opens a line, says something, and takes the first bytes of the answer.
    async fn begin(&self, said: &[u8]) -> Result<(Option<Vec<u8>>, Vec<u8>), BoxError> {
        timeout(LOOK, async {
            let Line { mut wire, protocol } = self.way.open().await?;
            wire.write_all(said).await?;
            wire.flush().await?;
            let mut answer = [0; 9];
            let mut length = 0;
            while let Some(rest) = answer.get_mut(length..).filter(|rest| !rest.is_empty()) {
                match wire.read(rest).await? {
                    0 => break,
                    read => length += read,
                }
            }
            Ok((protocol, answer.get(..length).unwrap_or_default().to_vec()))
        })
        .await?
    }
}

/// True when the other side ended the handshake because it speaks neither protocol.
fn is_refusal_of_protocol(error: &(dyn std::error::Error + 'static)) -> bool {
    let alert = rustls::AlertDescription::NoApplicationProtocol;
    within::<rustls::Error>(error).is_some_and(|error| *error == rustls::Error::AlertReceived(alert))
}
