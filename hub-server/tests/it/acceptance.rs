//! The story of the first user, line by line: check, push, refuse, query, pull, download.

use std::collections::BTreeMap;
use std::fs::File;
use std::time::Duration;

use arrow::array::{Array as _, AsArray as _};
use arrow::datatypes::Decimal128Type;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

use crate::harness::{
    Answer, KUTNO, PERIOD, Server, air_sample, column_grosze, get, get_with, grosze, invalid_samples,
    kutno_sample, lasting, wait_for,
};

/// Time in which the first extract of a small dataset is ready.
const EXTRACT: Duration = Duration::from_secs(60);

/// The one sample whose fault shows only to who knows the publisher.
const FOREIGN: &str = "inny-nadawca.csv";

#[test]
fn every_invalid_sample_is_checked_without_a_hub_and_every_error_listed() {
    let server = Server::start();
    let files = invalid_samples("rb28s");
    assert!(files.len() >= 10, "{files:?}");
    let mut line = vec!["check"];
    line.extend(files.iter().map(|file| file.to_str().expect("a plain path")));
    line.extend(["--pattern", "rb28s", "--period", PERIOD]);
    let text = server.hub("", &line).expect(3).stdout;
    let told = server.hub("", &[&["--format", "json"], line.as_slice()].concat()).expect(3).stdout;
    let told: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).expect("a verdict")).collect();
    assert_eq!(told.len(), files.len());
    for (file, verdict) in files.iter().zip(&told) {
        let name = file.display();
        // Nobody was named, and nothing was given to compare with: neither is passed over.
        let open = json!(["publisher jst_terc6", "wykonanie_nie_maleje"]);
        assert_eq!(verdict["report"]["not_evaluated"], open, "{name}");
        if file.ends_with(FOREIGN) {
            assert_eq!(verdict["verdict"], "ACCEPTED");
            continue;
        }
        let expected =
            std::fs::read_to_string(file.with_extension("report.json")).expect("the sample's report");
        let expected: Value = serde_json::from_str(&expected).expect("a report");
        assert_eq!(verdict["verdict"], "REFUSED", "{name}");
        assert_eq!(verdict["report"]["counts"], expected["counts"], "{name}");
        assert_eq!(verdict["report"]["violations"], expected["violations"], "{name}");
        assert!(text.contains(&format!("{name}:")), "{name}");
    }
    // People get the same as text: the file, the row, the column, in words.
    let listed = text.lines().filter(|line| line.contains("key: jednostka_regon=001070630")).count();
    assert!(listed >= 33, "33 repeated keys, {listed} lines name them:\n{text}");
    assert_eq!(text.matches("publisher jst_terc6").count(), files.len());

    let foreign = files.iter().find(|file| file.ends_with(FOREIGN)).expect("the sample");
    let foreign = foreign.to_str().expect("a plain path");
    let line = ["check", foreign, "--pattern", "rb28s", "--period", PERIOD, "--publisher", KUTNO];
    server.hub("", &line).expect(3).says("PUBLISHER_MISMATCH");
}

