//! What is wrong between here and the hub: the first fault on the way, from the name of the hub to the key.

use std::time::{Duration, SystemTime};

use http::header::DATE;
use tokio::time::timeout;

use crate::client::Client;
use crate::error::{ClientError, Refusal};
use crate::https::{Answer, Fault, Https};
use crate::probe::{Probe, Spoken};
use crate::profile::Profile;
use crate::retry::within;
use crate::transport::{CONNECT_TIMEOUT, Way};

/// How far the clocks of hub and caller may be apart.
const CLOCKS_APART: Duration = Duration::from_secs(300);

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// Nothing is wrong: name, line, certificate, clock and key are as they should be.
    Well,
    /// The name of the hub leads nowhere.
    Name {
        /// The name.
        host: String,
    },
    /// Nobody answers at the address.
    NotReached {
        /// The system's words.
        cause: String,
    },
    /// Somebody answers who is not the hub.
    Proxy {
        /// What was answered.
        said: String,
    },
    /// Only HTTP/1.1 comes through, or nothing to the port of gRPC.
    Http2 {
        /// Whether the HTTP door is reached, by which files are pushed then.
        is_https_open: bool,
    },
    /// The certificate has expired, or is not valid yet.
    CertificateTime,
    /// The certificate is of nobody who is trusted, or of another name.
    Certificate {
        /// What the handshake said.
        cause: String,
    },
    /// The clock of this computer is not the hub's.
    Clock {
        /// Seconds that this computer is ahead; negative: behind.
        seconds: i64,
    },
    /// There is no key, or the hub does not take it.
    Key(Option<Box<Refusal>>),
}

impl Finding {
    /// A stable name for programs; empty when nothing is wrong.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Well => "",
            Self::Name { .. } => "NAME",
            Self::NotReached { .. } => "NOT_REACHED",
            Self::Proxy { .. } => "PROXY",
            Self::Http2 { .. } => "HTTP2",
            Self::CertificateTime => "CERTIFICATE_TIME",
            Self::Certificate { .. } => "CERTIFICATE",
            Self::Clock { .. } => "CLOCK",
            Self::Key(_) => "KEY",
        }
    }
}

/// Looks for what is wrong. Fails only for a profile that cannot be used at all.
pub async fn diagnose(profile: &Profile) -> Result<Finding, ClientError> {
    let probe = Probe::new(profile)?;
    match line(probe.way()).await {
        Some(Finding::NotReached { .. }) if probe.is_blocked().await => {
            return Ok(Finding::Http2 { is_https_open: true });
        }
        Some(finding) => return Ok(finding),
        None => {}
    }
    let https = Https::of(profile)?;
    let health = match &https {
        Some(https) => Some(https.health().await),
        None => None,
    };
    match probe.speaks().await {
        Spoken::Http2 => {}
        Spoken::Http1Only => return Ok(blocked(health.as_ref())),
        Spoken::Nothing if probe.is_blocked().await => {
            return Ok(Finding::Http2 { is_https_open: true });
        }
        Spoken::Nothing => {
            return Ok(Finding::Proxy { said: "neither HTTP/2 nor HTTP/1.1".to_owned() });
        }
    }
    if let Some(seconds) = health.as_ref().and_then(|health| health.as_ref().ok()).and_then(apart) {
        return Ok(Finding::Clock { seconds });
    }
    key(profile).await
}

/// What is wrong before a word is said: name, connection, encryption.
async fn line(way: &Way) -> Option<Finding> {
    let known = tokio::net::lookup_host((way.host.as_str(), way.port)).await;
    if known.ok().and_then(|mut addresses| addresses.next()).is_none() {
        return Some(Finding::Name { host: way.host.clone() });
    }
    match timeout(CONNECT_TIMEOUT, way.open()).await {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => match within::<rustls::Error>(error.as_ref()) {
            Some(fault) => of_tls(fault),
            // Who hangs up in the middle of a handshake is there, and speaks no TLS.
            None if way.is_encrypted() && is_hung_up(error.as_ref()) => {
                Some(Finding::Proxy { said: error.to_string() })
            }
            None => Some(Finding::NotReached { cause: error.to_string() }),
        },
        Err(_) => {
            let cause = format!("no answer for {} s", CONNECT_TIMEOUT.as_secs());
            Some(Finding::NotReached { cause })
        }
    }
}

fn is_hung_up(error: &(dyn std::error::Error + 'static)) -> bool {
    let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    matches!(kind, Some(std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::ConnectionReset))
}

fn of_tls(fault: &rustls::Error) -> Option<Finding> {
    use rustls::{AlertDescription, CertificateError, Error};
    match fault {
        Error::InvalidCertificate(
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. },
        ) => Some(Finding::CertificateTime),
        Error::InvalidCertificate(_) => Some(Finding::Certificate { cause: fault.to_string() }),
        // The protocol is what the next look is about.
        Error::AlertReceived(AlertDescription::NoApplicationProtocol) => None,
        _ => Some(Finding::Proxy { said: fault.to_string() }),
    }
}

/// HTTP/1.1 alone comes through: from a hub behind a proxy, or from somebody else.
fn blocked(health: Option<&Result<Answer, Fault>>) -> Finding {
    match health {
        Some(Ok(answer)) if is_of_hub(answer) => Finding::Http2 { is_https_open: true },
        Some(Ok(_)) => Finding::Proxy { said: "an answer that is not the hub's".to_owned() },
        Some(Err(Fault::Refused(refusal))) if refusal.reason.is_none() => {
            Finding::Proxy { said: refusal.message.clone() }
        }
        _ => Finding::Http2 { is_https_open: false },
    }
}

fn is_of_hub(answer: &Answer) -> bool {
    serde_json::from_slice::<serde_json::Value>(&answer.body).is_ok_and(|health| health["status"].is_string())
}

/// Seconds by which this computer is ahead of the hub, when they are too many.
fn apart(answer: &Answer) -> Option<i64> {
    let theirs = answer.headers.get(DATE)?.to_str().ok()?;
    let theirs = chrono::DateTime::parse_from_rfc2822(theirs).ok()?.timestamp();
    let seconds = i64::try_from(now()?).ok()? - theirs;
    (seconds.unsigned_abs() > CLOCKS_APART.as_secs()).then_some(seconds)
}

/// Seconds since 1970 by the clock of this computer, which is what is looked at.
fn now() -> Option<u64> {
    #[expect(clippy::disallowed_methods, reason = "the clock itself is in question")]
    let now = SystemTime::now();
    Some(now.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs())
}

async fn key(profile: &Profile) -> Result<Finding, ClientError> {
    if profile.token.is_none() {
        return Ok(Finding::Key(None));
    }
    let client = Client::connect(profile)?.retry_for(Duration::ZERO);
    // Any call that needs a key will do.
    match client.pattern("rb28s").await {
        Err(ClientError::NotReached { cause, .. }) => Ok(Finding::NotReached { cause }),
        Err(ClientError::Refused(refusal)) if refusal.is_not_permitted() => Ok(Finding::Key(Some(refusal))),
        // No hub answers without a reason.
        Err(ClientError::Refused(refusal)) if refusal.reason.is_none() => {
            Ok(Finding::Proxy { said: refusal.message.clone() })
        }
        // A hub without this pattern knows the key.
        Ok(_) | Err(ClientError::Refused(_)) => Ok(Finding::Well),
        Err(error) => Err(error),
    }
}
