//! Promises about reading.

use std::io::Cursor;

use arrow::compute::concat_batches;
use arrow::ipc::reader::StreamReader;
use arrow::record_batch::RecordBatch;
use hub_proto::Reason;
use hub_proto::v1::{
    CommitOptions, CreateReadSessionRequest, DatasetVersionRef, GetDatasetRequest, QueryRowsRequest,
    ReadRowsRequest, ReadSession, RowFormat, Warning,
};
use tonic::{Response, Status};

use crate::check::{Broken, ensure, refused, refused_status, same, set};
use crate::hub::{Hub, Who, announce};
use crate::payload::{self, DATASET, ROWS_PER_UNIT, UNITS};

const ALL_ROWS: u64 = 3 * ROWS_PER_UNIT;

/// An answer in text form, with the versions that it stands on.
struct Text {
    text: String,
    versions: Vec<DatasetVersionRef>,
    warnings: Vec<Warning>,
}

async fn session(hub: &Hub, who: Who, period: &str, columns: &[&str]) -> Result<ReadSession, Broken> {
    let request = CreateReadSessionRequest {
        dataset: DATASET.to_owned(),
        columns: columns.iter().map(|&c| c.to_owned()).collect(),
        filter: format!("okres = '{period}'"),
        format: RowFormat::Arrow.into(),
        ..Default::default()
    };
    let answer = hub.reads(who)?.create_read_session(request).await?.into_inner();
    set("session", answer.session)
}

/// All rows of a session from an offset on, and the row number that the last message names.
async fn rows(hub: &Hub, who: Who, session: &str, offset: u64) -> Result<(RecordBatch, u64), Broken> {
    let request = ReadRowsRequest { session: session.to_owned(), offset, stream: 0 };
    let mut stream = hub.reads(who)?.read_rows(request).await?.into_inner();
    let (mut file, mut last, mut complete) = (Vec::new(), 0, false);
    while let Some(message) = stream.message().await? {
        ensure!(!complete, "a message came after the complete one");
        ensure!(message.rows >= last, "the number of rows fell from {last} to {}", message.rows);
        file.extend_from_slice(&message.data);
        (last, complete) = (message.rows, message.complete);
    }
    ensure!(complete, "the stream ended without being complete");
    let broken = |error| Broken(format!("the rows are no Arrow stream: {error}"));
    let reader = StreamReader::try_new(Cursor::new(file), None).map_err(broken)?;
    let schema = reader.schema();
    let batches = reader.collect::<Result<Vec<_>, _>>().map_err(broken)?;
    Ok((concat_batches(&schema, &batches).map_err(broken)?, last))
}

async fn ask(hub: &Hub, who: Who, sql: &str) -> Result<Result<Text, Status>, Broken> {
    let request =
        QueryRowsRequest { sql: sql.to_owned(), format: RowFormat::Csv.into(), ..Default::default() };
    let mut reads = hub.reads(who)?;
    let mut stream = match reads.query_rows(request).await {
        Ok(response) => response.into_inner(),
        Err(status) => return Ok(Err(status)),
    };
    let (mut bytes, mut versions, mut complete) = (Vec::new(), Vec::new(), false);
    let mut warnings = Vec::new();
    loop {
        match stream.message().await {
            Ok(Some(message)) => {
                if message.complete {
                    let first = if versions.is_empty() { &message.versions } else { &versions };
                    same("versions at the end of an answer", &message.versions, first)?;
                    warnings = message.warnings;
                }
                if bytes.is_empty() && versions.is_empty() {
                    versions = message.versions;
                }
                bytes.extend_from_slice(&message.data);
                complete = message.complete;
            }
            Ok(None) => break,
            Err(status) => return Ok(Err(status)),
        }
    }
    ensure!(complete, "the answer ended without being complete");
    let text = String::from_utf8(bytes).map_err(|_| Broken("the CSV is no UTF-8".to_owned()))?;
    Ok(Ok(Text { text, versions, warnings }))
}

async fn count(hub: &Hub, who: Who, period: &str) -> Result<u64, Broken> {
    let sql = format!("SELECT count(*) AS n FROM rb28s WHERE okres = '{period}'");
    let text = ask(hub, who, &sql).await??.text;
    let number = text.lines().nth(1).and_then(|line| line.trim_matches('"').parse().ok());
    set(&format!("a number in {text:?}"), number)
}

