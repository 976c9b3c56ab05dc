//! The cutter against a naive one, the reader of lines against `serde_json`.

use bytes::Bytes;
use proptest::prelude::*;

use super::{Fault, Key, LineCutter, Place, Rows, keys};
use crate::csv::{Cells, Chunk, CutError};

fn cut(parts: &[&[u8]], target: usize, line_max: usize) -> Result<Vec<Chunk>, CutError> {
    let mut cutter = LineCutter::new(target, line_max);
    let mut chunks = Vec::new();
    for part in parts {
        chunks.extend(cutter.push(Bytes::copy_from_slice(part))?);
    }
    chunks.extend(cutter.finish());
    Ok(chunks)
}

/// The columns a, b, c; all else is unknown.
fn place(name: &str) -> Place {
    match name {
        "a" => Place::Column(0),
        "b" => Place::Column(1),
        "ć" => Place::Column(2),
        "aside" => Place::SetAside,
        _ => Place::Unknown,
    }
}

/// The cells of one line, or what is wrong with it.
fn row(line: &str) -> Result<[String; 3], (String, Fault)> {
    let mut text = line.as_bytes().to_vec();
    let mut rows = Rows::read(&mut text, 7, 3, &[], place);
    if let Some(misfit) = rows.misfits.pop() {
        assert_eq!((misfit.line, rows.lines.len()), (7, 0));
        return Err((misfit.key, misfit.fault));
    }
    let cells = Cells::found(&text, 3, rows.spans, rows.lines);
    Ok([0, 1, 2].map(|column| String::from_utf8(cells.text(0, column).into_owned()).unwrap()))
}

