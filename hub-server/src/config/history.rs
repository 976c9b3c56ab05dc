//! How far back datasets promise to be readable.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

use super::{ConfigError, limits};

/// The states of a dataset that stay readable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Reach {
    /// Back to the first commit.
    #[default]
    All,
    /// Those that were current within so many days before now; 0: the newest alone.
    Days(u32),
}

impl Reach {
    /// The moment whose state is the oldest one that is promised; None: all are.
    pub(crate) fn since(self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::All => None,
            Self::Days(days) => now.checked_sub_signed(TimeDelta::days(i64::from(days))),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "all" => Some(Self::All),
            days => days.parse().ok().map(Self::Days),
        }
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Days(days) => write!(f, "{days} days"),
        }
    }
}

/// The reach of each dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct History {
    /// Of datasets that are not named.
    reach: Reach,
    /// By pattern id.
    named: BTreeMap<String, Reach>,
    removed_days: u32,
}

impl Default for History {
    fn default() -> Self {
        let removed_days = u32::try_from(limits::REMOVED_DAYS).unwrap_or(u32::MAX);
        Self { reach: Reach::All, named: BTreeMap::new(), removed_days }
    }
}

impl History {
    pub(crate) fn of(&self, dataset: &str) -> Reach {
        self.named.get(dataset).copied().unwrap_or(self.reach)
    }
    /// How long data files stay that left a table, whatever its reach.
    pub(crate) fn removed(&self) -> TimeDelta {
        TimeDelta::days(i64::from(self.removed_days))
    }
    /// Datasets that the operator named.
    pub(crate) fn named(&self) -> impl Iterator<Item = &str> {
        self.named.keys().map(String::as_str)
    }

    /// From `history.reach` (`all`, or a number of days) and `history.datasets` (`rb28s=3650, rb27s=all`).
    pub(super) fn parse(reach: &str, datasets: Option<&str>, removed_days: u32) -> Result<Self, ConfigError> {
        let mut named = BTreeMap::new();
        for pair in datasets.unwrap_or_default().split(',').filter(|pair| !pair.trim().is_empty()) {
            let parsed = pair
                .split_once('=')
                .and_then(|(dataset, reach)| Some((dataset.trim().to_owned(), Reach::parse(reach)?)));
            let (dataset, reach) = parsed.ok_or_else(|| {
                ConfigError::NotValid(format!(
                    "history.datasets holds `{}`; write `dataset=days` or `dataset=all`, with commas between",
                    pair.trim()
                ))
            })?;
            named.insert(dataset, reach);
        }
        let wrong =
            || ConfigError::NotValid(format!("history.reach is `{reach}`; write `all` or a number of days"));
        Ok(Self { reach: Reach::parse(reach).ok_or_else(wrong)?, named, removed_days })
    }
}
