//! The page of a pattern: what the report is, who sends it, each column and each rule, and how to send. One file without
//! anything from outside, for a browser and for paper.

use std::fmt::Write as _;

use super::Examples;
use super::facts::{self, Facts};
use crate::pattern::Text;
use crate::period::Frequency;
use crate::report::{Language, escaped};
use crate::{CodeLists, Pattern};

mod sending;
mod tables;

const STYLE: &str = "@page{size:A4 landscape;margin:12mm}\
*{box-sizing:border-box}\
body{font:11pt/1.45 system-ui,\"Segoe UI\",\"DejaVu Sans\",Arial,sans-serif;color:#111;background:#fff;max-width:1180px;margin:24px auto;padding:0 16px}\
h1{font-size:20pt;line-height:1.2;margin:0 0 4px}\
h2{font-size:14pt;margin:28px 0 8px}\
nav{margin:0 0 16px}\
a{color:#0b4fa0}\
.about{color:#333;margin:0 0 8px;max-width:80ch}\
.wide{overflow-x:auto}\
table{border-collapse:collapse;width:100%}\
caption{text-align:left;color:#333;padding:0 0 6px}\
thead{display:table-header-group}\
tr{break-inside:avoid}\
th,td{text-align:left;vertical-align:top;padding:5px 8px;border-bottom:1px solid #bbb;overflow-wrap:break-word}\
thead th{background:#f0f0f0}\
tbody th{font-weight:600}tbody th code{white-space:nowrap}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 16px;margin:0}\
dt{font-weight:600}\
dd{margin:0}\
.more{color:#444;font-size:9.5pt}\
summary{cursor:pointer}\
.needed{font-weight:600}\
.block{font-weight:600;color:#a0001c}\
code{font:9.5pt ui-monospace,\"DejaVu Sans Mono\",Consolas,monospace;overflow-wrap:anywhere}\
pre{background:#f4f4f4;padding:8px 12px;overflow-x:auto;margin:6px 0}\
@media print{body{margin:0;padding:0;max-width:none;font-size:9pt}.wide{overflow:visible}}\
@media (max-width:700px){dl{grid-template-columns:1fr}}";

/// Where a page lies, so that its links lead somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Served by a hub, below `/patterns`.
    Hub,
    /// In a kit, beside the form.
    Kit,
    /// A file on its own.
    Alone,
}

/// What a page is made of.
#[derive(Debug, Clone, Copy)]
pub struct PageOf<'a> {
    /// The pattern.
    pub pattern: &'a Pattern,
    /// At least the lists that it refers to.
    pub lists: &'a CodeLists,
    /// Its samples, as `valid/NAME.csv`.
    pub samples: &'a [String],
    /// What samples have in its columns.
    pub examples: &'a Examples,
    /// Where it lies.
    pub place: Place,
}

