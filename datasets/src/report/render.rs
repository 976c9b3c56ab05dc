//! The one renderer of a report as text for people.

use std::fmt::Write as _;

use super::{Count, Findings, Normalised, Report, Severity, Violation};

/// Language of a text for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// As clerks read it.
    #[default]
    Polish,
    /// As developers read it.
    English,
}

impl Language {
    pub(crate) fn pick<'a>(self, pl: &'a str, en: &'a str) -> &'a str {
        self.one_of(pl, en)
    }

    /// What belongs to the language.
    pub(crate) fn one_of<T>(self, pl: T, en: T) -> T {
        match self {
            Self::Polish => pl,
            Self::English => en,
        }
    }
}

/// Violations that a short text writes out; the report itself holds more of them.
const SHORT_MAX: usize = 50;

/// Writes a report as text: what happens next, what was counted, then each violation that the report
/// holds, by row and column.
pub fn render(report: &Report, language: Language) -> String {
    let rest = match language {
        Language::Polish => {
            format!("raport wymienia najwyżej {}; popraw te i sprawdź ponownie", Findings::LISTED_MAX)
        }
        Language::English => {
            format!("a report names at most {}; correct these and check again", Findings::LISTED_MAX)
        }
    };
    text(report, language, usize::MAX, &rest)
}

/// The same with the first 50 violations only; `rest` says how to see the others, in the same language.
pub fn render_short(report: &Report, language: Language, rest: &str) -> String {
    text(report, language, SHORT_MAX, rest)
}

fn text(report: &Report, language: Language, most: usize, rest: &str) -> String {
    let mut out = String::new();
    out.push_str(&verdict(report, language));
    out.push('\n');
    let _ = writeln!(
        out,
        "{} {} · {}: {} · {}: {} · {}: {}",
        language.pick("Wzór", "Pattern"),
        report.pattern,
        language.pick("wierszy", "rows read"),
        report.rows_read,
        language.pick("odrzucono", "refused"),
        report.rows_refused,
        language.pick("odłożono", "set aside"),
        report.rows_set_aside,
    );
    if !report.counts.is_empty() {
        out.push('\n');
        counts(&mut out, &report.counts, language);
    }
    if !report.violations.is_empty() {
        out.push('\n');
        violations(&mut out, report, language, most, rest);
    }
    if !report.normalised.is_empty() {
        out.push('\n');
        normalised(&mut out, &report.normalised, language);
    }
    if !report.explanations.is_empty() {
        out.push('\n');
        out.push_str(language.pick("Wyjaśnienia nadawcy:\n", "Explained by the sender:\n"));
        for said in &report.explanations {
            let _ = writeln!(out, "  {}: {}", said.rule, printable(&said.text));
        }
    }
    if let Some(later) = &report.later {
        let _ = writeln!(out, "\n{}", language.pick(LATER.0, LATER.1));
        if later.counts.is_empty() && later.pending.is_empty() {
            let _ = writeln!(out, "  {}", language.pick(LATER_WELL.0, LATER_WELL.1));
        }
        counts(&mut out, &later.counts, language);
        later.violations.iter().for_each(|found| {
            let message = language.pick(&found.message_pl, &found.message_en);
            let _ = writeln!(out, "  {} {} ({})", found.key, message, printable(&found.value));
        });
        later.pending.iter().for_each(|name| {
            let _ = writeln!(out, "  {name}: {}", language.pick(LATER_PENDING.0, LATER_PENDING.1));
        });
    }
    for (title, names) in
        [(NOT_EVALUATED, report.not_evaluated.as_slice()), (PENDING, report.still_pending())]
    {
        if !names.is_empty() {
            let _ = writeln!(out, "\n{}", language.pick(title.0, title.1));
            for name in names {
                let _ = writeln!(out, "  {name}");
            }
        }
    }
    out
}

