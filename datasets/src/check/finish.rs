//! The report on a payload as a whole.

use crate::report::{Code, Count, Findings, Normalised, Report, Severity, Violation};

use super::messages::structural;
use super::{Checker, Compared, personal};

/// `rows` are those that were read and not set aside.
pub(super) fn report(checker: &Checker, mut findings: Findings, rows: u64, mut compared: Compared) -> Report {
    let structure_broken = findings
        .counts
        .keys()
        .any(|(code, severity, _)| code.is_structural() && *severity == Severity::Block);
    if rows == 0 && !structure_broken {
        // Sums of no rows say nothing of their own.
        compared = checker.uncompared();
    }
    findings.merge(compared.findings);
    if rows == 0 && !structure_broken {
        findings.add(structural(checker, Code::EmptyFile, 0, "", ""));
    } else if structure_broken {
        findings = structural_only(findings);
    }
    let (rows_set_aside, rows_refused) = (findings.rows_set_aside, findings.rows_refused.min(rows));
    let counts: Vec<Count> = findings.take_counts().collect();
    let mut violations = std::mem::take(&mut findings.listed);
    for violation in violations.iter_mut().filter(|violation| violation.severity == Severity::MustExplain) {
        violation.explanation = findings.explanation(violation.row).unwrap_or_default().to_owned();
    }
    let mut normalised: Vec<Normalised> = findings.into_normalised().collect();
    let pattern = &checker.context.pattern;
    violations.iter_mut().for_each(mask);
    normalised.iter_mut().flat_map(|normalised| &mut normalised.examples).for_each(|example| {
        personal::mask(&mut example.from);
        personal::mask(&mut example.to);
    });
    let place = |name: &str| pattern.columns.iter().position(|column| column.name == name);
    normalised.sort_by_key(|normalised| (place(&normalised.column), normalised.change));
    let mut not_evaluated = [checker.not_evaluated.to_vec(), checker.not_compared()].concat();
    let others = compared.not_evaluated.into_iter().filter(|id| !not_evaluated.contains(id));
    not_evaluated.extend(others.collect::<Vec<_>>());
    let mut report = Report {
        pattern: pattern.reference(),
        bundle_sha256: pattern.bundle_sha256.clone(),
        rows_read: rows + rows_set_aside,
        rows_refused,
        rows_set_aside,
        counts,
        violations,
        not_evaluated,
        pending: compared.pending,
        explanations: Vec::new(),
        later: None,
        normalised,
    };
    // What is known only at the end, or only of the file as a whole, comes in any order.
    report.arrange();
    report
}

/// No finding shows a PESEL, whatever part of the file it is about.
fn mask(violation: &mut Violation) {
    let Violation { key, column, value, message_pl, message_en, hint_pl, hint_en, explanation, .. } =
        violation;
    let texts = [key, column, value, message_pl, message_en, hint_pl, hint_en, explanation];
    texts.into_iter().for_each(personal::mask);
}

/// A file whose structure is broken says nothing trustworthy about its rows: only the fault stays.
/// A fault of the same kind in each part of the file (a wrong encoding) is told once.
fn structural_only(findings: Findings) -> Findings {
    let mut only = Findings::default();
    let each = |code| {
        matches!(
            code,
            Code::ColumnMissing | Code::ColumnUnknown | Code::ColumnRepeated | Code::SchemaMismatch
        )
    };
    // The list is bounded, the counts are not: they alone decide that the payload is refused.
    for ((code, severity, rule), number) in findings.counts {
        if code.is_structural() && severity == Severity::Block {
            only.count(code, severity, &rule, if each(code) { number } else { 1 });
        }
    }
    for violation in findings.listed {
        let broken = violation.code.is_structural() && violation.severity == Severity::Block;
        let told = only.listed.iter().any(|v| v.code == violation.code);
        if broken && (!told || each(violation.code)) {
            only.list(violation);
        }
    }
    only
}
