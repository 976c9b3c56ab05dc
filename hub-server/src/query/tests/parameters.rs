//! Placeholders and the values that are bound to them; statements that are described.

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, ListArray, StringArray};
use arrow::datatypes::{DataType, Int64Type, Schema};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::fixture::{Fixture, answer, row};
use crate::query::{Asking, Description, QueryError, RowFormat};

fn stream(columns: Vec<ArrayRef>) -> String {
    let named = columns.into_iter().enumerate().map(|(at, column)| (at.to_string(), column));
    let batch = RecordBatch::try_from_iter(named).unwrap();
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    STANDARD.encode(writer.into_inner().unwrap())
}

fn text(value: &str) -> ArrayRef {
    Arc::new(StringArray::from(vec![value]))
}

fn number(value: i64) -> ArrayRef {
    Arc::new(Int64Array::from(vec![value]))
}

async fn table() -> Fixture {
    let fixture = Fixture::new().await;
    fixture.commit(&[vec![row("a", 1, "750", 100), row("a", 2, "801", 200), row("b", 3, "801", 300)]]).await;
    fixture
}

fn asking<'a>(fixture: &Fixture, sql: &'a str, parameters: Option<&'a str>) -> Asking<'a> {
    let views = vec![fixture.view(None)];
    Asking { sql, parameters, format: RowFormat::Arrow, views, others: Vec::new(), with: None }
}

async fn ask(fixture: &Fixture, sql: &str, values: Vec<ArrayRef>) -> Result<Vec<String>, QueryError> {
    let values = (!values.is_empty()).then(|| stream(values));
    answer(fixture.statements.run(None, asking(fixture, sql, values.as_deref())).await?).await
}

async fn describe(fixture: &Fixture, sql: &str) -> Result<Description, QueryError> {
    fixture.statements.describe(None, asking(fixture, sql, None)).await
}

fn schema(message: &Bytes) -> Arc<Schema> {
    StreamReader::try_new(Cursor::new(message.to_vec()), None).unwrap().schema()
}

#[tokio::test]
async fn values_go_to_the_places_that_the_text_gives_them() {
    let fixture = table().await;
    let by_place = "SELECT ? AS first, dzial FROM proba WHERE dzial = ? AND plan > ? ORDER BY plan LIMIT ?";
    let rows = ask(&fixture, by_place, vec![text("x"), text("801"), number(2), number(1)]).await.unwrap();
    assert_eq!(rows, ["x|801"]);
    let numbered = "SELECT sum(plan) FROM proba WHERE plan < $2 AND dzial = $1 AND $2 > 0";
    assert_eq!(ask(&fixture, numbered, vec![text("801"), number(3)]).await.unwrap(), ["2.00"]);
    let days = "SELECT count(*) FROM proba WHERE _period_end = ?";
    assert_eq!(ask(&fixture, days, vec![text("2022-12-31")]).await.unwrap(), ["3"]);
}

#[tokio::test]
async fn values_that_do_not_fit_are_refused_in_words() {
    let fixture = table().await;
    let one = "SELECT count(*) FROM proba WHERE dzial = ?";
    let list = ListArray::from_iter_primitive::<Int64Type, _, _>([Some([Some(1)])]);
    let two_rows: ArrayRef = Arc::new(StringArray::from(vec!["801", "750"]));
    for (sql, values, told) in [
        (one, vec![], "1 parameters, and no values were bound"),
        (one, vec![text("801"), text("750")], "1 parameters, and 2 values were bound"),
        ("SELECT 1", vec![text("801")], "0 parameters, and 1 values were bound"),
        (one, vec![two_rows], "bind one row"),
        (one, vec![Arc::new(list) as ArrayRef], "one value"),
        (one, vec![text(&"x".repeat(2_000))], "more than 1024 bytes"),
        ("SELECT ?, $1", vec![text("801")], "all parameters"),
        ("SELECT $9", vec![text("801")], "number them from `$1` on"),
        ("SELECT $name", vec![text("801")], "has no number"),
    ] {
        let refused = ask(&fixture, sql, values).await.unwrap_err();
        assert!(refused.to_string().contains(told), "{sql}: {refused}");
    }
    let bytes = STANDARD.encode("no stream");
    let refused = fixture.statements.run(None, asking(&fixture, one, Some(&bytes))).await.unwrap_err();
    assert!(refused.to_string().contains("cannot be read"), "{refused}");
}

