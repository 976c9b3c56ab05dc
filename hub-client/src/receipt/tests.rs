use hub_datasets::receipt::{canonical, to_sign};
use proptest::prelude::*;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::*;
use crate::push::Digest;

/// A hub's key, in force from one second to another.
struct Key {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl Key {
    fn new(seed: u8, from: i64, until: Option<i64>) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        let bytes = pair.public_key().as_ref().try_into().unwrap();
        Self { pair, public: PublicKey::new(bytes, Validity { from, until, revoked: None }) }
    }

    fn set(&self) -> KeySet {
        KeySet { keys: vec![self.public.clone()] }
    }

    fn sign(&self, content: &Value, signed_at: Option<&str>) -> v1::Receipt {
        let content = canonical(content).unwrap();
        let text = to_sign(&content, &self.public.id, signed_at).unwrap();
        let signature = self.pair.sign(text.as_bytes()).as_ref().to_vec();
        v1::Receipt {
            canonical_json: text,
            key_id: self.public.id.clone(),
            signature: signature.into(),
            commit_time: None,
        }
    }
}

/// Committed at second 1,768,000,000.
fn content() -> Value {
    json!({
        "bundle_sha256": "b".repeat(64), "carried": ["000903306"], "committed_at": "2026-01-09T23:06:40.123456Z",
        "counts": {"warn": 2}, "dataset": "rb28s", "dataset_version": 7, "dropped": [], "hub": "0123456789abcdef",
        "key_id": "", "media_type": "text/csv", "nothing_to_report": false, "parent": 1, "pattern": "rb28s/1.0.0",
        "period": "2022-Q4", "publisher": "gmina-100201", "publisher_name": "Kutno \"<żółć>\" \u{1}",
        "report_sha256": "c".repeat(64), "revision": 2, "rows": 293, "sha256": "a".repeat(64), "signature": "",
        "size": 12345, "slices": 3, "submission": "0192f0c4-0000-7000-8000-000000000001", "verdict": "accepted",
    })
}

const COMMITTED: i64 = 1_768_000_000;

fn key() -> Key {
    Key::new(7, COMMITTED, None)
}

fn signed() -> Signed {
    signed_receipt(&key().sign(&content(), None)).unwrap()
}

fn check(text: &str) -> Result<(), ReceiptProblem> {
    verify(&read_receipt(text)?, &key().set())
}

#[test]
fn what_the_hub_signed_is_valid_as_json_and_as_a_page() {
    let signed = signed();
    assert_eq!(verify(&signed, &key().set()), Ok(()));
    for form in [ReceiptForm::Json, ReceiptForm::Html] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("upo");
        std::fs::write(&file, "older").unwrap();
        write_receipt(&signed, form, &file).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(read_receipt(&text), Ok(signed.clone()));
        assert_eq!(check(&text), Ok(()));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file stays");
    }
}

#[test]
fn the_extension_says_the_form() {
    let of = |name: &str| ReceiptForm::of(Path::new(name));
    assert_eq!(
        (of("a.json"), of("b.HTML"), of("c.htm")),
        (Some(ReceiptForm::Json), Some(ReceiptForm::Html), of("x.html"))
    );
    assert_eq!((of("a.pdf"), of("json")), (None, None));
}

#[test]
fn each_problem_has_its_name() {
    let signed = signed();
    let id = key().public.id;
    let unknown = ReceiptProblem::KeyUnknown { key: id.clone() };
    assert_eq!(verify(&signed, &KeySet::default()), Err(unknown.clone()));
    assert_eq!(verify(&signed, &Key::new(8, 0, None).set()), Err(unknown));
    let mut revoked = key().set();
    revoked.keys[0].validity.revoked = Some(COMMITTED + 100);
    assert_eq!(verify(&signed, &revoked), Err(ReceiptProblem::KeyRevoked { key: id.clone() }));
    for (from, until) in [(COMMITTED + 1, None), (0, Some(COMMITTED - 1))] {
        let problem = verify(&signed, &Key::new(7, from, until).set());
        assert!(matches!(problem, Err(ReceiptProblem::KeyNotInForce { .. })), "{problem:?}");
    }
    assert_eq!(verify(&signed, &Key::new(7, 0, Some(COMMITTED)).set()), Ok(()));
    let file = Digest { size: 12345, sha256: "a".repeat(64) };
    assert_eq!(compare(&signed, &file), Ok(()));
    let longer = Digest { size: 12346, ..file.clone() };
    assert_eq!(compare(&signed, &longer), Err(ReceiptProblem::Size { told: 12345, found: 12346 }));
    let other = compare(&signed, &Digest { sha256: "d".repeat(64), ..file });
    assert!(matches!(other, Err(ReceiptProblem::Sha256 { .. })));
    let wire = v1::Receipt { key_id: "other".to_owned(), ..key().sign(&content(), None) };
    assert!(matches!(signed_receipt(&wire), Err(ReceiptFault::NotReceipt(_))));
    let unsigned = v1::Receipt { signature: Default::default(), ..key().sign(&content(), None) };
    assert_eq!(signed_receipt(&unsigned), Err(ReceiptFault::Unsigned));
}

