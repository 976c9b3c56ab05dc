//! The page of a receipt: one file without anything from outside, fit for an archive and for paper, with the receipt
//! itself inside.
//!
//! Nothing is on the page but what the receipt says, so that who reads it back can make it again and compare: a
//! page that shows something else than what was signed is found. A later form of the page gets a number of its own,
//! and the earlier one stays for the files that were made in it: withdrawals have the second form, and are read in both.

use std::fmt::Write as _;

use super::words::{self, Label};
use super::{Receipt, ReceiptFault, Signed, canonical, moment};

/// Slices that a list writes out; the receipt inside has all of them.
const LISTED_MAX: usize = 60;

const BEFORE: &str = "<script type=\"application/json\" id=\"hub-receipt\">";
const BEHIND: &str = "</script>";

const STYLE: &str = "@page{size:A4;margin:13mm 15mm}\
*{box-sizing:border-box}\
body{font:10pt/1.3 system-ui,\"Segoe UI\",\"DejaVu Sans\",Arial,sans-serif;color:#111;background:#fff;max-width:178mm;margin:8mm auto;padding:0 4mm}\
h1{font-size:16pt;line-height:1.2;margin:0}\
[lang=en]{display:block;font-size:7.5pt;line-height:1.25;font-weight:400;color:#555;font-style:italic}\
table{border-collapse:collapse;width:100%;margin:4mm 0}\
tr{break-inside:avoid}\
th,td{text-align:left;vertical-align:top;padding:.8mm 2mm;border-bottom:.2mm solid #bbb}\
th{width:30%;font-weight:600}\
td{overflow-wrap:anywhere}\
.sum{font:7.8pt/1.4 ui-monospace,\"DejaVu Sans Mono\",Consolas,monospace;overflow-wrap:anywhere}\
code{font:8.5pt ui-monospace,\"DejaVu Sans Mono\",Consolas,monospace}\
[lang=en] code{font-size:7pt}\
p{margin:0 0 1.5mm;font-size:8.5pt}\
@media print{body{margin:0;padding:0;max-width:none}}";

/// A form of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `hub-receipt/1`: of data that was accepted.
    Accepted,
    /// `hub-receipt/2`: of a withdrawal, which sends nothing.
    Withdrawn,
}

/// The page of a receipt.
pub fn page(signed: &Signed) -> String {
    written(signed, if signed.receipt.withdraws.is_some() { Form::Withdrawn } else { Form::Accepted })
}

fn written(signed: &Signed, form: Form) -> String {
    let receipt = &signed.receipt;
    let (title, number) = match form {
        Form::Accepted => (words::TITLE, 1),
        Form::Withdrawn => (words::TITLE_OF_WITHDRAWAL, 2),
    };
    let mut out = String::with_capacity(8 * 1024 + signed.document.len());
    out.push_str("<!DOCTYPE html>\n<html lang=\"pl\">\n<head>\n<meta charset=\"utf-8\">\n");
    // Whatever a name might hold, the browser runs nothing and asks nobody.
    out.push_str("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n");
    out.push_str("<meta name=\"viewport\" content=\"width=device-width\">\n");
    let _ = writeln!(out, "<meta name=\"generator\" content=\"hub-receipt/{number}\">");
    let name = format!("UPO {} {} {}", receipt.publisher, receipt.pattern, receipt.period);
    let _ = writeln!(out, "<title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>", escaped(&name));
    let _ = writeln!(out, "<h1>{}</h1>", both(title));
    table(&mut out, &content(receipt, form));
    table(&mut out, &proof(signed, form));
    for (pl, en) in words::HOW {
        let _ = writeln!(out, "<p>{pl}<span lang=\"en\">{en}</span></p>");
    }
    let _ = writeln!(out, "{BEFORE}{}{BEHIND}\n</body>\n</html>", inside(&signed.document));
    out
}

/// As withdrawals were shown before they had a form of their own.
#[cfg(test)]
pub(super) fn in_first_form(signed: &Signed) -> String {
    written(signed, Form::Accepted)
}

/// The receipt inside a page; a page that shows something else is refused.
pub fn read_page(text: &str) -> Result<Signed, ReceiptFault> {
    let none = || ReceiptFault::NotReceipt("the page holds no receipt".to_owned());
    let (_, rest) = text.split_once(BEFORE).ok_or_else(none)?;
    let (found, _) = rest.split_once(BEHIND).ok_or_else(none)?;
    let other = |error: serde_json::Error| ReceiptFault::NotReceipt(error.to_string());
    let value: serde_json::Value = serde_json::from_str(found).map_err(other)?;
    let document = canonical(&value).unwrap_or_default();
    if inside(&document) != found {
        return Err(ReceiptFault::Rewritten);
    }
    let signed = Signed::read(&document)?;
    let is_page = page(&signed) == text || written(&signed, Form::Accepted) == text;
    if is_page { Ok(signed) } else { Err(ReceiptFault::PageChanged) }
}

/// The receipt as the page holds it. Within canonical JSON `<` stands in texts only, where it may be written so too;
/// as it is it could end the script.
fn inside(document: &str) -> String {
    document.replace('<', "\\u003c")
}

