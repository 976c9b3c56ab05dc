use serde_json::json;

use super::canonical;

#[test]
fn names_are_sorted_by_utf16_and_texts_escaped_once() {
    let value =
        json!({"\u{20ac}": 1, "\r": 2, "\u{1f600}": 3, "1": [true, null, -7], "\u{fb33}": "a\u{1}\"\\\n/ż"});
    let expected = "{\"\\r\":2,\"1\":[true,null,-7],\"\u{20ac}\":1,\"\u{1f600}\":3,\"\u{fb33}\":\"a\\u0001\\\"\\\\\\n/ż\"}";
    assert_eq!(canonical(&value).unwrap(), expected);
}

#[test]
fn numbers_that_readers_would_round_are_refused() {
    assert_eq!(canonical(&json!(9_007_199_254_740_991_i64)).unwrap(), "9007199254740991");
    for number in [json!(9_007_199_254_740_992_i64), json!(1.5), json!(u64::MAX)] {
        assert!(canonical(&json!([number])).is_err(), "{number}");
    }
}
