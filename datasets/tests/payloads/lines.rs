//! NDJSON, honest and broken.

/// Two valid lines of an expenditure report.
const FIRST: &str = r#"{"jednostka_regon":"001070630","dzial":"801","rozdzial":"80101","paragraf":"401","p4":"0","plan":100000.00,"zaangazowanie":90000,"wykonanie":80000.5}"#;
const SECOND: &str = r#"{"jednostka_regon":"001070630","dzial":"801","rozdzial":"80101","paragraf":"411","p4":"0","plan":20000,"zaangazowanie":20000,"wykonanie":20000}"#;

fn joined(lines: &[&str]) -> Vec<u8> {
    lines.iter().flat_map(|line| line.bytes().chain([b'\n'])).collect()
}

/// Both lines, something in the second one replaced.
fn with(old: &str, new: &str) -> Vec<u8> {
    assert!(SECOND.contains(old), "{old}");
    joined(&[FIRST, &SECOND.replacen(old, new, 1)])
}

pub(super) fn accepted() -> Vec<(&'static str, Vec<u8>)> {
    let loose = [
        "\u{feff}",
        r#" { "wykonanie" : "80000.50", "zaangazowanie": 9e1, "plan":"100000","p4":0, "#,
        r#""paragraf":401, "rozdzial" : "80\u003101","dzial":"\u0038\u0030\u0031","jednostka_regon":"001070630" }"#,
        "\r\n\r\n\n",
        SECOND,
    ];
    let loose = loose.concat().replace("9e1,", "90000.0,");
    vec![
        ("honest", joined(&[FIRST, SECOND])),
        ("written-loosely", loose.into_bytes()),
        ("nulls", with(r#""p4":"0","#, r#""p4":"0","zobowiazania":null,"okres":"2022-M12","#)),
        ("keys-left-out", joined(&[&FIRST.replace("}", r#","zobowiazania":5,"okres":null}"#), SECOND])),
    ]
}

pub(super) fn refused() -> Vec<(&'static str, Vec<u8>)> {
    let first_without = FIRST.replace(r#""dzial":"801","#, "");
    vec![
        ("empty", Vec::new()),
        ("blank-lines", b"\n \n\t\r\n".to_vec()),
        ("no-json", b"jednostka_regon,dzial\n001070630,801\n".to_vec()),
        ("one-array", format!("[{FIRST},\n{SECOND}]\n").into_bytes()),
        ("deep", ["[".repeat(20_000), "]".repeat(20_000)].concat().into_bytes()),
        ("deep-in-a-value", with(r#""801""#, &"[".repeat(20_000))),
        ("nested", with(r#""801""#, r#"["801"]"#)),
        ("broken-lines", joined(&[FIRST, "{\"dzial\":", SECOND, "{}{}", "{\"dzial\":01}", "[1]"])),
        ("first-line-broken", joined(&["{\"dzial\":", FIRST])),
        ("key-unknown", joined(&[&FIRST.replace("p4", "p5"), SECOND])),
        ("key-unknown-later", with("p4", "p5")),
        ("key-twice", joined(&[&FIRST.replace("}", r#","dzial":"801"}"#), SECOND])),
        ("key-twice-later", with("{", r#"{"dzial":"801","#)),
        ("key-missing", joined(&[&first_without, SECOND])),
        ("key-missing-later", with(r#""dzial":"801","#, "")),
        ("no-column", joined(&[r#"{"kolumna":1}"#, SECOND])),
        ("numbers-that-are-none", joined(&[FIRST, &SECOND.replace(":20000", ":2e4")])),
        ("nul-escape", with("801", "80\\u0000")),
        ("half-a-character", with("801", "80\\ud83d1")),
        ("raw-control-character", with("801", "8\u{1}01")),
        ("nul-byte", with("801", "8\u{0}01")),
        ("latin-2", {
            let mut bytes = with("801", "80?");
            let at = bytes.iter().position(|byte| *byte == b'?').unwrap();
            bytes[at] = 0xb1;
            bytes
        }),
        ("wrong-code", with(r#""801""#, r#""999""#)),
        ("another-period", with("{", r#"{"okres":"2021-Q4","#)),
        ("repeated-keys", joined(&[FIRST, SECOND, FIRST])),
    ]
}
