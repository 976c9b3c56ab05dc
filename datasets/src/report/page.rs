//! A report as a page: one file without anything from outside, for a browser and for paper.

use std::fmt::Write as _;

use super::render::{
    LATER, LATER_PENDING, LATER_WELL, NOT_EVALUATED, PENDING, examples, printable, severity, verdict,
};
use super::{Language, Normalised, Report, Severity, Violation};

const STYLE: &str = "@page{size:A4 landscape;margin:12mm}\
*{box-sizing:border-box}\
body{font:11pt/1.4 system-ui,\"Segoe UI\",\"DejaVu Sans\",Arial,sans-serif;color:#111;background:#fff;max-width:1100px;margin:24px auto;padding:0 16px}\
h1{font-size:20pt;line-height:1.2;margin:0 0 4px}\
h2{font-size:13pt;margin:24px 0 6px}\
.bad{border-left:8px solid #b00020;padding-left:12px}\
.good{border-left:8px solid #1b6e2e;padding-left:12px}\
.about{color:#444;margin:0}\
table{border-collapse:collapse;width:100%}\
thead{display:table-header-group}\
tr{break-inside:avoid}\
th,td{text-align:left;vertical-align:top;padding:4px 8px;border-bottom:1px solid #ccc;overflow-wrap:break-word}\
th{white-space:nowrap}\
.short{width:auto;min-width:420px}\
.number{text-align:right;white-space:nowrap}\
.hint{color:#444}\
.key{color:#666;font-size:9pt}\
.error{font-weight:600;color:#b00020}\
code{font:10pt ui-monospace,\"DejaVu Sans Mono\",Consolas,monospace}\
@media print{body{margin:0;padding:0;max-width:none;font-size:9pt}}";

/// Writes a report as a page; `about` says of what it is, such as the name of a file.
pub fn render_page(report: &Report, about: &str, language: Language) -> String {
    let first = verdict(report, language);
    let mut out = String::with_capacity(4_096 + report.violations.len() * 256);
    let _ = writeln!(
        out,
        "<!DOCTYPE html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">",
        language.pick("pl", "en")
    );
    // Whatever a cell might hold, the browser runs nothing and asks nobody.
    out.push_str("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n");
    out.push_str("<meta name=\"viewport\" content=\"width=device-width\">\n");
    let title = if about.is_empty() { first.clone() } else { format!("{about}: {first}") };
    let _ = writeln!(out, "<title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>", escaped(&title));
    let kind = if report.blocks() || report.unexplained() > 0 { "bad" } else { "good" };
    let _ = writeln!(out, "<h1 class=\"{kind}\">{}</h1>", escaped(&first));
    if !about.is_empty() {
        let _ = writeln!(out, "<p class=\"about\">{}</p>", escaped(about));
    }
    let _ = writeln!(
        out,
        "<p class=\"about\">{} {} · {}: {} · {}: {} · {}: {}</p>",
        language.pick("Wzór", "Pattern"),
        escaped(&report.pattern),
        language.pick("wierszy", "rows read"),
        report.rows_read,
        language.pick("odrzucono", "refused"),
        report.rows_refused,
        language.pick("odłożono", "set aside"),
        report.rows_set_aside,
    );
    counts(&mut out, report, language);
    violations(&mut out, report, language);
    normalised(&mut out, &report.normalised, language);
    let explained =
        report.explanations.iter().map(|said| format!("{}: {}", said.rule, printable(&said.text)));
    list(&mut out, language.pick("Wyjaśnienia nadawcy", "Explained by the sender"), explained);
    if let Some(later) = &report.later {
        let found = later.violations.iter().map(|found| {
            let message = language.pick(&found.message_pl, &found.message_en);
            format!("{} {message} ({})", found.key, printable(&found.value))
        });
        let pending = later
            .pending
            .iter()
            .map(|name| format!("{name}: {}", language.pick(LATER_PENDING.0, LATER_PENDING.1)));
        let is_well = later.violations.is_empty() && later.pending.is_empty();
        let well = is_well.then(|| language.pick(LATER_WELL.0, LATER_WELL.1).to_owned());
        list(&mut out, language.pick(LATER.0, LATER.1), found.chain(pending).chain(well));
    }
    list(&mut out, language.pick(NOT_EVALUATED.0, NOT_EVALUATED.1), report.not_evaluated.iter().cloned());
    list(&mut out, language.pick(PENDING.0, PENDING.1), report.still_pending().iter().cloned());
    out.push_str("</body>\n</html>\n");
    out
}

