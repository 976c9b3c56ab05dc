use proptest::prelude::*;

use super::super::tests::{blocking, check_in, embedded};
use super::super::{Checker, Context};
use super::*;
use crate::pattern::{ColumnType, Sensitivity};
use crate::report::Code;
use crate::{CodeLists, Pattern, Report};

/// A PESEL of a day and a serial number; nobody's.
fn pesel(year: i32, month: u32, day: u32, serial: u32) -> String {
    let coded = if year >= 2000 { month + 20 } else { month };
    let first = format!("{:02}{coded:02}{day:02}{serial:04}", year % 100);
    let weights = [1, 3, 7, 9, 1, 3, 7, 9, 1, 3];
    let sum: u32 = first.bytes().zip(weights).map(|(byte, weight)| u32::from(byte - b'0') * weight).sum();
    format!("{first}{}", (10 - sum % 10) % 10)
}

/// A number of the weights' length and one more digit that checks it.
fn checked(digits: &[u32], weights: &[u32]) -> String {
    let sum: u32 = digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum();
    let all = digits.iter().map(u32::to_string).collect::<String>();
    format!("{all}{}", sum % 11 % 10)
}

fn report(pattern: Pattern, period: &str, text: &str) -> Report {
    let (pattern, lists) =
        (std::sync::Arc::new(pattern), std::sync::Arc::new(CodeLists::embedded().unwrap()));
    let context = Context { pattern, lists, period: Some(period.parse().unwrap()), publisher: None };
    check_in(&Checker::new(context).unwrap(), text.as_bytes(), 4_096)
}

const CONTRACT: &str = "jednostka_regon,id_umowy,data_zawarcia,przedmiot,wartosc,status,data_publikacji\n014900974,73928f5c-d9bc-4f3d-8574-4772162663b9,2026-07-01,SUBJECT,VALUE,Aktywna,2026-07-02\n";

fn contract(subject: &str, value: &str) -> String {
    CONTRACT.replace("SUBJECT", subject).replace("VALUE", value)
}

#[test]
fn a_number_is_refused_and_shown_nowhere() {
    let number = pesel(1985, 3, 7, 1234);
    let found = report(embedded("rejestr_umow"), "2026-M07", &contract(&format!("dla: {number}"), "1"));
    assert_eq!(blocking(&found), [Code::PersonalNumber]);
    assert_eq!(found.violations[0].value, format!("dla: {MASK}"));
    let whole = serde_json::to_string(&found).unwrap();
    assert!(!whole.contains(&number), "{whole}");
    // Wherever it stands, whatever else is wrong with it.
    for text in [
        contract("praca", &format!("{number} zł")),
        contract("praca", "1").replace("014900974", &number),
        contract("praca", "1").replace("przedmiot", &number),
        format!("{number};x\n1;2\n"),
        contract("praca", "1") + &format!("{number},1\n"),
    ] {
        let found = report(embedded("rejestr_umow"), "2026-M07", &text);
        assert!(found.blocks(), "{text}");
        let whole = serde_json::to_string(&found).unwrap();
        assert!(!whole.contains(&number), "{whole}");
    }
}

#[test]
fn the_mask_sent_back_is_refused_and_a_personal_pattern_takes_numbers() {
    let number = pesel(1985, 3, 7, 1234);
    let masked = report(embedded("rejestr_umow"), "2026-M07", &contract(MASK, "1"));
    assert_eq!(blocking(&masked), [Code::PersonalNumber]);
    let mut personal = embedded("rejestr_umow");
    personal.sensitivity = Sensitivity::Personal;
    let taken = report(personal, "2026-M07", &contract(&number, "1"));
    assert!(!taken.blocks(), "{:?}", taken.violations);
}

#[test]
fn nobody_is_born_after_the_period() {
    let (child, number) = (pesel(2019, 1, 2, 3), pesel(2048, 12, 3, 4));
    let last = NaiveDate::from_ymd_opt(2026, 7, 31);
    assert!(holds_number(&child, last) && !holds_number(&number, last) && holds_number(&number, None));
    assert_eq!(masked(&number), MASK);
}

#[test]
fn a_letter_beside_a_number_does_not_hide_it() {
    let number = pesel(1944, 5, 14, 135);
    for text in [format!("PESEL{number}"), format!("{number}tel"), format!("({number}zm.)")] {
        assert!(holds_number(&text, None) && !masked(&text).contains(&number), "{text}");
    }
    assert!(!holds_number(&format!("1{number}"), None) && !holds_number(&format!("{number}0"), None));
}

