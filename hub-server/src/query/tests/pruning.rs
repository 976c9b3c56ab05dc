//! R15: choosing files never drops a matching row.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray as _, Date32Array, Decimal128Array, StringArray};
use arrow::compute::{max, max_string, min, min_string};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::common::DFSchema;
use datafusion::prelude::SessionContext;
use proptest::prelude::*;

use crate::query::prune::prune;
use crate::store::index::{ColumnStats, DataFile};

type Cells = (Option<i128>, Option<String>, Option<i32>, &'static str);

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("kwota", DataType::Decimal128(38, 4), true),
        Field::new("kod", DataType::Utf8, true),
        Field::new("dzien", DataType::Date32, true),
        Field::new("_publisher", DataType::Utf8, false),
    ]))
}

const BIG: i128 = 10i128.pow(38) - 1;

fn cells() -> impl Strategy<Value = Cells> {
    let amount = prop_oneof![
        Just(None),
        (-3i128..3).prop_map(|n| Some(n * 10_000)),
        prop_oneof![Just(BIG), Just(-BIG), Just(BIG - 1), Just(1), Just(-1)].prop_map(Some),
    ];
    let code = prop_oneof![Just(None), "[abż]{0,3}".prop_map(Some)];
    let day = prop_oneof![Just(None), (-3i32..3).prop_map(Some)];
    (amount, code, day, prop_oneof![Just("a"), Just("b"), Just("c")])
}

fn batch(rows: &[Cells]) -> RecordBatch {
    let amounts: Decimal128Array = rows.iter().map(|r| r.0).collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(amounts.with_precision_and_scale(38, 4).unwrap()),
        Arc::new(rows.iter().map(|r| r.1.clone()).collect::<StringArray>()),
        Arc::new(rows.iter().map(|r| r.2).collect::<Date32Array>()),
        Arc::new(StringArray::from_iter_values(rows.iter().map(|r| r.3))),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

/// Statistics as a writer gives them; `known` says per column and bound whether it is there.
fn file(rows: &[Cells], known: [bool; 4]) -> DataFile {
    let batch = batch(rows);
    let amounts = batch.column(0).as_primitive::<arrow::datatypes::Decimal128Type>();
    let amount = |v: Option<i128>| -> Option<ArrayRef> {
        Some(Arc::new(Decimal128Array::from(vec![v?]).with_precision_and_scale(38, 4).unwrap()))
    };
    let codes = batch.column(1).as_string::<i32>();
    let code = |v: Option<&str>| -> Option<ArrayRef> { Some(Arc::new(StringArray::from(vec![v?]))) };
    let days = batch.column(2).as_primitive::<arrow::datatypes::Date32Type>();
    let day = |v: Option<i32>| -> Option<ArrayRef> { Some(Arc::new(Date32Array::from(vec![v?]))) };
    let mut stats = BTreeMap::new();
    let mut put = |name: &str, column: &dyn Array, low: Option<ArrayRef>, high: Option<ArrayRef>| {
        let (min, max) = (low.filter(|_| known[0]), high.filter(|_| known[1]));
        stats.insert(name.to_owned(), ColumnStats { min, max, nulls: column.null_count() as u64 });
    };
    put("kwota", amounts, amount(min(amounts)), amount(max(amounts)));
    if known[2] {
        put("kod", codes, code(min_string(codes)), code(max_string(codes)));
    }
    if known[3] {
        put("dzien", days, day(min(days)), day(max(days)));
    }
    let mut publishers: Vec<String> = rows.iter().map(|r| r.3.to_owned()).collect();
    publishers.sort();
    publishers.dedup();
    DataFile {
        path: "d/x.parquet".into(),
        bytes: 1,
        rows: rows.len() as u64,
        sha256: String::new(),
        blocks: Default::default(),
        partition: "2022-12-31".into(),
        seqs: vec![1],
        publishers,
        publisher_rows: vec![],
        partial: false,
        stats,
    }
}

fn leaf() -> impl Strategy<Value = String> {
    let op = prop_oneof![Just("="), Just("<>"), Just("<"), Just("<="), Just(">"), Just(">=")];
    let amount = prop_oneof![
        Just("0".to_owned()),
        Just("1.0000".to_owned()),
        Just("-2".to_owned()),
        Just("0.0001".to_owned()),
        Just(format!("{}.9999", "9".repeat(34))),
        Just(format!("-{}.9999", "9".repeat(34))),
    ];
    prop_oneof![
        (op.clone(), amount).prop_map(|(op, v)| format!("kwota {op} CAST('{v}' AS DECIMAL(38,4))")),
        (op.clone(), "[abż]{0,2}").prop_map(|(op, v)| format!("kod {op} '{v}'")),
        (op.clone(), 0..3).prop_map(|(op, v)| format!("dzien {op} DATE '1970-01-0{}'", v + 1)),
        (op, prop_oneof![Just("a"), Just("b"), Just("d")])
            .prop_map(|(op, v)| format!("_publisher {op} '{v}'")),
        Just("kod IS NULL".to_owned()),
        Just("kwota IS NOT NULL".to_owned()),
        "[abż]{1,2}".prop_map(|v| format!("kod LIKE '{v}%'")),
        "[abż]{1,2}".prop_map(|v| format!("kod NOT IN ('{v}', 'a')")),
        Just("_publisher IN ('a', 'd')".to_owned()),
        Just("_publisher NOT IN ('a', 'b')".to_owned()),
        Just("dzien BETWEEN DATE '1969-12-31' AND DATE '1970-01-01'".to_owned()),
    ]
}

fn predicate() -> impl Strategy<Value = String> {
    leaf().prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) AND ({b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) OR ({b})")),
            inner.prop_map(|a| format!("NOT ({a})")),
        ]
    })
}

