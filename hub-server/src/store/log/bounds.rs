//! Bounds of columns as JSON. Standard statistics hold what every engine reads exactly (strings,
//! integers, dates, timestamps); decimals go as unscaled text into a tag of ours, because engines
//! parse JSON numbers as floats. Floats and booleans have no bounds.

use arrow::datatypes::{DataType, Schema, TimeUnit};
use chrono::{DateTime, Days, NaiveDate, SecondsFormat};
use serde_json::{Map, Value, json};

use crate::store::index::{Bound, ColumnStats, DataFile, Decimal, Stats};

/// The `stats` string of an add.
pub(super) fn write_stats(file: &DataFile) -> String {
    let (mut min, mut max, mut nulls) = (Map::new(), Map::new(), Map::new());
    for (name, stats) in file.stats.iter() {
        nulls.insert(name.to_owned(), json!(stats.nulls));
        for (bound, into) in [(&stats.min, &mut min), (&stats.max, &mut max)] {
            if let Some(value) = bound.as_ref().and_then(standard) {
                into.insert(name.to_owned(), value);
            }
        }
    }
    json!({"numRecords": file.rows, "minValues": min, "maxValues": max, "nullCount": nulls}).to_string()
}

/// Bounds that standard statistics cannot hold exactly: `{"kwota": ["-12", "99"]}`, unscaled.
pub(super) fn write_own(stats: &Stats) -> Option<String> {
    let mut own = Map::new();
    for (name, stats) in stats.iter() {
        let texts = [&stats.min, &stats.max].map(|b| b.as_ref().and_then(unscaled));
        if texts.iter().any(Option::is_some) {
            own.insert(name.to_owned(), json!(texts));
        }
    }
    (!own.is_empty()).then(|| Value::Object(own).to_string())
}

/// Rows and statistics back from `stats` and the tag.
pub(super) fn parse(stats: &str, own: Option<&str>, schema: &Schema) -> Result<(u64, Stats), String> {
    let value: Value = serde_json::from_str(stats).map_err(|e| format!("stats of an add: {e}"))?;
    let own: Value =
        own.map_or(Ok(Value::Null), serde_json::from_str).map_err(|e| format!("hub.bounds: {e}"))?;
    let rows = value["numRecords"].as_u64().ok_or("stats of an add have no numRecords")?;
    let mut parsed = Vec::new();
    for (name, nulls) in value["nullCount"].as_object().into_iter().flatten() {
        let nulls = nulls.as_u64().ok_or_else(|| format!("nullCount of {name} is not a count"))?;
        let field = schema
            .field_with_name(name)
            .map_err(|_| format!("stats name column {name}, which the table lacks"))?;
        let bound = |standard: &Value, own: &Value| -> Result<Option<Bound>, String> {
            let value = if standard.is_null() { own } else { standard };
            if value.is_null() {
                return Ok(None);
            }
            read(value, field.data_type())
                .map(Some)
                .ok_or_else(|| format!("bound {value} of column {name} is not of its type"))
        };
        let min = bound(&value["minValues"][name], &own[name][0])?;
        let max = bound(&value["maxValues"][name], &own[name][1])?;
        parsed.push((name, ColumnStats { min, max, nulls }));
    }
    Ok((rows, parsed.into_iter().collect()))
}

fn standard(bound: &Bound) -> Option<Value> {
    Some(match bound {
        Bound::Text(text) => json!(text),
        Bound::Int64(number) => json!(number),
        Bound::Int32(number) => json!(number),
        Bound::Date(days) => json!(date(*days)?.to_string()),
        Bound::Time(micros) => {
            json!(DateTime::from_timestamp_micros(*micros)?.to_rfc3339_opts(SecondsFormat::Micros, true))
        }
        Bound::Decimal(_) => return None,
    })
}

fn unscaled(bound: &Bound) -> Option<String> {
    match bound {
        Bound::Decimal(decimal) => Some(decimal.unscaled().to_string()),
        _ => None,
    }
}

fn read(value: &Value, kind: &DataType) -> Option<Bound> {
    Some(match kind {
        DataType::Utf8 => Bound::Text(value.as_str()?.into()),
        DataType::Int64 => Bound::Int64(value.as_i64()?),
        DataType::Int32 => Bound::Int32(i32::try_from(value.as_i64()?).ok()?),
        DataType::Date32 => {
            let day: NaiveDate = value.as_str()?.parse().ok()?;
            let days = day.signed_duration_since(NaiveDate::default()).num_days();
            Bound::Date(i32::try_from(days).ok()?)
        }
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => {
            Bound::Time(DateTime::parse_from_rfc3339(value.as_str()?).ok()?.timestamp_micros())
        }
        DataType::Decimal128(precision, scale) => {
            Bound::Decimal(Decimal::new(value.as_str()?.parse().ok()?, *precision, *scale))
        }
        _ => return None,
    })
}

/// 1970-01-01 plus days; None outside four-digit years, which not every engine reads back.
fn date(days: i32) -> Option<NaiveDate> {
    let epoch = NaiveDate::default();
    let distance = Days::new(u64::from(days.unsigned_abs()));
    let day = if days < 0 { epoch.checked_sub_days(distance) } else { epoch.checked_add_days(distance) }?;
    (0..=9_999).contains(&chrono::Datelike::year(&day)).then_some(day)
}
