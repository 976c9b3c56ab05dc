//! What there is to ask: one catalog with one schema, whose tables are those that the caller may read.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::error::FlightError;
use arrow_flight::sql::{
    CommandGetCatalogs, CommandGetDbSchemas, CommandGetPrimaryKeys, CommandGetTableTypes, CommandGetTables,
    ProstMessageExt,
};
use arrow_flight::{FlightDescriptor, FlightEndpoint, FlightInfo, Ticket};
use futures::{StreamExt as _, TryStreamExt as _};
use prost::Message as _;
use tonic::Status;

use super::frames::Flight;
use super::refuse;
use crate::error::HubError;
use crate::query::{CATALOG, SCHEMA};
use crate::read::TableInfo;

const TABLE: &str = "TABLE";

/// Where the answer to a command about the catalogue is fetched: by the command itself.
pub(super) fn info_of(
    command: &impl ProstMessageExt,
    schema: &Schema,
    descriptor: FlightDescriptor,
) -> Result<FlightInfo, Status> {
    let ticket = Ticket::new(command.as_any().encode_to_vec());
    let info = FlightInfo::new().with_endpoint(FlightEndpoint::new().with_ticket(ticket));
    info.with_descriptor(descriptor).try_with_schema(schema).map_err(fault)
}

/// One batch as a flight.
pub(super) fn flight_of(batch: RecordBatch) -> Flight {
    let schema = batch.schema();
    let batches = futures::stream::once(async { Ok::<_, FlightError>(batch) });
    FlightDataEncoderBuilder::new().with_schema(schema).build(batches).map_err(Status::from).boxed()
}

/// Building an answer about the catalogue failed.
pub(super) fn fault(error: impl std::fmt::Display) -> Status {
    refuse(HubError::fault(error.to_string()))
}

pub(super) fn catalogs(command: CommandGetCatalogs) -> Result<RecordBatch, FlightError> {
    let mut builder = command.into_builder();
    builder.append(CATALOG);
    builder.build()
}

pub(super) fn schemas(command: CommandGetDbSchemas) -> Result<RecordBatch, FlightError> {
    let mut builder = command.into_builder();
    builder.append(CATALOG, SCHEMA);
    builder.build()
}

pub(super) fn tables(command: CommandGetTables, tables: &[TableInfo]) -> Result<RecordBatch, FlightError> {
    let mut builder = command.into_builder();
    for table in tables {
        builder.append(CATALOG, SCHEMA, &table.name, TABLE, &described(&table.schema))?;
    }
    builder.build()
}

/// A table's columns with what tools show of them.
fn described(schema: &SchemaRef) -> Schema {
    let field = |field: &Arc<Field>| {
        let mut told = vec![("ARROW:FLIGHT:SQL:TYPE_NAME", super::types::name(field.data_type()).to_owned())];
        if let DataType::Decimal128(precision, scale) = field.data_type() {
            told.push(("ARROW:FLIGHT:SQL:PRECISION", precision.to_string()));
            told.push(("ARROW:FLIGHT:SQL:SCALE", scale.to_string()));
        }
        let told = told.into_iter().map(|(name, value)| (name.to_owned(), value));
        field.as_ref().clone().with_metadata(told.collect())
    };
    Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>())
}

pub(super) fn table_types(command: CommandGetTableTypes) -> Result<RecordBatch, FlightError> {
    let mut builder = command.into_builder();
    builder.append(TABLE);
    builder.build()
}

/// Columns of an answer about primary keys.
pub(super) fn primary_key_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("catalog_name", DataType::Utf8, true),
        Field::new("db_schema_name", DataType::Utf8, true),
        Field::new("table_name", DataType::Utf8, false),
        Field::new("column_name", DataType::Utf8, false),
        Field::new("key_name", DataType::Utf8, true),
        Field::new("key_sequence", DataType::Int32, false),
    ]))
}

/// Is a place that a command names, if it names one, where all tables are?
fn here(catalog: Option<&str>, schema: Option<&str>) -> bool {
    catalog.is_none_or(|name| name == CATALOG) && schema.is_none_or(|name| name == SCHEMA)
}

pub(super) fn primary_keys(
    command: &CommandGetPrimaryKeys,
    tables: &[TableInfo],
) -> Result<RecordBatch, ArrowError> {
    let asked = tables.iter().find(|table| table.name == command.table);
    let asked = asked.filter(|_| here(command.catalog.as_deref(), command.db_schema.as_deref()));
    let key: Vec<&str> = asked.iter().flat_map(|table| table.key.iter().map(String::as_str)).collect();
    let text = |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![value; key.len()])) };
    let numbers = (1..).zip(&key).map(|(number, _)| number);
    RecordBatch::try_new(
        primary_key_schema(),
        vec![
            text(CATALOG),
            text(SCHEMA),
            text(&command.table),
            Arc::new(StringArray::from(key.clone())),
            text(&format!("{}_key", command.table)),
            Arc::new(numbers.collect::<Int32Array>()),
        ],
    )
}

/// Columns of an answer about foreign keys, of which tables of the hub have none.
pub(super) fn foreign_key_schema() -> SchemaRef {
    let text = |name, nullable| Field::new(name, DataType::Utf8, nullable);
    Arc::new(Schema::new(vec![
        text("pk_catalog_name", true),
        text("pk_db_schema_name", true),
        text("pk_table_name", false),
        text("pk_column_name", false),
        text("fk_catalog_name", true),
        text("fk_db_schema_name", true),
        text("fk_table_name", false),
        text("fk_column_name", false),
        Field::new("key_sequence", DataType::Int32, false),
        text("fk_key_name", true),
        text("pk_key_name", true),
        Field::new("update_rule", DataType::UInt8, false),
        Field::new("delete_rule", DataType::UInt8, false),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_told_where_the_table_is_and_nowhere_else() {
        let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Utf8, false)]));
        let table =
            TableInfo { name: "t".to_owned(), schema, key: vec!["_publisher".to_owned(), "a".to_owned()] };
        let rows = |catalog: Option<&str>, table_name: &str| {
            let command = CommandGetPrimaryKeys {
                catalog: catalog.map(str::to_owned),
                db_schema: None,
                table: table_name.to_owned(),
            };
            primary_keys(&command, std::slice::from_ref(&table)).unwrap().num_rows()
        };
        assert_eq!(rows(None, "t"), 2);
        assert_eq!(rows(Some("hub"), "t"), 2);
        assert_eq!(rows(Some("other"), "t"), 0);
        assert_eq!(rows(None, "nowhere"), 0);
    }
}