#[test]
fn a_later_key_signs_what_was_committed_before_and_says_when() {
    let later = Key::new(9, COMMITTED + 1_000, None);
    // Without a time it would claim to have been signed before the key was there.
    let silent = signed_receipt(&later.sign(&content(), None)).unwrap();
    assert!(matches!(verify(&silent, &later.set()), Err(ReceiptProblem::KeyNotInForce { .. })));
    let told = signed_receipt(&later.sign(&content(), Some("2026-02-01T00:00:00.000000Z"))).unwrap();
    assert_eq!(verify(&told, &later.set()), Ok(()));
    assert_eq!(read_receipt(&page(&told)).map(|signed| verify(&signed, &later.set())), Ok(Ok(())));
}

#[test]
fn every_field_is_signed() {
    let document: Value = serde_json::from_str(&signed().document).unwrap();
    let members = document.as_object().unwrap();
    assert_eq!(members.len(), content().as_object().unwrap().len());
    for (name, value) in members {
        let other = match value {
            Value::Null => json!(1),
            Value::Bool(is) => json!(!is),
            Value::Number(number) => json!(number.as_u64().unwrap() + 1),
            Value::String(text) => json!(format!("{text}x")),
            Value::Array(items) => json!(items.iter().chain([&json!("more")]).collect::<Vec<_>>()),
            Value::Object(_) => json!({"warn": 3}),
        };
        let mut changed = document.clone();
        changed[name] = other;
        assert!(check(&canonical(&changed).unwrap()).is_err(), "{name} changed");
        let mut less = document.clone();
        less.as_object_mut().unwrap().remove(name);
        assert!(check(&canonical(&less).unwrap()).is_err(), "{name} removed");
    }
    let mut more = document.clone();
    more["note"] = json!("paid");
    assert_eq!(check(&canonical(&more).unwrap()), Err(ReceiptProblem::Signature));
}

#[test]
fn keys_are_kept_from_the_first_meeting_on() {
    let folder = tempfile::tempdir().unwrap();
    let load = || KeptKeys::load(folder.path(), "publisher").unwrap();
    let (first, second) = (Key::new(1, 1, None), Key::new(2, 5, None));
    assert!(KeptKeys::load(folder.path(), "../other").is_err(), "a name is no path");
    let mut kept = load();
    assert!(kept.keys().keys.is_empty());
    let met = kept.take_up(first.set()).unwrap();
    assert_eq!(met, Met { first: true, added: vec![first.public.id.clone()], missing: vec![] });
    assert_eq!(load().keys(), &first.set());
    assert!(KeptKeys::load(folder.path(), "other").unwrap().keys().keys.is_empty());

    // A hub that shows other keys only is told of, and what was kept stays.
    let met = load().take_up(second.set()).unwrap();
    let (added, missing) = (vec![second.public.id.clone()], vec![first.public.id.clone()]);
    assert_eq!(met, Met { first: false, added, missing });
    assert_eq!(load().keys().keys, [second.public.clone(), first.public.clone()]);
    std::fs::write(load().path(), "{}").unwrap();
    assert!(KeptKeys::load(folder.path(), "publisher").is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn one_changed_byte_makes_a_receipt_invalid(at in any::<prop::sample::Index>(), by in 1_u8..=255) {
        let mut bytes = signed().document.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= by;
        let checked = String::from_utf8(bytes).ok().map(|text| check(&text));
        prop_assert!(checked.is_none_or(|checked| checked.is_err()));
    }

    #[test]
    fn one_byte_more_or_less_makes_a_receipt_invalid(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let bytes = signed().document.into_bytes();
        let at = at.index(bytes.len());
        let mut less = bytes.clone();
        less.remove(at);
        let mut more = bytes;
        more.insert(at, byte);
        for changed in [less, more] {
            let checked = String::from_utf8(changed).ok().map(|text| check(&text));
            prop_assert!(checked.is_none_or(|checked| checked.is_err()));
        }
    }

    #[test]
    fn one_changed_byte_makes_a_page_invalid(at in any::<prop::sample::Index>(), by in 1_u8..=255) {
        let mut bytes = page(&signed()).into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= by;
        let checked = String::from_utf8(bytes).ok().map(|text| check(&text));
        prop_assert!(checked.is_none_or(|checked| checked.is_err()));
    }
}
