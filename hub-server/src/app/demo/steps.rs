//! The steps of the story.

use bytes::Bytes;
use hub_client::v1::{self, RowFormat};
use hub_client::{Client, Payload, PullRequest, PushRequest, QueryRequest, Verdict};
use hub_datasets::pattern::embedded_sample;
use hub_datasets::report::{Language, render};
use hub_datasets::{Pattern, Patterns, Period, synthetic};

use super::super::dev::{self, DevError};
use super::tell::{block, line, step, verdict};
use super::{Story, download};
use crate::identity::Scope;

const KUTNO: &str = "gmina-100201";
const WROCLAW: &str = "gmina-026401";
const PERIOD: &str = "2022-Q4";
/// The school that sends a correction, and the line of its that it corrects.
const SCHOOL_COLUMN: &str = "jednostka_regon";
/// Synthetic municipalities, and the rows of each.
const SYNTHETIC: usize = 48;
const SYNTHETIC_ROWS: u64 = 250;

pub(super) async fn all(story: &Story) -> Result<(), DevError> {
    println!("Hub: a municipality pushes once, a ministry queries and pulls, anyone downloads.");
    step(1, "A hub on an empty folder, with all units of the territorial register");
    let minted = dev::furnish(story.hub.catalog(), story.hub.lists()).await?;
    line(format!("{minted} organisations minted from TERC 2020 and 2025; each key is drawn for this run"));
    let kutno = story.client(KUTNO, &[Scope::Push, Scope::Read]).await?;
    let wroclaw = story.client(WROCLAW, &[Scope::Push, Scope::Read]).await?;
    let ministry = story.client("mf", &[Scope::Read]).await?;

    refused(&kutno).await?;
    accepted(&kutno).await?;
    air(&wroclaw).await?;
    synthetic_poland(story).await?;
    correction(&kutno, &ministry).await?;
    aggregate(&ministry).await?;
    pull(story, &ministry).await?;
    extract(story).await?;
    println!("\nDone: pushed once, queried, pulled and downloaded.");
    Ok(())
}

fn sample(path: &str) -> Result<Bytes, DevError> {
    embedded_sample(path)
        .map(Bytes::from_static)
        .ok_or_else(|| DevError::Story(format!("the sample {path} is not part of this program")))
}

async fn push(client: &Client, pattern: &str, period: &str, payload: Bytes) -> Result<Verdict, DevError> {
    Ok(client.push(&PushRequest::csv(pattern, period, Payload::Bytes(payload)), None).await?)
}

async fn push_accepted(
    client: &Client,
    pattern: &str,
    period: &str,
    payload: Bytes,
) -> Result<Verdict, DevError> {
    let verdict = push(client, pattern, period, payload).await?;
    if verdict.is_refused() {
        return Err(DevError::Story(format!("{pattern} {period} was refused; it should have been accepted")));
    }
    Ok(verdict)
}

async fn refused(kutno: &Client) -> Result<(), DevError> {
    step(2, "REAL: Kutno sends its whole Rb-28S package of 2022-Q4, and the hub refuses it");
    line("two schools of the package carry one REGON; every mistake is listed in one pass");
    let payload = sample("rb28s/1.0.0/samples/invalid/kutno-2022-q4-caly.csv")?;
    let verdict = push(kutno, "rb28s", PERIOD, payload).await?;
    if !verdict.is_refused() {
        return Err(DevError::Story("the clashing package was accepted; it should have been refused".into()));
    }
    let report = verdict.report.unwrap_or_default();
    let report =
        hub_datasets::Report::try_from(report).map_err(|error| DevError::Story(error.to_string()))?;
    block(&render(&report, Language::Polish));
    Ok(())
}

async fn accepted(kutno: &Client) -> Result<(), DevError> {
    step(3, "REAL: the clashing school taken out, Rb-28S and Rb-27S are accepted");
    for pattern in ["rb28s", "rb27s"] {
        let payload = sample(&format!("{pattern}/1.0.0/samples/valid/kutno-2022-q4.csv"))?;
        line(format!("hub push kutno-2022-q4.csv --pattern {pattern} --period {PERIOD}"));
        verdict(&push_accepted(kutno, pattern, PERIOD, payload.clone()).await?);
        let again = push_accepted(kutno, pattern, PERIOD, payload).await?;
        line(format!(
            "sent again: {}",
            if again.unchanged { "unchanged, the same receipt" } else { "a new revision" }
        ));
    }
    Ok(())
}

