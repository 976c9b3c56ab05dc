//! XLSX, cell by cell off the sheet's XML.

use calamine::{DataRef, ExcelDateTime, Reader, SheetVisible, Xlsx};

use super::package::Package;
use super::rows::RowText;
use super::{Fault, File, Sheet, limits};

pub(super) struct Book {
    xlsx: Xlsx<File>,
}

impl Book {
    pub(super) fn open(package: Package) -> Result<Self, Fault> {
        Ok(Self { xlsx: Xlsx::new(package.into_file()).map_err(Fault::broken)? })
    }
}

pub(super) fn sheet(sheet: &calamine::Sheet) -> Sheet {
    Sheet { name: sheet.name.clone(), visible: sheet.visible == SheetVisible::Visible }
}

impl super::Book for Book {
    fn sheets(&self) -> Vec<Sheet> {
        self.xlsx.sheets_metadata().iter().map(sheet).collect()
    }

    fn read(&mut self, sheet: usize, most: u32) -> Result<RowText, Fault> {
        let mut rows = RowText::default();
        let Some(found) = self.xlsx.sheets_metadata().get(sheet) else { return Ok(rows) };
        if found.typ != calamine::SheetType::WorkSheet {
            return Ok(rows);
        }
        let name = found.name.clone();
        let mut cells = self.xlsx.worksheet_cells_reader(&name).map_err(Fault::broken)?;
        while let Some(cell) = cells.next_cell_with_formula_metadata().map_err(Fault::broken)? {
            let (row, column) = cell.pos;
            if row >= most && row < limits::ROWS {
                break;
            }
            match cell.value {
                DataRef::Empty if cell.formula.is_some() => rows.formula_unresolved(row),
                DataRef::Empty => {}
                DataRef::String(text) => put(&mut rows, row, column, &text)?,
                DataRef::SharedString(text) => put(&mut rows, row, column, text)?,
                DataRef::Int(number) => rows.cell(row, column, &number.to_string())?,
                DataRef::Float(number) => rows.cell(row, column, &number.to_string())?,
                DataRef::Bool(value) => rows.cell(row, column, if value { "true" } else { "false" })?,
                DataRef::DateTime(time) => rows.cell(row, column, &moment(&time))?,
                DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => rows.cell(row, column, &text)?,
                DataRef::Error(error) => rows.cell(row, column, &error.to_string())?,
            }
        }
        Ok(rows)
    }
}

/// Adds a text; an empty one is no cell.
pub(super) fn put(rows: &mut RowText, row: u32, column: u32, text: &str) -> Result<(), Fault> {
    if text.is_empty() { Ok(()) } else { rows.cell(row, column, text) }
}

/// A moment in either of Excel's calendars as ISO 8601; a length of time as the number of days that it is.
pub(super) fn moment(time: &ExcelDateTime) -> String {
    if !time.is_datetime() {
        return time.as_f64().to_string();
    }
    let (year, month, day, hour, minute, second, milli) = time.to_ymd_hms_milli();
    let fraction = if milli == 0 { String::new() } else { format!(".{milli:03}") };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}")
}
