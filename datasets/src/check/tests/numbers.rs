//! Parsers of numbers and times against slow references.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeZone};
use proptest::prelude::*;

use super::super::breach::Kind;
use super::super::decode::Cell;
use super::super::decode::number::{Shape, boolean, float, integer};
use super::super::decode::time::{Clock, Zone, date};

/// The decimal of a text by schoolbook rules: strip, pad, join, parse.
fn slow(text: &str, precision: u32, scale: usize) -> Option<i128> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && decimals.is_empty()
        || !format!("{whole}{decimals}").bytes().all(|b| b.is_ascii_digit())
    {
        return None;
    }
    let decimals = decimals.trim_end_matches('0');
    if decimals.len() > scale {
        return None;
    }
    let units: i128 = format!("0{whole}{decimals:0<scale$}").parse().ok()?;
    (units < 10_i128.pow(precision)).then_some(sign * units)
}

proptest! {
    #[test]
    fn decimals_equal_the_slow_reference(text in "[-+]?[0-9]{0,21}(\\.[0-9]{0,4}0{0,3})?") {
        for (precision, scale) in [(18_u8, 2_i8), (10, 3), (38, 0), (5, 4)] {
            let fast = Shape::new(precision, scale).parse(text.as_bytes());
            match slow(&text, u32::from(precision), scale as usize) {
                Some(value) => prop_assert_eq!(fast, Cell::Value(value)),
                None => prop_assert!(!matches!(fast, Cell::Value(_)), "{fast:?}"),
            }
        }
    }

    #[test]
    fn every_integer_comes_back(value in any::<i64>()) {
        prop_assert_eq!(integer(value.to_string().as_bytes(), false), Cell::Value(value));
    }

    #[test]
    fn sums_of_floats_are_noise_or_exact(cents in prop::collection::vec(0_i64..1_000_000, 1..20)) {
        let sum: f64 = cents.iter().map(|c| *c as f64 / 100.0).sum();
        let exact = i128::from(cents.iter().sum::<i64>());
        let parsed = Shape::new(18, 2).parse(sum.to_string().as_bytes());
        prop_assert!(parsed == Cell::Value(exact) || parsed == Cell::Noise(exact), "{sum} {parsed:?}");
    }

    #[test]
    fn every_day_comes_back(days in -719_162_i32..2_932_896) {
        let day = NaiveDate::default() + chrono::Duration::days(i64::from(days));
        prop_assert_eq!(date(day.format("%Y-%m-%d").to_string().as_bytes()), Cell::Value(days));
    }

    #[test]
    fn dates_are_those_that_chrono_knows(text in "[0-9]{4}-[01][0-9]-[0-3][0-9]") {
        let known = NaiveDate::parse_from_str(&text, "%Y-%m-%d").is_ok();
        prop_assert_eq!(matches!(date(text.as_bytes()), Cell::Value(_)), known);
    }

    #[test]
    fn times_of_a_zone_equal_chrono(seconds in 0_i64..4_000_000_000) {
        let zone = chrono_tz::Europe::Warsaw;
        let local: NaiveDateTime = DateTime::from_timestamp(seconds, 0).unwrap().naive_utc();
        let text = local.format("%Y-%m-%d %H:%M:%S").to_string();
        let mut clock = Clock::new(Zone::Named(zone));
        let expected = match zone.from_local_datetime(&local) {
            chrono::LocalResult::Single(time) => Cell::Value(time.timestamp_micros()),
            chrono::LocalResult::Ambiguous(..) => Cell::Fault(Kind::TimeAmbiguous),
            chrono::LocalResult::None => Cell::Fault(Kind::TimeSkipped),
        };
        // Twice: the second reading comes from the clock's memory.
        prop_assert_eq!(clock.parse(text.as_bytes()), expected);
        prop_assert_eq!(clock.parse(text.as_bytes()), expected);
    }

    #[test]
    fn no_cell_panics(cell in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = (integer(&cell, true), float(&cell), boolean(&cell), date(&cell));
        let _ = (Shape::new(38, 10).parse(&cell), Clock::new(Zone::UTC).parse(&cell));
    }
}

