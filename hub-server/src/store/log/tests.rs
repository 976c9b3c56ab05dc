use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use chrono::DateTime;
use hub_datasets::check::standing::SliceFacts;
use proptest::prelude::*;
use serde_json::Value;

use super::{CommitInfo, Definition, Entry, Remove, SubmissionEntry, parse, schema, seqs, write};
use crate::store::blocks::{BLOCK_BYTES, Blocks};
use crate::store::index::{Bound, ColumnStats, DataFile, Decimal, Stats};

pub(crate) fn columns() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("dzial", DataType::Utf8, true),
        Field::new("kwota", DataType::Decimal128(38, 2), true),
        Field::new("dzien", DataType::Date32, true),
        Field::new("czas", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true),
        Field::new("udzial", DataType::Float64, true),
        Field::new("jest", DataType::Boolean, true),
        Field::new("_period_end", DataType::Date32, false),
        Field::new("_publisher", DataType::Utf8, false),
        Field::new("_seq", DataType::Int64, false),
    ]))
}

pub(crate) fn submission(id: &str, seq: i64, publisher: &str) -> SubmissionEntry {
    SubmissionEntry {
        id: id.into(),
        seq,
        caller: "gmina-100201".into(),
        request_id: format!("r-{id}"),
        publisher: publisher.into(),
        period: "2022-Q4".into(),
        partition: "2022-12-31".into(),
        media_type: "text/csv".into(),
        size: 17,
        sha256: "ab".repeat(32),
        rows: 2,
        slices: vec!["000524720".into()],
        slice_facts: vec![SliceFacts { rows: 2, version: Some(1) }],
        carried: vec![],
        dropped: vec!["żółć".into()],
        revision: 2,
        parent: Some(1),
        pattern: "rb28s/1.0.0".into(),
        bundle_sha256: "cd".repeat(32),
        nothing_to_report: false,
        withdraws: None,
        created_at: 1_700_000_000_123_456,
        report: "{\"findings\":[]}".into(),
        report_sha256: "ef".repeat(32),
        receipt: "{\"n\":1}".into(),
    }
}

/// A log version of a commit that adds a file.
pub(crate) fn commit_of(commit: &str) -> Vec<u8> {
    let sha256 = "12".repeat(32);
    let file = DataFile {
        path: format!("d/{commit}.parquet"),
        bytes: 1,
        rows: 1,
        blocks: Blocks::of(1, &sha256, None).unwrap(),
        sha256,
        partition: "p".into(),
        seqs: vec![1],
        publishers: vec![],
        publisher_rows: vec![],
        partial: false,
        stats: Default::default(),
    };
    let info = CommitInfo {
        commit: commit.to_owned(),
        epoch: "epoch".to_owned(),
        operation: "WRITE".to_owned(),
        committed_at: DateTime::UNIX_EPOCH,
        dataset_version: 1,
        submissions: Vec::new(),
        erasure: None,
    };
    write(&Entry { info, definition: None, removes: Vec::new(), adds: vec![Arc::new(file)] }).unwrap()
}

fn stats_strategy() -> impl Strategy<Value = Stats> {
    let ends = |kind: &'static str| {
        (any::<i64>(), "[\\PC\"\\\\\n]{0,12}", any::<bool>()).prop_map(move |(n, text, known)| {
            let bound = match kind {
                "dzial" => Bound::Text(text.into()),
                "kwota" => Bound::Decimal(Decimal::new(i128::from(n) * 10_000_000_000, 38, 2)),
                "dzien" => Bound::Date(i32::try_from(n % 100_000).unwrap()),
                "czas" => Bound::Time(n % 4_000_000_000_000_000),
                _ => Bound::Int64(n),
            };
            known.then_some(bound)
        })
    };
    let column = move |name: &'static str| {
        (ends(name), ends(name), 0_u64..1_000_000)
            .prop_map(move |(min, max, nulls)| (name.to_owned(), ColumnStats { min, max, nulls }))
    };
    (column("dzial"), column("kwota"), column("dzien"), column("czas"), column("_seq"))
        .prop_map(|(a, b, c, d, e)| [a, b, c, d, e].into_iter().collect())
}

