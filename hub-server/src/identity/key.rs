//! API keys: `hub_` and 43 base62 characters, which are 43 · log2(62) = 256.03 bit.

use std::fmt;
use std::str::FromStr;

use rand::TryRngCore as _;
use rand::rngs::OsRng;
use sha2::{Digest as _, Sha256};

use super::IdentityError;

const PREFIX: &str = "hub_";
const LENGTH: usize = 43;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// The largest multiple of 62 below 256: bytes from it on are thrown away, so that no letter is
/// likelier than another.
const FAIR_BELOW: u8 = 248;

/// A secret that opens the hub. It exists only by [`ApiKey::generate`] or by parsing, and shows itself
/// only through [`ApiKey::reveal`].
#[derive(Clone)]
pub(crate) struct ApiKey(String);

/// The text is not the form of a key. The text itself is kept out: it may be a secret mistyped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an API key is `{PREFIX}` and {LENGTH} letters and digits")]
pub(crate) struct ApiKeyForm;

impl ApiKey {
    /// Draws a new key from the system's generator.
    pub(crate) fn generate() -> Result<Self, IdentityError> {
        let mut key = String::with_capacity(PREFIX.len() + LENGTH);
        key.push_str(PREFIX);
        let mut bytes = [0_u8; 64];
        while key.len() < PREFIX.len() + LENGTH {
            OsRng.try_fill_bytes(&mut bytes).map_err(|error| IdentityError::Random(error.to_string()))?;
            let letters = bytes.iter().filter(|byte| **byte < FAIR_BELOW).filter_map(|byte| letter(*byte));
            key.extend(letters.take(PREFIX.len() + LENGTH - key.len()));
        }
        Ok(Self(key))
    }

    /// The secret itself: to be shown once.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// What the catalogue keeps. A fast hash is right: the key has full entropy.
    pub(crate) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

fn letter(byte: u8) -> Option<char> {
    ALPHABET.get(usize::from(byte) % ALPHABET.len()).copied().map(char::from)
}

impl FromStr for ApiKey {
    type Err = ApiKeyForm;

    fn from_str(text: &str) -> Result<Self, ApiKeyForm> {
        let letters = text.strip_prefix(PREFIX).ok_or(ApiKeyForm)?;
        if letters.len() == LENGTH && letters.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ApiKeyForm)
        }
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("hub_***")
    }
}
