//! Documents of other systems: read, written and read again.

use std::io::Read as _;
use std::sync::LazyLock;

use arrow::record_batch::RecordBatch;
use proptest::prelude::*;

use super::super::{Context, PieceLimits};
use super::*;
use crate::report::Code;
use crate::{CodeLists, MediaType, Pattern, Patterns, WriteError};

mod register;

const LIMITS: PieceLimits =
    PieceLimits { chunk_bytes: 4096, record_bytes: 1 << 16, block_bytes: 1 << 16, rows: 1000 };

fn checker(pattern: Arc<Pattern>) -> Checker {
    checker_of(pattern, "2022-Q4")
}

fn checker_of(pattern: Arc<Pattern>, period: &str) -> Checker {
    let lists = Arc::new(CodeLists::embedded().unwrap());
    Checker::new(Context { pattern, lists, period: Some(period.parse().unwrap()), publisher: None }).unwrap()
}

fn embedded(id: &str) -> Arc<Pattern> {
    Patterns::embedded().unwrap().get(id).unwrap()
}

fn sample(path: &str) -> Vec<u8> {
    crate::pattern::embedded_sample(path).unwrap().to_vec()
}

fn rows(checker: &Checker, media: MediaType, bytes: Vec<u8>) -> (Vec<RecordBatch>, Findings) {
    let mut pieces = checker.pieces(media, Arc::new(Bytes::from(bytes)), LIMITS);
    let (mut batches, mut findings) = (Vec::new(), Findings::default());
    loop {
        match pieces.next_piece() {
            Ok(Some(piece)) => {
                let checked = piece.check(checker);
                findings.merge(checked.findings);
                batches.push(checked.batch);
            }
            Ok(None) => break,
            Err(Stop::Findings(stopped)) => {
                findings.merge(*stopped);
                break;
            }
            Err(Stop::Io(error)) => panic!("{error}"),
        }
    }
    findings.merge(pieces.early());
    (batches, findings)
}

fn text(batches: &[RecordBatch]) -> Vec<String> {
    let shown = arrow::util::pretty::pretty_format_batches(batches).unwrap().to_string();
    let mut lines: Vec<String> = shown.lines().map(str::to_owned).collect();
    lines.sort();
    lines.dedup();
    lines
}

#[test]
fn a_package_holds_what_the_table_cut_from_it_holds() {
    for id in ["rb28s", "rb27s"] {
        let checker = checker(embedded(id));
        let (table, _) =
            rows(&checker, MediaType::Csv, sample(&format!("{id}/1.0.0/samples/valid/kutno-2022-q4.csv")));
        let (package, found) =
            rows(&checker, MediaType::Xml, sample(&format!("{id}/1.0.0/samples/valid/paczka.xml")));
        assert_eq!(found.worst(), Some(crate::Severity::Info));
        // The table says nothing of the report's head.
        let without_head = |batches: &[RecordBatch]| -> Vec<RecordBatch> {
            let names = checker.context().pattern.columns.iter().filter(|column| !column.header);
            let at: Vec<usize> =
                names.map(|column| batches[0].schema().index_of(&column.name).unwrap()).collect();
            batches.iter().map(|batch| batch.project(&at).unwrap()).collect()
        };
        assert_eq!(text(&without_head(&package)), text(&without_head(&table)), "{id}");
    }
}

#[test]
fn a_package_written_and_read_again_is_the_same() {
    for id in ["rb28s", "rb27s"] {
        let pattern = embedded(id);
        let checker = checker(Arc::clone(&pattern));
        let (batches, _) =
            rows(&checker, MediaType::Xml, sample(&format!("{id}/1.0.0/samples/valid/paczka.xml")));
        let mut written = Vec::new();
        pattern.mappings[0].write(&pattern, &batches, &mut written).unwrap();
        let (again, found) = rows(&checker, MediaType::Xml, written.clone());
        assert_eq!((text(&again), found.counts.len()), (text(&batches), 0), "{id}");
        let mut twice = Vec::new();
        pattern.mappings[0].write(&pattern, &again, &mut twice).unwrap();
        assert_eq!(String::from_utf8(twice).unwrap(), String::from_utf8(written).unwrap());
    }
}

#[test]
fn what_the_document_cannot_say_is_refused() {
    let pattern = embedded("rb28s");
    let checker = checker(Arc::clone(&pattern));
    let table = b"jednostka_regon,dzial,rozdzial,grupa,paragraf,p4,plan,okres,jst_terc6\n001070630,801,80101,1400,401,0,1,2022,100201\n";
    let (batches, _) = rows(&checker, MediaType::Csv, table.to_vec());
    let refused = pattern.mappings[0].write(&pattern, &batches, &mut Vec::new()).unwrap_err();
    assert_eq!(refused.to_string(), "column `okres`: `2022` cannot be written as Kwartal, Miesiac");
    let lacking: Vec<RecordBatch> = batches.iter().map(|batch| batch.project(&[0, 1]).unwrap()).collect();
    let refused = pattern.mappings[0].write(&pattern, &lacking, &mut Vec::new()).unwrap_err();
    assert!(matches!(&refused, WriteError::ColumnMissing(column) if column == "okres"), "{refused}");
}

