//! The register of contracts: one JSON document, two patterns, in and out again.

use serde_json::Value;

use super::*;
use crate::JsonDocument;

const PATTERNS: [&str; 2] = ["rejestr_umow", "rejestr_umow_strony"];

fn checker_for(id: &str) -> Checker {
    checker_of(embedded(id), "2026-M07")
}

fn document(id: &str) -> Vec<u8> {
    sample(&format!("{id}/1.0.0/samples/valid/cru.json"))
}

/// The document of both patterns' rows.
fn written(batches: &[Vec<RecordBatch>; 2]) -> Vec<u8> {
    let patterns = PATTERNS.map(embedded);
    let mut parts = patterns
        .iter()
        .zip(batches)
        .map(|(pattern, batches)| JsonDocument::new(&pattern.mappings[0], pattern, batches).unwrap());
    let mut whole = parts.next().unwrap();
    whole.join(parts.next().unwrap());
    let mut bytes = Vec::new();
    whole.write(&mut bytes).unwrap();
    bytes
}

/// A document without what no pattern takes and what is not there, its amounts in one writing, its contracts in order.
fn essence(value: &Value) -> Option<Value> {
    const ASIDE: [&str; 2] = ["nazwa", "sourceUrl"];
    match value {
        Value::Null => None,
        Value::String(text) if text == "[usunieto]" => None,
        Value::Number(number) => Some(Value::String(format!("{:.2}", number.as_f64().unwrap()))),
        Value::Object(members) => {
            let is_contract = members.contains_key("idUmowy");
            let kept = members.iter().filter(|(name, _)| !(is_contract && ASIDE.contains(&name.as_str())));
            let kept = kept.filter_map(|(name, value)| Some((name.clone(), essence(value)?)));
            let kept: serde_json::Map<String, Value> = kept.collect();
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().filter_map(essence).collect();
            if items.iter().all(|item| item.get("idUmowy").is_some()) {
                items.sort_by_key(|item| item["idUmowy"].to_string());
            }
            Some(Value::Array(items))
        }
        plain => Some(plain.clone()),
    }
}

#[test]
fn a_register_holds_what_the_tables_cut_from_it_hold() {
    for id in PATTERNS {
        let checker = checker_for(id);
        let table = sample(&format!("{id}/1.0.0/samples/valid/ozarow-2026-m07.csv"));
        let (table, _) = rows(&checker, MediaType::Csv, table);
        let (register, found) = rows(&checker, MediaType::Json, document(id));
        assert_eq!(found.worst(), Some(crate::Severity::Info), "{:?}", found.listed);
        assert_eq!(text(&register), text(&table), "{id}");
    }
}

#[test]
fn a_register_goes_in_under_two_patterns_and_comes_out_as_one_document() {
    let checkers = PATTERNS.map(checker_for);
    let batches = [0, 1].map(|at| rows(&checkers[at], MediaType::Json, document(PATTERNS[at])).0);
    let bytes = written(&batches);
    let original: Value = serde_json::from_slice(&document(PATTERNS[0])).unwrap();
    let back: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(essence(&back["agreements"]), essence(&original["agreements"]));
    let contracts = back["agreements"].as_array().unwrap();
    assert!(
        contracts.iter().all(|contract| contract["wartoscPrzedmiotuUmowy"].is_number()),
        "as the agency has them"
    );
    assert!(bytes.windows(9).any(|bytes| bytes == b"670350.00"), "amounts keep their decimals");
    let again = [0, 1].map(|at| rows(&checkers[at], MediaType::Json, bytes.clone()).0);
    assert_eq!(again.each_ref().map(|rows| text(rows)), batches.each_ref().map(|rows| text(rows)));
    assert_eq!(written(&again), bytes);
}

#[test]
fn parties_keep_their_order_and_a_gap_is_no_party() {
    let checker = checker_for("rejestr_umow_strony");
    let id = "73928f5c-d9bc-4f3d-8574-4772162663b9";
    let party = |role: &str, at: u32, name: &str| {
        format!("014900974,{id},{role},{at},JSFP,{name},Polska,2026-07-30\n")
    };
    let table = "jednostka_regon,id_umowy,rola,lp,rodzaj,nazwa,kraj,data_publikacji\n".to_owned()
        + &party("wykonawca", 10, "trzecia")
        + &party("wykonawca", 2, "druga")
        + &party("zamawiajacy", 1, "pierwsza");
    let (batches, _) = rows(&checker, MediaType::Csv, table.into_bytes());
    let pattern = embedded("rejestr_umow_strony");
    let mut bytes = Vec::new();
    pattern.mappings[0].write(&pattern, &batches, &mut bytes).unwrap();
    let back: Value = serde_json::from_slice(&bytes).unwrap();
    let names = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|party| party["nazwa"].as_str().unwrap().to_owned()).collect()
    };
    let contract = &back["agreements"][0];
    assert_eq!(contract["details"]["dataPublikacji"], "30.07.2026");
    assert_eq!(
        (names(&contract["contractors"]), names(&contract["procurers"])),
        (vec!["druga".to_owned(), "trzecia".to_owned()], vec!["pierwsza".to_owned()])
    );
}
