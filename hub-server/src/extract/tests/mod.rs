mod agenda;

use std::path::Path;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use hub_proto::Reason;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use sha2::{Digest as _, Sha256};

use super::{ExtractFormat, Extracts, Source};
use crate::permit::{ReadPermit, Rows, for_tests};
use crate::query::tests::fixture::{Fixture, row, text};

const COLUMNS: [&str; 4] = ["jednostka_regon", "dzial", "plan", "wykonanie"];

fn anyone() -> ReadPermit {
    for_tests::read("open", "proba", &COLUMNS, Rows::All)
}

async fn open(fixture: &Fixture) -> Extracts {
    let source = Source { pattern: Arc::clone(&fixture.pattern), newest: Some(fixture.table.subscribe()) };
    Extracts::open(fixture.folder.path().to_path_buf(), Arc::clone(&fixture.engine), vec![source])
        .await
        .unwrap()
}

/// Waits until the extract of a version is there.
async fn until(extracts: &Extracts, version: u64) {
    let mut progress = extracts.progress();
    while extracts.latest("proba") != Some(version) {
        progress.changed().await.unwrap();
    }
}

fn versions(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder.join("extracts/proba"))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn both_files_hold_all_rows_with_hash_and_length() {
    let fixture = Fixture::new().await;
    fixture.commit(&[vec![row("a", 1, "750", 100)], vec![row("b", 2, "=801", 250)]]).await;
    let extracts = open(&fixture).await;
    until(&extracts, 1).await;
    for format in ExtractFormat::ALL {
        let file = extracts.file(&anyone(), "proba", 1, format).unwrap();
        let bytes = std::fs::read(&file.path).unwrap();
        assert_eq!(file.len, bytes.len() as u64);
        assert_eq!(file.etag, crate::store::hex(&Sha256::digest(&bytes)));
        assert_eq!(Some(file.modified), fixture.table.snapshot().committed_at);
    }
    let csv = extracts.file(&anyone(), "proba", 1, ExtractFormat::Csv).unwrap();
    assert_eq!(
        std::fs::read_to_string(csv.path).unwrap(),
        "jednostka_regon,dzial,plan,wykonanie,_period_end,_publisher,_submission,_revision,_committed_at\n\
         000524720,750,1.00,1.00,2022-12-31,a,s1,2,2023-11-14T22:13:20Z\n\
         000524720,'=801,2.50,2.50,2022-12-31,b,s2,2,2023-11-14T22:13:20Z\n"
    );
    let parquet = extracts.file(&anyone(), "proba", 1, ExtractFormat::Parquet).unwrap();
    let reader =
        ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(parquet.path).unwrap()).unwrap();
    let rows: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    assert_eq!(text(&rows)[1], "000524720|=801|2.50|2.50|2022-12-31|b|s2|2|2023-11-14T22:13:20Z");
}

#[tokio::test]
async fn commits_are_followed_and_old_versions_go() {
    let fixture = Fixture::new().await;
    let extracts = open(&fixture).await;
    assert_eq!(extracts.latest("proba"), None);
    for version in 1..=5 {
        fixture.commit(&[vec![row("a", version, "750", 1)]]).await;
        extracts.nudge("proba");
        until(&extracts, u64::try_from(version).unwrap()).await;
    }
    // Removal follows the rename; the next nudge ends after it.
    let mut progress = extracts.progress();
    progress.mark_unchanged();
    extracts.nudge("proba");
    progress.changed().await.unwrap();
    assert_eq!(versions(fixture.folder.path()), ["3", "4", "5"]);
    let error = extracts.file(&anyone(), "proba", 1, ExtractFormat::Csv).unwrap_err();
    assert_eq!(error.reason(), Reason::VersionUnknown);
}

#[tokio::test]
async fn a_start_removes_what_is_not_whole_and_makes_it_anew() {
    let fixture = Fixture::new().await;
    fixture.commit(&[vec![row("a", 1, "750", 100)]]).await;
    let extracts = open(&fixture).await;
    until(&extracts, 1).await;
    let file = extracts.file(&anyone(), "proba", 1, ExtractFormat::Parquet).unwrap();
    drop(extracts);
    let folder = fixture.folder.path().join("extracts/proba");
    std::fs::create_dir(folder.join("draft-9")).unwrap();
    std::fs::write(folder.join("draft-9/extract.csv"), "half").unwrap();
    std::fs::write(&file.path, "cut").unwrap();
    let extracts = open(&fixture).await;
    until(&extracts, 1).await;
    assert_eq!(versions(fixture.folder.path()), ["1"]);
    assert_eq!(extracts.file(&anyone(), "proba", 1, ExtractFormat::Parquet).unwrap(), file);
    assert_eq!(std::fs::metadata(&file.path).unwrap().len(), file.len);
}

#[tokio::test]
async fn what_could_not_be_made_leaves_no_draft_and_is_tried_again() {
    let fixture = Fixture::new().await;
    fixture.commit(&[vec![row("a", 1, "750", 100)]]).await;
    let folder = fixture.folder.path().join("extracts/proba");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("1"), "stands where the version belongs").unwrap();
    let extracts = open(&fixture).await;
    extracts.progress().changed().await.unwrap();
    assert_eq!((versions(fixture.folder.path()), extracts.latest("proba")), (vec!["1".to_owned()], None));
    std::fs::remove_file(folder.join("1")).unwrap();
    extracts.rested("proba");
    until(&extracts, 1).await;
    assert_eq!(versions(fixture.folder.path()), ["1"]);
}

#[tokio::test]
async fn a_permit_that_does_not_cover_the_whole_gets_nothing() {
    let fixture = Fixture::new().await;
    fixture.commit(&[vec![row("a", 1, "750", 100)]]).await;
    let extracts = open(&fixture).await;
    until(&extracts, 1).await;
    for permit in [
        for_tests::read("x", "proba", &COLUMNS[..3], Rows::All),
        for_tests::read("x", "proba", &COLUMNS, Rows::Of("a".into())),
        for_tests::read("x", "inny", &COLUMNS, Rows::All),
    ] {
        let error = extracts.file(&permit, "proba", 1, ExtractFormat::Csv).unwrap_err();
        assert_eq!(error.reason(), Reason::ReadNotPermitted);
    }
    let error = extracts.file(&anyone(), "../x", 1, ExtractFormat::Csv).unwrap_err();
    assert_eq!(error.reason(), Reason::DatasetUnknown);
}

#[tokio::test]
async fn a_dataset_that_is_not_open_has_no_extract() {
    let fixture = Fixture::new().await;
    fixture.commit(&[vec![row("a", 1, "750", 100)]]).await;
    let mut pattern = (*fixture.pattern).clone();
    pattern.sensitivity = hub_datasets::pattern::Sensitivity::Restricted;
    let source = Source { pattern: Arc::new(pattern), newest: Some(fixture.table.subscribe()) };
    let root = fixture.folder.path().to_path_buf();
    let extracts = Extracts::open(root, Arc::clone(&fixture.engine), vec![source]).await.unwrap();
    extracts.nudge("proba");
    let error = extracts.file(&anyone(), "proba", 1, ExtractFormat::Csv).unwrap_err();
    assert_eq!((extracts.latest("proba"), error.reason()), (None, Reason::DatasetUnknown));
}