/// Rows of a file that satisfy the predicate.
fn matching(rows: &[Cells], predicate: &Arc<dyn datafusion::physical_expr::PhysicalExpr>) -> usize {
    let batch = batch(rows);
    let mask = predicate.evaluate(&batch).unwrap().into_array(batch.num_rows()).unwrap();
    mask.as_boolean().true_count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn no_file_with_a_matching_row_is_dropped(
        files in prop::collection::vec((prop::collection::vec(cells(), 1..4), any::<[bool; 4]>()), 1..5),
        text in predicate(),
    ) {
        let context = SessionContext::new();
        let df = DFSchema::try_from(schema()).unwrap();
        let expr = context.parse_sql_expr(&text, &df).unwrap();
        let physical = context.create_physical_expr(expr, &df).unwrap();
        let index: Vec<Arc<DataFile>> = files
            .iter()
            .enumerate()
            .map(|(n, (rows, known))| Arc::new(DataFile { path: n.to_string(), ..file(rows, *known) }))
            .collect();
        let kept: Vec<String> = prune(index, &physical, &schema()).iter().map(|f| f.path.clone()).collect();
        for (n, (rows, _)) in files.iter().enumerate() {
            prop_assert!(kept.contains(&n.to_string()) || matching(rows, &physical) == 0, "{text} drops {rows:?}");
        }
        prop_assert!(kept.is_sorted());
    }
}

#[test]
fn what_cannot_match_is_dropped() {
    let context = SessionContext::new();
    let df = DFSchema::try_from(schema()).unwrap();
    let rows = |n: i128, publisher| vec![(Some(n * 10_000), Some(format!("k{n}")), Some(0), publisher)];
    let index: Vec<Arc<DataFile>> = [rows(1, "a"), rows(2, "b"), rows(3, "c")]
        .iter()
        .enumerate()
        .map(|(n, r)| Arc::new(DataFile { path: n.to_string(), ..file(r, [true; 4]) }))
        .collect();
    for (text, expected) in [
        ("kwota > CAST('2.5' AS DECIMAL(38,4))", "2"),
        ("kod = 'k1'", "0"),
        ("_publisher = 'b'", "1"),
        ("_publisher IN ('a', 'c')", "02"),
        ("dzien > DATE '1971-01-01'", ""),
    ] {
        let expr = context.parse_sql_expr(text, &df).unwrap();
        let physical = context.create_physical_expr(expr, &df).unwrap();
        let kept: String =
            prune(index.clone(), &physical, &schema()).iter().map(|f| f.path.clone()).collect();
        assert_eq!(kept, expected, "{text}");
    }
}
