//! Arrow schema ↔ Delta schema string (Spark's JSON), for the types that patterns can declare.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use serde_json::{Value, json};

/// The partition column; it is in the log's schema and in no file.
pub(crate) const PARTITION: &str = "_period";

/// Spark JSON of the physical columns plus the partition column.
pub(crate) fn write(schema: &Schema) -> String {
    let partition = Field::new(PARTITION, DataType::Utf8, true);
    let fields: Vec<Value> = schema
        .fields()
        .iter()
        .map(AsRef::as_ref)
        .chain([&partition])
        .map(|f| json!({"name": f.name(), "type": type_name(f.data_type()), "nullable": f.is_nullable(), "metadata": {}}))
        .collect();
    json!({"type": "struct", "fields": fields}).to_string()
}

fn type_name(kind: &DataType) -> String {
    match kind {
        DataType::Int64 => "long".into(),
        DataType::Int32 => "integer".into(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        DataType::Float64 => "double".into(),
        DataType::Boolean => "boolean".into(),
        DataType::Date32 => "date".into(),
        DataType::Timestamp(_, Some(_)) => "timestamp".into(),
        _ => "string".into(),
    }
}

/// Physical columns of a Spark JSON schema; the error says what is not understood.
pub(crate) fn parse(text: &str) -> Result<SchemaRef, String> {
    let value: Value = serde_json::from_str(text).map_err(|e| format!("schemaString: {e}"))?;
    let fields = value["fields"].as_array().ok_or("schemaString has no fields")?;
    let mut columns = Vec::with_capacity(fields.len());
    for field in fields {
        let name = field["name"].as_str().ok_or("a column of schemaString has no name")?;
        if name == PARTITION {
            continue;
        }
        let text =
            field["type"].as_str().ok_or_else(|| format!("column {name}: nested types are not known"))?;
        let kind = parse_type(text).ok_or_else(|| format!("column {name}: type {text} is not known"))?;
        columns.push(Field::new(name, kind, field["nullable"].as_bool().unwrap_or(true)));
    }
    Ok(Arc::new(Schema::new(columns)))
}

/// Whether two columns are the same to readers of the log.
pub(crate) fn same_type(a: &Field, b: &Field) -> bool {
    type_name(a.data_type()) == type_name(b.data_type())
}

fn parse_type(text: &str) -> Option<DataType> {
    Some(match text {
        "string" => DataType::Utf8,
        "long" => DataType::Int64,
        "integer" => DataType::Int32,
        "double" => DataType::Float64,
        "boolean" => DataType::Boolean,
        "date" => DataType::Date32,
        "timestamp" => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        _ => {
            let inner = text.strip_prefix("decimal(")?.strip_suffix(')')?;
            let (precision, scale) = inner.split_once(',')?;
            DataType::Decimal128(precision.trim().parse().ok()?, scale.trim().parse().ok()?)
        }
    })
}
