//! Sealed tokens: a small value that the hub gives away and recognises when it comes back.
//!
//! A token is URL-safe text: the value as JSON, then an HMAC-SHA256 over purpose and value. Nothing is
//! kept on the server, so tokens survive a restart; they are readable by their holder and must hold
//! no secret.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;

const TAG_BYTES: usize = 32;

/// Longest token that is looked at; longer ones are refused before any work.
pub(crate) const TOKEN_MAX: usize = 64 * 1024;

/// Makes and opens tokens with one key.
#[derive(Clone)]
pub(crate) struct Seal {
    key: [u8; 32],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SealError {
    /// Says nothing of where it differs: the holder of a forged token learns nothing.
    #[error("the token was not made by this hub for this purpose")]
    Forged,
    #[error("the value cannot be sealed")]
    Unsealable,
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal(..)")
    }
}

impl Seal {
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// Seals a value for a purpose (`readSession`, `page:ListDatasets` …); a token of one purpose does
    /// not open for another.
    pub(crate) fn seal(&self, purpose: &str, value: &impl Serialize) -> Result<String, SealError> {
        let mut body = serde_json::to_vec(value).map_err(|_| SealError::Unsealable)?;
        let tag = self.mac(purpose, &body)?.finalize().into_bytes();
        body.extend_from_slice(&tag);
        Ok(URL_SAFE_NO_PAD.encode(body))
    }

    /// Opens a token that this key sealed for this purpose.
    pub(crate) fn open<T: DeserializeOwned>(&self, purpose: &str, token: &str) -> Result<T, SealError> {
        if token.len() > TOKEN_MAX {
            return Err(SealError::Forged);
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| SealError::Forged)?;
        let split = bytes.len().checked_sub(TAG_BYTES).ok_or(SealError::Forged)?;
        let (body, tag) = bytes.split_at(split);
        // `verify_slice` compares in constant time.
        self.mac(purpose, body)?.verify_slice(tag).map_err(|_| SealError::Forged)?;
        serde_json::from_slice(body).map_err(|_| SealError::Forged)
    }

    fn mac(&self, purpose: &str, body: &[u8]) -> Result<Hmac<Sha256>, SealError> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).map_err(|_| SealError::Unsealable)?;
        // The length goes first, so that purpose and body cannot trade bytes.
        mac.update(&(purpose.len() as u64).to_be_bytes());
        mac.update(purpose.as_bytes());
        mac.update(body);
        Ok(mac)
    }
}

#[cfg(test)]
mod tests;
