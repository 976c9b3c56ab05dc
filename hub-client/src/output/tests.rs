use serde_json::json;

use super::*;

fn listing() -> Listing {
    let mut listing = Listing::new(["nazwa", "wiersze"]);
    listing.push([json!("Łódź, \"centrum\""), json!(7)]);
    listing.push([json!("Kutno"), json!(1200)]);
    listing
}

fn written(format: Format) -> String {
    let mut out = Vec::new();
    listing().write(format, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn one_listing_three_faces() {
    let table = [
        "nazwa            wiersze",
        "───────────────  ───────",
        "Łódź, \"centrum\"        7",
        "Kutno               1200",
        "",
    ];
    assert_eq!(written(Format::Table), table.join("\n"));
    assert_eq!(written(Format::Csv), "nazwa,wiersze\n\"Łódź, \"\"centrum\"\"\",7\nKutno,1200\n");
    let json: Vec<Value> =
        written(Format::Json).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(json[1], json!({"nazwa": "Kutno", "wiersze": 1200}));
}

#[test]
fn a_cell_cannot_break_the_terminal() {
    assert_eq!(cut("a\u{1b}[2Jb\n"), "a␣[2Jb␣");
    assert_eq!(cut(&"ż".repeat(80)).chars().count(), CELL_WIDTH_MAX);
}