#[test]
fn float_noise_is_told_from_excess_decimals() {
    let money = Shape::new(18, 2);
    assert_eq!(money.parse(b"2.1800000000000002"), Cell::Noise(218));
    assert_eq!(money.parse(b"0.30000000000000004"), Cell::Noise(30));
    assert_eq!(money.parse(b"-2723716.4000000004"), Cell::Noise(-272_371_640));
    assert_eq!(money.parse(b"1.9899999999999998"), Cell::Noise(199));
    assert_eq!(money.parse(b"2.184"), Cell::Fault(Kind::DecimalsExcess));
    assert_eq!(money.parse(b"12345678901234.123"), Cell::Fault(Kind::DecimalsExcess));
    assert_eq!(money.parse(b"2.500"), Cell::Value(250));
}

#[test]
fn numbers_that_offices_write() {
    let money = Shape::new(18, 2);
    assert_eq!(money.parse(b" 12.5\t"), Cell::Value(1_250));
    assert_eq!(money.parse(b"  "), Cell::Empty);
    for wrong in ["1,5", "1 000", "27.7 (poz.)", "-", "1e3", "0x1", "1.2.3", "zł", "--1"] {
        assert_eq!(money.parse(wrong.as_bytes()), Cell::Fault(Kind::Type), "{wrong}");
    }
    assert_eq!(money.parse(b"10000000000000000"), Cell::Fault(Kind::TooLarge));
    assert_eq!(integer(b"9223372036854775808", false), Cell::Fault(Kind::TooLarge));
    assert_eq!(integer(b"12.5", false), Cell::Fault(Kind::DecimalsExcess));
    assert_eq!(float(b"1e400"), Cell::Fault(Kind::TooLarge));
    assert_eq!(float(b"inf"), Cell::Fault(Kind::Type));
    assert_eq!(boolean(b" true"), Cell::Value(true));
    assert_eq!(boolean(b"TAK"), Cell::Fault(Kind::Type), "read in another form, and listed");
}

#[test]
fn times_that_stations_write() {
    let mut clock = Clock::new(Zone::parse("+01:00").unwrap());
    let midnight = clock.parse(b"2017-03-01T00:00:00+01:00");
    assert_eq!(clock.parse(b"2017-02-28 24:00"), midnight);
    assert_eq!(clock.parse(b"2017-02-28T23:00Z"), midnight);
    assert_eq!(clock.parse(b"2017-03-01 00:00:00.000"), midnight);
    for wrong in
        ["2017-02-28 25:00", "2017-02-28 24:01", "2017-02-29 01:00", "2017-02-28", "28.02.2017 01:00"]
    {
        assert_eq!(clock.parse(wrong.as_bytes()), Cell::Fault(Kind::Type), "{wrong}");
    }
    let mut warsaw = Clock::new(Zone::parse("Europe/Warsaw").unwrap());
    assert_eq!(warsaw.parse(b"2022-10-30 02:30"), Cell::Fault(Kind::TimeAmbiguous));
    assert_eq!(warsaw.parse(b"2022-03-27 02:30"), Cell::Fault(Kind::TimeSkipped));
    assert!(matches!(warsaw.parse(b"2022-10-30 02:30+02:00"), Cell::Value(_)));
}

#[test]
fn three_digits_behind_the_only_separator_are_no_money_where_offices_write() {
    let money = Shape::new(18, 2).by_hand(true);
    for cell in ["17.900", "1.000", "-999.120", "+5.123", " 23.140 "] {
        assert_eq!(money.parse(cell.as_bytes()), Cell::Fault(Kind::TwoReadings), "{cell}");
        assert_eq!(integer(cell.as_bytes(), true), Cell::Fault(Kind::TwoReadings), "{cell}");
    }
    assert_eq!(money.parse(b"0.500"), Cell::Value(50));
    assert_eq!(money.parse(b"1790.000"), Cell::Value(179_000));
    assert_eq!(money.parse(b"17.9000"), Cell::Value(1_790));
    assert_eq!(Shape::new(18, 2).parse(b"17.900"), Cell::Value(1_790));
    assert_eq!(Shape::new(10, 3).by_hand(true).parse(b"17.900"), Cell::Value(17_900));
    assert_eq!(integer(b"7.0", true), Cell::Value(7));
}
