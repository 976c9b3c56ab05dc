//! The text that is signed, and the receipt with its signature.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize as _;
use serde_json::Value;

use super::{Receipt, canonical};

/// Bytes of an Ed25519 signature.
const SIGNATURE_BYTES: usize = 64;

/// Members as a receipt has them before it is signed. No text inside of it can read like this, for there each quote
/// has a backslash before it.
const NO_KEY: &str = "\"key_id\":\"\"";
const NO_SIGNATURE: &str = "\"signature\":\"\"";

/// The content is not that of a receipt without a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the content has no empty key_id and signature to fill")]
pub struct Unsignable;

/// Why a text is no receipt, or not the one that was signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptFault {
    /// Neither canonical JSON of a receipt nor its page.
    #[error("this is no receipt: {0}")]
    NotReceipt(String),
    /// JSON of a receipt, written otherwise than it was signed.
    #[error("the receipt was written anew: its text is not canonical JSON any more")]
    Rewritten,
    /// It has no signature yet.
    #[error("the receipt is not signed")]
    Unsigned,
    /// The signature is not 64 bytes in base64url.
    #[error("the signature is not 64 bytes in base64url")]
    SignatureForm,
    /// The page does not show what the receipt inside it says.
    #[error("the page does not show what the receipt inside it says")]
    PageChanged,
}

/// The text to sign: canonical content with a key's id, and with the time of the signature where it is not that of
/// the commit.
pub fn to_sign(content: &str, key_id: &str, signed_at: Option<&str>) -> Result<String, Unsignable> {
    let (before, after) = content.split_once(NO_KEY).ok_or(Unsignable)?;
    let (between, after) = after.split_once(NO_SIGNATURE).ok_or(Unsignable)?;
    let signed_at = signed_at.map(|at| format!(",\"signed_at\":\"{at}\"")).unwrap_or_default();
    Ok(format!("{before}\"key_id\":\"{key_id}\"{between}{NO_SIGNATURE}{signed_at}{after}"))
}

/// The receipt: the signed text with its signature.
pub fn with_signature(text: &str, signature: &[u8]) -> Result<String, Unsignable> {
    let (before, after) = text.split_once(NO_SIGNATURE).ok_or(Unsignable)?;
    Ok(format!("{before}\"signature\":\"{}\"{after}", URL_SAFE_NO_PAD.encode(signature)))
}

/// A receipt that was read; whether its signature holds is not known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// What it says.
    pub receipt: Receipt,
    /// The text that was signed.
    pub text: String,
    /// The signature, 64 bytes.
    pub signature: Vec<u8>,
    /// The receipt as it is filed.
    pub document: String,
}

impl Signed {
    /// Reads a receipt as it is filed; a line end behind it is none of it.
    pub fn read(document: &str) -> Result<Self, ReceiptFault> {
        let document = document.trim_end_matches(['\r', '\n']);
        let other = |error: serde_json::Error| ReceiptFault::NotReceipt(error.to_string());
        let mut value: Value = serde_json::from_str(document).map_err(other)?;
        let receipt = Receipt::deserialize(&value).map_err(other)?;
        if canonical(&value).ok().as_deref() != Some(document) {
            return Err(ReceiptFault::Rewritten);
        }
        let signature = value["signature"].as_str().unwrap_or_default();
        if signature.is_empty() {
            return Err(ReceiptFault::Unsigned);
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).ok().filter(|bytes| bytes.len() == SIGNATURE_BYTES);
        let signature = signature.ok_or(ReceiptFault::SignatureForm)?;
        value["signature"] = Value::from("");
        let text = canonical(&value).map_err(|error| ReceiptFault::NotReceipt(error.to_string()))?;
        Ok(Self { receipt, text, signature, document: document.to_owned() })
    }

    /// The signature as the receipt writes it.
    pub fn signature_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.signature)
    }
}