/// What was accepted, or withdrawn.
fn content(receipt: &Receipt, form: Form) -> Vec<(Label, String)> {
    let publisher = match receipt.publisher_name.as_str() {
        "" => escaped(&receipt.publisher),
        name => format!("{} ({})", escaped(name), escaped(&receipt.publisher)),
    };
    let revision = match receipt.parent {
        Some(parent) => format!("{} (poprzednia / previous: {parent})", receipt.revision),
        None => receipt.revision.to_string(),
    };
    let mut rows = vec![
        (words::PUBLISHER, publisher),
        (words::PATTERN, escaped(&receipt.pattern)),
        (words::PERIOD, escaped(&receipt.period)),
    ];
    rows.extend(match form {
        Form::Accepted => accepted(receipt),
        Form::Withdrawn => withdrawn(receipt),
    });
    rows.push((words::REVISION, revision));
    rows.push((words::DATASET, format!("{}, {}", escaped(&receipt.dataset), receipt.dataset_version)));
    for (label, slices) in [(words::CARRIED, &receipt.carried), (words::DROPPED, &receipt.dropped)] {
        if !slices.is_empty() {
            rows.push((label, listed(slices)));
        }
    }
    rows
}

fn accepted(receipt: &Receipt) -> Vec<(Label, String)> {
    let rows = match receipt.nothing_to_report {
        true => format!("0: {}", both(words::NOTHING)),
        false => receipt.rows.to_string(),
    };
    vec![
        (words::VERDICT, verdict(receipt)),
        (words::COMMITTED, time(&receipt.committed_at)),
        (words::ROWS, rows),
        (words::SLICES, receipt.slices.to_string()),
    ]
}

fn withdrawn(receipt: &Receipt) -> Vec<(Label, String)> {
    let submission = receipt.withdraws.as_deref().unwrap_or_default();
    let (pl, en) = words::WITHDRAWN;
    vec![
        (words::VERDICT, format!("{pl} / {en}")),
        (words::WITHDRAWN_AT, time(&receipt.committed_at)),
        (words::WITHDRAWS, format!("<span class=\"sum\">{}</span>", escaped(submission))),
    ]
}

/// What proves it.
fn proof(signed: &Signed, form: Form) -> Vec<(Label, String)> {
    let receipt = &signed.receipt;
    let sum = |text: &str| format!("<span class=\"sum\">{}</span>", escaped(text));
    let mut rows = vec![(words::SUBMISSION, sum(&receipt.submission))];
    if !receipt.nothing_to_report && form == Form::Accepted {
        rows.push((words::MEDIA, format!("{}, {}", escaped(&receipt.media_type), receipt.size)));
        rows.push((words::SHA256, sum(&receipt.sha256)));
    }
    rows.push((words::REPORT, sum(&receipt.report_sha256)));
    rows.push((words::BUNDLE, sum(&receipt.bundle_sha256)));
    rows.push((words::HUB, sum(&receipt.hub)));
    if !receipt.erasures.is_empty() {
        rows.push((words::ERASURES, sum(&receipt.erasures.join(", "))));
    }
    if let Some(signed_at) = &receipt.signed_at {
        rows.push((words::SIGNED, time(signed_at)));
    }
    rows.push((words::KEY, sum(&receipt.key_id)));
    rows.push((words::SIGNATURE, sum(&signed.signature_text())));
    rows
}

fn verdict(receipt: &Receipt) -> String {
    let known = words::verdict(&receipt.verdict).map(|(pl, en)| format!("{pl} / {en}"));
    let mut text = known.unwrap_or_else(|| escaped(&receipt.verdict));
    for (name, count) in &receipt.counts {
        let label = words::severity(name).map_or_else(|| escaped(name), |(pl, en)| format!("{pl} / {en}"));
        let _ = write!(text, "<br>{label}: {count}");
    }
    text
}

/// A moment in Polish civil time, and as it was signed.
fn time(text: &str) -> String {
    match moment(text) {
        Some(moment) => format!("{}<br><span class=\"sum\">{}</span>", words::civil(moment), escaped(text)),
        None => escaped(text),
    }
}

fn listed(slices: &[String]) -> String {
    let shown: Vec<String> = slices.iter().take(LISTED_MAX).map(|slice| escaped(slice)).collect();
    let mut text = format!("{}: {}", slices.len(), shown.join(", "));
    if slices.len() > LISTED_MAX {
        let _ = write!(text, " … (+{})", slices.len() - LISTED_MAX);
    }
    text
}

fn table(out: &mut String, rows: &[(Label, String)]) {
    out.push_str("<table>\n");
    for (label, value) in rows {
        let _ = writeln!(out, "<tr><th scope=\"row\">{}</th><td>{value}</td></tr>", both(*label));
    }
    out.push_str("</table>\n");
}

fn both((pl, en): Label) -> String {
    format!("{pl}<span lang=\"en\">{en}</span>")
}

/// A text as HTML shows it. Characters that change what a reader sees without being seen are shown.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            letter if is_unseen(letter) => {
                let _ = write!(out, "[U+{:04X}]", u32::from(letter));
            }
            letter => out.push(letter),
        }
    }
    out
}

/// Control characters, and those that turn or join what stands beside them.
fn is_unseen(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}
