//! References: values that must stand in a code list, in the version valid on the period's last day.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;

use crate::codelist::{CodeList, CodeListVersion};
use crate::pattern::{PatternError, Reference};

use super::breach::Kind;
use super::source::array_text;
use super::values::each_distinct;
use super::{Checker, Context, Part};

/// The register of territory: between two of its versions a code of either passes, with a remark.
const TERRITORY: &str = "terc";

/// Joins the parts of a composite value; no cell holds it, for it is a control character.
const JOINT: char = '\u{1F}';

#[derive(Debug)]
pub(super) struct ReferenceCheck {
    /// Indexes of the pattern's columns.
    columns: Vec<usize>,
    valid: HashSet<Box<str>>,
    /// Values of the list's other versions, where such a value passes with a remark.
    other: HashSet<Box<str>>,
    /// Bytes of the longest value.
    longest: Option<usize>,
}

impl ReferenceCheck {
    /// Indexes of the columns that are looked up together.
    pub(super) fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// Bytes of the longest value.
    pub(super) fn longest(&self) -> Option<usize> {
        self.longest
    }

    /// True for a value of the list, in any version that passes.
    pub(super) fn holds(&self, value: &str) -> bool {
        self.valid.contains(value) || self.other.contains(value)
    }
}

/// Builds the value sets of all references, once per payload.
pub(super) fn compile(
    context: &Context,
    not_evaluated: &mut Vec<String>,
) -> Result<Vec<ReferenceCheck>, PatternError> {
    context.pattern.references.iter().map(|r| one(context, r, not_evaluated)).collect()
}

fn one(
    context: &Context,
    reference: &Reference,
    not_evaluated: &mut Vec<String>,
) -> Result<ReferenceCheck, PatternError> {
    let pattern = &context.pattern;
    let fault = |message: String| PatternError { path: pattern.reference(), message };
    let list = context
        .lists
        .get(&reference.list)
        .ok_or_else(|| fault(format!("reference to the unknown code list `{}`", reference.list)))?;
    let columns = reference.columns.iter().map(|name| {
        let found = pattern.columns.iter().position(|c| c.name == *name);
        found.ok_or_else(|| fault(format!("reference of the unknown column `{name}`")))
    });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let mut valid = HashSet::new();
    let mut other = HashSet::new();
    let day = context.period.as_ref().map(crate::Period::last_day);
    let current = day.map(|day| position_as_of(list, day));
    if current.is_none() && list.versions.len() > 1 {
        not_evaluated.push(format!("reference {} as of the period", reference.list));
    }
    for (index, version) in list.versions.iter().enumerate() {
        if current.is_none_or(|current| current == index) {
            valid.extend(values(version, reference).map_err(fault)?);
        } else if reference.list == TERRITORY {
            other.extend(values(version, reference).map_err(fault)?);
        }
    }
    let longest = valid.iter().chain(&other).map(|value| value.len()).max();
    Ok(ReferenceCheck { columns, valid, other, longest })
}

/// Position of the version valid on a day; the oldest also serves days before it.
fn position_as_of(list: &CodeList, day: chrono::NaiveDate) -> usize {
    list.versions.iter().rposition(|v| v.valid_from <= day).unwrap_or(0)
}

/// All values of a version, those of several columns joined.
fn values(version: &CodeListVersion, reference: &Reference) -> Result<Vec<Box<str>>, String> {
    let arrays = reference.list_columns.iter().map(|name| {
        let array = version
            .table
            .column_by_name(name)
            .ok_or_else(|| format!("code list `{}` has no column `{name}`", reference.list))?;
        cast(array, &DataType::Utf8).map_err(|e| format!("code list `{}`: {e}", reference.list))
    });
    let arrays = arrays.collect::<Result<Vec<ArrayRef>, String>>()?;
    let joined = joined(&arrays);
    Ok(joined.iter().flatten().map(Box::from).collect())
}

/// Texts of several columns joined row by row; null where one of them is.
fn joined(arrays: &[ArrayRef]) -> StringArray {
    if let [single] = arrays
        && let Some(texts) = single.as_string_opt::<i32>()
    {
        return texts.clone();
    }
    let rows = arrays.first().map_or(0, |array| array.len());
    let mut builder = arrow::array::StringBuilder::with_capacity(rows, rows * 16);
    let mut text = String::new();
    for row in 0..rows {
        if arrays.iter().any(|array| array.is_null(row)) {
            builder.append_null();
            continue;
        }
        text.clear();
        for (at, array) in arrays.iter().enumerate() {
            if at > 0 {
                text.push(JOINT);
            }
            match array.as_string_opt::<i32>() {
                Some(texts) => text.push_str(texts.value(row)),
                None => text.push_str(&array_text(array, row)),
            }
        }
        builder.append_value(&text);
    }
    builder.finish()
}

impl Checker {
    pub(super) fn check_references(&self, part: &mut Part) {
        for (index, check) in self.references.iter().enumerate() {
            let arrays: Vec<ArrayRef> = check.columns.iter().map(|c| Arc::clone(&part.columns[*c])).collect();
            let Some(first) = check.columns.first().copied() else { continue };
            let texts = joined(&arrays);
            each_distinct(&texts, |row, text| {
                let kind = if check.valid.contains(text) {
                    return true;
                } else if check.other.contains(text) {
                    Kind::OtherRegister(index as u16)
                } else {
                    Kind::Reference(index as u16)
                };
                part.breach(row, first, kind);
                false
            });
        }
    }
}
