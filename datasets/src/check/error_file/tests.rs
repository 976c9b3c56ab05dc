use super::super::PieceLimits;
use super::*;
use crate::report::Findings;
use crate::{CodeLists, Patterns};

fn checker() -> Checker {
    let pattern = Patterns::embedded().unwrap().get("rb28s").unwrap();
    let lists = Arc::new(CodeLists::embedded().unwrap());
    Checker::new(Context { pattern, lists, period: Some("2022-Q4".parse().unwrap()), publisher: None })
        .unwrap()
}

fn report(checker: &Checker, media: MediaType, payload: &Arc<dyn ReadAt>) -> Report {
    let limits = PieceLimits { chunk_bytes: 4096, record_bytes: 1 << 16, block_bytes: 4096, rows: 100 };
    let mut pieces = checker.pieces(media, Arc::clone(payload), limits);
    let (mut findings, mut rows) = (Findings::default(), 0);
    loop {
        match pieces.next_piece() {
            Ok(Some(piece)) => {
                let checked = piece.check(checker);
                rows += checked.rows;
                findings.merge(checked.findings);
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
    checker.finish(findings, rows, checker.uncompared())
}

/// What stands beside each row of a payload; titles and the header by their names.
fn beside(media: MediaType, bytes: &[u8]) -> Result<Vec<(String, String)>, NoErrorFile> {
    let checker = checker();
    let payload: Arc<dyn ReadAt> = Arc::new(Bytes::copy_from_slice(bytes));
    let report = report(&checker, media, &payload);
    let mut rows = checker.error_rows(media, payload, &report, Language::English)?;
    let mut said = Vec::new();
    while let Some(row) = rows.next_row()? {
        let text = match row.beside {
            Beside::Title => "TITLE".to_owned(),
            Beside::Header => "HEADER".to_owned(),
            Beside::Findings { text, cells, .. } => format!("{cells:?} {text}"),
        };
        said.push((row.cells.join("|"), text));
    }
    Ok(said)
}

fn lines(said: &[(String, String)]) -> Vec<&str> {
    said.iter().map(|(_, text)| text.split(':').next().unwrap()).collect()
}

const HEADER: &str = "jednostka_regon,dzial,rozdzial,paragraf,p4,plan,zaangazowanie,wykonanie";

#[test]
fn findings_stand_beside_their_rows_whatever_lies_between() {
    let file = format!(
        "Wydatki,,,,,,,\n\n\n{HEADER}\n001070630,801,80101,401,0,100,90,80\n\n\n001070630,801,80101,999,0,1,1,1\n\
         \"001070630\",801,80101,411,0,1,1,5"
    );
    let said = beside(MediaType::Csv, file.as_bytes()).unwrap();
    assert_eq!(lines(&said), ["TITLE", "HEADER", "[] ", "[3] paragraf", "[7] wykonanie"]);
    assert!(
        said[3].1.ends_with("→ Look the code up in the list paragrafy_wydatkow valid in the period."),
        "{said:?}"
    );
    let windows = file.replace('\n', "\r\n");
    assert_eq!(lines(&beside(MediaType::Csv, windows.as_bytes()).unwrap()), lines(&said));
}

#[test]
fn what_is_wrong_with_the_file_stands_beside_its_first_row() {
    let file =
        format!("{HEADER},uwagi\n001070630,801,80101,401,0,100,90,80,x\n001070630,801,80101,411,0,1,1,1,y\n");
    let said = beside(MediaType::Csv, file.as_bytes()).unwrap();
    assert_eq!(lines(&said), ["HEADER", "[] THE WHOLE FILE", "[] "]);
    let said = beside(MediaType::Csv, b"a,b\n1,2\n").unwrap();
    assert_eq!(lines(&said), ["HEADER", "[] THE WHOLE FILE"]);
}

#[test]
fn other_encodings_and_separators_come_back_as_text() {
    let file = format!("{};uwagi\n", HEADER.replace(',', ";"));
    let row = "001070630;801;80101;401;0;100;90;80;Zażółć gęślą\n";
    let text = format!("{file}{row}");
    let (bytes, _, _) = encoding_rs::WINDOWS_1250.encode(&text);
    let said = beside(MediaType::Csv, &bytes).unwrap();
    assert_eq!(said[1].0, "001070630|801|80101|401|0|100|90|80|Zażółć gęślą");
}

#[test]
fn a_file_that_is_no_table_has_no_rows_to_say_it_beside() {
    for (media, bytes) in [
        (MediaType::Csv, &b"<html><body>Error</body></html>"[..]),
        (MediaType::Xlsx, b"no workbook"),
        (MediaType::Xml, b"<A>"),
        (MediaType::Ndjson, b"{}"),
        (MediaType::Parquet, b"PAR1"),
    ] {
        assert!(matches!(beside(media, bytes), Err(NoErrorFile::NoRows)), "{media:?}");
    }
}

#[test]
fn a_row_that_would_be_filled_up_or_cut_makes_no_error_file() {
    let good = "001070630,801,80101,401,0,100,90,80";
    let header_fault = format!("{HEADER},uwagi");
    for (head, row) in [
        (HEADER, "001070630,801,80101,411,0,100"),
        (HEADER, "001070630,801,80101,411,0,1,50,1,50"),
        // The fault of the header hides that of the row.
        (header_fault.as_str(), "001070630,801,80101,411,0,100,90,1,50,x"),
    ] {
        let file = format!("{head}\n{good}\n{row}\n");
        assert!(matches!(beside(MediaType::Csv, file.as_bytes()), Err(NoErrorFile::NoRows)), "{row}");
    }
    // What is behind the last column may be empty.
    let file = format!("{HEADER}\n{good},,\n");
    assert_eq!(beside(MediaType::Csv, file.as_bytes()).unwrap()[1].0, good.replace(',', "|"));
    let open = format!("{HEADER}\n{good}\n\"001070630,801\n");
    assert!(matches!(beside(MediaType::Csv, open.as_bytes()), Err(NoErrorFile::InTheSource)));
}

#[test]
fn a_package_whose_units_clash_is_corrected_where_it_comes_from() {
    let folder =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("patterns/rb28s/1.0.0/samples/invalid");
    let package = std::fs::read(folder.join("paczka-cala.xml")).unwrap();
    assert!(matches!(beside(MediaType::Xml, &package), Err(NoErrorFile::InTheSource)));
}

#[test]
fn columns_that_begin_with_a_line_are_set_aside() {
    let file = format!("{HEADER},{FINDINGS_COLUMN}\n001070630,801,80101,401,0,100,90,80,whatever\n");
    let payload: Arc<dyn ReadAt> = Arc::new(Bytes::from(file.into_bytes()));
    let report = report(&checker(), MediaType::Csv, &payload);
    assert_eq!(report.worst(), Some(Severity::Info));
    assert_eq!(report.violations[0].column, FINDINGS_COLUMN);
}
