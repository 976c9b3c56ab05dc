//! Payloads of all formats with seeded faults: each ends with rows or findings, never with a panic of ours.
//!
//! A seed gives the same bytes in every run. `HUB_SOAK_FUZZ_SEEDS` makes them more, for `make soak`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;

use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::{Compression, Encoding, ZstdLevel};
use ::parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};
use arrow::array::{ArrayRef, Decimal128Array, Int32Array, StringArray};
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;

use super::super::{PieceLimits, Stop};
use super::*;
use crate::MediaType;
use crate::synthetic::draw;

const SEEDS: u64 = 20_000;

static CHECKER: LazyLock<Checker> = LazyLock::new(|| checker(embedded("rb28s"), Some("2022-Q4")));

/// Numbers and places of a payload.
struct Draw(draw::Draw);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0.next()
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    /// A run of bytes of a payload of this length.
    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let from = self.below(length + 1);
        from..from + self.below((length - from).min(64) + 1)
    }
}

/// Does one to four things to a payload that a broken line or a hostile hand would do.
fn spoil(bytes: &mut Vec<u8>, draw: &mut Draw) {
    for _ in 0..=draw.below(4) {
        let at = draw.below(bytes.len());
        match draw.below(8) {
            _ if bytes.is_empty() => bytes.extend(draw.next().to_le_bytes()),
            0 | 1 => bytes[at] ^= 1 << draw.below(8),
            2 => bytes[at] = draw.next() as u8,
            3 => bytes.truncate(at),
            4 => {
                let (from, to) = (draw.range(bytes.len()), draw.range(bytes.len()));
                let part = bytes[from].to_vec();
                bytes.splice(to, part);
            }
            5 => {
                let range = draw.range(bytes.len());
                bytes.drain(range);
            }
            // Lengths and offsets that claim too much, too little, or less than nothing.
            _ => {
                let lies = [0, 1, 0x7f, 0xff, 0x7fff_ffff, 0xffff_ffff, i64::MAX as u64, u64::MAX, 1 << 40];
                let lie = lies[draw.below(lies.len())].to_le_bytes();
                let width = [1, 2, 4, 8][draw.below(4)].min(bytes.len() - at);
                bytes[at..at + width].copy_from_slice(&lie[..width]);
            }
        }
    }
}

/// Reads and checks a payload, as far as it goes.
fn read(media: MediaType, bytes: Vec<u8>) -> Report {
    let limits = PieceLimits { chunk_bytes: 512, record_bytes: 4_096, block_bytes: 256, rows: 4_096 };
    let mut pieces = CHECKER.pieces(media, Arc::new(Bytes::from(bytes)), limits);
    let (mut findings, mut rows) = (Findings::default(), 0);
    loop {
        match pieces.next_piece() {
            Ok(Some(piece)) => {
                let checked = piece.check(&CHECKER);
                assert_eq!(checked.batch.num_rows(), checked.lines.len());
                rows += checked.rows;
                findings.merge(checked.findings);
                // A few bytes can stand for many rows of nothing.
                if rows > 20_000 {
                    break;
                }
            }
            Ok(None) => break,
            Err(Stop::Findings(fault)) => {
                findings.merge(*fault);
                break;
            }
            Err(Stop::Io(error)) => panic!("bytes in memory can be read: {error}"),
        }
    }
    findings.merge(pieces.early());
    CHECKER.finish(findings, rows, CHECKER.uncompared())
}

fn seeds() -> u64 {
    let Some(text) = std::env::var_os("HUB_SOAK_FUZZ_SEEDS") else { return SEEDS };
    text.to_str().and_then(|text| text.parse().ok()).expect("a number of seeds")
}

/// Spoils honest payloads under all seeds.
fn survives(media: MediaType, honest: &[Vec<u8>]) {
    for payload in honest {
        assert!(!read(media, payload.clone()).blocks(), "an honest payload is accepted");
    }
    let (mut accepted, mut refused) = (0, 0);
    for seed in 0..seeds() {
        let mut draw = Draw(draw::Draw::new(seed, &[]));
        let mut bytes = honest[draw.below(honest.len())].clone();
        spoil(&mut bytes, &mut draw);
        match catch_unwind(AssertUnwindSafe(|| read(media, bytes))) {
            Ok(report) if report.blocks() => refused += 1,
            Ok(_) => accepted += 1,
            Err(_) => panic!("seed {seed} of {}", media.as_str()),
        }
    }
    // Much of an XLS is filling that nobody reads.
    let least = if media == MediaType::Xls { seeds() / 10 } else { seeds() / 2 };
    assert!(refused > least, "{refused} refused, {accepted} accepted");
    println!(
        "soak: {} spoiled payloads of {}: {refused} refused, {accepted} taken, none ended the process",
        refused + accepted,
        media.as_str()
    );
}

