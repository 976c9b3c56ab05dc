//! A report in a few lines, for one whose rows were accepted: what it says, and how to read all of it.

use std::collections::BTreeMap;

use super::render::{NOT_EVALUATED, PENDING, printable, severity, verdict};
use super::{Code, Language, Report, Severity, Violation};

/// Warnings that are written out.
const WARNINGS_MAX: usize = 5;
/// Names that are written out of each list.
const NAMES_MAX: usize = 10;

/// The first line of the report, each warning in a line (at most five), how much else it says, and what is still to
/// be compared. `details` is the command that shows the whole of it.
pub fn render_brief(report: &Report, language: Language, details: &str) -> String {
    let number = |of: &dyn Fn(Severity) -> bool| -> u64 {
        report.counts.iter().filter(|count| of(count.severity)).map(|count| count.count).sum()
    };
    let (warnings, notes) =
        (number(&|severity| severity > Severity::Info), number(&|severity| severity == Severity::Info));
    let normalised: u64 = report.normalised.iter().map(|normalised| normalised.count).sum();
    let mut lines = vec![verdict(report, language)];
    let shown = varied(report);
    lines.extend(shown.iter().map(|found| warning(found, language)));
    let more = warnings.saturating_sub(shown.len() as u64);
    if more > 0 {
        lines.push(match language {
            Language::Polish => format!("… i jeszcze {more}: {details}"),
            Language::English => format!("… and {more} more: {details}"),
        });
    }
    let said = [
        (language.pick("uwag", "warnings"), warnings),
        (language.pick("informacji", "notes"), notes),
        (language.pick("odczytano mimo innego zapisu", "read in spite of another form"), normalised),
    ];
    let said =
        said.iter().filter(|(_, number)| *number > 0).map(|(what, number)| format!("{what}: {number}"));
    let said = said.collect::<Vec<_>>().join(", ");
    if !said.is_empty() {
        lines.push(format!("{said}; {}: {details}", language.pick("szczegóły", "details")));
    }
    for (title, names) in
        [(NOT_EVALUATED, report.not_evaluated.as_slice()), (PENDING, report.still_pending())]
    {
        if !names.is_empty() {
            lines.push(format!("{} {}", language.pick(title.0, title.1), listed(names)));
        }
    }
    lines.join("\n")
}

fn listed(names: &[String]) -> String {
    let first = names.iter().take(NAMES_MAX).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > NAMES_MAX { format!("{first}, … (+{})", names.len() - NAMES_MAX) } else { first }
}

/// The first warnings, one of each kind before a second of any.
fn varied(report: &Report) -> Vec<&Violation> {
    let mut before: BTreeMap<(Code, &str), usize> = BTreeMap::new();
    let mut found: Vec<(usize, &Violation)> = Vec::new();
    for warning in report.violations.iter().filter(|found| found.severity > Severity::Info) {
        let of_kind = before.entry((warning.code, warning.rule.as_str())).or_default();
        if *of_kind < WARNINGS_MAX {
            found.push((*of_kind, warning));
        }
        *of_kind += 1;
    }
    found.sort_by_key(|(place, _)| *place);
    found.into_iter().take(WARNINGS_MAX).map(|(_, warning)| warning).collect()
}

/// `uwaga ROWS_LOST, wiersz 7, plan: what is wrong → what to do`.
fn warning(found: &Violation, language: Language) -> String {
    let mut at = vec![format!("{} {}", severity(found.severity, language), found.code.as_str())];
    if found.row > 0 {
        at.push(format!("{} {}", language.pick("wiersz", "row"), found.row));
    }
    at.extend((!found.column.is_empty()).then(|| found.column.clone()));
    let message = language.pick(&found.message_pl, &found.message_en);
    let hint = language.pick(&found.hint_pl, &found.hint_en);
    let hint = if hint.is_empty() { String::new() } else { format!(" → {hint}") };
    printable(&format!("{}: {message}{hint}", at.join(", ")))
}
