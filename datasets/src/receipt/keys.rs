//! The public keys of receipts, as a JSON Web Key Set (RFC 7517, RFC 8037) with the times at which they hold.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Most keys that a set may hold.
const KEYS_MAX: usize = 4_096;

/// When a key was in force. Seconds since 1970; the last second counts as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// From when on.
    pub from: i64,
    /// Until when; None: it still is.
    pub until: Option<i64>,
    /// When it became known that others may hold its secret: from here nothing that it signed is believed.
    pub revoked: Option<i64>,
}

/// A key that signs receipts, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// The key's thumbprint (RFC 7638): it follows from the bytes.
    pub id: String,
    /// The Ed25519 public key.
    pub bytes: [u8; 32],
    /// When it was in force.
    pub validity: Validity,
}

/// All keys that a hub ever signed with, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeySet {
    /// The newest first.
    pub keys: Vec<PublicKey>,
}

/// Why a text is no set of keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// Not the JSON of a set.
    #[error("this is no JSON Web Key Set: {0}")]
    NotKeys(String),
    /// The id of a key is not the thumbprint of its bytes.
    #[error("key {0} is another key than its id says")]
    Thumbprint(String),
}

impl PublicKey {
    /// A key that is in force from a moment on.
    pub fn new(bytes: [u8; 32], validity: Validity) -> Self {
        // Members in this order and nothing else, as RFC 7638 has them for keys of this kind.
        let members = format!("{{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"{}\"}}", text(&bytes));
        Self { id: text(&Sha256::digest(members)), bytes, validity }
    }

    /// True when the key was in force at a moment.
    pub fn covers(&self, moment: DateTime<Utc>) -> bool {
        let second = moment.timestamp();
        self.validity.from <= second && self.validity.until.is_none_or(|until| second <= until)
    }

    fn to_json(&self) -> Value {
        let mut key = json!({
            "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig",
            "kid": self.id, "x": text(&self.bytes), "nbf": self.validity.from,
        });
        if let Some(until) = self.validity.until {
            key["exp"] = json!(until);
        }
        if let Some(revoked) = self.validity.revoked {
            key["revoked"] = json!({ "revoked_at": revoked, "reason": "compromised" });
        }
        key
    }

    /// None: a key of another kind, which a reader of key sets passes over.
    fn of_json(key: &Value) -> Result<Option<Self>, KeyFault> {
        if key["kty"] != "OKP" || key["crv"] != "Ed25519" {
            return Ok(None);
        }
        let named = || key["kid"].as_str().unwrap_or_default().chars().take(80).collect::<String>();
        let not_keys = |what: &str| KeyFault::NotKeys(format!("key `{}`: {what}", named()));
        let bytes = key["x"].as_str().and_then(|x| URL_SAFE_NO_PAD.decode(x).ok());
        let bytes = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let bytes = bytes.ok_or_else(|| not_keys("`x` is not 32 bytes in base64url"))?;
        let time = |value: &Value, name: &str| match value {
            Value::Null => Ok(None),
            other => other.as_i64().map(Some).ok_or_else(|| not_keys(&format!("`{name}` is no time"))),
        };
        let revoked = match &key["revoked"] {
            Value::Null => None,
            // It is revoked, whenever that was.
            told => Some(told["revoked_at"].as_i64().unwrap_or_default()),
        };
        // A key set that somebody made by hand may lack the times: then the key holds.
        let from = time(&key["nbf"], "nbf")?.unwrap_or(i64::MIN);
        let made = Self::new(bytes, Validity { from, until: time(&key["exp"], "exp")?, revoked });
        if key["kid"].as_str() != Some(&made.id) {
            return Err(KeyFault::Thumbprint(named()));
        }
        Ok(Some(made))
    }
}

impl KeySet {
    /// The key of an id.
    pub fn get(&self, id: &str) -> Option<&PublicKey> {
        self.keys.iter().find(|key| key.id == id)
    }

    /// As it is published and kept.
    pub fn to_json(&self) -> Value {
        json!({ "keys": self.keys.iter().map(PublicKey::to_json).collect::<Vec<_>>() })
    }

    /// Reads a published set. Keys of other kinds are passed over; a key whose id is not its thumbprint is a fault.
    pub fn parse(text: &str) -> Result<Self, KeyFault> {
        let set: Value = serde_json::from_str(text).map_err(|error| KeyFault::NotKeys(error.to_string()))?;
        let keys = set["keys"].as_array().ok_or_else(|| KeyFault::NotKeys("`keys` lacks".to_owned()))?;
        if keys.len() > KEYS_MAX {
            return Err(KeyFault::NotKeys(format!("it holds more than {KEYS_MAX} keys")));
        }
        let keys = keys.iter().filter_map(|key| PublicKey::of_json(key).transpose());
        Ok(Self { keys: keys.collect::<Result<_, _>>()? })
    }

    /// Takes up the keys of another set of the same hub, whose times are newer; what this one alone has stays. Gives
    /// the ids that are new here.
    pub fn take_up(&mut self, newer: Self) -> Vec<String> {
        let mut added = Vec::new();
        for key in newer.keys {
            match self.keys.iter_mut().find(|known| known.id == key.id) {
                Some(known) => {
                    // What was revoked once stays so, whoever says otherwise.
                    let revoked = key.validity.revoked.or(known.validity.revoked);
                    known.validity = Validity { revoked, ..key.validity };
                }
                None => {
                    added.push(key.id.clone());
                    self.keys.push(key);
                }
            }
        }
        self.keys.sort_by_key(|key| std::cmp::Reverse(key.validity.from));
        added
    }
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