/// Three rows of an expenditure report; the place of some columns and their types differ from the pattern's.
fn rows() -> RecordBatch {
    let text = |values: [&str; 3]| Arc::new(StringArray::from(values.to_vec())) as ArrayRef;
    let amounts = Decimal128Array::from(vec![Some(1_790_000), None, Some(5)]);
    let amounts: ArrayRef = Arc::new(amounts.with_precision_and_scale(18, 2).unwrap());
    let columns = [
        ("jednostka_regon", text(["001070630"; 3])),
        ("dzial", text(["801"; 3])),
        ("rozdzial", text(["80101"; 3])),
        ("paragraf", text(["401", "411", "412"])),
        ("p4", text(["0"; 3])),
        ("wykonanie", Arc::clone(&amounts)),
        ("zaangazowanie", amounts),
        ("plan", Arc::new(Int32Array::from(vec![20_000, 100, 100]))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
}

fn parquet(properties: WriterPropertiesBuilder) -> Vec<u8> {
    let rows = rows();
    let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), Some(properties.build())).unwrap();
    writer.write(&rows).unwrap();
    writer.into_inner().unwrap()
}

/// Files that real programs wrote: samples of the pattern.
fn sample(name: &str) -> Vec<u8> {
    let path = format!("rb28s/1.0.0/samples/valid/{name}");
    crate::pattern::embedded_sample(&path).unwrap().to_vec()
}

#[test]
fn spoiled_xlsx_is_survived() {
    survives(MediaType::Xlsx, &[sample("biuro-dwuwierszowy-naglowek.xlsx")]);
}

#[test]
fn spoiled_ods_is_survived() {
    survives(MediaType::Ods, &[sample("biuro.ods")]);
}

#[test]
fn spoiled_xls_is_survived() {
    survives(MediaType::Xls, &[sample("biuro-excel-97.xls")]);
}

const LINE: &str = r#"{"jednostka_regon":"001070630","dzial":801,"rozdzial":"80\u003101","paragraf":"401","p4":0,"plan":100.50,"zaangazowanie":90,"zobowiazania":null,"wykonanie":"80.5"}"#;

#[test]
fn spoiled_csv_is_survived() {
    let header = "jednostka_regon;dzial;rozdzial;paragraf;p4;plan;zaangazowanie;wykonanie\n";
    let rows =
        ["401", "411", "412"].map(|code| format!("001070630;\"801\";80101;{code};0;100.50;90;80.5\r\n"));
    let file = format!("{header}{}", rows.concat());
    let wide: Vec<u8> =
        [0xFF, 0xFE].into_iter().chain(file.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let page = [b"Wydatki szko\xB3y \x9Credniej\n", file.replace("100.50", "1 100,50").as_bytes()].concat();
    survives(MediaType::Csv, &[file.into_bytes(), wide, page]);
}

#[test]
fn spoiled_ndjson_is_survived() {
    let lines = [LINE.to_owned(), LINE.replace("401", "411"), LINE.replace("401", "412")];
    survives(MediaType::Ndjson, &[lines.join("\n").into_bytes()]);
}

#[test]
fn spoiled_xml_is_survived() {
    survives(MediaType::Xml, &[sample("paczka-windows-1250.xml"), sample("biuro-excel-2003.xml")]);
}

#[test]
fn spoiled_arrow_is_survived() {
    let rows = rows();
    let mut writer = StreamWriter::try_new(Vec::new(), &rows.schema()).unwrap();
    writer.write(&rows).unwrap();
    survives(MediaType::ArrowStream, &[writer.into_inner().unwrap()]);
}

#[test]
fn spoiled_parquet_is_survived() {
    let plain = WriterProperties::builder;
    let zstd = Compression::ZSTD(ZstdLevel::default());
    survives(
        MediaType::Parquet,
        &[
            parquet(plain()),
            parquet(plain().set_compression(Compression::SNAPPY).set_max_row_group_row_count(Some(2))),
            parquet(plain().set_compression(zstd).set_writer_version(WriterVersion::PARQUET_2_0)),
            parquet(
                plain()
                    .set_dictionary_enabled(false)
                    .set_encoding(Encoding::PLAIN)
                    .set_column_encoding("plan".into(), Encoding::DELTA_BINARY_PACKED),
            ),
        ],
    );
}
