use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Content as a hub commits it.
fn content() -> Value {
    json!({
        "bundle_sha256": "b".repeat(64), "carried": ["000903306", "<b>&</b>"],
        "committed_at": "2022-10-30T00:30:00.123456Z", "counts": {"info": 1, "warn": 2}, "dataset": "rb28s",
        "dataset_version": 7, "dropped": [], "hub": "0123456789abcdef", "key_id": "", "media_type": "text/csv",
        "nothing_to_report": false, "parent": 1, "pattern": "rb28s/1.0.0", "period": "2022-Q4",
        "publisher": "gmina-100201", "publisher_name": "Kutno </script><script>alert(\"\\u003c\")</script>",
        "report_sha256": "c".repeat(64), "revision": 2, "rows": 293, "sha256": "a".repeat(64), "signature": "",
        "size": 12345, "slices": 3, "submission": "0192f0c4-0000-7000-8000-000000000001",
        "verdict": "accepted-with-warnings",
    })
}

fn document(content: &Value) -> String {
    let text = to_sign(&canonical(content).unwrap(), "kid", None).unwrap();
    with_signature(&text, &[7; 64]).unwrap()
}

#[test]
fn a_receipt_is_its_text_with_the_signature_in_its_place() {
    let content = canonical(&content()).unwrap();
    for signed_at in [None, Some("2026-01-01T00:00:00.000000Z")] {
        let text = to_sign(&content, "kid", signed_at).unwrap();
        let document = with_signature(&text, &[7; 64]).unwrap();
        let read = Signed::read(&format!("{document}\r\n")).unwrap();
        assert_eq!((&read.text, read.signature.as_slice()), (&text, &[7; 64][..]));
        assert_eq!(read.document, document);
        assert_eq!((read.receipt.key_id.as_str(), read.receipt.rows), ("kid", 293));
        assert_eq!(read.receipt.signed_at.as_deref(), signed_at);
        let stands = read.receipt.stands_at().unwrap().to_rfc3339();
        assert!(stands.starts_with(if signed_at.is_some() { "2026" } else { "2022" }), "{stands}");
        assert_eq!(with_signature(&document, &[7; 64]), Err(Unsignable));
        assert_eq!(to_sign(&text, "kid", None), Err(Unsignable));
    }
}

#[test]
fn what_is_written_otherwise_or_unsigned_is_told() {
    let document = document(&content());
    let pretty = serde_json::to_string_pretty(&serde_json::from_str::<Value>(&document).unwrap()).unwrap();
    assert_eq!(Signed::read(&pretty), Err(ReceiptFault::Rewritten));
    let doubled = document.replacen("\"period\":", "\"period\":\"2021-Q4\",\"period\":", 1);
    assert_eq!(Signed::read(&doubled), Err(ReceiptFault::Rewritten));
    assert_eq!(Signed::read(&canonical(&content()).unwrap()), Err(ReceiptFault::Unsigned));
    let short = with_signature(&canonical(&content()).unwrap(), &[7; 63]).unwrap();
    assert_eq!(Signed::read(&short), Err(ReceiptFault::SignatureForm));
    // The last letter has bits that a lax reader passes over.
    let signature = Signed::read(&document).unwrap().signature_text();
    let lax = document.replace(&signature, &signature.replace("Bw", "Bx"));
    assert_ne!(lax, document);
    assert!(Signed::read(&lax).is_err());
    for other in ["", "{}", "[1]", "<html></html>", "{\"rows\":1}"] {
        assert!(matches!(Signed::read(other), Err(ReceiptFault::NotReceipt(_))), "{other}");
        assert!(matches!(read_page(other), Err(ReceiptFault::NotReceipt(_))), "{other}");
    }
}

#[test]
fn the_page_is_as_it_was_looked_at() {
    let signed = Signed::read(&document(&content())).unwrap();
    insta::assert_snapshot!(page(&signed));
}