/// The page of a pattern.
pub fn page(of: PageOf<'_>, language: Language) -> String {
    let PageOf { pattern, place, .. } = of;
    let said = |text: &'_ Text| escaped(language.pick(&text.pl, &text.en));
    let mut out = String::with_capacity(32 << 10);
    begin(
        &mut out,
        language,
        &format!("{} – {}", language.pick(&pattern.title.pl, &pattern.title.en), pattern.id),
    );
    let (other, name) = language.one_of(("en", "English"), ("pl", "Polski"));
    match place {
        Place::Hub => {
            let all = language.pick("Wszystkie wzory", "All patterns");
            let _ = writeln!(
                out,
                "<nav aria-label=\"{}\"><a href=\"../patterns\">{all}</a> · <a href=\"?lang={other}\" lang=\"{other}\" hreflang=\"{other}\">{name}</a></nav>",
                language.pick("Strony", "Pages")
            );
        }
        Place::Kit => {
            let _ = writeln!(
                out,
                "<nav aria-label=\"{}\"><a href=\"page.{other}.html\" lang=\"{other}\" hreflang=\"{other}\">{name}</a></nav>",
                language.pick("Strony", "Pages")
            );
        }
        Place::Alone => {}
    }
    let _ = writeln!(out, "<main>\n<h1>{}</h1>", said(&pattern.title));
    let _ = writeln!(out, "<p class=\"about\">{}</p>", said(&pattern.description));
    about(&mut out, pattern, language);
    sending::downloads(&mut out, of, language);
    tables::columns(&mut out, of, language);
    tables::rules(&mut out, of, language);
    tables::comparisons(&mut out, pattern, language);
    sending::formats(&mut out, pattern, language);
    sending::samples(&mut out, of, language);
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

/// The page of all patterns that a hub knows; the newest version of each is named.
pub fn index_page<'a>(patterns: impl IntoIterator<Item = &'a Pattern>, language: Language) -> String {
    let mut out = String::with_capacity(8 << 10);
    let title = language.pick("Wzory: co można wysłać", "Patterns: what can be sent");
    begin(&mut out, language, title);
    let (other, name) = language.one_of(("en", "English"), ("pl", "Polski"));
    let _ = writeln!(
        out,
        "<nav aria-label=\"{}\"><a href=\"?lang={other}\" lang=\"{other}\" hreflang=\"{other}\">{name}</a></nav>\n<main>\n<h1>{title}</h1>",
        language.pick("Strony", "Pages")
    );
    let heads = match language {
        Language::Polish => ["Wzór", "Sprawozdanie", "Kto wysyła", "Okresy", "Wersja", "Pliki"],
        Language::English => ["Pattern", "Report", "Who sends it", "Periods", "Version", "Files"],
    };
    table(&mut out, language.pick("Wzory znane temu hubowi", "The patterns that this hub knows"), &heads);
    for pattern in patterns {
        let id = escaped(&pattern.id);
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\"><a href=\"patterns/{id}?lang={own}\"><code>{id}</code></a></th><td>{}<br><span class=\"more\">{}</span></td><td>{}</td><td>{}</td><td>{}</td><td><a href=\"patterns/{id}/template.xlsx\">{}</a>, <a href=\"patterns/{id}/kit.zip\">{}</a></td></tr>",
            escaped(language.pick(&pattern.title.pl, &pattern.title.en)),
            escaped(language.pick(&pattern.description.pl, &pattern.description.en)),
            unit_level(pattern, language),
            escaped(&frequencies(&pattern.period.frequencies, language)),
            pattern.version,
            language.pick("formularz XLSX", "XLSX form"),
            language.pick("zestaw ZIP", "kit (ZIP)"),
            own = language.pick("pl", "en"),
        );
    }
    out.push_str("</tbody>\n</table></div>\n</main>\n</body>\n</html>\n");
    out
}

fn begin(out: &mut String, language: Language, title: &str) {
    let _ = writeln!(
        out,
        "<!DOCTYPE html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">",
        language.pick("pl", "en")
    );
    // Whatever a text might hold, the browser runs nothing and asks nobody.
    out.push_str("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n");
    out.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    let _ = writeln!(out, "<title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>", escaped(title));
}

/// Begins a table that may be wider than the window; `</tbody></table></div>` ends it.
fn table(out: &mut String, caption: &str, heads: &[&str]) {
    let heads: String = heads.iter().map(|head| format!("<th scope=\"col\">{head}</th>")).collect();
    let _ = writeln!(
        out,
        "<div class=\"wide\"><table>\n<caption>{caption}</caption>\n<thead><tr>{heads}</tr></thead>\n<tbody>"
    );
}

