use hub_datasets::receipt::{Validity, with_signature};
use ring::signature::{ED25519, UnparsedPublicKey};

use super::*;

const CONTENT: &str = "{\"carried\":[\"\\\"committed_at\\\":\\\"x\"],\"committed_at\":\"2026-01-02T03:04:05.678901Z\",\"key_id\":\"\",\"signature\":\"\",\"size\":1}";

fn moment(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn signer(from: &str) -> Signer {
    let secret = SecretKey::of(&[7; SECRET_BYTES]).unwrap();
    let validity = Validity { from: moment(from).timestamp(), until: None, revoked: None };
    let key = PublicKey::new(secret.public().unwrap(), validity);
    Signer::new(secret, key.clone(), KeySet { keys: vec![key] })
}

#[test]
fn the_same_content_gives_the_same_signature_and_it_holds() {
    let signer = signer("2026-01-02T03:04:05Z");
    let first = signer.sign(CONTENT, moment("2026-02-01T00:00:00Z")).unwrap();
    let again = signer.sign(CONTENT, moment("2027-02-01T00:00:00Z")).unwrap();
    assert_eq!(first, again);
    assert!(!first.text.contains("signed_at"), "{}", first.text);
    let key = UnparsedPublicKey::new(&ED25519, signer.published().keys[0].bytes);
    key.verify(first.text.as_bytes(), &first.signature).unwrap();
    assert!(key.verify(CONTENT.as_bytes(), &first.signature).is_err());
    assert!(with_signature(&first.text, &first.signature).is_ok());
}

#[test]
fn what_was_committed_before_the_key_tells_when_it_was_signed() {
    let signer = signer("2026-01-02T03:04:06Z");
    let late = signer.sign(CONTENT, moment("2026-02-01T00:00:00Z")).unwrap();
    assert!(
        late.text.contains("\"signature\":\"\",\"signed_at\":\"2026-02-01T00:00:00.000000Z\",\"size\""),
        "{}",
        late.text
    );
    let set_back = signer.sign(CONTENT, moment("2025-12-31T00:00:00Z")).unwrap();
    assert!(set_back.text.contains("\"signed_at\":\"2026-01-02T03:04:06.000000Z\""), "{}", set_back.text);
}

#[test]
fn content_that_is_no_receipt_is_not_signed() {
    let signer = signer("2026-01-01T00:00:00Z");
    let now = moment("2026-02-01T00:00:00Z");
    assert_eq!(signer.sign("{}", now), Err(SignError::NoTime));
    let signed = signer.sign(CONTENT, now).unwrap().text;
    assert_eq!(signer.sign(&signed, now), Err(SignError::Content(Unsignable)));
}

#[test]
fn drawn_keys_differ_and_show_nothing() {
    let (first, kept) = SecretKey::draw().unwrap();
    let (second, _) = SecretKey::draw().unwrap();
    assert_ne!(first.public(), second.public());
    assert_eq!(SecretKey::of(&kept).unwrap().public(), first.public());
    let shown = format!("{first:?}");
    assert_eq!(shown, "SecretKey(..)");
}
