//! R15: choosing files never drops a matching row.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, Date32Array, Decimal128Array, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::common::DFSchema;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::prelude::SessionContext;
use proptest::prelude::*;

use crate::query::bounds::Bounds;
use crate::query::chosen::{Chosen, Part};
use crate::query::prune::prune;
use crate::store::index::{Bound, ColumnStats, DataFile, FileIndex};

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
    let schema = schema();
    let stats = schema.fields().iter().zip(batch.columns()).filter_map(|(field, column)| {
        let told = match field.name().as_str() {
            "kwota" => true,
            "kod" => known[2],
            "dzien" => known[3],
            _ => false,
        };
        let min = Bound::smallest(column).filter(|_| known[0]);
        let max = Bound::largest(column).filter(|_| known[1]);
        told.then(|| (field.name().clone(), ColumnStats { min, max, nulls: column.null_count() as u64 }))
    });
    let stats = stats.collect();
    let mut publishers: Vec<Arc<str>> = rows.iter().map(|r| r.3.into()).collect();
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

/// What of a filter a worker tells, as it arrives.
fn told(filter: &Expr) -> Bounds {
    let df = Arc::new(DFSchema::try_from(schema()).unwrap());
    let context = SimplifyContext::builder().with_schema(Arc::clone(&df)).build();
    let simplifier = ExprSimplifier::new(context);
    let filter = simplifier.simplify(simplifier.coerce(filter.clone(), &df).unwrap()).unwrap();
    let bounds = Bounds::of(&[filter], &schema());
    let arrived: Bounds = serde_json::from_str(&serde_json::to_string(&bounds).unwrap()).unwrap();
    assert_eq!(arrived, bounds);
    arrived
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
        files in prop::collection::vec((prop::collection::vec(cells(), 1..4), any::<[bool; 4]>()), 1..7),
        each in 1_usize..4,
        text in predicate(),
    ) {
        let context = SessionContext::new();
        let df = DFSchema::try_from(schema()).unwrap();
        let expr = context.parse_sql_expr(&text, &df).unwrap();
        let told = told(&expr);
        let physical = context.create_physical_expr(expr, &df).unwrap();
        let index: Vec<Arc<DataFile>> = files
            .iter()
            .enumerate()
            .map(|(n, (rows, known))| Arc::new(DataFile { path: n.to_string(), ..file(rows, *known) }))
            .collect();
        let index = FileIndex::in_segments(&index, each);
        let kept = |chosen| -> Vec<String> {
            prune(chosen, &physical, &schema()).files().map(|f| f.path.clone()).collect()
        };
        let (all, of_one) = (kept(Chosen::all(&index)), kept(Chosen::of_publisher(&index, "b")));
        let chosen = Chosen::all(&index);
        let chosen = match told.predicate(&schema()).unwrap() {
            Some(predicate) => prune(chosen, &predicate, &schema()),
            None => chosen,
        };
        let asked: Vec<String> = chosen.files().map(|f| f.path.clone()).collect();
        for (n, (rows, _)) in files.iter().enumerate() {
            let name = n.to_string();
            prop_assert!(all.contains(&name) || matching(rows, &physical) == 0, "{text} drops {rows:?}");
            let own: Vec<Cells> = rows.iter().filter(|row| row.3 == "b").cloned().collect();
            prop_assert!(of_one.contains(&name) || matching(&own, &physical) == 0, "{text} drops {own:?}");
            prop_assert!(asked.contains(&name) || matching(rows, &physical) == 0, "{told:?} drops {rows:?}");
            prop_assert!(!of_one.contains(&name) || !own.is_empty(), "a file of others is chosen");
        }
        prop_assert!(all.is_sorted() && of_one.is_sorted());
    }

    /// What is known of all files of a segment is what its rows say.
    #[test]
    fn bounds_of_several_files_are_those_of_their_rows(
        files in prop::collection::vec((prop::collection::vec(cells(), 1..4), any::<[bool; 4]>()), 1..9),
        each in 1_usize..4,
        keep in prop::collection::vec(any::<bool>(), 9),
    ) {
        let index: Vec<Arc<DataFile>> =
            files.iter().map(|(rows, known)| Arc::new(file(rows, *known))).collect();
        let chosen: Vec<Part> = Chosen::all(&FileIndex::in_segments(&index, each))
            .parts()
            .iter()
            .enumerate()
            .filter_map(|(n, part)| part.clone().kept(keep.iter().skip(n * each).copied()))
            .collect();
        let chosen = Chosen::of(chosen);
        let kept = files.iter().zip(&keep).filter(|(_, keep)| **keep);
        let rows: Vec<Cells> = kept.flat_map(|((rows, _), _)| rows.clone()).collect();
        prop_assert_eq!(chosen.rows(), rows.len() as u64);
        let batch = batch(&rows);
        for (field, column) in schema().fields().iter().zip(batch.columns()) {
            let merged = chosen.merged(field.name(), field.data_type()).unwrap();
            let told: Option<u64> = merged.iter().map(|part| part.nulls).sum();
            prop_assert!(told.is_none_or(|nulls| nulls == column.null_count() as u64));
            let min: Option<Vec<Bound>> = merged.iter().map(|part| part.min.clone()).collect();
            if let Some(least) = min.and_then(|all| all.into_iter().reduce(|a, b| if b < a { b } else { a })) {
                prop_assert_eq!(Some(least), Bound::smallest(column));
            }
            let max: Option<Vec<Bound>> = merged.into_iter().map(|part| part.max).collect();
            if let Some(most) = max.and_then(|all| all.into_iter().reduce(|a, b| if b > a { b } else { a })) {
                prop_assert_eq!(Some(most), Bound::largest(column));
            }
        }
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
        ("kod LIKE 'k3%'", "2"),
        ("NOT (kod < 'k3' OR kwota IS NULL)", "2"),
        ("kod IN ('k1', 'k3') AND kwota BETWEEN 2 AND 3", "2"),
        ("_publisher NOT IN ('a', 'b') AND kwota + 1 > 0", "2"),
        ("kod = 'k1' OR length(kod) > 5", "012"),
    ] {
        let expr = context.parse_sql_expr(text, &df).unwrap();
        let told = told(&expr).predicate(&schema()).unwrap();
        let Ok(physical) = context.create_physical_expr(expr, &df) else { panic!("{text}") };
        // The comparisons that a worker tells choose as the filter does.
        let physical = told.unwrap_or(physical);
        for each in 1..4 {
            let chosen = Chosen::all(&FileIndex::in_segments(&index, each));
            let kept = prune(chosen, &physical, &schema());
            let kept: String = kept.files().map(|f| f.path.clone()).collect();
            assert_eq!(kept, expected, "{text}, {each} a segment");
        }
    }
}
