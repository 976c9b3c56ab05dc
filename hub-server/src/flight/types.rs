//! Types that columns have, as JDBC and ODBC know them. A tool that finds a type here knows how to write and compare it.

use arrow::datatypes::DataType;
use arrow_flight::error::FlightError;
use arrow_flight::sql::metadata::{XdbcTypeInfo, XdbcTypeInfoData, XdbcTypeInfoDataBuilder};
use arrow_flight::sql::{Nullable, Searchable, XdbcDataType, XdbcDatetimeSubcode};

/// Longest text that a statement may hold as a literal.
const TEXT: i32 = 1_024;

/// The name of a type in statements.
pub(super) fn name(kind: &DataType) -> &'static str {
    match kind {
        DataType::Boolean => "BOOLEAN",
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 => "INTEGER",
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => "BIGINT",
        DataType::Float16 | DataType::Float32 | DataType::Float64 => "DOUBLE",
        DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => "DECIMAL",
        DataType::Date32 | DataType::Date64 => "DATE",
        DataType::Time32(_) | DataType::Time64(_) => "TIME",
        DataType::Timestamp(..) => "TIMESTAMP",
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            "BYTEA"
        }
        _ => "VARCHAR",
    }
}

/// All of them.
pub(super) fn data() -> Result<XdbcTypeInfoData, FlightError> {
    use XdbcDataType as Kind;
    let mut builder = XdbcTypeInfoDataBuilder::new();
    // Years and dates have one number, which the library calls by the first name.
    let date = Some(XdbcDatetimeSubcode::XdbcSubcodeYear);
    let timestamp = Some(XdbcDatetimeSubcode::XdbcSubcodeTimestamp);
    for info in [
        plain("BOOLEAN", Kind::XdbcBit, 1),
        number("INTEGER", Kind::XdbcInteger, 10),
        number("BIGINT", Kind::XdbcBigint, 19),
        XdbcTypeInfo { num_prec_radix: Some(2), ..number("DOUBLE", Kind::XdbcDouble, 53) },
        XdbcTypeInfo {
            create_params: Some(vec!["precision".to_owned(), "scale".to_owned()]),
            minimum_scale: Some(0),
            maximum_scale: Some(38),
            ..number("DECIMAL", Kind::XdbcDecimal, 38)
        },
        XdbcTypeInfo {
            case_sensitive: true,
            searchable: Searchable::Full,
            ..quoted("VARCHAR", Kind::XdbcVarchar, TEXT, "'")
        },
        XdbcTypeInfo {
            sql_data_type: Kind::XdbcDatetime,
            datetime_subcode: date,
            ..quoted("DATE", Kind::XdbcDate, 10, "DATE '")
        },
        XdbcTypeInfo {
            sql_data_type: Kind::XdbcDatetime,
            datetime_subcode: timestamp,
            ..quoted("TIMESTAMP", Kind::XdbcTimestamp, 26, "TIMESTAMP '")
        },
        quoted("BYTEA", Kind::XdbcVarbinary, TEXT, "X'"),
    ] {
        builder.append(info);
    }
    builder.build()
}

fn plain(name: &str, kind: XdbcDataType, size: i32) -> XdbcTypeInfo {
    XdbcTypeInfo {
        type_name: name.to_owned(),
        data_type: kind,
        sql_data_type: kind,
        column_size: Some(size),
        nullable: Nullable::NullabilityNullable,
        searchable: Searchable::Basic,
        local_type_name: Some(name.to_owned()),
        ..XdbcTypeInfo::default()
    }
}

fn number(name: &str, kind: XdbcDataType, digits: i32) -> XdbcTypeInfo {
    XdbcTypeInfo {
        unsigned_attribute: Some(false),
        auto_increment: Some(false),
        num_prec_radix: Some(10),
        ..plain(name, kind, digits)
    }
}

fn quoted(name: &str, kind: XdbcDataType, size: i32, prefix: &str) -> XdbcTypeInfo {
    XdbcTypeInfo {
        literal_prefix: Some(prefix.to_owned()),
        literal_suffix: Some("'".to_owned()),
        ..plain(name, kind, size)
    }
}
