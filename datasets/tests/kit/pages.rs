//! Pages are for clerks: what a value looks like is said in words or by an example.

use hub_datasets::kit::{KitFile, PageOf, Place, examples, page, sample_names};
use hub_datasets::pattern::embedded_pattern;
use hub_datasets::report::Language;

use super::embedded;

/// A page without what vendors unfold.
fn for_clerks(html: &str) -> String {
    let mut parts = html.split("<details");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |all, part| all + part.split_once("</details>").unwrap().1)
}

#[test]
fn no_clerk_is_shown_a_regular_expression() {
    let (patterns, lists) = embedded();
    let mut unfolded = 0;
    for pattern in patterns.iter() {
        let files: Vec<KitFile<'_>> = embedded_pattern(&pattern.reference());
        let (samples, examples) = (sample_names(files.iter().map(|(name, _)| *name)), examples(&files));
        for language in [Language::Polish, Language::English] {
            let of =
                PageOf { pattern, lists: &lists, samples: &samples, examples: &examples, place: Place::Hub };
            let html = page(of, language);
            let shown = for_clerks(&html);
            for column in pattern.columns.iter() {
                let Some(form) = &column.form else { continue };
                assert!(html.contains(&format!("<code>{form}</code></details>")), "{}", column.name);
                assert!(!shown.contains(form.as_str()), "{}: {form}", column.name);
                let name = format!("<th scope=\"row\"><code>{}</code>", column.name);
                let row = shown.split(&name).nth(1).unwrap().split("</tr>").next().unwrap();
                let is_told =
                    ["cyfr", "digit", "np. <code>", "as <code>"].iter().any(|said| row.contains(said));
                assert!(is_told, "{} {}: {row}", pattern.id, column.name);
                unfolded += 1;
            }
        }
    }
    assert!(unfolded > 30, "{unfolded}");
}

#[test]
fn examples_are_those_of_valid_samples() {
    let files: [KitFile<'_>; 5] = [
        ("samples/valid/a.csv", b"\xef\xbb\xbfkod;nazwa\n;x\n12;y\n".as_slice()),
        ("samples/valid/b.csv", b"kod,inne\n\"1,2\",3\n7,8,9\n4,5\n"),
        ("samples/valid/c.csv", b"\"kod\",more\n1,2\n3,4\n"),
        ("samples/invalid/d.csv", b"zle\n1\n"),
        ("samples/valid/a.report.json", b"{}"),
    ];
    let found = examples(&files);
    let told: Vec<(&str, &str)> = found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(told, [("inne", "5"), ("kod", "12"), ("nazwa", "x")]);
}