#[test]
fn nothing_is_left_out_of_a_document_and_nothing_stands_in_it_twice() {
    let pattern = embedded("rb28s");
    let checker = checker(Arc::clone(&pattern));
    let written = |table: &str| {
        let (batches, _) = rows(&checker, MediaType::Csv, table.as_bytes().to_vec());
        pattern.mappings[0].write(&pattern, &batches, &mut Vec::new()).map_err(|error| error.to_string())
    };
    let head =
        "jednostka_regon,dzial,rozdzial,grupa,paragraf,p4,plan,wymagalne_rok_biezacy,okres,jst_terc6\n";
    let row = |due: &str, period: &str, code: &str| {
        format!("001070630,801,80101,1400,{code},0,1,{due},{period},100201\n")
    };
    let none = format!("{head}{}", row("0.00", "2022-Q4", "401"));
    assert_eq!(written(&none), Ok(()));
    let due = format!("{head}{}", row("7.00", "2022-Q4", "401"));
    assert_eq!(
        written(&due).unwrap_err(),
        "column `wymagalne_rok_biezacy`: the document has no place for `7.00`"
    );
    let two = format!("{head}{}{}", row("", "2022-Q4", "401"), row("", "2022-M12", "404"));
    let several =
        "column `okres` has several values, and a document says it once; write the rows of one value";
    assert_eq!(written(&two).unwrap_err(), several);
}

#[test]
fn text_beside_elements_and_texts_that_are_too_long_are_no_values() {
    let checker = checker(embedded("rb28s"));
    let package = String::from_utf8(sample("rb28s/1.0.0/samples/valid/paczka.xml")).unwrap();
    let broken = |from: &str, to: &str, code: Code| {
        assert!(package.contains(from), "{from}");
        let (_, found) = rows(&checker, MediaType::Xml, package.replacen(from, to, 1).into_bytes());
        let told = found.listed.iter().find(|found| found.code == code);
        told.map(|found| found.message_en.clone()).unwrap_or_default()
    };
    let mixed = broken("<Dzial>801</Dzial>", "<Dzial>80<x>2</x>1</Dzial>", Code::ColumnUnknown);
    assert!(mixed.starts_with("unknown element “Pozycja/Dzial/"), "{mixed}");
    let long =
        broken("<DataSprawozdania>", &format!("<DataSprawozdania>{}", "9".repeat(600)), Code::RowInvalid);
    assert_eq!(long, "the text of the element “Naglowek/DataSprawozdania” is too long");
}

#[test]
fn a_document_is_no_longer_than_its_bound() {
    #[derive(Debug)]
    struct Long;
    impl ReadAt for Long {
        fn bytes(&self) -> io::Result<u64> {
            Ok(limits::BYTES + 1)
        }
        fn read_at(&self, _: u64, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("nobody reads it"))
        }
    }
    let checker = checker(embedded("rb28s"));
    let mut pieces = checker.pieces(MediaType::Xml, Arc::new(Long), LIMITS);
    let Err(Stop::Findings(findings)) = pieces.next_piece() else { panic!("a long document is refused") };
    let told = &findings.listed[0];
    assert_eq!(
        (told.code, told.message_en.as_str()),
        (
            Code::PayloadUnreadable,
            "the file cannot be read: the document is too large: at most 64 MiB are accepted"
        )
    );
}

#[test]
fn a_pattern_without_mappings_says_which_formats_it_takes() {
    let pattern = Pattern { mappings: Vec::new(), ..Pattern::clone(&embedded("rb28s")) };
    let (_, findings) = rows(&checker(Arc::new(pattern)), MediaType::Xml, b"<A>1</A>".to_vec());
    assert_eq!(
        findings.listed[0].hint_en,
        "The pattern takes no documents (XML, JSON); save the data as XLSX or CSV UTF-8."
    );
}

static CHECKER: LazyLock<Checker> = LazyLock::new(|| checker(embedded("rb28s")));

proptest! {
    /// Whatever units, versions and texts a report has, its document reads back as the same rows.
    #[test]
    fn rows_survive_the_way_through_a_document(
        rows_drawn in prop::collection::vec((0_u8..4, 0_u32..3, 0_i64..3_000, "[a-z<>&\"' ]{0,8}"), 1..40),
    ) {
        let pattern = &CHECKER.context().pattern;
        let mut table = "jednostka_regon,dzial,rozdzial,paragraf,p4,plan,okres,jst_terc6,data_sprawozdania,wersja\n".to_owned();
        for (at, (unit, version, plan, odd)) in rows_drawn.iter().enumerate() {
            let odd = odd.replace('"', "\"\"");
            table.push_str(&format!("00000000{unit},\"{odd}\",{at:05},401,0,{plan},2022-Q4,100201,2023-02-07,{version}\n"));
        }
        let (batches, _) = rows(&CHECKER, MediaType::Csv, table.into_bytes());
        let mut written = Vec::new();
        pattern.mappings[0].write(pattern, &batches, &mut written).unwrap();
        let (again, _) = rows(&CHECKER, MediaType::Xml, written);
        prop_assert_eq!(text(&again), text(&batches));
    }
}

#[test]
fn blocks_are_read_whole_whatever_the_payload_gives_at_once() {
    let payload: Arc<dyn ReadAt> = Arc::new(Bytes::from_static(b"<A>1</A>"));
    let mut all = Vec::new();
    InOrder::new(Arc::clone(&payload)).read_to_end(&mut all).unwrap();
    assert_eq!(whole(&payload).unwrap().unwrap(), all);
}