#[test]
fn the_page_of_a_withdrawal_says_that_it_is_one() {
    let mut content = content();
    content["withdraws"] = json!("0192f0c4-0000-7000-8000-00000000000f");
    (content["rows"], content["size"], content["slices"]) = (json!(0), json!(0), json!(0));
    let signed = Signed::read(&document(&content)).unwrap();
    let page = page(&signed);
    let shown = page.split("<script").next().unwrap();
    for words in
        ["Potwierdzenie wycofania danych (UPO)", "wycofano / withdrawn", "00000000000f", "hub-receipt/2"]
    {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    for words in ["przyjęcia danych", "Przyjęto", "przyjęto", "Wiersze", "Plik: SHA-256"] {
        assert!(!shown.contains(words), "{words}: {shown}");
    }
    assert_eq!(read_page(&page).as_ref(), Ok(&signed));
    // Files that were made in the first form stay good.
    let first = super::page::in_first_form(&signed);
    assert!(first.contains("hub-receipt/1") && first != page);
    assert_eq!(read_page(&first).as_ref(), Ok(&signed));
}

#[test]
fn a_page_is_read_back_whatever_names_hold() {
    let mut content = content();
    for name in ["</script>", "\\u003c", "<!--", "a\u{202e}b\u{0}\n", "\\", "]]>", "'\"&amp;", "ż\u{1f600}"]
    {
        content["publisher_name"] = json!(name);
        content["carried"] = json!([name, name]);
        let signed = Signed::read(&document(&content)).unwrap();
        let page = page(&signed);
        assert_eq!(read_page(&page).as_ref(), Ok(&signed), "{name:?}");
        assert_eq!(page.matches("</script>").count(), 1, "{name:?}");
        assert!(!page.contains('\u{202e}') || name.is_ascii() || page.contains("[U+202E]"));
    }
}

#[test]
fn a_page_needs_nothing_from_outside() {
    let page = page(&Signed::read(&document(&content())).unwrap());
    for word in ["src=", "href=", "url(", "@import", "http://", "https://", "<link", "<img"] {
        assert!(!page.contains(word), "{word}");
    }
}

#[test]
fn long_lists_are_cut_on_the_page_only() {
    let mut content = content();
    content["carried"] = json!((0..500).map(|n| format!("slice-{n:03}")).collect::<Vec<_>>());
    content["erasures"] = json!(["0192f0c4-0000-7000-8000-000000000009"]);
    let page = page(&Signed::read(&document(&content)).unwrap());
    assert!(page.contains("500: slice-000, ") && page.contains(" … (+440)"));
    assert!(page.contains("slice-499") && page.contains("Erased for good"));
    assert_eq!(read_page(&page).unwrap().receipt.erasures.len(), 1);
}

#[test]
fn the_hour_that_comes_twice_is_told_apart() {
    let civil = |text| words::civil(moment(text).unwrap());
    assert_eq!(civil("2022-10-30T00:30:00Z"), "30 października 2022 r., 02:30:00 (CEST)");
    assert_eq!(civil("2022-10-30T01:30:00Z"), "30 października 2022 r., 02:30:00 (CET)");
    assert_eq!(civil("2026-01-01T00:00:00Z"), "1 stycznia 2026 r., 01:00:00 (CET)");
}

/// The key of RFC 8037, appendix A.
fn known_key(validity: Validity) -> PublicKey {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
        .unwrap();
    PublicKey::new(bytes.try_into().unwrap(), validity)
}

#[test]
fn ids_of_keys_are_their_thumbprints() {
    let key = known_key(Validity { from: 100, until: None, revoked: None });
    assert_eq!(key.id, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let at = |second| DateTime::from_timestamp(second, 999_999_999).unwrap();
    assert!(!key.covers(at(99)) && key.covers(at(100)) && key.covers(at(1 << 40)));
    let ended = known_key(Validity { from: 100, until: Some(200), revoked: None });
    assert!(ended.covers(at(200)) && !ended.covers(at(201)));
}

#[test]
fn key_sets_are_read_as_they_are_written() {
    let keys = vec![
        known_key(Validity { from: 100, until: Some(200), revoked: Some(150) }),
        PublicKey::new([9; 32], Validity { from: 50, until: None, revoked: None }),
    ];
    let set = KeySet { keys };
    let text = set.to_json().to_string();
    assert_eq!(KeySet::parse(&text), Ok(set.clone()));
    let forged = text.replacen("11qYAY", "11qYAZ", 1);
    assert!(matches!(KeySet::parse(&forged), Err(KeyFault::Thumbprint(_))));
    let other = json!({"keys": [{"kty": "RSA", "n": "x"}, set.to_json()["keys"][1]]}).to_string();
    assert_eq!(KeySet::parse(&other).unwrap().keys, set.keys[1..]);
    for text in ["", "{}", "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}]}"] {
        assert!(matches!(KeySet::parse(text), Err(KeyFault::NotKeys(_))), "{text}");
    }
}

#[test]
fn keys_that_were_kept_stay_and_times_are_taken_up() {
    let old = PublicKey::new([1; 32], Validity { from: 1, until: None, revoked: None });
    let revoked = PublicKey::new([2; 32], Validity { from: 2, until: Some(9), revoked: Some(9) });
    let mut kept = KeySet { keys: vec![old.clone(), revoked.clone()] };
    let ended = PublicKey::new([1; 32], Validity { from: 1, until: Some(5), revoked: None });
    let unrevoked = PublicKey::new([2; 32], Validity { from: 2, until: Some(9), revoked: None });
    let new = PublicKey::new([3; 32], Validity { from: 5, until: None, revoked: None });
    let added = kept.take_up(KeySet { keys: vec![new.clone(), ended.clone(), unrevoked] });
    assert_eq!(added, std::slice::from_ref(&new.id));
    assert_eq!(kept.keys, [new, revoked, ended]);
}

proptest! {
    #[test]
    fn a_page_with_one_other_letter_is_another(at in any::<prop::sample::Index>(), by in 1_u8..=255) {
        let page = page(&Signed::read(&document(&content())).unwrap());
        let mut bytes = page.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= by;
        let read = String::from_utf8(bytes).ok().map(|text| read_page(&text));
        prop_assert!(read.is_none_or(|read| read.is_err()));
    }
}
