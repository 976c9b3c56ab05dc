use super::*;

#[test]
fn extensions_decide_in_any_case() {
    assert_eq!(MediaType::of(Path::new("a/Kutno.CSV")), Some(MediaType::Csv));
    assert_eq!(
        MediaType::of(Path::new("x.arrows")).map(MediaType::as_str),
        Some("application/vnd.apache.arrow.stream")
    );
    assert_eq!(MediaType::of(Path::new("x.xlsx")), None);
    assert_eq!(MediaType::of(Path::new("csv")), None);
    assert_eq!(row_format(Path::new("edu.parquet")), Some(RowFormat::Parquet));
    assert_eq!(row_format(Path::new("edu.ndjson")), Some(RowFormat::Ndjson));
    assert_eq!(row_format(Path::new("edu.arrow")), Some(RowFormat::Arrow));
    assert_eq!(row_format(Path::new("edu.zip")), None);
}