fn file_strategy() -> impl Strategy<Value = Arc<DataFile>> {
    let seqs = prop::collection::btree_set(any::<i64>().prop_map(|n| n.rem_euclid(50)), 1..12);
    let publishers = prop::collection::btree_set("[a-z\\-\"]{1,8}", 0..4);
    (stats_strategy(), seqs, publishers, 1_u64..1 << 21).prop_map(|(stats, seqs, publishers, bytes)| {
        let several = bytes > BLOCK_BYTES;
        let sums =
            several.then(|| "0123456789abcdef".repeat(usize::try_from(bytes.div_ceil(BLOCK_BYTES)).unwrap()));
        Arc::new(DataFile {
            path: format!("d/{}.parquet", uuid::Uuid::new_v4()),
            bytes,
            rows: bytes / 3,
            sha256: "12".repeat(32),
            blocks: Blocks::of(bytes, &"12".repeat(32), sums.as_deref()).unwrap(),
            partition: "2022-12-31".into(),
            seqs: seqs.into_iter().collect(),
            publisher_rows: (0..publishers.len() as u64).collect(),
            partial: false,
            publishers: publishers.into_iter().map(Into::into).collect(),
            stats,
        })
    })
}

proptest! {
    #[test]
    fn an_entry_comes_back_as_it_was_written(
        adds in prop::collection::vec(file_strategy(), 0..4),
        removed in prop::collection::vec(file_strategy(), 0..3),
        micros in 0_i64..4_000_000_000_000_000,
        defined in any::<bool>(),
    ) {
        let definition = defined.then(|| Definition {
            id: "11".into(), name: "rb28s_v1".into(), schema: columns(), created_at: DateTime::from_timestamp_millis(5).unwrap(),
        });
        let entry = Entry {
            info: CommitInfo {
                commit: "c".into(), epoch: "e".into(), operation: "WRITE".into(),
                committed_at: DateTime::from_timestamp_micros(micros).unwrap(),
                dataset_version: 9,
                submissions: vec![submission("s1", 7, "gmina-100201"), submission("s2", 8, "b")],
                erasure: None,
            },
            definition,
            removes: removed.iter().map(|f| Remove::from(f.as_ref())).collect(),
            adds,
        };
        let bytes = write(&entry).unwrap();
        prop_assert_eq!(parse("f", &bytes, Some(&columns())).unwrap(), entry);
    }

    #[test]
    fn any_cut_of_a_log_file_is_an_error(at in 1_usize..2_000) {
        let entry = example();
        let bytes = write(&entry).unwrap();
        let cut = &bytes[..at.min(bytes.len() - 1)];
        let error = parse("v.json", cut, None).unwrap_err().to_string();
        prop_assert!(error.contains("v.json") && error.contains("line"), "{}", error);
    }
}

fn example() -> Entry {
    Entry {
        info: CommitInfo {
            commit: "c".into(),
            epoch: "e".into(),
            operation: "CREATE TABLE".into(),
            committed_at: DateTime::from_timestamp_millis(1_700_000_000_000).unwrap(),
            dataset_version: 0,
            submissions: vec![],
            erasure: None,
        },
        definition: Some(Definition {
            id: "11".into(),
            name: "rb28s_v1".into(),
            schema: columns(),
            created_at: DateTime::from_timestamp_millis(5).unwrap(),
        }),
        removes: vec![],
        adds: vec![],
    }
}

