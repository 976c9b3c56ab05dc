//! The process environment, read in this one place.

use std::path::PathBuf;

/// What the environment says to a client of the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Folder of the profiles: `HUB_CONFIG_DIR`, else `~/.config/hub`.
    pub config_dir: PathBuf,
    /// `HUB_ENDPOINT`: goes before the profile's endpoint.
    pub endpoint: Option<String>,
    /// True when messages should be in Polish (`LC_ALL`, `LC_MESSAGES`, `LANG`).
    pub polish: bool,
}

impl Environment {
    /// Reads the variables of this process.
    pub fn read() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one module that reads the environment")]
        Self::from_lookup(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let config_dir = lookup("HUB_CONFIG_DIR")
            .map(PathBuf::from)
            .or_else(|| lookup("XDG_CONFIG_HOME").map(|dir| PathBuf::from(dir).join("hub")))
            .or_else(|| {
                lookup("HOME")
                    .or_else(|| lookup("USERPROFILE"))
                    .map(|dir| PathBuf::from(dir).join(".config/hub"))
            })
            .unwrap_or_else(|| PathBuf::from(".hub"));
        // POSIX: the first of the three that is set decides, whatever it says.
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(&lookup).unwrap_or_default();
        Self { config_dir, endpoint: lookup("HUB_ENDPOINT"), polish: is_polish(&locale) }
    }
}

fn is_polish(locale: &str) -> bool {
    let language = locale.split(['_', '.', '@', '-']).next().unwrap_or_default();
    language.eq_ignore_ascii_case("pl") || language.eq_ignore_ascii_case("polish")
}

#[cfg(test)]
mod tests;
