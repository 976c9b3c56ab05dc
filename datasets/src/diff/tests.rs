use std::collections::BTreeMap;
use std::sync::LazyLock;

use arrow::array::{AsArray, Decimal128Array, Int64Array};
use arrow::datatypes::Decimal128Type;
use proptest::prelude::*;

use super::*;
use crate::Patterns;

/// Key (section, additional digit) → amount.
type Report = BTreeMap<(String, i64), Option<i128>>;

static PATTERN: LazyLock<Arc<Pattern>> =
    LazyLock::new(|| Patterns::embedded().unwrap().get("rb28s").unwrap());

fn pattern() -> Arc<Pattern> {
    Arc::clone(&PATTERN)
}

/// Rows of a report under the whole schema; what no test looks at is empty.
fn batch(rows: &[((String, i64), Option<i128>)], version: i64) -> RecordBatch {
    let pattern = pattern();
    let columns = pattern.columns.iter().map(|column| {
        let kind = column.kind.arrow();
        let values: ArrayRef = match column.name.as_str() {
            "dzial" => Arc::new(StringArray::from_iter_values(rows.iter().map(|((section, _), _)| section))),
            "wersja" => Arc::new(Int64Array::from(vec![version; rows.len()])),
            "wykonanie" => {
                let amounts = Decimal128Array::from_iter(rows.iter().map(|(_, amount)| *amount));
                Arc::new(amounts.with_data_type(kind.clone()))
            }
            "paragraf" => {
                let digits: Vec<String> = rows.iter().map(|((_, digit), _)| format!("{digit:03}")).collect();
                Arc::new(StringArray::from(digits))
            }
            _ => arrow::array::new_null_array(&kind, rows.len()),
        };
        (Field::new(&column.name, kind, true), values)
    });
    let (fields, values): (Vec<Field>, Vec<ArrayRef>) = columns.unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), values).unwrap()
}

/// The changes between two reports that come in batches of some rows.
fn changes(before: &Report, after: &Report, cut: usize) -> (Vec<RecordBatch>, Counts) {
    let pieces = |report: &Report, version: i64| {
        let rows: Vec<_> = report.iter().map(|(key, amount)| (key.clone(), *amount)).collect();
        rows.chunks(cut).map(|rows| batch(rows, version)).collect::<Vec<_>>().into_iter()
    };
    let (mut was, mut is) = (pieces(before, 0), pieces(after, 1));
    let mut differ = Differ::new(&pattern(), &batch(&[], 0).schema()).unwrap();
    let mut found = Vec::new();
    loop {
        match differ.step().unwrap() {
            Step::Need(side) => {
                let rows = match side {
                    Side::Before => was.next(),
                    Side::After => is.next(),
                };
                match rows {
                    Some(rows) => differ.give(side, &rows).unwrap(),
                    None => differ.end(side),
                }
            }
            Step::Changes(changes) => found.push(changes),
            Step::Done => return (found, differ.counts()),
        }
    }
}

/// Does to a report what changes say.
fn done_to(mut report: Report, changes: &[RecordBatch]) -> Report {
    for batch in changes {
        let text = |name: &str| batch.column_by_name(name).unwrap().as_string::<i32>().clone();
        let (kinds, sections, digits) = (text(CHANGE_TYPE), text("dzial"), text("paragraf"));
        let amounts = batch.column_by_name("wykonanie").unwrap().as_primitive::<Decimal128Type>();
        for row in 0..batch.num_rows() {
            let key = (sections.value(row).to_owned(), digits.value(row).parse().unwrap());
            let amount = amounts.is_valid(row).then(|| amounts.value(row));
            match kinds.value(row) {
                INSERT | AFTER => assert_ne!(report.insert(key, amount), Some(amount)),
                DELETE | BEFORE => assert_eq!(report.remove(&key), Some(amount)),
                other => panic!("{other}"),
            }
        }
    }
    report
}

fn reports() -> impl Strategy<Value = Report> {
    let key = ("[a-c]{1,2}", 0i64..6);
    prop::collection::btree_map(key, prop::option::of(0i128..3), 0..30)
}

proptest! {
    #[test]
    fn changes_turn_one_state_into_the_other(before in reports(), after in reports(), cut in 1usize..9) {
        let (found, counts) = changes(&before, &after, cut);
        prop_assert_eq!(&done_to(before.clone(), &found), &after);
        let rows: usize = found.iter().map(RecordBatch::num_rows).sum();
        prop_assert_eq!(rows as u64, counts.inserted + counts.deleted + 2 * counts.updated);
        prop_assert_eq!(before.len() as u64, counts.deleted + counts.updated + counts.same);
        prop_assert_eq!(after.len() as u64, counts.inserted + counts.updated + counts.same);
    }
}

#[test]
fn a_row_that_changed_stands_there_as_it_was_and_as_it_is() {
    let report =
        |amount| Report::from([(("801".to_owned(), 1), Some(amount)), (("802".to_owned(), 1), None)]);
    let (found, counts) = changes(&report(5), &report(7), 10);
    assert_eq!(counts, Counts { updated: 1, same: 1, ..Counts::default() });
    let [changes] = found.as_slice() else { panic!("{found:?}") };
    let kinds: Vec<_> = changes.column(0).as_string::<i32>().iter().flatten().collect();
    assert_eq!(kinds, [BEFORE, AFTER]);
    let amounts = changes.column_by_name("wykonanie").unwrap().as_primitive::<Decimal128Type>();
    assert_eq!(amounts.values().to_vec(), [5, 7]);
    // The version that it was sent with is no part of it.
    assert!(changes.column_by_name("wersja").is_none());
}

#[test]
fn rows_of_a_pattern_without_a_key_are_counted() {
    let keyless = Pattern { key: Vec::new(), ..pattern().as_ref().clone() };
    let two = batch(&[(("801".to_owned(), 1), Some(1)), (("801".to_owned(), 1), Some(1))], 0);
    let mut differ = Differ::new(&keyless, &two.schema()).unwrap();
    differ.give(Side::Before, &two).unwrap();
    differ.give(Side::After, &two.slice(0, 1)).unwrap();
    differ.end(Side::Before);
    differ.end(Side::After);
    let Step::Changes(changes) = differ.step().unwrap() else { panic!("a row is gone") };
    assert_eq!(changes.column(0).as_string::<i32>().value(0), DELETE);
    assert!(matches!(differ.step().unwrap(), Step::Done));
    assert_eq!(differ.counts(), Counts { deleted: 1, same: 1, ..Counts::default() });
}
