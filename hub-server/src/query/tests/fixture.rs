//! A small table, written through the store.

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Decimal128Array, Int64Array, StringArray};
use arrow::ipc::reader::StreamReader;
use arrow::record_batch::RecordBatch;
use arrow::util::display::array_value_to_string;
use chrono::DateTime;
use futures::StreamExt as _;
use hub_datasets::{CodeLists, Pattern, Patterns};
use tempfile::TempDir;

use crate::query::{
    Asking, Engine, QueryError, QueryLimits, RowFormat, RowStream, Rows, Scan, Statements, TableView,
};
use crate::store::disk::LocalDisk;
use crate::store::file::FileLayout;
use crate::store::index::DataFile;
use crate::store::log::tests::submission;
use crate::store::log::{CommitInfo, Entry};
use crate::store::{Snapshot, Store, Table};

/// One row; `plan` (in grosze) is `wykonanie` as well.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) publisher: &'static str,
    pub(crate) seq: i64,
    pub(crate) dzial: Option<String>,
    pub(crate) plan: Option<i128>,
}

pub(crate) fn row(publisher: &'static str, seq: i64, dzial: &str, plan: i128) -> Row {
    Row { publisher, seq, dzial: Some(dzial.to_owned()), plan: Some(plan) }
}

pub(crate) struct Fixture {
    pub(crate) folder: TempDir,
    pub(crate) store: Arc<Store>,
    pub(crate) table: Arc<Table>,
    pub(crate) pattern: Arc<Pattern>,
    pub(crate) lists: Arc<CodeLists>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) statements: Arc<Statements>,
}