async fn air(wroclaw: &Client) -> Result<(), DevError> {
    step(4, "REAL: one air quality station of Wrocław, February 2017");
    let payload = sample("jakosc_powietrza/1.0.0/samples/valid/wroclaw-2017-m02.csv")?;
    verdict(&push_accepted(wroclaw, "jakosc_powietrza", "2017-M02", payload).await?);
    Ok(())
}

/// Every n-th municipality of the register, so that all voivodeships have some.
async fn synthetic_poland(story: &Story) -> Result<(), DevError> {
    step(5, &format!("SYNTHETIC: {SYNTHETIC} more municipalities push Rb-28S (real codes, drawn amounts)"));
    let fault = |error: &dyn std::fmt::Display| DevError::Story(error.to_string());
    let patterns = Patterns::embedded().map_err(|error| fault(&error))?;
    let pattern = patterns.get("rb28s").ok_or_else(|| DevError::Story("there is no rb28s".into()))?;
    let period: Period = PERIOD.parse().map_err(|error| fault(&error))?;
    let units = story.hub.catalog().organisations("gmina-", "gmina-", 4_000).await?;
    let mut rows = 0;
    for unit in units.iter().step_by(units.len() / SYNTHETIC).take(SYNTHETIC).filter(|unit| unit.id != KUTNO)
    {
        let Some(terc6) = unit.identifier_on("terc6", period.last_day()) else { continue };
        let payload = synthetic_payload(story, &pattern, &period, terc6)?;
        let client = story.client(&unit.id, &[Scope::Push]).await?;
        rows += push_accepted(&client, "rb28s", PERIOD, payload).await?.submission.rows;
    }
    line(format!("{rows} rows of synthetic municipalities accepted"));
    Ok(())
}

fn synthetic_payload(
    story: &Story,
    pattern: &Pattern,
    period: &Period,
    terc6: &str,
) -> Result<Bytes, DevError> {
    let mut payload = Vec::new();
    let seed = terc6.parse().unwrap_or(1);
    synthetic::csv(pattern, story.hub.lists(), terc6, period, SYNTHETIC_ROWS, seed, &mut payload)
        .map_err(|error| DevError::Story(error.to_string()))?;
    Ok(payload.into())
}

/// One school sends its lines again with one amount changed.
async fn correction(kutno: &Client, ministry: &Client) -> Result<(), DevError> {
    step(6, "A correction: one school of Kutno sends its own lines again, one amount less by 1.00 zł");
    let payload = sample("rb28s/1.0.0/samples/valid/kutno-2022-q4.csv")?;
    let corrected = one_school(&payload)?;
    let before = totals(ministry).await?;
    verdict(&push_accepted(kutno, "rb28s", PERIOD, corrected).await?);
    let after = totals(ministry).await?;
    line("sum of executions of Kutno's schools, before → after:");
    for (school, was) in &before {
        let is = after.iter().find(|(other, _)| other == school).map_or("–", |(_, is)| is);
        let mark = if was == is { "equal" } else { "corrected" };
        line(format!("  {school}  {was} → {is}  {mark}"));
    }
    Ok(())
}

/// The lines of the first school, `wykonanie` of its first line less by one złoty.
fn one_school(payload: &[u8]) -> Result<Bytes, DevError> {
    let text = std::str::from_utf8(payload).map_err(|error| DevError::Story(error.to_string()))?;
    let mut lines = text.lines();
    let header = lines.next().unwrap_or_default();
    let column = |name: &str| header.split(',').position(|column| column == name);
    let (Some(school), Some(amount)) = (column(SCHOOL_COLUMN), column("wykonanie")) else {
        return Err(DevError::Story("the sample lacks a column".into()));
    };
    let cell = |line: &str, at: usize| line.split(',').nth(at).unwrap_or_default().to_owned();
    let lines: Vec<&str> = lines.collect();
    let first = lines.first().map(|line| cell(line, school)).unwrap_or_default();
    let mut corrected = format!("{header}\n");
    let mut changed = false;
    for line in lines.iter().filter(|line| cell(line, school) == first) {
        let mut cells: Vec<String> = line.split(',').map(str::to_owned).collect();
        let whole = cells[amount].split('.').next().and_then(|whole| whole.parse::<i64>().ok()).unwrap_or(0);
        if !changed && whole > 1 {
            let grosze =
                cells[amount].split('.').nth(1).map(|grosze| format!(".{grosze}")).unwrap_or_default();
            cells[amount] = format!("{}{grosze}", whole - 1);
            changed = true;
        }
        corrected.push_str(&cells.join(","));
        corrected.push('\n');
    }
    Ok(corrected.into())
}