#[test]
fn a_report_is_pushed_once_and_the_same_again_is_unchanged() {
    let server = Server::start();
    let kutno = kutno_sample();
    let first = server.accepted("publisher", &kutno, "rb28s", PERIOD, &[]);
    assert_eq!(first["unchanged"], false);
    assert_eq!(first["submission"]["state"], "COMMITTED");
    assert_eq!(first["submission"]["revision"], 1);
    assert_eq!(first["submission"]["dataset_version"], 1);
    assert_eq!(first["submission"]["rows"], 293);
    let again = server.accepted("publisher", &kutno, "rb28s", PERIOD, &[]);
    assert_eq!(again["unchanged"], true);
    assert_eq!(again["receipt"], first["receipt"]);
    assert_eq!(again["submission"]["submission"], first["submission"]["submission"]);
    assert_eq!(again["submission"]["revision"], 1);
    let content = &first["receipt"]["content"];
    assert!(content.is_object(), "{first}");
    let canonical = first["receipt"]["canonical_json"].as_str().expect("the receipt's bytes");
    assert!(canonical.contains(first["submission"]["sha256"].as_str().expect("a hash")), "{canonical}");

    let foreign = [
        "push",
        kutno.to_str().expect("a path"),
        "--pattern",
        "rb28s",
        "--period",
        PERIOD,
        "--publisher",
        KUTNO,
    ];
    server.hub("publisher2", &foreign).expect(5).says("PUBLISHER_NOT_PERMITTED");
    assert_eq!(server.cell("ministry", "SELECT count(*) FROM rb28s"), "293");
    assert_eq!(lasting(server.root()), Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_ministry_queries_and_pulls() {
    let server = Server::start();
    let kutno = kutno_sample();
    server.accepted("publisher", &kutno, "rb28s", PERIOD, &[]);
    let sql = "SELECT dzial, sum(wykonanie) FROM rb28s WHERE _period_end = DATE '2022-12-31' GROUP BY dzial ORDER BY 1";
    let output = server.hub("ministry", &["query", sql]).expect(0);
    let told: BTreeMap<String, i64> = output
        .stdout
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(','))
        .map(|(section, sum)| (section.to_owned(), grosze(sum)))
        .collect();
    let sections: Vec<&String> = told.keys().collect();
    assert!(sections.contains(&&"801".to_owned()), "{}", output.stdout);
    for (section, sum) in &told {
        let sent = column_grosze(&kutno, "wykonanie", |cells| cells[1] == section);
        assert_eq!(*sum, sent, "section {section}");
    }
    assert_eq!(told.values().sum::<i64>(), column_grosze(&kutno, "wykonanie", |_| true));
    // Which dataset version, and how many of the country's municipalities stand behind it.
    assert!(output.stderr.contains("dataset rb28s, version 1"), "{}", output.stderr);
    assert!(output.stderr.contains("units: 1 of 247"), "{}", output.stderr);
    assert!(output.stderr.contains("register"), "{}", output.stderr);

    let out = server.root().join("dev/edu.parquet");
    let path = out.to_str().expect("a path");
    server.hub("ministry", &["pull", "rb28s", "--where", "dzial = '801'", "--out", path]).expect(0);
    let batches: Vec<_> =
        ParquetRecordBatchReaderBuilder::try_new(File::open(&out).expect("the pulled file"))
            .expect("a Parquet file")
            .build()
            .expect("a reader")
            .collect::<Result<_, _>>()
            .expect("rows");
    let mut rows = 0;
    let mut sum = 0_i128;
    for batch in &batches {
        rows += batch.num_rows();
        let sections = batch.column_by_name("dzial").expect("dzial").as_string::<i32>();
        assert!(sections.iter().all(|section| section == Some("801")));
        let amounts = batch.column_by_name("wykonanie").expect("wykonanie").as_primitive::<Decimal128Type>();
        sum += amounts.iter().flatten().sum::<i128>();
        for column in ["_publisher", "_submission", "_revision", "_committed_at"] {
            assert_eq!(batch.column_by_name(column).expect(column).null_count(), 0, "{column}");
        }
    }
    assert_eq!(rows.to_string(), server.cell("ministry", "SELECT count(*) FROM rb28s WHERE dzial = '801'"));
    assert_eq!(sum, i128::from(column_grosze(&kutno, "wykonanie", |cells| cells[1] == "801")));
}

#[test]
fn a_pull_comes_in_every_format_with_the_same_rows() {
    let server = Server::start();
    server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    for extension in ["parquet", "csv", "arrow", "ndjson"] {
        let out = server.root().join(format!("dev/rb28s.{extension}"));
        let args = [
            "--format",
            "json",
            "pull",
            "rb28s",
            "--columns",
            "dzial,plan",
            "--out",
            out.to_str().expect("a path"),
        ];
        let told = server.hub("ministry", &args).expect(0).json();
        assert_eq!(told["rows"], 293, "{extension}");
        assert_eq!(told["columns"], json!(["dzial", "plan"]));
        assert_eq!(told["bytes"], std::fs::metadata(&out).expect("the file").len(), "{extension}");
    }
    let text = std::fs::read_to_string(server.root().join("dev/rb28s.csv")).expect("the file");
    assert_eq!(text.lines().next(), Some("dzial,plan"));
    assert_eq!(text.lines().count(), 294);
    let ndjson = std::fs::read_to_string(server.root().join("dev/rb28s.ndjson")).expect("the file");
    assert_eq!(ndjson.lines().count(), 293);
}

#[test]
fn anyone_downloads_the_open_extract() {
    let server = Server::start();
    let latest = "/datasets/jakosc_powietrza/latest/extract.parquet";
    let early = get(server.http, latest);
    assert_eq!(early.status, 503);
    assert!(early.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds > 0));
    assert_eq!(reason(&early), "UNAVAILABLE");
    assert_eq!(get(server.http, "/healthz").status, 200);

    server.accepted("publisher2", &air_sample(), "jakosc_powietrza", "2017-M02", &[]);
    let redirect = wait_for(EXTRACT, || Some(get(server.http, latest)).filter(|answer| answer.status == 302));
    let place = redirect.expect("the first extract").header("location").to_owned();
    assert_eq!(place, "/datasets/jakosc_powietrza/versions/1/extract.parquet");
    let whole = get(server.http, &place);
    assert_eq!(whole.status, 200);
    assert_eq!(whole.header("content-length"), whole.body.len().to_string());
    let tag = whole.header("etag").to_owned();
    assert!(tag.starts_with('"') && tag.len() > 30, "{tag}");

    // A download that was cut goes on where it stopped.
    let half = whole.body.len() / 2;
    let rest = get_with(server.http, &place, &[("Range", &format!("bytes={half}-")), ("If-Range", &tag)]);
    assert_eq!(rest.status, 206);
    let last = whole.body.len() - 1;
    assert_eq!(rest.header("content-range"), format!("bytes {half}-{last}/{}", whole.body.len()));
    assert_eq!([&whole.body[..half], &rest.body].concat(), whole.body);
    assert_eq!(get_with(server.http, &place, &[("If-None-Match", &tag)]).status, 304);
    assert_eq!(get_with(server.http, &place, &[("Range", "bytes=999999999-")]).status, 416);

    let reader =
        ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(whole.body)).expect("a Parquet file");
    let rows: usize = reader.build().expect("a reader").map(|batch| batch.expect("rows").num_rows()).sum();
    assert_eq!(rows, 6048);
    let csv = get(server.http, "/datasets/jakosc_powietrza/versions/1/extract.csv");
    assert_eq!(String::from_utf8(csv.body).expect("text").lines().count(), 6049);
    assert_eq!(get(server.http, "/datasets/jakosc_powietrza/versions/2/extract.csv").status, 404);
}

/// The Reason of a refusal over HTTP.
fn reason(answer: &Answer) -> String {
    let problem: Value = serde_json::from_slice(&answer.body).expect("a problem");
    problem["reason"].as_str().expect("a reason").to_owned()
}