/// What stands over the rules that something unknown left open.
pub(super) const NOT_EVALUATED: (&str, &str) = (
    "Nie sprawdzono (brak potrzebnych danych, np. okresu, nadawcy albo innego sprawozdania):",
    "Not evaluated (something needed is unknown, such as the period, the publisher or another report):",
);
/// What stands over the comparisons that were made anew.
pub(super) const LATER: (&str, &str) = (
    "Po przyjęciu porównano jeszcze raz z innymi sprawozdaniami; przyjęcie pozostaje ważne:",
    "Since the acceptance compared with other reports again; the acceptance stands:",
);
/// Said when they found nothing.
pub(super) const LATER_WELL: (&str, &str) = ("wszystko się zgadza", "all agrees");
/// Said of a comparison whose other report has not come.
pub(super) const LATER_PENDING: (&str, &str) = ("czeka na drugie sprawozdanie", "waits for the other report");
/// What stands over the comparisons whose other report has not come.
pub(super) const PENDING: (&str, &str) = (
    "Zostanie sprawdzone, gdy nadejdzie drugie sprawozdanie:",
    "Will be checked when the other report comes:",
);

/// The first line: what happens next.
pub(super) fn verdict(report: &Report, language: Language) -> String {
    match (report.worst(), language) {
        (Some(Severity::Block), Language::Polish) => match report.rows_refused {
            0 => "Odrzucono, popraw plik".to_owned(),
            1 => "Odrzucono, popraw 1 wiersz".to_owned(),
            n => format!("Odrzucono, popraw {n} {}", polish_rows(n)),
        },
        (Some(Severity::Block), Language::English) => match report.rows_refused {
            0 => "Refused, correct the file".to_owned(),
            1 => "Refused, correct 1 row".to_owned(),
            n => format!("Refused, correct {n} rows"),
        },
        (Some(Severity::MustExplain), _) if report.unexplained() > 0 => match language {
            Language::Polish => format!("Czeka na wyjaśnienie, wyjaśnij uwagi: {}", report.unexplained()),
            Language::English => format!("Waits for you, explain findings: {}", report.unexplained()),
        },
        (Some(Severity::MustExplain), _) => {
            language.pick("Przyjęto z wyjaśnieniem", "Accepted with your explanation").to_owned()
        }
        (Some(Severity::Warn | Severity::Info), _) => language
            .pick(
                "Przyjęto z uwagami, nie musisz nic robić",
                "Accepted with remarks, there is nothing you must do",
            )
            .to_owned(),
        (None, _) => language.pick("Przyjęto", "Accepted").to_owned(),
    }
}

/// 2 wiersze, 5 wierszy, 12 wierszy, 22 wiersze.
fn polish_rows(number: u64) -> &'static str {
    let teen = (12..=14).contains(&(number % 100));
    if (2..=4).contains(&(number % 10)) && !teen { "wiersze" } else { "wierszy" }
}

pub(super) fn severity(severity: Severity, language: Language) -> &'static str {
    match severity {
        Severity::Block => language.pick("błąd", "error"),
        Severity::MustExplain => language.pick("do wyjaśnienia", "to explain"),
        Severity::Warn => language.pick("uwaga", "warning"),
        Severity::Info => language.pick("informacja", "note"),
    }
}

fn counts(out: &mut String, counts: &[Count], language: Language) {
    let names: Vec<String> = counts.iter().map(Count::name).collect();
    let widest = names.iter().map(String::len).max().unwrap_or(0);
    for (count, name) in counts.iter().zip(&names) {
        let _ = writeln!(out, "  {name:widest$}  {:>8}  {}", count.count, severity(count.severity, language));
    }
}

