//! What a key is good for. A key has the scopes that it was issued with and no others.

use std::fmt;
use std::str::FromStr;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Scope {
    /// Push, and see and steer what was pushed.
    Push,
    /// Read datasets.
    Read,
}

impl Scope {
    pub(crate) const ALL: [Scope; 2] = [Scope::Push, Scope::Read];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Scope::Push => "push",
            Scope::Read => "read",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no scope; there are push and read")]
pub(crate) struct ScopeUnknown(String);

impl FromStr for Scope {
    type Err = ScopeUnknown;

    fn from_str(text: &str) -> Result<Self, ScopeUnknown> {
        Scope::ALL
            .into_iter()
            .find(|scope| scope.as_str() == text)
            .ok_or_else(|| ScopeUnknown(text.to_owned()))
    }
}
