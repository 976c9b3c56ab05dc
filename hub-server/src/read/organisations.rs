//! The table `organisations`: one row per organisation and span of days in which its identifiers
//! stayed the same.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Date32Builder, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use chrono::NaiveDate;

use super::ReadError;
use crate::catalog::{Catalog, Identifier, Organisation};

/// Organisations that are fetched at once.
const PAGE: u32 = 1_000;

/// Name of the table in statements.
pub(super) const TABLE: &str = "organisations";

pub(super) async fn table(catalog: &Catalog) -> Result<RecordBatch, ReadError> {
    let mut rows = Rows::default();
    let mut after = String::new();
    loop {
        let page = catalog.organisations(&after, "", PAGE).await?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.id);
        let whole = page.len() < PAGE as usize;
        page.iter().for_each(|organisation| rows.push(organisation));
        if whole {
            break;
        }
    }
    Ok(rows.finish()?)
}

/// Its columns.
pub(super) fn schema() -> SchemaRef {
    let text = |name, nullable| Field::new(name, DataType::Utf8, nullable);
    Arc::new(Schema::new(vec![
        text("id", false),
        text("nazwa", false),
        text("terc6", true),
        text("regon", true),
        Field::new("valid_from", DataType::Date32, true),
        Field::new("valid_to", DataType::Date32, true),
    ]))
}

#[derive(Default)]
struct Rows {
    id: StringBuilder,
    name: StringBuilder,
    terc6: StringBuilder,
    regon: StringBuilder,
    from: Date32Builder,
    to: Date32Builder,
}

impl Rows {
    fn push(&mut self, organisation: &Organisation) {
        for (from, to) in spans(&organisation.identifiers) {
            let value = |scheme: &str| {
                organisation
                    .identifiers
                    .iter()
                    .find(|i| i.scheme == scheme && covers(i, from))
                    .map(|i| i.value.as_str())
            };
            self.id.append_value(&organisation.id);
            self.name.append_value(&organisation.name);
            self.terc6.append_option(value("terc6"));
            self.regon.append_option(value("regon"));
            self.from.append_option(from.and_then(days));
            self.to.append_option(to.and_then(days));
        }
    }

    fn finish(mut self) -> Result<RecordBatch, arrow::error::ArrowError> {
        RecordBatch::try_new(
            schema(),
            vec![
                Arc::new(self.id.finish()),
                Arc::new(self.name.finish()),
                Arc::new(self.terc6.finish()),
                Arc::new(self.regon.finish()),
                Arc::new(self.from.finish()),
                Arc::new(self.to.finish()),
            ],
        )
    }
}

/// A span of days, both ends included; None is open.
type Span = (Option<NaiveDate>, Option<NaiveDate>);

/// Spans in which the same identifiers hold; those in which none holds are left out, unless there is
/// no identifier at all.
fn spans(identifiers: &[Identifier]) -> Vec<Span> {
    let relevant = |i: &&Identifier| i.scheme == "terc6" || i.scheme == "regon";
    let starts: BTreeSet<Option<NaiveDate>> = std::iter::once(None)
        .chain(identifiers.iter().filter(relevant).flat_map(|i| {
            [i.valid_from, i.valid_to.and_then(|to| to.succ_opt())].into_iter().flatten().map(Some)
        }))
        .collect();
    let starts: Vec<Option<NaiveDate>> = starts.into_iter().collect();
    let ends = starts.iter().skip(1).map(|next| next.and_then(|day| day.pred_opt())).chain([None]);
    let all: Vec<Span> = starts.iter().copied().zip(ends).collect();
    let held: Vec<Span> = all
        .iter()
        .copied()
        .filter(|(from, _)| identifiers.iter().filter(relevant).any(|i| covers(i, *from)))
        .collect();
    if held.is_empty() { vec![(None, None)] } else { held }
}

/// True when the identifier holds on the first day of a span (an open start is before all days).
fn covers(identifier: &Identifier, from: Option<NaiveDate>) -> bool {
    match from {
        None => identifier.valid_from.is_none(),
        Some(day) => {
            identifier.valid_from.is_none_or(|first| first <= day)
                && identifier.valid_to.is_none_or(|last| last >= day)
        }
    }
}

fn days(day: NaiveDate) -> Option<i32> {
    i32::try_from(day.signed_duration_since(NaiveDate::default()).num_days()).ok()
}

#[cfg(test)]
mod tests;