async fn totals(ministry: &Client) -> Result<Vec<(String, String)>, DevError> {
    let sql = format!(
        "SELECT {SCHOOL_COLUMN}, sum(wykonanie) FROM rb28s WHERE _publisher = '{KUTNO}' GROUP BY 1 ORDER BY 1"
    );
    let (text, _) = query(ministry, &sql).await?;
    let pairs = text.lines().skip(1).filter_map(|line| line.split_once(','));
    Ok(pairs.map(|(school, sum)| (school.to_owned(), sum.to_owned())).collect())
}

/// The answer as CSV text, with the dataset versions behind it.
async fn query(client: &Client, sql: &str) -> Result<(String, Vec<v1::DatasetVersionRef>), DevError> {
    let request = QueryRequest { sql: sql.to_owned(), format: RowFormat::Csv, as_of: None, at: Vec::new() };
    let mut answer = client.query(&request).await?;
    let mut text = Vec::new();
    while let Some(bytes) = answer.next().await? {
        text.extend_from_slice(&bytes);
    }
    Ok((String::from_utf8_lossy(&text).into_owned(), answer.versions().to_vec()))
}

async fn aggregate(ministry: &Client) -> Result<(), DevError> {
    step(7, "The ministry asks the hub instead of each office: spending by voivodeship");
    let sql = "SELECT t.wojewodztwo, count(DISTINCT r._publisher) AS units, sum(r.plan) AS plan, \
               sum(r.wykonanie) AS executed FROM rb28s r \
               JOIN (SELECT DISTINCT terc6, wojewodztwo FROM terc WHERE level = 'gmina') t ON r.jst_terc6 = t.terc6 \
               WHERE r._period_end = DATE '2022-12-31' GROUP BY t.wojewodztwo ORDER BY t.wojewodztwo";
    let (text, versions) = query(ministry, sql).await?;
    block(&columns(&text));
    for version in versions {
        let coverage = version.coverage.unwrap_or_default();
        line(format!(
            "stands on {} version {}; coverage {} of {} units (expected: {})",
            version.dataset,
            version.version,
            coverage.units_reporting,
            coverage.units_expected,
            coverage.expected_source
        ));
    }
    Ok(())
}

/// CSV as aligned columns.
fn columns(text: &str) -> String {
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    let width = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max();
    let mut out = String::new();
    for row in &rows {
        for (at, cell) in row.iter().enumerate() {
            let width = width(at).unwrap_or(0);
            let cell = if at == 0 { format!("{cell:<width$}  ") } else { format!("{cell:>width$}  ") };
            out.push_str(&cell);
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
    out
}

async fn pull(story: &Story, ministry: &Client) -> Result<(), DevError> {
    step(8, "The ministry pulls education (dział 801) through the same contract, as Parquet");
    let path = story.folder.join("edukacja.parquet");
    let request = PullRequest {
        dataset: "rb28s".to_owned(),
        columns: Vec::new(),
        filter: Some("dzial = '801'".to_owned()),
        as_of: None,
        format: RowFormat::Parquet,
    };
    let pulled = ministry.pull_to_file(&request, &path, None).await?;
    line(format!("edukacja.parquet: {} rows, {} bytes", pulled.rows, pulled.bytes));
    Ok(())
}

async fn extract(story: &Story) -> Result<(), DevError> {
    step(9, "Anyone downloads the open extract over HTTP");
    for file in ["extract.parquet", "extract.csv"] {
        let path = format!("/datasets/jakosc_powietrza/latest/{file}");
        let to = story.folder.join(file);
        let download = download::latest(story.hub.http_addr(), &path, &to).await?;
        line(format!("GET {path} → {}: {} bytes, ETag {}", download.path, download.bytes, download.etag));
    }
    Ok(())
}