async fn filled(hub: &Hub, period: &str) -> Result<(), Broken> {
    let all = CommitOptions { replace_all: true, confirm_deletions: true, ..Default::default() };
    hub.committed(period, &payload::valid(&UNITS), all).await.map(|_| ())
}

pub(crate) async fn a_session_is_pinned_while_commits_come(hub: &Hub) -> Result<(), Broken> {
    let period = "2014-M01";
    filled(hub, period).await?;
    let pinned = session(hub, Who::Ministry, period, &[]).await?;
    let (before, _) = rows(hub, Who::Ministry, &pinned.name, 0).await?;
    filled(hub, period).await?;
    let (after, _) = rows(hub, Who::Ministry, &pinned.name, 0).await?;
    same("the rows of a session, before and after a correction", &after, &before)?;
    let fresh = session(hub, Who::Ministry, period, &[]).await?;
    let version = |session: &ReadSession| session.version.as_ref().map(|v| v.version).unwrap_or_default();
    ensure!(version(&fresh) > version(&pinned), "a new session does not see the new version");
    let (now, _) = rows(hub, Who::Ministry, &fresh.name, 0).await?;
    ensure!(now != before, "the correction changed nothing");
    same("rows", (before.num_rows(), now.num_rows()), (9, 9))
}

pub(crate) async fn rows_resume_by_offset(hub: &Hub) -> Result<(), Broken> {
    let period = "2014-M02";
    filled(hub, period).await?;
    let session = session(hub, Who::Publisher, period, &[]).await?;
    let (whole, last) = rows(hub, Who::Publisher, &session.name, 0).await?;
    same("rows of the whole", (whole.num_rows(), last), (9, ALL_ROWS))?;
    for offset in [1, 4, 8, 9] {
        let (rest, last) = rows(hub, Who::Publisher, &session.name, offset).await?;
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        same(&format!("rows from {offset} on"), rest, whole.slice(from, whole.num_rows() - from))?;
        same("the number of the last row", last, ALL_ROWS)?;
    }
    Ok(())
}

pub(crate) async fn columns_and_filter_are_kept(hub: &Hub) -> Result<(), Broken> {
    let period = "2014-M03";
    filled(hub, period).await?;
    let mut reads = hub.reads(Who::Publisher)?;
    let request = CreateReadSessionRequest {
        dataset: DATASET.to_owned(),
        columns: vec!["paragraf".to_owned(), "_publisher".to_owned()],
        filter: format!("okres = '{period}' AND paragraf = '401'"),
        ..Default::default()
    };
    let answer = reads.create_read_session(request.clone()).await?.into_inner();
    let session = set("session", answer.session)?;
    same("the session's columns", &session.columns, &request.columns)?;
    let (batch, _) = rows(hub, Who::Publisher, &session.name, 0).await?;
    let names: Vec<String> = batch.schema().fields().iter().map(|f| f.name().clone()).collect();
    same("the columns of the rows", names, request.columns.clone())?;
    same("rows that pass the filter", batch.num_rows(), UNITS.len())?;
    let lacking = CreateReadSessionRequest { columns: vec!["no_such".to_owned()], ..request.clone() };
    let reasons = [Reason::QueryInvalid, Reason::RequestInvalid, Reason::ReadNotPermitted];
    refused("an unknown column", reads.create_read_session(lacking).await, &reasons)?;
    let broken = CreateReadSessionRequest { filter: "okres = ".to_owned(), ..request };
    refused("half a filter", reads.create_read_session(broken).await, &[Reason::QueryInvalid])?;
    Ok(())
}

