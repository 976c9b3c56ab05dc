//! Both tables in Arrow.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Date32Array, Decimal128Array, StringArray};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use chrono::NaiveDate;

use super::changes::{Change, Side};
use super::spans::Span;

type Series = BTreeMap<String, String>;

fn series_of<'a>(series: &'a Series, code: &'a str) -> &'a str {
    series.get(code).map_or(code, String::as_str)
}

fn text<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.map(|value| value.filter(|text| !text.is_empty())).collect::<StringArray>())
}

fn day(values: impl Iterator<Item = Option<NaiveDate>>) -> ArrayRef {
    let days =
        |day: NaiveDate| i32::try_from(day.signed_duration_since(NaiveDate::default()).num_days()).ok();
    Arc::new(values.map(|value| value.and_then(days)).collect::<Date32Array>())
}

/// Written numbers as decimals; what is not written is null.
fn decimal<'a>(
    values: impl Iterator<Item = &'a str>,
    precision: u8,
    scale: i8,
) -> Result<ArrayRef, ArrowError> {
    let number = |text: &str| {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let width = usize::try_from(scale).unwrap_or_default();
        format!("{whole}{part:0<width$}").parse::<i128>().ok()
    };
    let numbers: Decimal128Array =
        values.map(|text| if text.is_empty() { None } else { number(text) }).collect();
    Ok(Arc::new(numbers.with_precision_and_scale(precision, scale)?))
}

pub(super) fn units(spans: &[Span], series: &Series) -> Result<RecordBatch, ArrowError> {
    let of = |get: for<'a> fn(&'a Span) -> Option<&'a str>| text(spans.iter().map(get));
    RecordBatch::try_from_iter([
        ("terc6", of(|span| Some(&span.unit.terc6))),
        ("valid_from", day(spans.iter().map(|span| Some(span.from)))),
        ("valid_to", day(spans.iter().map(|span| span.to))),
        ("level", of(|span| Some(&span.unit.level))),
        ("rodz", of(|span| Some(&span.unit.rodz))),
        ("nazwa", of(|span| Some(&span.unit.name))),
        ("powiat_kod", of(|span| Some(span.unit.powiat.as_ref()?.0.as_str()))),
        ("powiat", of(|span| Some(span.unit.powiat.as_ref()?.1.as_str()))),
        ("wojewodztwo_kod", of(|span| Some(&span.unit.voivodeship.0))),
        ("wojewodztwo", of(|span| Some(&span.unit.voivodeship.1))),
        ("series", text(spans.iter().map(|span| Some(series_of(series, &span.unit.terc6))))),
        ("register", day(spans.iter().map(|span| span.register))),
    ])
}

pub(super) fn changes(changes: &[Change], series: &Series) -> Result<RecordBatch, ArrowError> {
    let old = |get: for<'a> fn(&'a Side) -> &'a str| text(changes.iter().map(|c| c.old.as_ref().map(get)));
    let new = |get: for<'a> fn(&'a Side) -> &'a str| text(changes.iter().map(|c| c.new.as_ref().map(get)));
    let code = |change: &Change| match change.new_code() {
        "" => change.old_code().to_owned(),
        code => code.to_owned(),
    };
    let codes: Vec<String> = changes.iter().map(code).collect();
    RecordBatch::try_from_iter([
        ("old_terc6", old(|side| &side.terc6)),
        ("old_rodz", old(|side| &side.rodz)),
        ("old_nazwa", old(|side| &side.name)),
        ("new_terc6", new(|side| &side.terc6)),
        ("new_rodz", new(|side| &side.rodz)),
        ("new_nazwa", new(|side| &side.name)),
        ("day", day(changes.iter().map(|change| Some(change.day)))),
        (
            "day_known",
            Arc::new(BooleanArray::from_iter(changes.iter().map(|c| Some(c.day_known)))) as ArrayRef,
        ),
        ("kind", text(changes.iter().map(|change| Some(change.kind.as_str())))),
        ("area_ha", decimal(changes.iter().map(|change| change.area_ha.as_str()), 12, 2)?),
        ("share", decimal(changes.iter().map(|change| change.share.as_str()), 7, 6)?),
        ("series", text(codes.iter().map(|code| Some(series_of(series, code))))),
        ("source", text(changes.iter().map(|change| Some(change.source.as_str())))),
    ])
}
