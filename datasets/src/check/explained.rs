//! What a sender says to its rows: a column of the file, beside those of the pattern.

use crate::report::{Code, Explanation, Findings, Severity};

use super::Checker;
use super::header::EXPLANATION_COLUMN;
use super::messages::{Told, of_file};
use super::source::Source;

impl Checker {
    /// Takes up what the sender says to the rows of a part.
    pub(super) fn explanations(&self, source: &Source<'_>, lines: &[u64], findings: &mut Findings) {
        for (row, line) in lines.iter().enumerate() {
            let text = source.explanation(row);
            if text.is_empty() {
                continue;
            }
            if text.chars().count() > Explanation::TEXT_MAX {
                findings.add(too_long(*line));
            } else {
                findings.explain(*line, text);
            }
        }
    }
}

fn too_long(line: u64) -> crate::Violation {
    let most = Explanation::TEXT_MAX;
    let told = Told::new(
        format!("wyjaśnienie ma więcej niż {most} znaków"),
        format!("the explanation has more than {most} characters"),
    )
    .hint("Skróć wyjaśnienie.", "Make the explanation shorter.")
    .expected(format!("≤ {most}"));
    of_file(Code::LengthInvalid, Severity::Block, line, EXPLANATION_COLUMN, String::new(), told)
}