#[test]
fn version_0_is_what_outside_engines_expect() {
    let text = String::from_utf8(write(&example()).unwrap()).unwrap();
    let lines: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines[1]["protocol"], serde_json::json!({"minReaderVersion": 1, "minWriterVersion": 2}));
    assert_eq!(lines[2]["metaData"]["partitionColumns"], serde_json::json!(["_period"]));
    let schema: Value = serde_json::from_str(lines[2]["metaData"]["schemaString"].as_str().unwrap()).unwrap();
    let types: Vec<&str> =
        schema["fields"].as_array().unwrap().iter().map(|f| f["type"].as_str().unwrap()).collect();
    assert_eq!(
        types,
        [
            "string",
            "decimal(38,2)",
            "date",
            "timestamp",
            "double",
            "boolean",
            "date",
            "string",
            "long",
            "string"
        ]
    );
    assert_eq!(schema::parse(&schema.to_string()).unwrap(), columns());
}

#[test]
fn decimals_never_stand_in_standard_statistics() {
    let bound = Bound::Decimal(Decimal::new(12_345_678_901_234_567_890, 38, 2));
    let stats = ColumnStats { min: Some(bound.clone()), max: Some(bound), nulls: 0 };
    let file = DataFile {
        path: "d/x.parquet".into(),
        bytes: 1,
        rows: 1,
        sha256: String::new(),
        blocks: Blocks::default(),
        partition: "p".into(),
        seqs: vec![1],
        publishers: vec![],
        publisher_rows: vec![],
        partial: false,
        stats: [("kwota", stats)].into_iter().collect(),
    };
    let entry = Entry { adds: vec![Arc::new(file)], ..example() };
    let text = String::from_utf8(write(&entry).unwrap()).unwrap();
    let add: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    let stats: Value = serde_json::from_str(add["add"]["stats"].as_str().unwrap()).unwrap();
    assert_eq!(stats["minValues"], serde_json::json!({}));
    assert_eq!(stats["nullCount"]["kwota"], 0);
    assert_eq!(
        add["add"]["tags"]["hub.bounds"],
        r#"{"kwota":["12345678901234567890","12345678901234567890"]}"#
    );
}

#[test]
fn foreign_and_broken_lines_are_named() {
    let whole = String::from_utf8(write(&example()).unwrap()).unwrap();
    let cases = [
        (whole.replace("\"minReaderVersion\":1", "\"minReaderVersion\":3"), "line 2"),
        (format!("{whole}{{\"txn\":{{}}}}\n"), "line 4: action txn"),
        (format!("{whole}nonsense\n"), "line 4"),
        (whole.lines().skip(1).map(|l| format!("{l}\n")).collect(), "no commitInfo"),
        (whole.replace("\"hub\":", "\"other\":"), "not of a hub"),
    ];
    for (text, expected) in cases {
        let error = parse("v.json", text.as_bytes(), None).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(error.reason(), hub_proto::Reason::StorageCorrupt);
    }
}

#[test]
fn seqs_are_ranges() {
    assert_eq!(seqs::write(&[1, 2, 3, 7]), "1-3,7");
    assert_eq!(seqs::parse("1-3,7", 10), Some(vec![1, 2, 3, 7]));
    assert_eq!(seqs::parse("", 10), Some(vec![]));
    for forged in ["3-1", "1-99999999999", "1,1", "a", "5,4", "9223372036854775807-9223372036854775807,1"] {
        assert_eq!(seqs::parse(forged, 10), None, "{forged}");
    }
}

#[test]
fn every_flipped_bit_of_an_entry_is_found() {
    let entry = Entry {
        info: CommitInfo { submissions: vec![submission("s1", 7, "gmina-100201")], ..example().info },
        ..example()
    };
    let whole = write(&entry).unwrap();
    assert_eq!(parse("v.json", &whole, None).unwrap(), entry);
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut rotten = whole.clone();
            rotten[at] ^= 1 << bit;
            let error = parse("v.json", &rotten, None).unwrap_err();
            assert_eq!(error.reason(), hub_proto::Reason::StorageCorrupt, "byte {at} bit {bit}");
            assert!(error.to_string().starts_with("v.json, line"), "{error}");
        }
    }
}
