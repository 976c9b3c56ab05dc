use super::*;
use crate::pattern::embedded_pattern;
use crate::{CodeLists, Patterns};

/// `rb28s` with one replacement in one of its files, as version 1.1.0.
fn changed(name: &str, from: &str, to: &str) -> (Evolution, Version) {
    let lists = CodeLists::embedded().unwrap();
    let known = Patterns::embedded().unwrap();
    let files = embedded_pattern("rb28s/1.0.0").into_iter().map(|(of, bytes)| {
        let text = String::from_utf8(bytes.to_vec());
        let bytes = match text {
            Ok(text) if of == name => {
                assert!(text.contains(from), "{name} lacks {from}");
                text.replacen(from, to, 1).into_bytes()
            }
            _ => bytes.to_vec(),
        };
        (of.to_owned(), bytes)
    });
    let draft = known.draft(&files.collect::<Vec<_>>(), &lists).unwrap_or_else(|faults| panic!("{faults:?}"));
    let old = known.get("rb28s").unwrap();
    (Evolution::between(&old, &draft), old.version)
}

type Case = (&'static str, &'static str, &'static str, Vec<(Step, Change)>);

/// Each pair of texts, and what the difference needs.
fn need(cases: Vec<Case>) {
    for (name, from, to, expected) in cases {
        let (evolution, _) = changed(name, from, to);
        let found: Vec<_> = evolution.differences.iter().map(|one| (one.step, one.change)).collect();
        assert_eq!(found, expected, "{from} → {to}: {:#?}", evolution.differences);
        assert_eq!(evolution.step, expected.first().map(|(step, _)| *step));
    }
}

use Change as C;
use Step::{Major, Minor, Patch};

#[test]
fn what_a_pattern_says_as_a_whole_needs_its_step() {
    need(vec![
        (
            "pattern.yaml",
            "title_en: Section\n",
            "title_en: Budget section\n    aliases: [Section]\n",
            vec![(Minor, C::NameAdded), (Patch, C::TextChanged)],
        ),
        (
            "pattern.yaml",
            "title_en: Section\n",
            "title_en: Budget section\n",
            vec![(Major, C::NameDropped), (Minor, C::NameAdded), (Patch, C::TextChanged)],
        ),
        (
            "pattern.yaml",
            "  pl: Rb-28S – wykonanie",
            "  pl: Rb-28S, wykonanie",
            vec![(Patch, C::TextChanged)],
        ),
        (
            "pattern.yaml",
            "title_en: Section\n",
            "title_en: Section\n    aliases: [Dz]\n",
            vec![(Minor, C::NameAdded)],
        ),
        ("pattern.yaml", "frequencies: [M, Q, A]", "frequencies: [Q, A]", vec![(Major, C::PeriodsNarrowed)]),
        (
            "pattern.yaml",
            "frequencies: [M, Q, A]",
            "frequencies: [M, Q, A, S]",
            vec![(Minor, C::PeriodsWidened)],
        ),
        ("pattern.yaml", "slice: jednostka_regon\n", "", vec![(Major, C::SliceChanged)]),
        (
            "pattern.yaml",
            "slice: jednostka_regon\n",
            "slice: jednostka_regon\ntotals: {column: p4, contains: {x: [y]}}\n",
            vec![(Step::Patch, C::TextChanged)],
        ),
        ("pattern.yaml", "licence: CC-BY-4.0", "licence: CC0-1.0", vec![(Major, C::TermsChanged)]),
        ("pattern.yaml", "owner: mf", "owner: gus", vec![(Minor, C::TermsChanged)]),
    ]);
}

#[test]
fn columns_and_rules_need_their_step() {
    let column = "  - name: okres\n    title_en: Period\n    role: attribute\n    header: true\n";
    let rule = "  - id: zaangazowanie_do_planu\n    severity: warn";
    need(vec![
        ("pattern.yaml", "    unit: zł\n", "    unit: tys. zł\n", vec![(Major, C::MeaningChanged)]),
        (
            "pattern.yaml",
            "    aggregation: sum\n",
            "    aggregation: sum\n    sensitivity: restricted\n",
            vec![(Major, C::OpennessChanged), (Major, C::OpennessChanged)],
        ),
        (
            "pattern.yaml",
            rule,
            "  - id: zaangazowanie_do_planu\n    severity: block",
            vec![(Major, C::SeverityRaised)],
        ),
        (
            "pattern.yaml",
            rule,
            "  - id: zaangazowanie_do_planu\n    severity: info",
            vec![(Minor, C::SeverityLowered)],
        ),
        (
            "pattern.yaml",
            "\"zaangazowanie <= plan\"",
            "\"zaangazowanie < plan\"",
            vec![(Minor, C::RuleChanged)],
        ),
        (
            "pattern.yaml",
            "\"starts_with(rozdzial, dzial)\"",
            "\"starts_with(rozdzial, dzial) AND dzial <> '000'\"",
            vec![(Major, C::RuleChanged)],
        ),
        (
            "pattern.yaml",
            "  - columns: [dzial]\n    list: dzialy\n    severity: block\n",
            "",
            vec![(Minor, C::RuleDropped)],
        ),
        ("pattern.yaml", "type: decimal(18,2)", "type: decimal(18,0)", vec![(Major, C::TypeChanged)]),
        ("pattern.yaml", column, column, vec![]),
    ]);
}

#[test]
fn values_and_documents_need_their_step() {
    need(vec![
        (
            "schema.json",
            "\"constraints\": {\"minimum\": 0}",
            "\"constraints\": {\"minimum\": -5}",
            vec![(Minor, C::ValuesWidened)],
        ),
        (
            "schema.json",
            "\"constraints\": {\"minimum\": 0}",
            "\"constraints\": {\"minimum\": 1}",
            vec![(Major, C::ValuesNarrowed)],
        ),
        (
            "schema.json",
            "\"constraints\": {\"minimum\": 0}",
            "\"constraints\": {\"maximum\": 9}",
            vec![(Major, C::ValuesNarrowed), (Minor, C::ValuesWidened)],
        ),
        (
            "schema.json",
            "{\"pattern\": \"^[0-9]{4}$\"}",
            "{\"required\": true}",
            vec![(Major, C::RequiredAdded), (Minor, C::ValuesWidened)],
        ),
        (
            "schema.json",
            "\"missingValues\": [\"\"]",
            "\"missingValues\": [\"\", \"-\"]",
            vec![(Major, C::MarkerAdded)],
        ),
        ("mappings/bestia.yaml", "omit_zero: true", "omit_zero: false", vec![(Major, C::DocumentChanged)]),
    ]);
}

#[test]
fn new_columns_are_minor_where_files_may_lack_them() {
    let described = "  - name: okres\n";
    let with = format!("  - name: uwagi\n    title_en: Remarks\n    role: attribute\n{described}");
    for (constraints, step) in [("", Step::Minor), (", \"constraints\": {\"required\": true}", Step::Major)] {
        let lists = CodeLists::embedded().unwrap();
        let known = Patterns::embedded().unwrap();
        let field = format!(
            "{{\"name\": \"uwagi\", \"title\": \"Uwagi\", \"type\": \"string\"{constraints}}},\n    {{\"name\": \"okres\""
        );
        let files = embedded_pattern("rb28s/1.0.0").into_iter().map(|(name, bytes)| {
            let text = || String::from_utf8(bytes.to_vec()).unwrap();
            let bytes = match name {
                "pattern.yaml" => text().replace(described, &with).into_bytes(),
                "schema.json" => text().replace("{\"name\": \"okres\"", &field).into_bytes(),
                _ => bytes.to_vec(),
            };
            (name.to_owned(), bytes)
        });
        // A document that lacks a required column would be refused with the draft.
        let files = files.filter(|(name, _)| step == Step::Minor || !name.starts_with("mappings/"));
        let draft = known.draft(&files.collect::<Vec<_>>(), &lists).unwrap();
        let old = known.get("rb28s").unwrap();
        let there = Evolution::between(&old, &draft);
        let added = there.differences.iter().find(|one| one.change == Change::ColumnAdded).unwrap();
        assert_eq!((there.step, added.step), (Some(step), step), "{:#?}", there.differences);
        assert!(step == Step::Major || there.differences.len() == 1, "{:#?}", there.differences);
        // The other way round the column is taken away.
        let back = Evolution::between(&draft, &old);
        let removed = back.differences.iter().find(|one| one.change == Change::ColumnRemoved).unwrap();
        assert_eq!((back.step, removed.step), (Some(Step::Major), Step::Major));
    }
}

#[test]
fn comments_are_a_patch_and_nothing_is_nothing() {
    let (same, known) = changed("pattern.yaml", "id: rb28s", "id: rb28s");
    assert_eq!((same.step, same.least(known)), (None, known));
    let (comment, known) = changed("pattern.yaml", "id: rb28s", "# More to say.\nid: rb28s");
    assert_eq!((comment.step, comment.differences.len()), (Some(Step::Patch), 0));
    assert_eq!(comment.least(known).to_string(), "1.0.1");
    let steps = [(Step::Minor, "1.1.0"), (Step::Major, "2.0.0")];
    for (step, least) in steps {
        let evolution = Evolution { differences: Vec::new(), step: Some(step) };
        assert_eq!(evolution.least(known).to_string(), least);
    }
}

#[test]
fn a_draft_is_told_all_that_is_wrong_with_it() {
    let lists = CodeLists::embedded().unwrap();
    let known = Patterns::embedded().unwrap();
    let files = embedded_pattern("rb28s/1.0.0").into_iter().map(|(name, bytes)| {
        let text = String::from_utf8(bytes.to_vec()).unwrap_or_default();
        let text = match name {
            "pattern.yaml" => text
                .replace("unit_level: gmina", "unit_level: miasto")
                .replace("list: dzialy", "list: dzialki")
                .replace("columns: [rozdzial, dzial]", "columns: [rozdzial, dzialek]"),
            "mappings/bestia.yaml" => text.replace("id: bestia", "id: bestie"),
            _ => text,
        };
        (name.to_owned(), text.into_bytes())
    });
    let faults = known.draft(&files.collect::<Vec<_>>(), &lists).unwrap_err();
    let said = faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert_eq!(faults.len(), 4, "{said}");
    for part in ["unit_level: `miasto`", "no list `dzialki`", "`dzialek` is no column", "id: `bestie`"] {
        assert!(said.contains(part), "{said}");
    }
}
