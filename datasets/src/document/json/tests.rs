use super::*;

/// The tree as indented lines.
fn shown(bytes: &[u8]) -> Result<String, String> {
    fn lines(tree: &Tree, at: At, depth: usize, out: &mut String) {
        out.push_str(&format!("{}{}={}\n", " ".repeat(depth), tree.name(at), tree.text(at)));
        tree.children(at).for_each(|child| lines(tree, child, depth + 1, out));
    }
    let tree = read(bytes).map_err(|fault| fault.en)?;
    let mut out = String::new();
    lines(&tree, tree.root().unwrap(), 0, &mut out);
    Ok(out)
}

#[test]
fn members_and_items_are_elements() {
    let document = b"\xEF\xBB\xBF {\"a\": [{\"b\": 1}, {\"b\": \" x \"}], \"c\": null, \"d\": {\"e\": true}, \"f\": []} ";
    assert_eq!(shown(document).unwrap(), "$=\n a=\n  b=1\n a=\n  b=x\n d=\n  e=true\n");
    assert_eq!(shown(b"[1, [2, 3]]").unwrap(), "$=\n []=1\n []=\n  []=2\n  []=3\n");
    assert_eq!(shown(b"{\"a\": [[1], 2]}").unwrap(), "$=\n []=\n  []=1\n a=2\n");
}

#[test]
fn numbers_keep_their_digits_and_escapes_are_letters() {
    let document = br#"{"x": 12345678901234567890.10, "y": 1e400, "\u017c": "\ud83d\ude00\"\n.\/"}"#;
    assert_eq!(shown(document).unwrap(), "$=\n x=12345678901234567890.10\n y=1e400\n ż=😀\"\n./\n");
}

#[test]
fn what_is_no_json_is_told_by_its_line() {
    for (document, told) in [
        ("", "damaged JSON in line 1 (a value)"),
        ("null", "damaged JSON in line 1 (an object or a list)"),
        ("{\"a\": 1,\n\"b\": }", "damaged JSON in line 2 (a value)"),
        ("{\"a\": 1\n\n\"b\": 2}", "damaged JSON in line 3 (`,` or `}`)"),
        ("[1 2]", "damaged JSON in line 1 (`,` or `]`)"),
        ("{\"a\": 1}\n{\"a\": 2}", "damaged JSON in line 2 (the end of the document)"),
        ("{\"a\": \"\\u0000\"}", "damaged JSON in line 1 (an escape that stands for no character)"),
        ("{\"a\": \"x", "damaged JSON in line 1 (a closing quote)"),
        ("[01]", "damaged JSON in line 1 (`,` or `]`)"),
    ] {
        assert_eq!(shown(document.as_bytes()).unwrap_err(), told, "{document}");
    }
    assert_eq!(shown(b"{\"a\": \"\n\xFF\"}").unwrap_err(), "damaged JSON in line 2 (UTF-8)");
}

#[test]
fn a_document_is_no_deeper_than_its_bound() {
    let deep = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    assert!(shown(deep(limits::DEPTH - 1).as_bytes()).is_ok());
    let refused = shown(deep(100_000).as_bytes()).unwrap_err();
    assert_eq!(refused, "elements nested too deep: at most 64 are accepted");
}
