use super::*;

#[test]
fn extensions_decide_in_any_case() {
    assert_eq!(row_format(Path::new("edu.parquet")), Some(RowFormat::Parquet));
    assert_eq!(row_format(Path::new("edu.ndjson")), Some(RowFormat::Ndjson));
    assert_eq!(row_format(Path::new("edu.arrow")), Some(RowFormat::Arrow));
    assert_eq!(row_format(Path::new("edu.zip")), None);
}
