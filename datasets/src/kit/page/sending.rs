//! How a report is sent: files to take away, formats, commands, samples.

use std::fmt::Write as _;

use super::{PageOf, Place, table};
use crate::pattern::Pattern;
use crate::report::{Language, escaped};

pub(super) fn downloads(out: &mut String, of: PageOf<'_>, language: Language) {
    let id = escaped(&of.pattern.id);
    let _ = writeln!(out, "<h2 id=\"files\">{}</h2>", language.pick("Pliki", "Files"));
    let form = language.pick("Pusty formularz XLSX", "The empty form, XLSX");
    let csv = language.pick("Pusty formularz CSV", "The empty form, CSV");
    let kit = language.pick(
        "Zestaw dla dostawcy oprogramowania (ZIP): wzór, formularz, przykłady z oczekiwanymi raportami",
        "Kit for vendors (ZIP): pattern, form, samples with expected reports",
    );
    let links = match of.place {
        Place::Hub => vec![
            (format!("{id}/template.xlsx"), form),
            (format!("{id}/template.csv"), csv),
            (format!("{id}/kit.zip"), kit),
        ],
        Place::Kit => vec![("template.xlsx".to_owned(), form), ("template.csv".to_owned(), csv)],
        Place::Alone => Vec::new(),
    };
    if !links.is_empty() {
        let links: String =
            links.iter().map(|(link, said)| format!("<li><a href=\"{link}\">{said}</a></li>\n")).collect();
        let _ = writeln!(out, "<ul>\n{links}</ul>");
    }
    let word = language.pick("Tymi poleceniami też:", "By these commands too:");
    let _ = writeln!(
        out,
        "<p class=\"about\">{word}</p>\n<pre><code>hub patterns template {id} --out {id}.xlsx\nhub patterns kit {id} --out {id}-kit.zip</code></pre>"
    );
}

pub(super) fn formats(out: &mut String, pattern: &Pattern, language: Language) {
    let id = escaped(&pattern.id);
    let _ = writeln!(out, "<h2 id=\"sending\">{}</h2>", language.pick("Jak wysłać", "How to send"));
    let period = match pattern.period.frequencies.first() {
        Some(frequency) => match frequency.letter() {
            'A' => "2025",
            'S' => "2025-S2",
            'Q' => "2025-Q4",
            'M' => "2025-M12",
            _ => "2025-12-31",
        },
        None => "2025",
    };
    let (check, push) = (
        language.pick("# sprawdź u siebie, bez huba", "# check here, without a hub"),
        language.pick("# wyślij", "# send"),
    );
    let file = language.pick("PLIK", "FILE");
    let _ = writeln!(
        out,
        "<pre><code>{check}\nhub check {file} --pattern {id} --period {period}\n{push}\nhub push {file} --pattern {id} --period {period}</code></pre>"
    );
    let heads = match language {
        Language::Polish => ["Pliki", "Rozszerzenia", "Typ (Content-Type)"],
        Language::English => ["Files", "Extensions", "Media type"],
    };
    table(out, language.pick("Przyjmowane formaty", "Formats that are taken"), &heads);
    let sheets = language.pick("arkusz kalkulacyjny", "spreadsheet");
    let rows: [(&str, &str, crate::MediaType); 9] = [
        (language.pick("tabela tekstowa", "text table"), ".csv .txt .tsv", crate::MediaType::Csv),
        (sheets, ".xlsx .xlsm", crate::MediaType::Xlsx),
        (sheets, ".xls", crate::MediaType::Xls),
        (sheets, ".ods", crate::MediaType::Ods),
        (
            language.pick("dokument XML innego systemu", "XML document of another system"),
            ".xml",
            crate::MediaType::Xml,
        ),
        (
            language.pick("dokument JSON innego systemu", "JSON document of another system"),
            ".json",
            crate::MediaType::Json,
        ),
        ("NDJSON", ".ndjson .jsonl", crate::MediaType::Ndjson),
        ("Arrow", ".arrow .arrows", crate::MediaType::ArrowStream),
        ("Parquet", ".parquet", crate::MediaType::Parquet),
    ];
    for (what, extensions, media) in rows {
        let is_document = matches!(media, crate::MediaType::Xml | crate::MediaType::Json);
        if is_document && pattern.mappings.is_empty() && media == crate::MediaType::Json {
            continue;
        }
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{what}</th><td>{extensions}</td><td><code>{}</code></td></tr>",
            media.as_str()
        );
    }
    out.push_str("</tbody>\n</table></div>\n");
    of_other_systems(out, pattern, language);
}

/// Documents and tables of other systems that hold the pattern's rows.
fn of_other_systems(out: &mut String, pattern: &Pattern, language: Language) {
    let documents = pattern.mappings.iter().map(|mapping| (&mapping.id, &mapping.title));
    let tables = pattern.tables.iter().map(|table| (&table.id, &table.title));
    let lines: String = documents
        .chain(tables)
        .map(|(id, title)| {
            let title = escaped(language.pick(&title.pl, &title.en));
            format!("<li><code>{}</code>: {title}</li>\n", escaped(id))
        })
        .collect();
    if !lines.is_empty() {
        let word = language.pick(
            "Pliki innych systemów, które hub czyta wprost",
            "Files of other systems that the hub reads as they are",
        );
        let _ = writeln!(out, "<h3>{word}</h3>\n<ul>\n{lines}</ul>");
    }
}

pub(super) fn samples(out: &mut String, of: PageOf<'_>, language: Language) {
    if of.samples.is_empty() {
        return;
    }
    let _ = writeln!(out, "<h2 id=\"samples\">{}</h2>", language.pick("Przykłady", "Samples"));
    let word = language.pick(
        "Są w zestawie, każdy z oczekiwanym raportem obok (NAZWA.report.json).",
        "They are in the kit, each with its expected report beside it (NAME.report.json).",
    );
    let _ = writeln!(out, "<p class=\"about\">{word}</p>");
    let kinds = [
        ("valid/", language.pick("Poprawne", "Valid")),
        ("invalid/", language.pick("Błędne, nazwane od błędu", "Invalid, named for what is wrong")),
    ];
    for (kind, title) in kinds {
        let named = of.samples.iter().filter_map(|sample| sample.strip_prefix(kind));
        let lines: String = named.map(|name| format!("<li><code>{}</code></li>\n", escaped(name))).collect();
        if !lines.is_empty() {
            let _ = writeln!(out, "<h3>{title}</h3>\n<ul>\n{lines}</ul>");
        }
    }
}