#[test]
fn values_are_their_texts() {
    let cells = |a: &str, b: &str, c: &str| Ok([a.to_owned(), b.to_owned(), c.to_owned()]);
    assert_eq!(row(r#"{"a":1.10,"b":"x","ć":null}"#), cells("1.10", "x", ""));
    assert_eq!(row(r#" {"\u0107" : true , "aside":[],"a":-0.0E+7} "#).unwrap_err().1, Fault::Nested);
    assert_eq!(row(" {\"\\u0107\" : true ,\t\"aside\":1,\"a\":-0.0E+7} \r"), cells("-0.0E+7", "", "true"));
    let digits = "12345678901234567890123456789012345678.123456789";
    assert_eq!(row(&format!(r#"{{"a":{digits}}}"#)), cells(digits, "", ""));
    assert_eq!(
        row(r#"{"a":"\"\\\/\b\f\n\r\t\u0119\ud83d\ude00","b":"ę"}"#),
        cells("\"\\/\u{8}\u{c}\n\r\tę😀", "ę", "")
    );
    assert_eq!(row("{}"), cells("", "", ""));
}

#[test]
fn a_line_that_is_no_row_says_why() {
    let fault = |line: &str| row(line).unwrap_err();
    let whole = |fault| (String::new(), fault);
    let syntax = |at, expected| whole(Fault::Syntax { at, expected });
    assert_eq!(fault("[1]"), syntax(1, "`{`"));
    assert_eq!(fault(r#"{"a":1,}"#), syntax(8, "a key in quotes"));
    assert_eq!(fault(r#"{"a" 1}"#), syntax(6, "`:`"));
    assert_eq!(fault(r#"{"a":01}"#), syntax(7, "`,` or `}`"));
    assert_eq!(fault(r#"{"a":1."#), syntax(8, "a digit"));
    assert_eq!(fault(r#"{"a":truth}"#), syntax(6, "a value"));
    assert_eq!(fault(r#"{"a":"x"#), syntax(8, "a closing quote"));
    assert_eq!(fault("{\"a\":\"x\u{1}\"}"), syntax(8, "an escaped control character"));
    assert_eq!(fault(r#"{"a":1} {"#), syntax(9, "the end of the line"));
    assert_eq!(fault(r#"{"a":{"b":1}}"#), ("a".to_owned(), Fault::Nested));
    assert_eq!(fault(r#"{"a":1,"\u0061":1}"#), ("a".to_owned(), Fault::Repeated));
    assert_eq!(fault(r#"{"d":1}"#), ("d".to_owned(), Fault::Unknown));
    for escape in [r"\x", r"\u00", r"\u000g", r"\u0000", r"\ud83d", r"\ud83dA", r"\ud83d\u0041", r"\ude00"] {
        assert_eq!(fault(&format!(r#"{{"a":"{escape}"}}"#)), ("a".to_owned(), Fault::Escape), "{escape}");
    }
    let many = format!("{{{}\"a\":1}}", r#""aside":1,"#.repeat(500));
    assert_eq!(fault(&many), whole(Fault::TooMany));
    assert_eq!(keys(many.as_bytes()), Err(whole(Fault::TooMany)));
    assert_eq!(fault(&format!(r#"{{"{}":1}}"#, "ę".repeat(100))).0.chars().count(), 80);
}

#[test]
fn a_byte_order_mark_and_blank_lines_are_no_rows() {
    let text = "\u{feff}\n  \n{\"a\":1}\r\n\n{\"a\":2}";
    for split in 0..text.len() {
        let (head, tail) = text.as_bytes().split_at(split);
        let mut cutter = LineCutter::new(1 << 10, 100);
        assert_eq!(cutter.push(Bytes::copy_from_slice(head)).unwrap(), []);
        assert_eq!(cutter.push(Bytes::copy_from_slice(tail)).unwrap(), []);
        let chunk = cutter.finish().unwrap();
        assert_eq!(cutter.first(), Some((&b"{\"a\":1}\r"[..], 3)));
        let mut data = chunk.data.to_vec();
        assert_eq!(Rows::read(&mut data, chunk.first_line, 3, &[], place).lines, [3, 5], "{split}");
    }
}

#[test]
fn what_no_line_holds_is_told_by_its_line() {
    let long = |line| Err(CutError::LineTooLong { line, limit: 5 });
    assert_eq!(cut(&[b"12345\n123456\n"], 100, 5), long(2));
    assert_eq!(cut(&[b"1\n2\n3\n1234", b"5", b"6"], 4, 5), long(4));
    assert!(cut(&[b"12345\n12345\n"], 4, 5).is_ok());
    assert_eq!(cut(&[b"1\n2\n", b"3\n\x004"], 2, 5), Err(CutError::NulByte { line: 4 }));
}

proptest! {
    /// However a text comes and is cut, its chunks are whole lines that together are the text.
    #[test]
    fn chunks_are_whole_lines(text in "[ab\n]{0,80}", at in 0_usize..80, target in 1_usize..20) {
        let (head, tail) = text.as_bytes().split_at(at.min(text.len()));
        let chunks = cut(&[head, tail], target, 1_000).unwrap();
        let mut line = 1;
        for (place, chunk) in chunks.iter().enumerate() {
            prop_assert_eq!(chunk.first_line, line);
            line += chunk.data.iter().filter(|byte| **byte == b'\n').count() as u64;
            prop_assert!(place + 1 == chunks.len() || chunk.data.ends_with(b"\n"));
        }
        let joined: Vec<u8> = chunks.iter().flat_map(|chunk| chunk.data.iter().copied()).collect();
        prop_assert_eq!(joined, text.as_bytes());
    }

    /// Any text is a flat object for this reader exactly when it is one for `serde_json`, with the same keys.
    #[test]
    fn lines_are_read_as_by_a_reader_of_all_json(
        line in r#"\{?("[ab]"|"\\u006[12]")( ?: ?(-?(0|[1-9][0-9]{0,3})(\.[0-9]{1,3})?([eE][+-]?[0-9])?|"[^"\\]{0,5}"|"(\\[nt"/\\u]|[0-9ę]){0,6}"|true|null|\[\]|x),?"[cd]"?){0,3}[:, 1}]{0,4}\}?"#,
    ) {
        prop_assume!(!line.contains("\\u0000"));
        let known: Result<serde_json::Map<String, serde_json::Value>, _> = serde_json::from_str(&line);
        match (keys(line.as_bytes()), known) {
            (Ok(ours), Ok(theirs)) => {
                prop_assert!(ours.iter().all(|key: &Key| theirs.contains_key(&key.name)), "{}", line);
                prop_assert!(theirs.values().all(|value| !value.is_array() && !value.is_object()));
            }
            (Err((_, Fault::Nested)), _) => {}
            (Err(_), Err(_)) => {}
            // What the value's escapes stand for is asked with the rows.
            (Ok(_), Err(_)) => prop_assert!(line.contains('\\'), "{line}"),
            (Err(fault), Ok(_)) => prop_assert!(false, "{line}: {fault:?}"),
        }
    }

    #[test]
    fn every_number_and_text_comes_back(number in any::<f64>(), text in any::<String>()) {
        prop_assume!(number.is_finite() && !text.contains('\0'));
        let line = serde_json::json!({"a": number, "b": text, "ć": text}).to_string();
        let number = serde_json::json!(number).to_string();
        prop_assert_eq!(row(&line), Ok([number, text.clone(), text]));
    }

    #[test]
    fn no_line_panics(line in prop::collection::vec(any::<u8>(), 0..60), object in r#"[\[{}\]",:a1eE.\\ u-]{0,40}"#) {
        for mut text in [line, object.into_bytes()] {
            let _ = keys(&text);
            Rows::read(&mut text, 1, 3, &[], place);
        }
    }
}
