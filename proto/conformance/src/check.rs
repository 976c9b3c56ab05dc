//! What a promise says when it is broken.

use hub_proto::{Reason, reason_of};
use tonic::{Response, Status};

/// How a promise was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken(pub String);

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Broken {}

/// A call that should have succeeded did not.
impl From<Status> for Broken {
    fn from(status: Status) -> Self {
        let reason = reason_of(&status).map_or("no reason", Reason::as_str);
        Self(format!("refused: {} ({reason}): {}", status.code(), status.message()))
    }
}

/// Breaks the promise unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err($crate::check::Broken(format!($($text)+)));
        }
    };
}
pub(crate) use ensure;

/// Both sides must be equal.
pub(crate) fn same<T: PartialEq + std::fmt::Debug>(what: &str, got: T, wanted: T) -> Result<(), Broken> {
    ensure!(got == wanted, "{what}: {got:?}, should be {wanted:?}");
    Ok(())
}

/// A field of an answer that must be set.
pub(crate) fn set<T>(what: &str, value: Option<T>) -> Result<T, Broken> {
    value.ok_or_else(|| Broken(format!("{what} is not set")))
}

/// The call must be refused, with one of these reasons and the code that belongs to it.
pub(crate) fn refused<T>(
    what: &str,
    answer: Result<Response<T>, Status>,
    reasons: &[Reason],
) -> Result<Status, Broken> {
    let Err(status) = answer else { return Err(Broken(format!("{what}: it was accepted"))) };
    refused_status(what, &status, reasons)?;
    Ok(status)
}

pub(crate) fn refused_status(what: &str, status: &Status, reasons: &[Reason]) -> Result<(), Broken> {
    let Some(reason) = reason_of(status) else {
        return Err(Broken(format!("{what}: {} without a reason: {}", status.code(), status.message())));
    };
    ensure!(reasons.contains(&reason), "{what}: {reason}, should be one of {reasons:?}");
    same(&format!("{what}: the code of {reason}"), status.code(), reason.grpc_code())?;
    ensure!(!status.message().is_empty(), "{what}: the refusal has no message");
    Ok(())
}
