//! The footer of a Parquet file, looked at before it is believed: where it lies, that the table is flat,
//! how many columns and row groups there are, and that each part lies inside the file.

use parquet::basic::Compression;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};

use super::thrift::{LIST, Malformed, STRUCT, Walk};

/// Longest footer, in bytes.
pub(super) const FOOTER_MAX: u64 = 4 << 20;
/// Bytes before the footer's end: its length and the mark.
pub(super) const TAIL: u64 = 8;
/// Bytes of the mark at the beginning.
const MARK: u64 = 4;
/// Most columns.
const COLUMNS_MAX: usize = 500;
/// Most row groups.
const ROW_GROUPS_MAX: usize = 4_096;
/// Most rows of one file.
const ROWS_MAX: u64 = 100_000_000;

/// Numbers of the fields of a file's metadata, and of those below it that matter here.
mod id {
    pub(super) const SCHEMA: i16 = 2;
    pub(super) const ROW_GROUPS: i16 = 4;
    pub(super) const ENCRYPTION: i16 = 8;
    pub(super) const CHILDREN: i16 = 5;
    pub(super) const COLUMNS: i16 = 1;
}

/// Where the footer lies: its length, from the last eight bytes of a file of this many.
pub(super) fn place(tail: [u8; 8], file: u64) -> Result<u64, String> {
    let [a, b, c, d, mark @ ..] = tail;
    match &mark {
        b"PAR1" => {}
        b"PARE" => return Err("it is encrypted; send it open, the line is encrypted already".into()),
        _ => return Err("it does not end as a Parquet file does".into()),
    }
    let length = u64::from(u32::from_le_bytes([a, b, c, d]));
    if length > FOOTER_MAX {
        return Err(format!("its footer claims {length} bytes; at most {FOOTER_MAX} are accepted"));
    }
    if length + TAIL + MARK > file {
        return Err(format!("its footer claims {length} bytes and the file has only {file}"));
    }
    Ok(length)
}

/// Walks over the footer before the library reads it: the library goes down a nested schema without end, and
/// reserves memory for as many row groups as are claimed.
pub(super) fn walk(footer: &[u8]) -> Result<(), String> {
    let malformed = |_: Malformed| "its footer is not valid".to_owned();
    let mut walk = Walk::new(footer);
    let mut last = 0;
    while let Some(field) = walk.field(&mut last).map_err(malformed)? {
        match (field.id, field.kind) {
            (id::SCHEMA, LIST) => schema(&mut walk)?,
            (id::ROW_GROUPS, LIST) => row_groups(&mut walk)?,
            (id::SCHEMA | id::ROW_GROUPS, _) => return Err(malformed(Malformed)),
            (id::ENCRYPTION, _) => return Err("it is encrypted; send it open".into()),
            (_, kind) => walk.skip(kind).map_err(malformed)?,
        }
    }
    Ok(())
}

fn schema(walk: &mut Walk<'_>) -> Result<(), String> {
    let malformed = |_: Malformed| "its schema is not valid".to_owned();
    let (length, kind) = walk.list().map_err(malformed)?;
    if kind != STRUCT {
        return Err(malformed(Malformed));
    }
    // The first element is the table itself.
    if length > COLUMNS_MAX + 1 {
        return Err(format!("{} columns; at most {COLUMNS_MAX} are accepted", length - 1));
    }
    for element in 0..length {
        let mut last = 0;
        while let Some(field) = walk.field(&mut last).map_err(malformed)? {
            if field.id == id::CHILDREN && element > 0 {
                if walk.int().map_err(malformed)? != 0 {
                    return Err("a nested column; patterns are flat tables".into());
                }
            } else {
                walk.skip(field.kind).map_err(malformed)?;
            }
        }
    }
    Ok(())
}

fn row_groups(walk: &mut Walk<'_>) -> Result<(), String> {
    let malformed = |_: Malformed| "its list of row groups is not valid".to_owned();
    let (length, kind) = walk.list().map_err(malformed)?;
    if kind != STRUCT {
        return Err(malformed(Malformed));
    }
    if length > ROW_GROUPS_MAX {
        return Err(format!("{length} row groups; at most {ROW_GROUPS_MAX} are accepted"));
    }
    for _ in 0..length {
        let mut last = 0;
        while let Some(field) = walk.field(&mut last).map_err(malformed)? {
            if field.id == id::COLUMNS {
                let mut columns = *walk;
                let (length, _) = columns.list().map_err(malformed)?;
                if length > COLUMNS_MAX {
                    return Err(malformed(Malformed));
                }
            }
            walk.skip(field.kind).map_err(malformed)?;
        }
    }
    Ok(())
}

/// Compares what the row groups claim with each other and with the bytes before the footer.
pub(super) fn check(metadata: &ParquetMetaData, data_end: u64) -> Result<(), String> {
    let columns = metadata.file_metadata().schema_descr().num_columns();
    let mut rows = 0_u64;
    for (number, group) in metadata.row_groups().iter().enumerate() {
        let fault = |fault: String| format!("row group {}: {fault}", number + 1);
        let claimed =
            u64::try_from(group.num_rows()).map_err(|_| fault("a negative number of rows".into()))?;
        rows = rows.saturating_add(claimed);
        if rows > ROWS_MAX {
            return Err(format!("it claims {rows} rows; at most {ROWS_MAX} are accepted"));
        }
        if group.num_columns() != columns {
            return Err(fault(format!("{} columns, while the schema has {columns}", group.num_columns())));
        }
        for column in group.columns() {
            chunk(group, column, data_end)
                .map_err(|what| fault(format!("column `{}`: {what}", column.column_descr().name())))?;
        }
    }
    Ok(())
}

fn chunk(group: &RowGroupMetaData, column: &ColumnChunkMetaData, data_end: u64) -> Result<(), String> {
    if column.file_path().is_some() {
        return Err("its data lie in another file".into());
    }
    match column.compression() {
        Compression::UNCOMPRESSED | Compression::SNAPPY | Compression::ZSTD(_) => {}
        other => return Err(format!("compression {other} is not accepted; write SNAPPY, ZSTD or none")),
    }
    if column.num_values() != group.num_rows() {
        return Err("its number of values differs from the row group's rows".into());
    }
    let (start, length) = range(column).ok_or("a negative place")?;
    if start < MARK || start.checked_add(length).is_none_or(|end| end > data_end) {
        return Err("it lies outside the file".into());
    }
    Ok(())
}

/// First byte and length of a column chunk.
pub(super) fn range(column: &ColumnChunkMetaData) -> Option<(u64, u64)> {
    let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
    Some((u64::try_from(start).ok()?, u64::try_from(column.compressed_size()).ok()?))
}
