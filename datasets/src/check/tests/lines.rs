//! NDJSON payloads: what a CSV of the same rows would be told.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::super::{KeyPlan, Piece};
use super::*;
use crate::ndjson::LineCutter;

static CHECKER: LazyLock<Checker> = LazyLock::new(|| checker(embedded("rb28s"), Some("2022-Q4")));

const COLUMNS: [&str; 9] =
    ["jednostka_regon", "dzial", "rozdzial", "grupa", "paragraf", "p4", "plan", "zaangazowanie", "wykonanie"];
const ROW: [&str; 9] = ["001070630", "801", "80101", "1300", "302", "0", "17900.00", "17895.92", "17895.92"];

/// Checks lines in chunks of `target` bytes; gives the report and the rows.
fn lines_in(file: &[u8], target: usize) -> (Report, Vec<arrow::record_batch::RecordBatch>) {
    let mut cutter = LineCutter::new(target, 1 << 20);
    let mut chunks = cutter.push(Bytes::copy_from_slice(file)).unwrap();
    chunks.extend(cutter.finish());
    let Some((first, line)) = cutter.first() else {
        return (CHECKER.finish(Findings::default(), 0, CHECKER.uncompared()), Vec::new());
    };
    let (plan, mut findings): (KeyPlan, _) = match CHECKER.keys(first, line) {
        Ok(planned) => planned,
        Err(findings) => return (CHECKER.finish(findings, 0, CHECKER.uncompared()), Vec::new()),
    };
    let plan = Arc::new(plan);
    let (mut rows, mut batches, mut lines) = (0, Vec::new(), Vec::new());
    for chunk in chunks {
        let checked = Piece::Ndjson(Arc::clone(&plan), chunk).check(&CHECKER);
        rows += checked.rows;
        findings.merge(checked.findings);
        batches.push(checked.batch);
        lines.extend(checked.lines);
    }
    add_repeats(&CHECKER, &batches, &lines, &mut findings);
    let compared = compared_alone(&CHECKER, &batches, &lines, &findings);
    (CHECKER.finish(findings, rows, compared), batches)
}

fn rows_of_csv(file: &str) -> arrow::record_batch::RecordBatch {
    let mut cutter = Cutter::new(1 << 20, 1 << 20);
    let mut chunks = cutter.push(Bytes::copy_from_slice(file.as_bytes())).unwrap();
    chunks.extend(cutter.finish().unwrap());
    let (plan, _) = CHECKER.header(cutter.header().unwrap()).unwrap();
    CHECKER.csv(&plan, &chunks[0]).batch
}

/// Cells as they are in real files: good ones, and each kind of bad one.
fn cell(column: usize) -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        "",
        " ",
        "801",
        "0",
        "x",
        "1,5 zł",
        "12.3456",
        "2.1800000000000002",
        "-7",
        "1e3",
        "99999999999999999999",
        "ł\"ó",
        "\\",
    ]);
    prop_oneof![6 => Just(ROW[column].to_owned()), 1 => odd.prop_map(str::to_owned)]
}

fn row() -> impl Strategy<Value = Vec<String>> {
    (0..COLUMNS.len()).map(cell).collect::<Vec<_>>()
}

fn as_csv(rows: &[Vec<String>]) -> String {
    let quoted = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
    let lines = rows.iter().map(|row| row.iter().map(quoted).collect::<Vec<_>>().join(",") + "\n");
    format!("{}\n{}", COLUMNS.join(","), lines.collect::<String>())
}

/// A blank line stands for the header, so that lines have the same numbers. Numbers go bare where they may, keys
/// in another order from line to line.
fn as_lines(rows: &[Vec<String>]) -> String {
    let mut text = "\n".to_owned();
    for (at, row) in rows.iter().enumerate() {
        let mut members: Vec<String> =
            COLUMNS.iter().zip(row).map(|(name, cell)| member(name, cell)).collect();
        members.rotate_left(if at == 0 { 0 } else { at % COLUMNS.len() });
        text += &format!("{{{}}}\n", members.join(","));
    }
    text
}

fn member(name: &str, cell: &str) -> String {
    let bare = serde_json::from_str::<serde_json::Number>(cell).is_ok();
    let text = serde_json::json!(cell).to_string();
    let value = match cell {
        "" => "null",
        number if bare => number,
        _ => &text,
    };
    format!("\"{name}\":{value}")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn lines_get_the_report_and_the_rows_of_the_same_csv(
        rows in prop::collection::vec(row(), 1..12),
        target in 50_usize..2_000,
    ) {
        let (csv, lines) = (as_csv(&rows), as_lines(&rows));
        let (report, batches) = lines_in(lines.as_bytes(), target);
        prop_assert_eq!(report, check_in(&CHECKER, csv.as_bytes(), target), "{}", lines);
        let schema = CHECKER.schema();
        let together = arrow::compute::concat_batches(&schema, &batches).unwrap();
        prop_assert_eq!(together, rows_of_csv(&csv));
    }
}

#[test]
fn numbers_never_pass_through_a_float() {
    let mut rows = vec![ROW.map(str::to_owned).to_vec()];
    rows[0][6] = "9007199254740993.17".to_owned();
    let (report, batches) = lines_in(as_lines(&rows).as_bytes(), 1 << 20);
    assert!(report.violations.is_empty(), "{:?}", report.violations);
    let plan = batches[0].column_by_name("plan").unwrap();
    assert_eq!(super::super::source::array_text(plan, 0), "9007199254740993.17");
}

#[test]
fn a_broken_line_hides_no_other() {
    let good = as_lines(&[ROW.map(str::to_owned).to_vec()]);
    let file =
        format!("{good}{{\"dzial\":}}\n{{\"dzial\":[1]}}\n{}", good.replace("801", "999").trim_start());
    let (report, _) = lines_in(file.as_bytes(), 1 << 20);
    let told: Vec<(u64, Code)> = report.violations.iter().map(|v| (v.row, v.code)).collect();
    assert_eq!(told[..2], [(3, Code::RowInvalid), (4, Code::RowInvalid)]);
    assert!(told.contains(&(5, Code::ReferenceMissing)), "{told:?}");
    assert_eq!((report.rows_read, report.rows_refused), (4, 3));
    assert_eq!(report.violations[1].column, "dzial");
}

#[test]
fn thousands_of_broken_lines_are_counted_and_few_are_told() {
    let mut file = as_lines(&[ROW.map(str::to_owned).to_vec()]);
    file += &"{\"dzial\":\n".repeat(5_000);
    let (report, _) = lines_in(file.as_bytes(), 1 << 14);
    assert_eq!(codes(&report), [(Code::RowInvalid, 5_000)]);
    assert_eq!(report.violations.len(), Findings::LISTED_MAX);
}
