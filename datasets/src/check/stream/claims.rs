//! What a stream claims of itself, looked at before it is believed: types of fields, lengths of buffers.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use arrow::ipc::{self, Type};

/// Most rows of one record batch.
const ROWS_MAX: usize = 1 << 20;

/// A field of one of the flat types that patterns know.
pub(super) fn flat_field(field: &ipc::Field<'_>) -> Result<Field, String> {
    let name = field.name().ok_or("a field without a name")?;
    if field.dictionary().is_some() {
        return Err(format!("column `{name}` is dictionary-encoded; send plain values"));
    }
    if field.children().is_some_and(|children| !children.is_empty()) {
        return Err(format!("column `{name}` is nested; patterns are flat tables"));
    }
    let data_type =
        flat_type(field).ok_or_else(|| format!("column `{name}` has a type that no pattern uses"))?;
    Ok(Field::new(name, data_type, true))
}

fn flat_type(field: &ipc::Field<'_>) -> Option<DataType> {
    match field.type_type() {
        Type::Utf8 => Some(DataType::Utf8),
        Type::LargeUtf8 => Some(DataType::LargeUtf8),
        Type::Bool => Some(DataType::Boolean),
        Type::Int => integer(&field.type_as_int()?),
        Type::FloatingPoint => match field.type_as_floating_point()?.precision() {
            ipc::Precision::DOUBLE => Some(DataType::Float64),
            ipc::Precision::SINGLE => Some(DataType::Float32),
            _ => None,
        },
        Type::Decimal => decimal(&field.type_as_decimal()?),
        Type::Date => match field.type_as_date()?.unit() {
            ipc::DateUnit::DAY => Some(DataType::Date32),
            _ => None,
        },
        Type::Timestamp => timestamp(&field.type_as_timestamp()?),
        _ => None,
    }
}

fn integer(int: &ipc::Int<'_>) -> Option<DataType> {
    match (int.is_signed(), int.bitWidth()) {
        (true, 8) => Some(DataType::Int8),
        (true, 16) => Some(DataType::Int16),
        (true, 32) => Some(DataType::Int32),
        (true, 64) => Some(DataType::Int64),
        (false, 8) => Some(DataType::UInt8),
        (false, 16) => Some(DataType::UInt16),
        (false, 32) => Some(DataType::UInt32),
        (false, 64) => Some(DataType::UInt64),
        _ => None,
    }
}

fn decimal(decimal: &ipc::Decimal<'_>) -> Option<DataType> {
    let precision = u8::try_from(decimal.precision()).ok().filter(|p| (1..=38).contains(p))?;
    let scale = i8::try_from(decimal.scale()).ok().filter(|s| (0..=38).contains(s))?;
    (decimal.bitWidth() == 128).then_some(DataType::Decimal128(precision, scale))
}

fn timestamp(timestamp: &ipc::Timestamp<'_>) -> Option<DataType> {
    let unit = match timestamp.unit() {
        ipc::TimeUnit::SECOND => TimeUnit::Second,
        ipc::TimeUnit::MILLISECOND => TimeUnit::Millisecond,
        ipc::TimeUnit::MICROSECOND => TimeUnit::Microsecond,
        ipc::TimeUnit::NANOSECOND => TimeUnit::Nanosecond,
        _ => return None,
    };
    let zone = timestamp.timezone().filter(|zone| zone.len() <= 64).map(Arc::from);
    Some(DataType::Timestamp(unit, zone))
}

/// Compares all claimed lengths with each other and with the bytes that are there.
pub(super) fn check_lengths(
    batch: &ipc::RecordBatch<'_>,
    schema: &Schema,
    body: usize,
) -> Result<(), String> {
    if batch.compression().is_some() {
        return Err("compressed buffers are not accepted; compress the transport instead".into());
    }
    let rows = usize::try_from(batch.length()).ok().filter(|rows| *rows <= ROWS_MAX);
    let Some(rows) = rows else {
        return Err(format!("it claims {} rows; at most {ROWS_MAX} a batch are accepted", batch.length()));
    };
    let nodes = batch.nodes().map_or(0, |nodes| nodes.len());
    if nodes != schema.fields().len() {
        return Err(format!("{nodes} columns, while the schema has {}", schema.fields().len()));
    }
    for node in batch.nodes().iter().flatten() {
        if usize::try_from(node.length()).ok() != Some(rows)
            || !(0..=node.length()).contains(&node.null_count())
        {
            return Err("a column whose length differs from the batch's".into());
        }
    }
    let wanted: usize = schema
        .fields()
        .iter()
        .map(|f| if matches!(f.data_type(), DataType::Utf8 | DataType::LargeUtf8) { 3 } else { 2 })
        .sum();
    let buffers = batch.buffers().map_or(0, |buffers| buffers.len());
    if buffers != wanted {
        return Err(format!("{buffers} buffers, while the schema needs {wanted}"));
    }
    for buffer in batch.buffers().iter().flatten() {
        let end = buffer.offset().checked_add(buffer.length());
        let inside = buffer.offset() >= 0
            && buffer.length() >= 0
            && end.and_then(|end| usize::try_from(end).ok()).is_some_and(|end| end <= body);
        if !inside {
            return Err("a buffer that lies outside the message's body".into());
        }
    }
    Ok(())
}
