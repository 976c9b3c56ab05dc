use chrono::NaiveDate;

use super::spans;
use crate::catalog::Identifier;

fn day(text: &str) -> Option<NaiveDate> {
    Some(text.parse().unwrap())
}

fn identifier(scheme: &str, from: Option<NaiveDate>, to: Option<NaiveDate>) -> Identifier {
    Identifier { scheme: scheme.to_owned(), value: "1".to_owned(), valid_from: from, valid_to: to }
}

#[test]
fn an_organisation_without_identifiers_has_one_open_span() {
    assert_eq!(spans(&[]), vec![(None, None)]);
    assert_eq!(spans(&[identifier("nip", None, None)]), vec![(None, None)]);
}

#[test]
fn a_change_of_code_splits_the_time() {
    let codes = [
        identifier("terc6", day("2000-01-01"), day("2019-12-31")),
        identifier("terc6", day("2020-01-01"), None),
        identifier("regon", None, None),
    ];
    let expected =
        vec![(None, day("1999-12-31")), (day("2000-01-01"), day("2019-12-31")), (day("2020-01-01"), None)];
    assert_eq!(spans(&codes), expected);
}

#[test]
fn days_without_any_code_are_left_out() {
    let codes = [identifier("terc6", day("2000-01-01"), day("2000-12-31"))];
    assert_eq!(spans(&codes), vec![(day("2000-01-01"), day("2000-12-31"))]);
}
