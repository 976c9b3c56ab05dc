use super::super::limits;
use super::*;

fn texts(document: &str) -> Vec<(String, String)> {
    let tree = read(document.as_bytes()).unwrap();
    let paths = tree.paths_with_text();
    let text = |path: &Vec<&str>| {
        let names: Vec<String> = path[1..].iter().map(|name| (*name).to_owned()).collect();
        tree.below(tree.root().unwrap(), &names).iter().map(|at| tree.text(*at)).collect::<Vec<_>>().join("|")
    };
    paths.iter().map(|path| (path.join("/"), text(path))).collect()
}

fn fault(bytes: &[u8]) -> String {
    read(bytes).unwrap_err().en
}

#[test]
fn elements_attributes_and_texts_are_there() {
    let found = texts(concat!(
        "\u{feff}<?xml version=\"1.0\"?><!-- a remark --><n:A xmlns:n=\"urn:x\" Id=\"7\">\n",
        "<B>\n\t\tKutno &amp; &#379;ychlin <![CDATA[<3]]>\n</B><B/><B>2</B><C><B>x</B></C></n:A>"
    ));
    let expected = [("A/@Id", "7"), ("A/B", "Kutno & Żychlin <3||2"), ("A/C/B", "x")];
    assert_eq!(found, expected.map(|(path, text)| (path.to_owned(), text.to_owned())));
}

#[test]
fn the_encoding_is_the_one_that_is_declared() {
    let text = "<?xml version='1.0' encoding='windows-1250'?><A>Łódź</A>";
    let (bytes, _, _) = encoding_rs::WINDOWS_1250.encode(text);
    let tree = read(&bytes).unwrap();
    assert_eq!(tree.text(tree.root().unwrap()), "Łódź");
    let utf16: Vec<u8> = "\u{feff}<A>Łódź</A>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let tree = read(&utf16).unwrap();
    assert_eq!(tree.text(tree.root().unwrap()), "Łódź");
    assert_eq!(
        fault(b"<?xml version='1.0'?><A>\xB3</A>"),
        "its letters are not in UTF-8, the encoding that it declares"
    );
    assert_eq!(fault(b"<?xml version='1.0' encoding='klingon'?><A/>"), "unknown encoding “klingon”");
}

#[test]
fn what_is_no_whole_document_is_told_with_its_line() {
    assert!(
        fault(b"<A>\n<B></C></A>").starts_with("damaged XML in line 2 ("),
        "{}",
        fault(b"<A>\n<B></C></A>")
    );
    for broken in ["", "  ", "<A>", "<A><B></A>", "<A/><B/>", "<A x=1/>", "a,b"] {
        assert!(fault(broken.as_bytes()).starts_with("damaged XML in line 1 ("), "{broken}");
    }
}

#[test]
fn a_document_type_and_entities_of_its_own_are_refused() {
    let bomb = "<!DOCTYPE A [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;\">]><A>&b;</A>";
    assert_eq!(fault(bomb.as_bytes()), "damaged XML in line 1 (<!DOCTYPE)");
    let file = "<!DOCTYPE A SYSTEM \"file:///etc/passwd\"><A/>";
    assert_eq!(fault(file.as_bytes()), "damaged XML in line 1 (<!DOCTYPE)");
    assert_eq!(fault(b"<A>&b;</A>"), "damaged XML in line 1 (&b;)");
}

#[test]
fn depth_and_kinds_are_bounded() {
    let deep = format!("{}{}", "<A>".repeat(limits::DEPTH + 1), "</A>".repeat(limits::DEPTH + 1));
    assert_eq!(fault(deep.as_bytes()), "elements nested too deep: at most 64 are accepted");
    let kinds: String = (0..limits::PATHS).map(|kind| format!("<K{kind}/>")).collect();
    assert_eq!(
        fault(format!("<A>{kinds}</A>").as_bytes()),
        "too many kinds of elements: at most 10000 are accepted"
    );
    let many = "<B/>".repeat(limits::NODES);
    assert_eq!(fault(format!("<A>{many}</A>").as_bytes()), "too many elements: at most 4000000 are accepted");
}
