//! The checker on real samples, on made-up patterns, and on noise.

use std::sync::Arc;

use bytes::Bytes;

use crate::csv::{Chunk, Cutter};
use crate::report::{Code, Findings, Report, Severity};
use crate::{CodeLists, Pattern, Patterns, Period};

use super::{Checker, Compared, Context, Publisher};

mod arrow_input;
mod arrow_stream;
mod fuzz;
mod key_order;
mod lines;
mod numbers;
mod office;
mod rows;
mod rules;
mod samples;

/// Checks a whole file in chunks of `target` bytes, keys included, as intake does.
pub(super) fn check_in(checker: &Checker, file: &[u8], target: usize) -> Report {
    let mut cutter = Cutter::new(target, 1 << 20);
    let mut chunks: Vec<Chunk> = match cutter.push(Bytes::copy_from_slice(file)) {
        Ok(chunks) => chunks,
        Err(fault) => return checker.finish(checker.unreadable(&fault), 0, checker.uncompared()),
    };
    match cutter.finish() {
        Ok(last) => chunks.extend(last),
        Err(fault) => return checker.finish(checker.unreadable(&fault), 0, checker.uncompared()),
    }
    let (plan, mut findings) = match checker.header(cutter.header().unwrap_or_default()) {
        Ok(planned) => planned,
        Err(findings) => return checker.finish(findings, 0, checker.uncompared()),
    };
    let (mut rows, mut batches, mut lines) = (0, Vec::new(), Vec::new());
    for chunk in &chunks {
        let checked = checker.csv(&plan, chunk);
        assert_eq!(checked.batch.num_rows(), checked.lines.len());
        rows += checked.rows;
        findings.merge(checked.findings);
        batches.push(checked.batch);
        lines.extend(checked.lines);
    }
    add_repeats(checker, &batches, &lines, &mut findings);
    let compared = compared_alone(checker, &batches, &lines, &findings);
    checker.finish(findings, rows, compared)
}

/// What the comparisons say where no other report has come.
fn compared_alone(
    checker: &Checker,
    batches: &[arrow::record_batch::RecordBatch],
    lines: &[u64],
    findings: &Findings,
) -> Compared {
    let mut comparing = checker.comparing(Vec::new(), &checker.compared_with()).unwrap();
    let mut before = 0;
    for batch in batches {
        comparing.add(batch, &lines[before..before + batch.num_rows()]);
        before += batch.num_rows();
    }
    checker.compare(&comparing, findings)
}

fn add_repeats(
    checker: &Checker,
    batches: &[arrow::record_batch::RecordBatch],
    lines: &[u64],
    findings: &mut Findings,
) {
    let key = &checker.context().pattern.key;
    let Some(order) = super::keys::KeyOrder::new(&checker.schema(), key).unwrap() else { return };
    let Some((sorted, lines)) = order.sort(batches, lines).unwrap() else { return };
    for repeat in order.walk(&sorted, &lines, None).unwrap().repeats {
        findings.add(checker.key_repeated(&sorted, repeat.row, repeat.line, Some(repeat.first_line)));
    }
}

fn checker(pattern: Pattern, period: Option<&str>) -> Checker {
    let publisher =
        Publisher { id: "gmina-100201".to_owned(), terc6: Some("100201".to_owned()), regon: None };
    let context = Context {
        pattern: Arc::new(pattern),
        lists: Arc::new(CodeLists::embedded().unwrap()),
        period: period.map(|p| p.parse::<Period>().unwrap()),
        publisher: Some(publisher),
    };
    Checker::new(context).unwrap()
}

pub(super) fn embedded(id: &str) -> Pattern {
    Pattern::clone(&Patterns::embedded().unwrap().get(id).unwrap())
}

fn codes(report: &Report) -> Vec<(Code, u64)> {
    report.counts.iter().map(|c| (c.code, c.count)).collect()
}

pub(super) fn blocking(report: &Report) -> Vec<Code> {
    let mut codes: Vec<Code> =
        report.counts.iter().filter(|c| c.severity == Severity::Block).map(|c| c.code).collect();
    codes.dedup();
    codes
}