/// The columns of `rb28s` that tests look at, as a dataset of its own name.
fn pattern() -> Pattern {
    let mut pattern = (*Patterns::embedded().unwrap().get("rb28s").unwrap()).clone();
    pattern.id = "proba".to_owned();
    pattern.columns.retain(|c| ["jednostka_regon", "dzial", "plan", "wykonanie"].contains(&c.name.as_str()));
    pattern
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self::with(QueryLimits::default()).await
    }

    pub(crate) async fn with(limits: QueryLimits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lists = Arc::new(CodeLists::embedded().unwrap());
        let pattern = Arc::new(pattern());
        let store = Store::open(Arc::new(LocalDisk), folder.path().to_path_buf()).await.unwrap();
        let table = store.open_table(&pattern).await.unwrap();
        let spill = folder.path().join("tmp/query");
        let engine = Arc::new(Engine::new(&store.objects(), &spill, limits.clone()).unwrap());
        let statements = Statements::inside(&store, limits);
        Self { folder, store, table, pattern, lists, engine, statements }
    }

    /// Commits files of rows, as a new dataset version.
    pub(crate) async fn commit(&self, files: &[Vec<Row>]) -> Arc<Snapshot> {
        let before = self.table.snapshot();
        let number = before.dataset_version + 1;
        let adds: Vec<Arc<DataFile>> = files.iter().map(|rows| Arc::new(self.write(rows))).collect();
        let mut seqs: Vec<(i64, &str)> = files.iter().flatten().map(|r| (r.seq, r.publisher)).collect();
        seqs.sort_unstable();
        seqs.dedup();
        let submissions = seqs
            .into_iter()
            .filter(|(seq, _)| before.submissions.get(*seq).is_none())
            .map(|(seq, publisher)| submission(&format!("s{seq}"), seq, publisher))
            .collect();
        let entry = Entry {
            info: CommitInfo {
                commit: format!("c{number}"),
                epoch: self.store.epoch().to_owned(),
                operation: "WRITE".into(),
                committed_at: DateTime::from_timestamp_millis(1_700_000_000_000).unwrap(),
                dataset_version: number,
                submissions,
                erasure: None,
            },
            definition: None,
            removes: vec![],
            adds,
        };
        self.table.advance(before.log_version + 1, &entry).unwrap()
    }

    fn write(&self, rows: &[Row]) -> DataFile {
        let schema = Arc::clone(&self.table.snapshot().schema);
        let stats = ["dzial", "plan", "_period_end", "_publisher", "_seq"].map(str::to_owned).to_vec();
        let layout = FileLayout::new(Arc::clone(&schema), stats, vec!["dzial".to_owned()]);
        let amounts = || -> ArrayRef {
            let values: Decimal128Array = rows.iter().map(|r| r.plan).collect();
            Arc::new(values.with_precision_and_scale(18, 2).unwrap())
        };
        let columns: Vec<ArrayRef> = schema
            .fields()
            .iter()
            .map(|field| -> ArrayRef {
                match field.name().as_str() {
                    "jednostka_regon" => Arc::new(StringArray::from(vec!["000524720"; rows.len()])),
                    "dzial" => Arc::new(rows.iter().map(|r| r.dzial.clone()).collect::<StringArray>()),
                    "plan" | "wykonanie" => amounts(),
                    // 2022-12-31
                    "_period_end" => Arc::new(Date32Array::from(vec![19_357; rows.len()])),
                    "_publisher" => Arc::new(StringArray::from_iter_values(rows.iter().map(|r| r.publisher))),
                    "_seq" => Arc::new(Int64Array::from_iter_values(rows.iter().map(|r| r.seq))),
                    other => panic!("column {other}"),
                }
            })
            .collect();
        let batch = RecordBatch::try_new(schema, columns).unwrap();
        let mut writer = self.store.data_file(&self.table, &layout).unwrap();
        let group = writer.encoder().encode(vec![batch]).unwrap();
        writer.append(group).unwrap();
        writer.finish("2022-12-31").unwrap()
    }

    /// The newest state as one sees it to whom `wykonanie` is hidden.
    pub(crate) fn view(&self, publisher: Option<&str>) -> TableView {
        TableView {
            pattern: Arc::clone(&self.pattern),
            snapshot: self.table.snapshot(),
            columns: ["jednostka_regon", "dzial", "plan"].map(str::to_owned).into(),
            publisher: publisher.map(str::to_owned),
        }
    }

    pub(crate) async fn sql(&self, publisher: Option<&str>, sql: &str) -> Result<Vec<String>, QueryError> {
        answer(self.rows(vec![self.view(publisher)], sql).await?).await
    }

    /// A statement over views, on its way.
    pub(crate) async fn rows(&self, views: Vec<TableView>, sql: &str) -> Result<Rows, QueryError> {
        let with = Some(("organisations", organisations()));
        let asking =
            Asking { sql, parameters: None, format: RowFormat::Arrow, views, others: Vec::new(), with };
        self.statements.run(None, asking).await
    }

    pub(crate) async fn scan(&self, publisher: Option<&str>, scan: Scan) -> Result<Vec<String>, QueryError> {
        collect(self.engine.scan(self.view(publisher), scan).await?).await.map(|batches| text(&batches))
    }
}

pub(crate) fn organisations() -> RecordBatch {
    let ids: ArrayRef = Arc::new(StringArray::from(vec!["gmina-100201", "gmina-026401"]));
    let names: ArrayRef = Arc::new(StringArray::from(vec!["Kutno", "Wrocław"]));
    RecordBatch::try_from_iter([("id", ids), ("nazwa", names)]).unwrap()
}

/// The rows of a statement as text.
pub(crate) async fn answer(mut rows: Rows) -> Result<Vec<String>, QueryError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = rows.chunks.next().await {
        bytes.extend_from_slice(&chunk?.data);
    }
    let batches: Vec<RecordBatch> =
        StreamReader::try_new(Cursor::new(bytes), None).unwrap().map(Result::unwrap).collect();
    Ok(text(&batches))
}

pub(crate) async fn collect(mut rows: RowStream) -> Result<Vec<RecordBatch>, QueryError> {
    let mut batches = Vec::new();
    while let Some(batch) = rows.batches.next().await {
        batches.push(batch?);
    }
    Ok(batches)
}

/// Rows as text, cells joined by `|`.
pub(crate) fn text(batches: &[RecordBatch]) -> Vec<String> {
    let mut rows = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let cells: Vec<String> =
                batch.columns().iter().map(|c| array_value_to_string(c, row).unwrap()).collect();
            rows.push(cells.join("|"));
        }
    }
    rows
}
