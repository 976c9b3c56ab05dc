use super::*;

fn read(kind: ColumnType, cell: &str) -> Option<(String, Vec<Change>)> {
    let rewritten = rewritten(kind, cell.as_bytes())?;
    Some((String::from_utf8(rewritten.text).unwrap(), rewritten.changes))
}

#[test]
fn numbers_are_read_where_their_writing_has_one_reading() {
    use Change::{DecimalComma, NoValueMark, Thousands};
    let money = ColumnType::Decimal(18, 2);
    for (cell, number, changes) in [
        ("17900,00", "17900.00", vec![DecimalComma]),
        ("-0,5", "-0.5", vec![DecimalComma]),
        ("1 234 567,89", "1234567.89", vec![DecimalComma, Thousands]),
        ("1\u{A0}234,50", "1234.50", vec![DecimalComma, Thousands]),
        ("1\u{202F}234", "1234", vec![Thousands]),
        ("1.234,50", "1234.50", vec![DecimalComma, Thousands]),
        ("1,234.50", "1234.50", vec![Thousands]),
        ("1.234.567", "1234567", vec![Thousands]),
        ("\u{2212}12,5", "-12.5", vec![DecimalComma]),
        ("-", "", vec![NoValueMark]),
        (" – ", "", vec![NoValueMark]),
        ("-1)", "", vec![NoValueMark]),
    ] {
        assert_eq!(read(money, cell), Some((number.to_owned(), changes)), "{cell}");
    }
    for cell in
        ["12 34", "1 2345", "1,2,3", "27,7 (poz. dop.: 125 µg/m3)", "sto", "", ",", "1 234.567,8.9", "1'234"]
    {
        assert_eq!(read(money, cell), None, "{cell}");
    }
    // A reading with too many decimals is left to the column's type: it is never taken for thousands.
    assert_eq!(read(money, "1,234"), Some(("1.234".to_owned(), vec![DecimalComma])));
}

#[test]
fn dates_and_hours_are_read_where_day_and_month_cannot_be_confused() {
    use Change::{DateForm, HourForm};
    for (cell, date) in [
        ("31.12.2022", "2022-12-31"),
        ("1.2.2022", "2022-02-01"),
        ("2022/12/31", "2022-12-31"),
        ("2022-1-5", "2022-01-05"),
        ("2022-12-31 00:00:00", "2022-12-31"),
    ] {
        assert_eq!(read(ColumnType::Date, cell), Some((date.to_owned(), vec![DateForm])), "{cell}");
    }
    for cell in ["01/02/2022", "31-12-2022", "31.12.22", "2022-12-31 10:00", "09-sty", "44926"] {
        assert_eq!(read(ColumnType::Date, cell), None, "{cell}");
    }
    let time = |cell| read(ColumnType::Datetime, cell);
    assert_eq!(time("2017-02-15 1:00"), Some(("2017-02-15 01:00".to_owned(), vec![HourForm])));
    assert_eq!(time("15.02.2017 24:00"), Some(("2017-02-16 00:00".to_owned(), vec![DateForm, HourForm])));
    assert_eq!(time("2017-12-31 24:00:00"), Some(("2018-01-01 00:00".to_owned(), vec![HourForm])));
    assert_eq!(time("2017-02-15 24:30"), None);
    assert_eq!(time("15.02.2017"), None);
}

#[test]
fn yes_and_no_are_read_in_the_words_of_spreadsheets() {
    let read = |cell| read(ColumnType::Boolean, cell);
    for (cells, value) in
        [(["TRUE", "1", "Tak", "PRAWDA"], "true"), (["False", "0", "nie", "FAŁSZ"], "false")]
    {
        for cell in cells {
            assert_eq!(read(cell), Some((value.to_owned(), vec![Change::BooleanForm])), "{cell}");
        }
    }
    assert_eq!(read("być może"), None);
}

#[test]
fn texts_lose_what_nobody_meant() {
    let clean = |cell: &str| {
        let (text, changes) = text::meant(cell.as_bytes());
        (String::from_utf8(text).unwrap(), changes)
    };
    assert!(text::is_suspect("001070630  ".as_bytes()) && text::is_suspect("\u{A0}801".as_bytes()));
    assert!(!text::is_suspect(b"801") && !text::is_suspect("łódź".as_bytes()) && !text::is_suspect(b""));
    assert_eq!(clean(" 020101"), ("020101".to_owned(), vec![Change::BlanksAround]));
    assert_eq!(clean("\t\r801\u{A0}"), ("801".to_owned(), vec![Change::BlanksAround]));
    assert_eq!(clean("à"), ("à".to_owned(), vec![]));
    assert_eq!(clean("a\rb"), ("a b".to_owned(), vec![Change::LineBreak]));
}
