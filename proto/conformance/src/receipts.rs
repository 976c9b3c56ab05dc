//! Promises about receipts, and about the bytes that were sent.

use hub_proto::Reason;
use hub_proto::v1::{
    CommitOptions, GetReceiptKeysRequest, GetReceiptRequest, ReadPayloadRequest, ReceiptKey, Submission,
};
use ring::signature::{ED25519, UnparsedPublicKey};

use crate::check::{Broken, ensure, refused, same, set};
use crate::hub::{Hub, Who, announce};
use crate::payload::{self, UNITS};

/// The keys, as somebody without a credential has them.
async fn keys(hub: &Hub) -> Result<Vec<ReceiptKey>, Broken> {
    let answer = hub.submissions(Who::Nobody)?.get_receipt_keys(GetReceiptKeysRequest {}).await?;
    Ok(answer.into_inner().keys)
}

async fn committed(hub: &Hub, period: &str, data: &[u8]) -> Result<Submission, Broken> {
    set("submission", hub.committed(period, data, CommitOptions::default()).await?.submission)
}

pub(crate) async fn a_receipt_is_signed_by_a_published_key(hub: &Hub) -> Result<(), Broken> {
    let answer = hub.committed("2012-M02", &payload::valid(&UNITS), CommitOptions::default()).await?;
    let pushed = set("receipt", answer.receipt)?;
    let name = set("submission", answer.submission)?.name;
    let read = hub.submissions(Who::Publisher)?.get_receipt(GetReceiptRequest { name }).await?.into_inner();
    same("the receipt, read", &set("receipt", read.receipt)?, &pushed)?;

    let published = keys(hub).await?;
    let key = set("the receipt's key", published.iter().find(|key| key.key_id == pushed.key_id))?;
    let public = UnparsedPublicKey::new(&ED25519, &key.public_key);
    let signed = public.verify(pushed.canonical_json.as_bytes(), &pushed.signature);
    ensure!(signed.is_ok(), "the signature is not of key {} over {}", key.key_id, pushed.canonical_json);
    let named = format!("\"key_id\":\"{}\"", key.key_id);
    ensure!(pushed.canonical_json.contains(&named), "the signed text does not name its key");
    ensure!(pushed.canonical_json.contains("\"signature\":\"\""), "the signed text holds a signature");
    let from = set("valid_from", key.valid_from.as_ref())?;
    let at = set("commit_time", pushed.commit_time.as_ref())?;
    ensure!(from.seconds <= at.seconds, "the key came into force at {from}, after the commit at {at}");
    ensure!(
        key.valid_to.is_none() && key.revoke_time.is_none(),
        "a fresh receipt is of a key that has ended"
    );
    same("keys that sign", published.iter().filter(|key| key.valid_to.is_none()).count(), 1)
}

pub(crate) async fn a_payload_comes_back_as_it_was_sent(hub: &Hub) -> Result<(), Broken> {
    let data = payload::valid(&UNITS);
    let submission = committed(hub, "2012-M03", &data).await?;
    let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
    for offset in [0, 1, length / 2, length] {
        let request = ReadPayloadRequest { name: submission.name.clone(), offset };
        let mut stream = hub.submissions(Who::Publisher)?.read_payload(request).await?.into_inner();
        let first = set("a first message", stream.message().await?)?;
        same("its length", first.size_bytes, length)?;
        same("its SHA-256", &first.sha256, &submission.sha256)?;
        same("its media type", first.media_type.as_str(), payload::MEDIA_TYPE)?;
        same("where it begins", first.offset, offset)?;
        let mut got = first.data.to_vec();
        while let Some(message) = stream.message().await? {
            ensure!(message.data.len() <= 1 << 20, "a message of {} bytes", message.data.len());
            got.extend_from_slice(&message.data);
        }
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        same(&format!("the bytes from {offset} on"), got.as_slice(), data.get(from..).unwrap_or_default())?;
    }
    let request = ReadPayloadRequest { name: submission.name, offset: length.saturating_add(1) };
    let answer = hub.submissions(Who::Publisher)?.read_payload(request).await;
    refused("bytes behind the end", answer, &[Reason::RequestInvalid])?;
    Ok(())
}

pub(crate) async fn a_payload_comes_back_to_its_publisher_alone(hub: &Hub) -> Result<(), Broken> {
    let submission = committed(hub, "2012-M04", &payload::valid(&UNITS)).await?;
    let request = || ReadPayloadRequest { name: submission.name.clone(), offset: 0 };
    for who in [Who::Other, Who::Ministry] {
        let answer = hub.submissions(who)?.read_payload(request()).await;
        refused(&format!("{who:?} reads a payload"), answer, &[Reason::SubmissionUnknown])?;
    }
    let answer = hub.submissions(Who::Nobody)?.read_payload(request()).await;
    refused("a payload without a key", answer, &[Reason::CredentialMissing])?;

    let options = Some(CommitOptions::default());
    let blocked = hub.push(Who::Publisher, announce("2012-M05"), &payload::blocked(), options).await??;
    let name = set("submission", blocked.into_inner().submission)?.name;
    let answer = hub.submissions(Who::Publisher)?.read_payload(ReadPayloadRequest { name, offset: 0 }).await;
    refused("the bytes of what was refused", answer, &[Reason::PayloadNotKept])?;
    Ok(())
}
