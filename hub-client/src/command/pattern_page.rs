//! `hub patterns show`: a pattern for people.

use std::io::{self, Write};

use hub_client::{short, v1};
use hub_datasets::period::Frequency;

use crate::output::{Table, one_line};
use crate::session::Session;
use crate::text::{self, Language, Text};

/// Writes what a pattern asks for: title, periods, key, a table of its columns, and its rules.
pub(super) fn write(session: &Session, pattern: &v1::Pattern, out: &mut dyn Write) -> io::Result<()> {
    let language = session.language;
    let title = localised(pattern.title.as_ref(), language);
    writeln!(out, "{} {}: {}", short(&pattern.name), pattern.version, one_line(title))?;
    for (name, value) in facts(pattern, language) {
        if !value.is_empty() {
            writeln!(out, "{}: {}", name.get(language), one_line(&value))?;
        }
    }
    writeln!(out)?;
    columns(pattern, language, out)?;
    if !pattern.rules.is_empty() {
        writeln!(out, "\n{}", text::PATTERN_RULES.get(language))?;
    }
    for rule in &pattern.rules {
        let message = one_line(localised(rule.message.as_ref(), language));
        writeln!(out, "  {} ({}): {message}", rule.id, severity(rule.severity()).get(language))?;
    }
    writeln!(out, "\n{}", session.say(text::PATTERN_MORE, &[("pattern", short(&pattern.name))]))
}

fn facts(pattern: &v1::Pattern, language: Language) -> [(Text, String); 5] {
    let periods: Vec<&str> = pattern
        .frequencies
        .iter()
        .map(|letter| Frequency::from_letter(letter).map_or(letter.as_str(), |of| of.example()))
        .collect();
    let mut periods = periods.join(", ");
    if pattern.cumulative {
        periods.push_str(text::PATTERN_CUMULATIVE.get(language));
    }
    let slice = match pattern.slice.as_str() {
        "" => text::PATTERN_WHOLE.get(language).to_owned(),
        slice => slice.to_owned(),
    };
    [
        (text::PATTERN_OWNER, pattern.owner.clone()),
        (text::PATTERN_BASIS, pattern.legal_basis.join("; ")),
        (text::PATTERN_PERIODS, periods),
        (text::PATTERN_KEY, pattern.key.join(", ")),
        (text::PATTERN_SLICE, slice),
    ]
}

fn columns(pattern: &v1::Pattern, language: Language, out: &mut dyn Write) -> io::Result<()> {
    let heads = [
        text::COLUMN_NAME,
        text::COLUMN_TYPE,
        text::COLUMN_UNIT,
        text::COLUMN_REQUIRED,
        text::COLUMN_LIST,
        text::COLUMN_TITLE,
    ];
    let required = if language == Language::Polish { "tak" } else { "yes" };
    let rows: Vec<Vec<String>> = pattern
        .columns
        .iter()
        .map(|column| {
            vec![
                column.name.clone(),
                column.r#type.clone(),
                column.unit.clone(),
                if column.required { required.to_owned() } else { String::new() },
                column.code_list.clone(),
                localised(column.title.as_ref(), language).to_owned(),
            ]
        })
        .collect();
    let mut table = Table::new(&heads.map(|head| head.get(language).to_owned()));
    table.measure(&rows, vec![false; heads.len()]);
    table.head(out)?;
    rows.iter().try_for_each(|row| table.row(row, out))
}

/// In the reader's language, else in the other.
fn localised(text: Option<&v1::LocalizedText>, language: Language) -> &str {
    let (first, second) = match (text, language) {
        (Some(text), Language::Polish) => (text.pl.as_str(), text.en.as_str()),
        (Some(text), Language::English) => (text.en.as_str(), text.pl.as_str()),
        (None, _) => ("", ""),
    };
    if first.is_empty() { second } else { first }
}

fn severity(severity: v1::Severity) -> Text {
    match severity {
        v1::Severity::Block => text::SEVERITY_BLOCK,
        v1::Severity::MustExplain => text::SEVERITY_EXPLAIN,
        v1::Severity::Warn => text::SEVERITY_WARN,
        v1::Severity::Info | v1::Severity::Unspecified => text::SEVERITY_INFO,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use hub_client::Environment;

    use super::*;
    use crate::args::Args;

    #[test]
    fn a_pattern_is_shown_to_people() {
        let text = |pl: &str, en: &str| Some(v1::LocalizedText { pl: pl.into(), en: en.into() });
        let column = v1::Column {
            name: "plan".into(),
            r#type: "decimal(18,2)".into(),
            required: true,
            title: text("Plan", "Budget"),
            unit: "zł".into(),
            code_list: "paragrafy".into(),
            ..Default::default()
        };
        let rule = v1::Rule {
            id: "plan_nieujemny".into(),
            severity: v1::Severity::Warn.into(),
            message: text("Plan jest ujemny", "The budget is negative"),
            ..Default::default()
        };
        let pattern = v1::Pattern {
            name: "patterns/rb28s".into(),
            version: "1.0.0".into(),
            title: text("Wydatki", "Expenditure"),
            frequencies: vec!["M".into(), "Q".into()],
            key: vec!["dzial".into(), "rozdzial".into()],
            slice: "jednostka_regon".into(),
            columns: vec![column],
            rules: vec![rule],
            cumulative: true,
            ..Default::default()
        };
        let shown = |polish: bool| {
            let environment = Environment { config_dir: "/".into(), endpoint: None, polish };
            let session = Session::new(&Args::parse_from(["hub", "doctor"]), environment);
            let mut out = Vec::new();
            write(&session, &pattern, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        let page = shown(true);
        for line in [
            "rb28s 1.0.0: Wydatki",
            "Okresy, jak: 2022-M11, 2022-Q4 (narastająco od początku roku)",
            "Klucz (wiersz opisuje): dzial, rozdzial",
            "Część, którą poprawia się osobno: jednostka_regon",
            "plan     decimal(18,2)  zł         tak       paragrafy    Plan",
            "  plan_nieujemny (uwaga): Plan jest ujemny",
        ] {
            assert!(page.lines().any(|shown| shown == line), "{line}: {page}");
        }
        assert!(!page.contains("Właściciel"), "{page}");
        assert!(shown(false).contains("plan_nieujemny (warning): The budget is negative"));
    }
}