/// A list under its title, if it has something.
fn list(out: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let lines: String = lines.map(|line| format!("<li>{}</li>\n", escaped(&line))).collect();
    if !lines.is_empty() {
        let _ = writeln!(out, "<h2>{title}</h2>\n<ul>\n{lines}</ul>");
    }
}

fn table(out: &mut String, class: &str, title: &str, heads: &[&str]) {
    let heads: String = heads.iter().map(|head| format!("<th scope=\"col\">{head}</th>")).collect();
    let _ = writeln!(
        out,
        "<h2>{title}</h2>\n<table class=\"{class}\">\n<thead><tr>{heads}</tr></thead>\n<tbody>"
    );
}

fn counts(out: &mut String, report: &Report, language: Language) {
    if report.counts.is_empty() {
        return;
    }
    let heads = [
        language.pick("rodzaj", "kind"),
        language.pick("waga", "severity"),
        language.pick("ile", "how many"),
    ];
    table(out, "short", language.pick("Podsumowanie", "Summary"), &heads);
    for count in &report.counts {
        let _ = writeln!(
            out,
            "<tr><td><code>{}</code></td><td>{}</td><td class=\"number\">{}</td></tr>",
            escaped(&count.name()),
            graded(count.severity, language),
            count.count
        );
    }
    out.push_str("</tbody>\n</table>\n");
}

fn violations(out: &mut String, report: &Report, language: Language) {
    if report.violations.is_empty() {
        return;
    }
    let heads = match language {
        Language::Polish => ["wiersz", "waga", "kolumna", "wartość", "co jest źle i co zrobić"],
        Language::English => ["row", "severity", "column", "value", "what is wrong and what to do"],
    };
    table(out, "long", language.pick("Po kolei", "One by one"), &heads);
    report.violations.iter().for_each(|violation| row(out, violation, language));
    out.push_str("</tbody>\n</table>\n");
    let all: u64 = report.counts.iter().map(|count| count.count).sum();
    let more = all.saturating_sub(report.violations.len() as u64);
    if more > 0 {
        let _ = writeln!(
            out,
            "<p class=\"about\">{} {more}.</p>",
            language.pick(
                "Raport wymienia pierwsze; popraw je i sprawdź ponownie. Poza nimi jest jeszcze:",
                "The report names the first ones; correct them and check again. Beside them there are:"
            )
        );
    }
}

fn row(out: &mut String, violation: &Violation, language: Language) {
    let number = if violation.row == 0 { "–".to_owned() } else { violation.row.to_string() };
    let message = language.pick(&violation.message_pl, &violation.message_en);
    let hint = language.pick(&violation.hint_pl, &violation.hint_en);
    let _ = write!(
        out,
        "<tr><td class=\"number\">{number}</td><td>{}</td><td><code>{}</code></td><td>{}</td><td>{}",
        graded(violation.severity, language),
        escaped(&violation.column),
        escaped(&printable(&violation.value)),
        escaped(message)
    );
    if !hint.is_empty() {
        let _ = write!(out, "<br><span class=\"hint\">→ {}</span>", escaped(hint));
    }
    if !violation.explanation.is_empty() {
        let said = escaped(&printable(&violation.explanation));
        let _ = write!(out, "<br>{}: {said}", language.pick("Wyjaśnienie", "Explanation"));
    }
    if !violation.key.is_empty() {
        let _ = write!(out, "<br><span class=\"key\">{}</span>", escaped(&violation.key));
    }
    out.push_str("</td></tr>\n");
}

fn normalised(out: &mut String, normalised: &[Normalised], language: Language) {
    if normalised.is_empty() {
        return;
    }
    let heads = match language {
        Language::Polish => ["kolumna", "co", "ile", "przykłady"],
        Language::English => ["column", "what", "how many", "examples"],
    };
    table(
        out,
        "long",
        language.pick("Odczytano mimo innego zapisu", "Read in spite of another form"),
        &heads,
    );
    for found in normalised {
        let _ = writeln!(
            out,
            "<tr><td><code>{}</code></td><td>{}</td><td class=\"number\">{}</td><td>{}</td></tr>",
            escaped(&found.column),
            escaped(found.change.text(language)),
            found.count,
            escaped(&examples(found, language))
        );
    }
    out.push_str("</tbody>\n</table>\n");
}

fn graded(grade: Severity, language: Language) -> String {
    let text = severity(grade, language);
    if grade == Severity::Block { format!("<span class=\"error\">{text}</span>") } else { text.to_owned() }
}

/// Text as it stands in a page, between tags or in the double quotes of an attribute.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            character => out.push(character),
        }
    }
    out
}
