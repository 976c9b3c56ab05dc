//! Territory in time: which units there are on each day, what became of those that changed, and which of them go on as
//! one **series**. Made of the registers (`terc`) and of changes that are announced in law (`territory_changes`).

mod changes;
mod columns;
mod series;
mod spans;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use arrow::array::{Array as _, AsArray as _};
use arrow::record_batch::RecordBatch;
use chrono::NaiveDate;

use super::{CodeList, CodeLists};
use crate::pattern::PatternError;

/// Name of the table of units, one row for each span of days in which nothing of a unit changed.
pub const UNITS: &str = "territory";
/// Name of the table of changes, and of the list of those that are announced in law.
pub const CHANGES: &str = "territory_changes";

/// Both tables by name; none where the lists hold no register.
pub fn tables(lists: &CodeLists) -> Result<Vec<(String, RecordBatch)>, PatternError> {
    let Some(terc) = lists.get("terc") else { return Ok(Vec::new()) };
    let fault = |message: String| PatternError::new(CHANGES, message);
    let registers = registers(terc).map_err(fault)?;
    let announced = match lists.get(CHANGES) {
        Some(list) => changes::announced(list).map_err(fault)?,
        None => Vec::new(),
    };
    let series = series::series(&registers, &announced);
    let spans = spans::spans(&registers, &announced);
    let changes = changes::all(&registers, &announced);
    let units = columns::units(&spans, &series).map_err(|error| fault(error.to_string()))?;
    let changes = columns::changes(&changes, &series).map_err(|error| fault(error.to_string()))?;
    Ok(vec![(UNITS.to_owned(), units), (CHANGES.to_owned(), changes)])
}

/// A unit that reports, as a register has it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Unit {
    terc6: String,
    level: String,
    rodz: String,
    name: String,
    powiat: Option<(String, String)>,
    voivodeship: (String, String),
}

/// The register of one day.
struct Register {
    from: NaiveDate,
    units: BTreeMap<String, Unit>,
}

impl Register {
    fn unit(&self, terc6: &str) -> Option<&Unit> {
        self.units.get(terc6)
    }
}

fn registers(terc: &CodeList) -> Result<Vec<Register>, String> {
    terc.versions
        .iter()
        .map(|version| Ok(Register { from: version.valid_from, units: units(&version.table)? }))
        .collect()
}

/// Cells of a column of text.
fn texts<'a>(table: &'a RecordBatch, name: &str) -> Result<Vec<&'a str>, String> {
    let column = table.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
    let column = column.ok_or_else(|| format!("has no column `{name}`"))?;
    Ok((0..column.len()).map(|row| if column.is_null(row) { "" } else { column.value(row) }).collect())
}

fn units(table: &RecordBatch) -> Result<BTreeMap<String, Unit>, String> {
    let of = |name| texts(table, name);
    let (terc6, level, rodz, name) = (of("terc6")?, of("level")?, of("rodz")?, of("nazwa")?);
    let (woj, pow, powiat, voivodeship) = (of("woj")?, of("pow")?, of("powiat")?, of("wojewodztwo")?);
    let mut units = BTreeMap::new();
    for row in (0..table.num_rows()).filter(|row| !terc6[*row].is_empty()) {
        let code = format!("{}{}", woj[row], pow[row]);
        let unit = Unit {
            terc6: terc6[row].to_owned(),
            level: level[row].to_owned(),
            rodz: rodz[row].to_owned(),
            name: name[row].to_owned(),
            powiat: (!pow[row].is_empty()).then(|| (code, powiat[row].to_owned())),
            voivodeship: (woj[row].to_owned(), voivodeship[row].to_owned()),
        };
        units.insert(unit.terc6.clone(), unit);
    }
    Ok(units)
}
