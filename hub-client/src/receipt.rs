//! Receipts (UPO): had from the hub, kept as files, and verified without it.

mod kept;
mod verify;

use std::path::Path;

use hub_datasets::receipt::{KeySet, PublicKey, ReceiptFault, Signed, Validity, page, with_signature};
use hub_proto::v1;

use crate::client::{Client, by_either};
use crate::error::ClientError;
use crate::temporary::write_whole;

pub use kept::{KeptKeys, Met};
pub use verify::{ReceiptProblem, compare, read_receipt, verify};

/// In which form a receipt is written to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptForm {
    /// The signed JSON.
    Json,
    /// A page for people and archives, with the signed JSON inside.
    Html,
}

impl ReceiptForm {
    /// By the extension of a file; none for another extension.
    pub fn of(file: &Path) -> Option<Self> {
        match file.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "json" => Some(Self::Json),
            "html" | "htm" => Some(Self::Html),
            _ => None,
        }
    }
}

/// A receipt as the hub sent it, put together to what is filed. Whether its signature holds is not known yet.
pub fn signed_receipt(receipt: &v1::Receipt) -> Result<Signed, ReceiptFault> {
    let document = with_signature(&receipt.canonical_json, &receipt.signature);
    let document = document.map_err(|error| ReceiptFault::NotReceipt(error.to_string()))?;
    let signed = Signed::read(&document)?;
    match signed.receipt.key_id == receipt.key_id {
        true => Ok(signed),
        false => Err(ReceiptFault::NotReceipt("it names another key than the hub does".to_owned())),
    }
}

/// Writes a receipt to a file. It appears under its name only when it is whole; an older one is replaced then.
pub fn write_receipt(signed: &Signed, form: ReceiptForm, file: &Path) -> Result<(), ClientError> {
    let text = match form {
        ReceiptForm::Json => format!("{}\n", signed.document),
        ReceiptForm::Html => page(signed),
    };
    write_whole(file, text.as_bytes())
}

impl Client {
    /// All keys that receipts of the hub were ever signed with, the newest first. Needs no credential.
    pub async fn receipt_keys(&self) -> Result<KeySet, ClientError> {
        by_either!(self, self.receipt_keys_by_grpc().await, |https| https.receipt_keys().await)
    }

    async fn receipt_keys_by_grpc(&self) -> Result<KeySet, ClientError> {
        let answer = self.repeating(|| {
            let mut service = self.submissions();
            async move { service.get_receipt_keys(v1::GetReceiptKeysRequest {}).await }
        });
        let keys = answer.await?.keys.into_iter().map(|key| {
            let bytes = key.public_key.as_ref().try_into();
            let bytes =
                bytes.map_err(|_| self.incomplete(format!("key `{}` is no Ed25519 key", key.key_id)))?;
            let from = key.valid_from.map_or(i64::MIN, |time| time.seconds);
            let seconds = |time: Option<prost_types::Timestamp>| time.map(|time| time.seconds);
            let validity = Validity { from, until: seconds(key.valid_to), revoked: seconds(key.revoke_time) };
            let made = PublicKey::new(bytes, validity);
            match made.id == key.key_id {
                true => Ok(made),
                false => {
                    Err(self.incomplete(format!("key `{}` is another key than its id says", key.key_id)))
                }
            }
        });
        Ok(KeySet { keys: keys.collect::<Result<_, _>>()? })
    }
}

#[cfg(test)]
mod tests;
