use chrono::NaiveDate;
use proptest::prelude::*;

use super::{Frequency, Period, PeriodError};

fn period(text: &str) -> Period {
    text.parse().unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

#[test]
fn labels_name_their_days() {
    for (label, frequency, first, last) in [
        ("2022", Frequency::Annual, "2022-01-01", "2022-12-31"),
        ("2022-S1", Frequency::HalfYear, "2022-01-01", "2022-06-30"),
        ("2022-S2", Frequency::HalfYear, "2022-07-01", "2022-12-31"),
        ("2022-Q4", Frequency::Quarter, "2022-10-01", "2022-12-31"),
        ("2022-M11", Frequency::Month, "2022-11-01", "2022-11-30"),
        ("2024-M02", Frequency::Month, "2024-02-01", "2024-02-29"),
        ("2022-11-05", Frequency::Day, "2022-11-05", "2022-11-05"),
    ] {
        let p = period(label);
        assert_eq!(
            (p.frequency(), p.first_day(), p.last_day()),
            (frequency, day(first), day(last)),
            "{label}"
        );
        assert_eq!(p.to_string(), label);
    }
}

#[test]
fn other_spellings_are_refused() {
    for text in [
        "",
        "22",
        "2022-",
        "2022-S0",
        "2022-S3",
        "2022-Q0",
        "2022-Q5",
        "2022-Q04",
        "2022-M1",
        "2022-M13",
        "2022-M00",
        "2022-11",
        "2022-02-29",
        "2022-1-05",
        "2022q4",
        "2022-q4",
        " 2022",
        "2022 ",
        "0000",
        "+022",
        "2022-M+1",
        "２０２２",
        "2022-Q4x",
        "ąąąą-Q4",
    ] {
        assert_eq!(text.parse::<Period>(), Err(PeriodError(text.to_owned())), "{text}");
    }
    assert!("9".repeat(5_000).parse::<Period>().unwrap_err().0.len() <= 40);
}

#[test]
fn december_and_the_fourth_quarter_end_together() {
    for label in ["2022-M12", "2022-Q4", "2022-S2", "2022", "2022-12-31"] {
        for frequency in Frequency::ALL {
            assert!(period(label).ends_a(frequency), "{label} ends a {frequency:?}");
        }
    }
    assert!(period("2022-M06").ends_a(Frequency::HalfYear));
    assert!(!period("2022-M06").ends_a(Frequency::Annual));
    assert!(!period("2022-M11").ends_a(Frequency::Quarter));
}

#[test]
fn letters_go_there_and_back() {
    for frequency in Frequency::ALL {
        assert_eq!(Frequency::from_letter(&frequency.letter().to_string()), Some(frequency));
    }
    assert_eq!(Frequency::from_letter("Q4"), None);
    assert_eq!(Frequency::from_letter(""), None);
}

proptest! {
    #[test]
    fn a_day_lies_in_its_period_and_the_label_reads_back(days in 0i32..73_000, which in 0usize..5) {
        let day = NaiveDate::from_num_days_from_ce_opt(700_000 + days).unwrap();
        let p = Period::holding(day, Frequency::ALL[which]).unwrap();
        prop_assert!(p.contains(day));
        prop_assert!(p.ends_a(p.frequency()));
        prop_assert_eq!(&period(p.label()), &p);
        prop_assert!(!p.contains(p.first_day().pred_opt().unwrap()));
        prop_assert!(!p.contains(p.last_day().succ_opt().unwrap()));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,14}") {
        if let Ok(p) = text.parse::<Period>() {
            prop_assert_eq!(p.label(), text.as_str());
        }
    }

    #[test]
    fn a_period_that_ends_a_longer_one_shares_its_last_day(days in 0i32..73_000) {
        let day = NaiveDate::from_num_days_from_ce_opt(700_000 + days).unwrap();
        let month = Period::holding(day, Frequency::Month).unwrap();
        let quarter = Period::holding(day, Frequency::Quarter).unwrap();
        prop_assert_eq!(month.ends_a(Frequency::Quarter), month.last_day() == quarter.last_day());
    }
}
