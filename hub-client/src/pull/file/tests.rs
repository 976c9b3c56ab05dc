use bytes::Bytes;

use super::*;

async fn run(
    target: &Path,
    parts: Vec<Part>,
    rows: Option<u64>,
    format: RowFormat,
) -> Result<u64, ClientError> {
    let writer = Writer::start(target);
    for part in parts {
        writer.parts.send(part).await.unwrap();
    }
    writer.finish(target, (rows.is_some(), rows), format).await.map(|(bytes, _)| bytes)
}

fn data(text: &'static str) -> Part {
    Part::Data(Bytes::from_static(text.as_bytes()))
}

fn files(folder: &Path) -> Vec<String> {
    std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test]
async fn a_restart_leaves_no_trace_of_the_first_try() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("edu.csv");
    let parts = vec![data("a,b\n1,2\n3,4"), Part::Restart, data("a,b\n"), data("1,2\n")];
    assert_eq!(run(&target, parts, Some(1), RowFormat::Csv).await.unwrap(), 8);
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "a,b\n1,2\n");
    assert_eq!(files(dir.path()), ["edu.csv"]);
}

#[tokio::test]
async fn what_is_not_whole_never_takes_the_name() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("edu.csv");
    std::fs::write(&target, "older").unwrap();
    run(&target, vec![data("a,b\n1")], None, RowFormat::Csv).await.unwrap();
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "older");
    assert!(
        run(&dir.path().join("x.parquet"), vec![data("no parquet")], Some(1), RowFormat::Parquet)
            .await
            .is_err()
    );
    assert_eq!(files(dir.path()), ["edu.csv"], "no temporary file stays");
}

#[tokio::test]
async fn a_folder_that_lacks_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let writer = Writer::start(&dir.path().join("no/such/edu.csv"));
    let error = writer
        .finish(&dir.path().join("no/such/edu.csv"), (true, Some(0)), RowFormat::Csv)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("edu.csv"), "{error}");
}