fn violations(out: &mut String, report: &Report, language: Language, most: usize, rest: &str) {
    let shown = report.violations.iter().take(most);
    let cells: Vec<[String; 4]> = shown.clone().map(|v| cells(v, language)).collect();
    let titles = match language {
        Language::Polish => ["wiersz", "kolumna", "wartość", "co jest źle"],
        Language::English => ["row", "column", "value", "what is wrong"],
    };
    let width = |column: usize| {
        let titled = titles[column].chars().count();
        cells.iter().map(|c| c[column].chars().count()).max().unwrap_or(0).max(titled)
    };
    let (row, name, value) = (width(0), width(1), width(2));
    let _ = writeln!(out, "  {:>row$}  {:name$}  {:value$}  {}", titles[0], titles[1], titles[2], titles[3]);
    let indent = " ".repeat(row + name + value + 8);
    for (violation, cell) in shown.zip(&cells) {
        let _ = writeln!(out, "  {:>row$}  {:name$}  {:value$}  {}", cell[0], cell[1], cell[2], cell[3]);
        if !violation.key.is_empty() {
            let _ = writeln!(out, "{indent}{}: {}", language.pick("klucz", "key"), violation.key);
        }
        let hint = language.pick(&violation.hint_pl, &violation.hint_en);
        if !hint.is_empty() {
            let _ = writeln!(out, "{indent}→ {hint}");
        }
        if !violation.explanation.is_empty() {
            let said = printable(&violation.explanation);
            let _ = writeln!(out, "{indent}{}: {said}", language.pick("wyjaśnienie", "explanation"));
        }
    }
    let all: u64 = report.counts.iter().map(|c| c.count).sum();
    let more = all.saturating_sub(cells.len() as u64);
    if more > 0 {
        let _ = match language {
            Language::Polish => writeln!(out, "  … i jeszcze {more}: {rest}"),
            Language::English => writeln!(out, "  … and {more} more: {rest}"),
        };
    }
}

/// What was read in another form: the column, what it is about, how often, and the first cells.
fn normalised(out: &mut String, normalised: &[Normalised], language: Language) {
    out.push_str(language.pick("Odczytano mimo innego zapisu:\n", "Read in spite of another form:\n"));
    let file = language.pick("(plik)", "(file)");
    let column = |n: &Normalised| if n.column.is_empty() { file.to_owned() } else { n.column.clone() };
    let width = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0);
    let name = width(&mut normalised.iter().map(|n| column(n).chars().count()));
    let what = width(&mut normalised.iter().map(|n| n.change.text(language).chars().count()));
    for n in normalised {
        let _ = writeln!(
            out,
            "  {:name$}  {:what$}  {:>8}  {}",
            column(n),
            n.change.text(language),
            n.count,
            examples(n, language)
        );
    }
}

/// The first cells that were written in another form, and how they were read.
pub(super) fn examples(normalised: &Normalised, language: Language) -> String {
    let examples = normalised.examples.iter().map(|example| {
        let (from, to) = (printable(&example.from), printable(&example.to));
        let row = language.pick("wiersz", "row");
        match (example.row, to.is_empty()) {
            (line, true) if from.is_empty() => format!("{row} {line}"),
            (0, true) => from,
            (0, false) => format!("{from} → {to}"),
            (line, true) => format!("„{from}” ({row} {line})"),
            (line, false) => format!("„{from}” → {to} ({row} {line})"),
        }
    });
    examples.collect::<Vec<_>>().join(", ")
}

fn cells(violation: &Violation, language: Language) -> [String; 4] {
    let row = if violation.row == 0 { "–".to_owned() } else { violation.row.to_string() };
    let message = language.pick(&violation.message_pl, &violation.message_en);
    [row, violation.column.clone(), printable(&violation.value), message.to_owned()]
}

/// Control characters of a raw cell would break the table or the terminal.
pub(super) fn printable(value: &str) -> String {
    value.chars().map(|c| if c.is_control() { '␣' } else { c }).collect()
}

impl Count {
    /// `RULE_BROKEN plan_nieujemny`, `TYPE_INVALID`.
    pub(super) fn name(&self) -> String {
        if self.rule.is_empty() {
            self.code.as_str().to_owned()
        } else {
            format!("{} {}", self.code.as_str(), self.rule)
        }
    }
}
