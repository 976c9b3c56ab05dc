//! Patience: how long to go on without a connection.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hub_proto::Reason;
use rustls::AlertDescription;
use tonic::{Code, Status};

use crate::error::ClientError;
use crate::https::Fault;
use crate::probe::Probe;

/// How long a client goes on without a connection, unless told otherwise.
pub const RETRY_FOR: Duration = Duration::from_secs(10);

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Counts the time without progress of one piece of work.
#[derive(Debug)]
pub(crate) struct Patience {
    endpoint: String,
    budget: Duration,
    failing_since: Option<Instant>,
    failures: u32,
    /// What looks at the first failure: whether HTTP/2 is blocked.
    probe: Option<Arc<Probe>>,
}

impl Patience {
    pub(crate) fn new(endpoint: &str, budget: Duration) -> Self {
        Self { endpoint: endpoint.to_owned(), budget, failing_since: None, failures: 0, probe: None }
    }

    /// Looks, at the first failure, whether waiting can help at all.
    pub(crate) fn with(mut self, probe: Arc<Probe>) -> Self {
        self.probe = Some(probe);
        self
    }

    /// The work moved on: the count starts anew.
    pub(crate) fn progressed(&mut self) {
        self.failing_since = None;
        self.failures = 0;
    }

    /// Pauses before another try, or gives up: at once when the hub refused, else when the time is over.
    pub(crate) async fn after(&mut self, status: Status) -> Result<(), ClientError> {
        match trouble(&status) {
            Trouble::Refused => Err(status.into()),
            Trouble::Certificate(cause) => Err(self.not_reached(Duration::ZERO, cause)),
            Trouble::Busy => match self.pause() {
                Ok(pause) => {
                    tokio::time::sleep(pause).await;
                    Ok(())
                }
                Err(_) => Err(status.into()),
            },
            Trouble::Cut => self.after_cut(cause_of(&status)).await,
        }
    }

    /// The same for a request to the HTTP door.
    pub(crate) async fn after_request(&mut self, fault: Fault) -> Result<(), ClientError> {
        match fault {
            Fault::Refused(refusal) => Err(ClientError::Refused(refusal)),
            Fault::Certificate(cause) => Err(self.not_reached(Duration::ZERO, cause)),
            Fault::Busy(refusal) => match self.pause() {
                Ok(pause) => {
                    tokio::time::sleep(pause).await;
                    Ok(())
                }
                Err(_) => Err(ClientError::Refused(refusal)),
            },
            Fault::Cut(cause) => self.after_cut(cause).await,
        }
    }

    /// The same for a connection that ended without a status.
    pub(crate) async fn after_cut(&mut self, cause: String) -> Result<(), ClientError> {
        if self.failures == 0
            && let Some(probe) = &self.probe
            && probe.is_blocked().await
        {
            return Err(ClientError::Http2Blocked { endpoint: self.endpoint.clone() });
        }
        match self.pause() {
            Ok(pause) => {
                tokio::time::sleep(pause).await;
                Ok(())
            }
            Err(waited) => Err(self.not_reached(waited, cause)),
        }
    }

    fn not_reached(&self, waited: Duration, cause: String) -> ClientError {
        ClientError::NotReached { endpoint: self.endpoint.clone(), waited, cause }
    }

    /// The next pause, or how long it has been failing once the budget is spent.
    fn pause(&mut self) -> Result<Duration, Duration> {
        let waited = self.failing_since.get_or_insert_with(Instant::now).elapsed();
        if waited >= self.budget {
            return Err(waited);
        }
        let full = FIRST_PAUSE.saturating_mul(1 << self.failures.min(8)).min(LONGEST_PAUSE);
        self.failures += 1;
        // Jitter: clients that lost the hub together do not come back together.
        let pause = full.mul_f64(rand::random_range(0.5..=1.0));
        Ok(pause.min(self.budget - waited))
    }
}

/// Kinds of failed calls.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The hub said no; asking again changes nothing.
    Refused,
    /// The hub has no room for the call at this moment.
    Busy,
    /// No answer: the connection failed or broke, or the hub is starting or stopping.
    Cut,
    /// The hub's certificate is not trusted; waiting changes nothing.
    Certificate(String),
}

/// A status with a reason was written by the hub; one with a source was made on this side of a broken connection.
pub(crate) fn trouble(status: &Status) -> Trouble {
    match hub_proto::reason_of(status) {
        Some(Reason::Unavailable) => return Trouble::Cut,
        Some(Reason::Busy) => return Trouble::Busy,
        Some(_) => return Trouble::Refused,
        None => {}
    }
    match find_source::<rustls::Error>(status) {
        // Not the certificate: the other side speaks no HTTP/2.
        Some(rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol)) => return Trouble::Cut,
        Some(error) => return Trouble::Certificate(error.to_string()),
        None => {}
    }
    if status.code() == Code::Unavailable || status.source().is_some() {
        Trouble::Cut
    } else {
        Trouble::Refused
    }
}

/// An error of ours in the chain of another, itself included.
pub(crate) fn within<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let unwrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    let unwrapped: Option<&'a (dyn Error + 'static)> = match unwrapped {
        Some(inner) => Some(inner),
        None => None,
    };
    let mut chain = std::iter::once(error).chain(unwrapped).chain(sources(error));
    chain.find_map(|e| e.downcast_ref::<E>())
}

fn sources<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(error.source(), |error| {
        let error: &'a (dyn Error + 'static) = *error;
        // An io::Error hides the error that it was made of behind `get_ref`.
        match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        }
    })
}

fn find_source<E: Error + 'static>(status: &Status) -> Option<&E> {
    sources(status).find_map(|e| e.downcast_ref::<E>())
}

/// The innermost cause: `connection refused` says more than `transport error`.
pub(crate) fn cause_of(status: &Status) -> String {
    sources(status).last().map_or_else(|| status.message().to_owned(), ToString::to_string)
}

#[cfg(test)]
mod tests;
