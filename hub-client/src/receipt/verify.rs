//! What a receipt is worth, found out with public keys alone.

use hub_datasets::receipt::{KeySet, ReceiptFault, Signed, read_page};
use ring::signature::{ED25519, UnparsedPublicKey};

use crate::push::Digest;

/// Why a receipt is not valid, or not about a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptProblem {
    /// It is no receipt, or not as it was signed.
    #[error(transparent)]
    Text(#[from] ReceiptFault),
    /// None of the keys has the id that the receipt names.
    #[error("the receipt names key {key}, which is not among the keys at hand")]
    KeyUnknown {
        /// Id of the key.
        key: String,
    },
    /// The content is not what the key signed: either of them was changed.
    #[error("the signature does not belong to this content: one of them was changed")]
    Signature,
    /// The hub said that others may have the key's secret.
    #[error("key {key} was revoked: others may have signed with it")]
    KeyRevoked {
        /// Id of the key.
        key: String,
    },
    /// The key was not in force at the time that the receipt tells.
    #[error("key {key} was not in force at {time}, the time of the signature")]
    KeyNotInForce {
        /// Id of the key.
        key: String,
        /// As the receipt tells it.
        time: String,
    },
    /// The file has another length.
    #[error("the receipt is for a file of {told} bytes, this one has {found}")]
    Size {
        /// Bytes as the receipt tells them.
        told: u64,
        /// Bytes of the file.
        found: u64,
    },
    /// The file has another SHA-256.
    #[error("the receipt is for a file with SHA-256 {told}, this one has {found}")]
    Sha256 {
        /// As the receipt tells it.
        told: String,
        /// Of the file.
        found: String,
    },
}

/// Reads a receipt from the text of a file: the signed JSON, or the page with it inside.
pub fn read_receipt(text: &str) -> Result<Signed, ReceiptFault> {
    if text.trim_start_matches('\u{feff}').trim_start().starts_with('<') {
        read_page(text)
    } else {
        Signed::read(text)
    }
}

/// Compares a receipt with keys. Needs no hub.
pub fn verify(signed: &Signed, keys: &KeySet) -> Result<(), ReceiptProblem> {
    let receipt = &signed.receipt;
    let key_id = || receipt.key_id.clone();
    let key = keys.get(&receipt.key_id).ok_or_else(|| ReceiptProblem::KeyUnknown { key: key_id() })?;
    let public = UnparsedPublicKey::new(&ED25519, key.bytes);
    public.verify(signed.text.as_bytes(), &signed.signature).map_err(|_| ReceiptProblem::Signature)?;
    if key.validity.revoked.is_some() {
        return Err(ReceiptProblem::KeyRevoked { key: key_id() });
    }
    match receipt.stands_at() {
        Some(moment) if key.covers(moment) => Ok(()),
        _ => {
            let time = receipt.signed_at.clone().unwrap_or_else(|| receipt.committed_at.clone());
            Err(ReceiptProblem::KeyNotInForce { key: key_id(), time })
        }
    }
}

/// Compares a receipt with the file that it is for.
pub fn compare(signed: &Signed, file: &Digest) -> Result<(), ReceiptProblem> {
    let receipt = &signed.receipt;
    if receipt.size != file.size {
        return Err(ReceiptProblem::Size { told: receipt.size, found: file.size });
    }
    if receipt.sha256 != file.sha256 {
        return Err(ReceiptProblem::Sha256 { told: receipt.sha256.clone(), found: file.sha256.clone() });
    }
    Ok(())
}
