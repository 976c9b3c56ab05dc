//! Time and ids are passed in, so that tests need neither sleep nor luck.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Where the hub reads the time.
pub(crate) trait Clock: Send + Sync + std::fmt::Debug {
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's clock.
#[derive(Debug)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

/// Where the hub draws ids.
pub(crate) trait Ids: Send + Sync + std::fmt::Debug {
    fn next(&self) -> Uuid;
}

/// Time-ordered random ids.
#[derive(Debug)]
pub(crate) struct RandomIds;

impl Ids for RandomIds {
    fn next(&self) -> Uuid {
        Uuid::now_v7()
    }
}