#[tokio::test]
async fn a_statement_is_described_as_it_will_come() {
    let fixture = table().await;
    let sql = "SELECT dzial, sum(plan) AS plan, count(*) AS n FROM proba WHERE dzial = ? GROUP BY dzial";
    let described = describe(&fixture, sql).await.unwrap();
    assert_eq!(schema(&described.parameters).field(0).data_type(), &DataType::Utf8);
    assert_eq!((described.datasets, described.columns), (vec!["proba".to_owned()], None));

    let sql = "SELECT dzial, sum(plan) AS plan, count(*) AS n FROM proba GROUP BY dzial";
    let described = describe(&fixture, sql).await.unwrap();
    let mut rows = fixture.statements.run(None, asking(&fixture, sql, None)).await.unwrap();
    let first = futures::StreamExt::next(&mut rows.chunks).await.unwrap().unwrap();
    assert_eq!(schema(&described.schema), schema(&first.data));
    assert!(schema(&described.parameters).fields().is_empty());

    for (sql, columns) in [
        ("SELECT plan, dzial FROM proba", Some(vec!["plan", "dzial"])),
        ("SELECT plan FROM proba WHERE plan > 1", None),
        ("SELECT plan AS p FROM proba", None),
        ("SELECT DISTINCT plan FROM proba", None),
        ("SELECT plan FROM proba LIMIT 1", None),
        ("SELECT plan + 1 FROM proba", None),
    ] {
        let columns = columns.map(|columns| columns.into_iter().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(describe(&fixture, sql).await.unwrap().columns, columns, "{sql}");
    }
    for (sql, told) in [("DELETE FROM proba", "only SELECT"), ("SELECT wykonanie FROM proba", "wykonanie")] {
        let refused = describe(&fixture, sql).await.unwrap_err();
        assert!(refused.to_string().contains(told), "{sql}: {refused}");
    }
}

#[tokio::test]
async fn tables_are_named_with_their_place_or_without() {
    let fixture = table().await;
    for sql in ["SELECT count(*) FROM hub.data.proba", "SELECT count(*) FROM data.proba"] {
        assert_eq!(ask(&fixture, sql, vec![]).await.unwrap(), ["3"], "{sql}");
    }
    for sql in ["SELECT * FROM other.data.proba", "SELECT * FROM information_schema.tables"] {
        let refused = ask(&fixture, sql, vec![]).await.unwrap_err();
        assert!(refused.to_string().contains("hub.data"), "{sql}: {refused}");
    }
}

#[tokio::test]
async fn parts_of_a_table_are_all_of_it() {
    let fixture = Fixture::new().await;
    let rows = |from: i128| (from..from + 10).map(|n| row("a", 1, &format!("{n}"), n)).collect::<Vec<_>>();
    fixture.commit(&[rows(0), rows(10), rows(20), rows(30), rows(40)]).await;
    let parts = |most, rows| fixture.engine.parts(fixture.view(None), most, rows);
    assert_eq!(parts(4, 100), whole());
    assert_eq!(parts(1, 1), whole());
    assert_eq!(parts(2, 10), [0..3, 3..usize::MAX]);
    for (most, each) in [(2, 1), (3, 10), (4, 1), (9, 20)] {
        let mut all = Vec::new();
        for files in parts(most, each) {
            let scan = crate::query::Scan {
                columns: vec!["plan".to_owned()],
                files: Some(files),
                ..Default::default()
            };
            all.extend(fixture.scan(None, scan).await.unwrap());
        }
        assert_eq!(all.len(), 50, "{most} of {each}");
        assert!(all.is_sorted_by_key(|plan| plan.replace('.', "").parse::<u64>().unwrap()));
    }
    // Among hidden rows there is one part.
    fixture.commit(&[vec![row("a", 1, "1", 1), row("b", 2, "2", 2)]]).await;
    assert_eq!(fixture.engine.parts(fixture.view(Some("b")), 4, 1), whole());
}

/// One part with all files.
fn whole() -> Vec<std::ops::Range<usize>> {
    std::iter::once(0..usize::MAX).collect()
}