/// What the report is, line by line.
fn about(out: &mut String, pattern: &Pattern, language: Language) {
    let code = |name: &str| format!("<code>{}</code>", escaped(name));
    let codes = |names: &[String]| names.iter().map(|name| code(name)).collect::<Vec<_>>().join(", ");
    let key = match pattern.key.is_empty() {
        true => language.pick("brak, wiersze mogą się powtarzać", "none, rows may repeat").to_owned(),
        false => codes(&pattern.key),
    };
    let slice = match &pattern.slice {
        Some(slice) => {
            format!("{} {}", language.pick("każda wartość kolumny", "each value of column"), code(slice))
        }
        None => language.pick("całe sprawozdanie", "the whole report").to_owned(),
    };
    let mut lines = vec![
        (language.pick("Wzór", "Pattern"), code(&pattern.reference())),
        (language.pick("Kto wysyła", "Who sends it"), unit_level(pattern, language).to_owned()),
        (language.pick("Okresy", "Periods"), escaped(&periods(pattern, language))),
        (language.pick("Klucz wiersza", "Key of a row"), key),
        (language.pick("Poprawia się osobno", "Corrected on its own"), slice),
        (language.pick("Odpowiada za wzór", "Answers for the pattern"), code(&pattern.owner)),
        (
            language.pick("Jawność", "Sensitivity"),
            facts::sensitivity(pattern.sensitivity, language).to_owned(),
        ),
        (language.pick("Licencja danych otwartych", "Licence of the open data"), escaped(&pattern.licence)),
    ];
    if let Some(family) = &pattern.family {
        lines.push((language.pick("Rodzina wzorów", "Family"), code(family)));
    }
    if !pattern.legal_basis.is_empty() {
        lines.push((
            language.pick("Podstawa prawna", "Legal basis"),
            escaped(&pattern.legal_basis.join("; ")),
        ));
    }
    let lines: String =
        lines.iter().map(|(name, said)| format!("<dt>{name}</dt><dd>{said}</dd>\n")).collect();
    let _ = writeln!(out, "<dl>\n{lines}</dl>");
}

fn unit_level(pattern: &Pattern, language: Language) -> &'static str {
    match pattern.unit_level.as_str() {
        "gmina" => language.pick("gminy", "gminas (municipalities)"),
        "powiat" => language.pick("powiaty", "powiats (counties)"),
        "wojewodztwo" => language.pick("województwa", "voivodeships"),
        _ => language.pick("jednostki, których dotyczy", "the units that it concerns"),
    }
}

fn frequency(frequency: Frequency, language: Language) -> &'static str {
    match frequency {
        Frequency::Annual => language.pick("rok (2022)", "year (2022)"),
        Frequency::HalfYear => language.pick("półrocze (2022-S1)", "half-year (2022-S1)"),
        Frequency::Quarter => language.pick("kwartał (2022-Q4)", "quarter (2022-Q4)"),
        Frequency::Month => language.pick("miesiąc (2022-M11)", "month (2022-M11)"),
        Frequency::Day => language.pick("dzień (2022-11-05)", "day (2022-11-05)"),
    }
}

fn frequencies(frequencies: &[Frequency], language: Language) -> String {
    frequencies.iter().map(|one| frequency(*one, language)).collect::<Vec<_>>().join(", ")
}

fn periods(pattern: &Pattern, language: Language) -> String {
    let mut said = frequencies(&pattern.period.frequencies, language);
    if pattern.period.cumulative {
        said += language.pick(
            "; kwoty narastająco, więc okresy kończące się tego samego dnia są jednym",
            "; amounts cumulate, so that periods which end on one day are one",
        );
    }
    if let Some(of) = &pattern.period.period_of {
        let word = language.pick("; okres wynika z kolumny", "; the column that tells the period:");
        said += &format!("{word} {} ({})", of.column, of.zone);
    }
    said
}

/// The columns with what is known of them.
fn facts(of: PageOf<'_>) -> impl Iterator<Item = Facts<'_>> {
    let PageOf { pattern, lists, examples, .. } = of;
    pattern.columns.iter().map(move |column| Facts { pattern, column, lists, examples: Some(examples) })
}