pub(crate) async fn a_query_names_its_dataset_version(hub: &Hub) -> Result<(), Broken> {
    let period = "2014-M04";
    filled(hub, period).await?;
    let sql = format!("SELECT sum(wykonanie) AS s FROM rb28s WHERE okres = '{period}'");
    let answer = ask(hub, Who::Ministry, &sql).await??;
    same("lines of a sum", answer.text.lines().count(), 2)?;
    let version = set("a dataset version", answer.versions.first())?;
    same("its dataset", version.dataset.as_str(), DATASET)?;
    ensure!(version.version > 0 && version.commit_time.is_some(), "no version or time: {version:?}");
    let coverage = set("coverage", version.coverage.as_ref())?;
    ensure!(coverage.units_reporting > 0, "rows without a reporting unit: {coverage:?}");
    let none = ask(hub, Who::Ministry, "SELECT dzial FROM rb28s WHERE okres = 'never'").await??;
    ensure!(!none.versions.is_empty(), "an answer without rows names no version");
    ensure!(answer.warnings.is_empty(), "a sum over one period is warned of: {:?}", answer.warnings);
    let all = ask(hub, Who::Ministry, "SELECT sum(wykonanie) AS s FROM rb28s").await??;
    let warning = set("a warning of a sum over periods", all.warnings.first())?;
    same("its code", warning.code.as_str(), "CUMULATIVE_SUM")?;
    Ok(())
}

pub(crate) async fn only_a_select_is_allowed(hub: &Hub) -> Result<(), Broken> {
    for sql in [
        "DROP TABLE rb28s",
        "INSERT INTO rb28s VALUES (1)",
        "CREATE TABLE x AS SELECT 1",
        "COPY rb28s TO '/tmp/x.csv'",
        "SET datafusion.execution.batch_size = 1",
        "EXPLAIN SELECT 1",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM information_schema.tables",
        "SELECT 1; SELECT 2",
        "SELECT no_such_function(1)",
        "SELECT",
    ] {
        let Err(status) = ask(hub, Who::Ministry, sql).await? else {
            return Err(Broken(format!("{sql}: it was answered")));
        };
        refused_status(sql, &status, &[Reason::QueryNotAllowed, Reason::QueryInvalid])?;
    }
    let deep = format!("SELECT 1{}", " + 1".repeat(5_000));
    for sql in [deep, format!("SELECT '{}'", "x".repeat(40_000))] {
        let Err(status) = ask(hub, Who::Ministry, &sql).await? else {
            return Err(Broken("a statement beyond the bounds was answered".to_owned()));
        };
        refused_status("a statement beyond the bounds", &status, &[Reason::QueryTooComplex])?;
    }
    Ok(())
}

pub(crate) async fn a_publisher_sees_its_own_rows_and_open_ones(hub: &Hub) -> Result<(), Broken> {
    let period = "2014-M05";
    filled(hub, period).await?;
    let options = CommitOptions { replace_all: true, confirm_deletions: true, ..Default::default() };
    hub.push(Who::Other, announce(period), &payload::valid(&UNITS[..1]), Some(options)).await??;
    let all = ALL_ROWS + ROWS_PER_UNIT;
    let dataset = GetDatasetRequest { name: DATASET.to_owned() };
    let dataset = hub.catalog(Who::Other)?.get_dataset(dataset).await?.into_inner().dataset;
    // What anyone may download, a publisher may read too.
    let open = set("dataset", dataset)?.open;
    let seen = |own| if open { all } else { own };
    same("what the publisher sees", count(hub, Who::Publisher, period).await?, seen(ALL_ROWS))?;
    same("what the other sees", count(hub, Who::Other, period).await?, seen(ROWS_PER_UNIT))?;
    same("all, for a ministry", count(hub, Who::Ministry, period).await?, all)
}

/// A session is no right: another caller gets nothing by holding its name.
pub(crate) async fn a_foreign_session_is_refused(hub: &Hub) -> Result<(), Broken> {
    let period = "2014-M06";
    filled(hub, period).await?;
    let session = session(hub, Who::Publisher, period, &[]).await?;
    let foreign = first_answer(hub, Who::Other, &session.name).await?;
    refused("another caller's session", foreign, &[Reason::ReadNotPermitted])?;
    let forged = format!("{}x", session.name);
    let answer = first_answer(hub, Who::Publisher, &forged).await?;
    refused("a forged session", answer, &[Reason::RequestInvalid])?;
    Ok(())
}

/// The first message of a session's rows, or the refusal, wherever in the stream it stands.
async fn first_answer(hub: &Hub, who: Who, session: &str) -> Result<Result<Response<()>, Status>, Broken> {
    let request = ReadRowsRequest { session: session.to_owned(), ..Default::default() };
    let mut reads = hub.reads(who)?;
    match reads.read_rows(request).await {
        Ok(response) => Ok(response.into_inner().message().await.map(|_| Response::new(()))),
        Err(status) => Ok(Err(status)),
    }
}
