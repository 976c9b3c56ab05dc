//! The hub's signature under receipts: Ed25519 (RFC 8032), by the one key that is in force.
//!
//! A receipt is signed when it leaves the hub, by the thread that answers: a committer has one thread for all of a
//! dataset and signs nothing. The same content and key give the same signature, so nobody has to keep it.

use chrono::{DateTime, SecondsFormat, Utc};
use hub_datasets::receipt::{KeySet, PublicKey, Unsignable, to_sign};
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{Ed25519KeyPair, KeyPair as _};

/// Bytes of a secret, as the folder keeps it.
pub(crate) const SECRET_BYTES: usize = 32;

/// A secret key. Shows itself nowhere.
pub(crate) struct SecretKey(Ed25519KeyPair);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SignError {
    #[error("the machine gives no random bytes")]
    Random,
    #[error("it is not a key that signs receipts")]
    NotAKey,
    #[error(transparent)]
    Content(#[from] Unsignable),
    #[error("its receipt has no time of commit")]
    NoTime,
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

impl SecretKey {
    /// Draws a key; gives it with the bytes to keep.
    pub(crate) fn draw() -> Result<(Self, [u8; SECRET_BYTES]), SignError> {
        let mut secret = [0; SECRET_BYTES];
        SystemRandom::new().fill(&mut secret).map_err(|_| SignError::Random)?;
        Ok((Self::of(&secret)?, secret))
    }

    /// The key of the bytes that were kept.
    pub(crate) fn of(secret: &[u8; SECRET_BYTES]) -> Result<Self, SignError> {
        Ed25519KeyPair::from_seed_unchecked(secret).map(Self).map_err(|_| SignError::NotAKey)
    }

    pub(crate) fn public(&self) -> Result<[u8; 32], SignError> {
        self.0.public_key().as_ref().try_into().map_err(|_| SignError::NotAKey)
    }
}

/// A receipt as it leaves the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignedReceipt {
    /// The bytes that are signed: canonical JSON with the key's id, and without the signature.
    pub(crate) text: String,
    pub(crate) key_id: String,
    pub(crate) signature: Vec<u8>,
}

/// Signs receipts, and tells with which keys.
#[derive(Debug)]
pub(crate) struct Signer {
    secret: SecretKey,
    key: PublicKey,
    published: KeySet,
}

impl Signer {
    /// `key` is the secret's, and among those that are published.
    pub(crate) fn new(secret: SecretKey, key: PublicKey, published: KeySet) -> Self {
        Self { secret, key, published }
    }

    /// All keys that ever signed, the newest first.
    pub(crate) fn published(&self) -> &KeySet {
        &self.published
    }

    /// Signs the content of a receipt. What was committed before the key came into force tells when it is signed.
    pub(crate) fn sign(&self, content: &str, now: DateTime<Utc>) -> Result<SignedReceipt, SignError> {
        let committed = committed_at(content).ok_or(SignError::NoTime)?;
        // Never before the key came into force, though the clock was set back meanwhile.
        let moment = DateTime::from_timestamp(self.key.validity.from, 0).map_or(now, |from| now.max(from));
        let told = || moment.to_rfc3339_opts(SecondsFormat::Micros, true);
        let signed_at = (!self.key.covers(committed)).then(told);
        let text = to_sign(content, &self.key.id, signed_at.as_deref())?;
        let signature = self.secret.0.sign(text.as_bytes()).as_ref().to_vec();
        Ok(SignedReceipt { text, key_id: self.key.id.clone(), signature })
    }
}

/// The time of the commit in canonical content. No text inside of it can read like the member's name, for there each
/// quote has a backslash before it.
fn committed_at(content: &str) -> Option<DateTime<Utc>> {
    let (_, behind) = content.split_once("\"committed_at\":\"")?;
    let (time, _) = behind.split_once('"')?;
    Some(DateTime::parse_from_rfc3339(time).ok()?.to_utc())
}

/// A signer for the tests of the rooms, whose key was always in force.
#[cfg(test)]
pub(crate) fn for_tests() -> std::sync::Arc<Signer> {
    let secret = SecretKey::of(&[7; SECRET_BYTES]).unwrap();
    let validity = hub_datasets::receipt::Validity { from: 0, until: None, revoked: None };
    let key = PublicKey::new(secret.public().unwrap(), validity);
    std::sync::Arc::new(Signer::new(secret, key.clone(), KeySet { keys: vec![key] }))
}

#[cfg(test)]
mod tests;
