//! Profiles: where a hub is and who calls it. `NAME.toml` in the config folder.

use std::fmt;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::environment::Environment;
use crate::error::{ClientError, Deed};
use crate::fault::ProfileFault;
use crate::transport::HTTP_PORT;

/// A text that never shows in `Debug` output, logs or errors.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
    /// The text itself, for the one place that sends it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// Address and credential of one caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Name of the file without `.toml`.
    #[serde(skip)]
    pub name: String,
    /// `http://127.0.0.1:50051` or `https://hub.example:50051`.
    pub endpoint: String,
    /// The hub's HTTP door, `https://hub.example:8080`, for lines on which HTTP/2 is blocked; without it the host of
    /// `endpoint` at port 8080.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_endpoint: Option<String>,
    /// API key, sent as bearer token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    /// PEM file of the certificate authority to trust; without it the system's are trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// The caller's own organisation, as `gmina-100201`; for display and for offline checks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
}

/// Name of the profile that is used when none is named.
pub const DEFAULT_PROFILE: &str = "default";

impl Profile {
    /// A profile without a credential.
    pub fn anonymous(endpoint: impl Into<String>) -> Self {
        Self {
            name: DEFAULT_PROFILE.to_owned(),
            endpoint: endpoint.into(),
            http_endpoint: None,
            token: None,
            ca: None,
            organisation: None,
        }
    }

    /// The named profile (or `default`) of the config folder, with `HUB_ENDPOINT` applied.
    /// Without a name, `HUB_ENDPOINT` alone is enough for an anonymous caller.
    pub fn load(name: Option<&str>, environment: &Environment) -> Result<Self, ClientError> {
        let wanted = name.unwrap_or(DEFAULT_PROFILE);
        if !is_name(wanted) {
            return Err(ClientError::profile(wanted, ProfileFault::Name));
        }
        let path = environment.config_dir.join(format!("{wanted}.toml"));
        match (fs::read_to_string(&path), name, &environment.endpoint) {
            (Ok(text), _, endpoint) => {
                let mut profile = Self::parse(wanted, &text, &environment.config_dir)?;
                if let Some(endpoint) = endpoint {
                    // The other address of the profile is of the hub that it names.
                    profile.http_endpoint = profile.http_endpoint.filter(|_| profile.endpoint == *endpoint);
                    profile.endpoint.clone_from(endpoint);
                }
                Ok(profile)
            }
            (Err(error), None, Some(endpoint)) if error.kind() == std::io::ErrorKind::NotFound => {
                Ok(Self::anonymous(endpoint))
            }
            (Err(source), _, _) => {
                Err(ClientError::profile(wanted, ProfileFault::Unreadable { path, source }))
            }
        }
    }

    /// Reads the text of a profile; a relative `ca` is meant beside the profile.
    pub fn parse(name: &str, text: &str, folder: &Path) -> Result<Self, ClientError> {
        // The parser's own text quotes the line, which may hold the token: only its message is passed on.
        let mut profile: Self = toml::from_str(text)
            .map_err(|error| ClientError::profile(name, ProfileFault::Text(error.message().to_owned())))?;
        name.clone_into(&mut profile.name);
        profile.ca = profile.ca.map(|ca| folder.join(ca));
        Ok(profile)
    }

    /// Where the HTTP door is.
    pub fn http_address(&self) -> String {
        match (&self.http_endpoint, self.endpoint.parse::<http::Uri>()) {
            (Some(declared), _) => declared.clone(),
            (None, Ok(uri)) => {
                let (scheme, host) = (uri.scheme_str().unwrap_or("https"), uri.host().unwrap_or_default());
                format!("{scheme}://{host}:{HTTP_PORT}")
            }
            // What is no address is told when it is used.
            (None, Err(_)) => self.endpoint.clone(),
        }
    }

    /// Writes `NAME.toml` into a folder, readable by its owner alone.
    pub fn write(&self, folder: &Path) -> Result<PathBuf, ClientError> {
        let path = folder.join(format!("{}.toml", self.name));
        let text = toml::to_string(self)
            .map_err(|error| ClientError::profile(&self.name, ProfileFault::Text(error.to_string())))?;
        let write = || {
            fs::create_dir_all(folder)?;
            private_file(&path)?.write_all(text.as_bytes())
        };
        write().map_err(|source| ClientError::file(Deed::Write, &path, source))?;
        Ok(path)
    }
}

/// A name becomes part of paths.
pub(crate) fn is_name(profile: &str) -> bool {
    !profile.is_empty() && !profile.contains(['/', '\\']) && !profile.starts_with('.')
}

/// A new or emptied file that only its owner may read.
pub(crate) fn private_file(path: &Path) -> std::io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

#[cfg(test)]
mod tests;