proptest! {
    #[test]
    fn every_number_is_found_in_any_text_and_masked(
        year in 1900_i32..2026, month in 1_u32..13, day in 1_u32..29, serial in 0_u32..10_000,
        before in "[^0-9*]{0,6}", after in "([ ,.;:/)a-zż-][a-zżó ]{0,9})?",
    ) {
        let number = pesel(year, month, day, serial);
        let text = format!("{before}{number}{after}");
        prop_assert!(holds_number(&text, NaiveDate::from_ymd_opt(2026, 12, 31)));
        prop_assert_eq!(masked(&text), format!("{}{}{}", before, MASK, after));
    }

    /// Numbers of firms, telephones, amounts, times and identifiers are none.
    #[test]
    fn other_numbers_are_left_alone(digits in prop::collection::vec(0_u32..10, 13), cents in 0_u64..1_000_000_000_000) {
        let short = checked(&digits[..8], &[8, 9, 2, 3, 4, 5, 6, 7]);
        let mut long: Vec<u32> = short.bytes().map(|byte| u32::from(byte - b'0')).collect();
        long.extend(&digits[9..13]);
        let regon14 = checked(&long, &[2, 4, 8, 5, 0, 9, 7, 3, 6, 1, 2, 4, 8]);
        let nip = checked(&digits[..9], &[6, 5, 7, 2, 3, 4, 5, 6, 7]);
        let local: String = digits[..6].iter().map(u32::to_string).collect();
        let mobiles = ["45", "50", "51", "53", "57", "60", "66", "69", "72", "73", "78", "79", "88"];
        let account: String = digits.iter().chain(&digits).map(u32::to_string).collect();
        for text in mobiles
            .iter()
            .flat_map(|prefix| {
                let (prefix, spaced) = (prefix.to_string(), format!("+48 {prefix}{} {} {}", &local[..1], &local[1..4], &local[4..]));
                [format!("48{prefix}{local}1"), spaced]
            })
            .chain([regon14, nip, short, account, format!("{cents}.00"), "2017-02-15T00:00:00".to_owned()])
        {
            let is_amount = text.ends_with(".00");
            prop_assert!(is_amount && text.len() == 14 || !holds_number(&text, None), "{}", text);
        }
    }

    /// A column whose own check digit is declared is asked for that alone: no number of it is a PESEL.
    #[test]
    fn columns_with_a_check_of_their_own_are_not_asked(serial in 0_u32..10_000) {
        let pattern = embedded("rejestr_umow_strony");
        let number = pesel(1970, 5, 6, serial);
        let nip = pattern.columns.iter().position(|column| column.name == "nip").unwrap();
        prop_assert_eq!(pattern.columns[nip].kind, ColumnType::String);
        let text = format!("jednostka_regon,id_umowy,rola,lp,rodzaj,nip,data_publikacji\n014900974,73928f5c-d9bc-4f3d-8574-4772162663b9,wykonawca,1,Przedsiębiorca,{number},2026-07-02\n");
        let found = report(pattern, "2026-M07", &text);
        prop_assert_eq!(blocking(&found), [Code::FormInvalid]);
        prop_assert!(!serde_json::to_string(&found).unwrap().contains(&number));
    }
}

#[test]
fn a_column_is_looked_at_when_one_of_its_texts_may_hold_a_number() {
    let may = |texts: &[&str]| may_hold_numbers(&StringArray::from(texts.to_vec()));
    assert!(!may(&[]) && !may(&[""]) && !may(&["801", "80101", "90210", "12345", "67890"]));
    assert!(!may(&["a long text without any number", "1234567890 and 0987654321"]));
    assert!(may(&["short", "born as 44051401359"]) && may(&["44051401359"]) && may(&["a ***********"]));
    // A part of an array looks at its own texts.
    let texts = StringArray::from(vec!["44051401359", "a text that holds none at all"]);
    assert!(!may_hold_numbers(&texts.slice(1, 1)) && may_hold_numbers(&texts.slice(0, 1)));
}

proptest::proptest! {
    #[test]
    fn no_number_escapes_the_quick_look(texts in proptest::collection::vec("[0-9a* ]{0,24}", 0..6), at in 0usize..6) {
        let mut texts = texts;
        if at < texts.len() {
            texts[at].push_str(" 44051401359");
        }
        let array = StringArray::from(texts.clone());
        let holds = texts.iter().any(|text| holds_number(text, None));
        proptest::prop_assert!(!holds || may_hold_numbers(&array));
    }
}
