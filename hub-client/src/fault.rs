//! What can be wrong with the two things that a caller writes: a profile, and the address in it.

use std::path::PathBuf;

/// What is wrong with a profile.
#[derive(Debug, thiserror::Error)]
pub enum ProfileFault {
    /// Its name would lead out of the folder of profiles.
    #[error("a profile's name is a plain file name without its extension")]
    Name,
    /// Its file cannot be read.
    #[error(
        "cannot read {}: {source}; write the file (endpoint, token, ca) or set HUB_CONFIG_DIR or HUB_ENDPOINT",
        path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's cause.
        source: std::io::Error,
    },
    /// Its text is no profile; the parser's words, without the line that may hold the token.
    #[error("{0}")]
    Text(String),
    /// Its token cannot be a key.
    #[error("its token holds characters that no key has")]
    Token,
}

/// What is wrong with the address of a hub.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointFault {
    /// It does not parse.
    #[error("not an address ({0}); write http://127.0.0.1:50051 or https://HOST:PORT")]
    Address(String),
    /// It has no host.
    #[error("it names no host")]
    Host,
    /// It is neither http nor https.
    #[error("it begins with neither https:// nor http://")]
    Scheme,
    /// Plain http to another machine.
    #[error("plain http is allowed to this machine only, for the token would travel unencrypted; use https")]
    Unencrypted,
    /// There is nobody to trust.
    #[error("this system has no certificate authorities; name one as `ca` in the profile")]
    Authorities,
    /// TLS cannot be set up for it.
    #[error("{0}")]
    Tls(String),
}
