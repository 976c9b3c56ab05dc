//! XLS: its records are walked for the corners of each sheet, for the reader makes a table between them.

use std::io::{Cursor, Read};

use calamine::{Data, Reader, Xls};

use super::rows::RowText;
use super::xlsx::{moment, put, sheet};
use super::{Fault, File, Sheet, limits};

pub(super) struct Book {
    xls: Xls<Cursor<Vec<u8>>>,
}

impl Book {
    pub(super) fn open(mut file: File) -> Result<Self, Fault> {
        if file.length > limits::XLS_BYTES {
            let most = format!("{} MiB", limits::XLS_BYTES >> 20);
            return Err(Fault::over("za duży plik XLS", "too large an XLS", most));
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(Fault::broken)?;
        corners(&workbook(&bytes)?)?;
        Ok(Self { xls: Xls::new(Cursor::new(bytes)).map_err(Fault::broken)? })
    }
}

/// The stream of records inside the compound file.
fn workbook(bytes: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut compound = cfb::CompoundFile::open(Cursor::new(bytes)).map_err(Fault::broken)?;
    let name = ["/Workbook", "/Book"].into_iter().find(|name| compound.is_stream(name));
    let name = name.ok_or_else(|| Fault::new("to nie jest skoroszyt Excela", "it is no Excel workbook"))?;
    let stream = compound.open_stream(name).map_err(Fault::broken)?;
    let mut records = Vec::new();
    stream.take(limits::XLS_BYTES).read_to_end(&mut records).map_err(Fault::broken)?;
    Ok(records)
}

/// Records that begin with a row and a column: formulas, blanks, numbers, texts and the like.
const CELLS: [u16; 11] =
    [0x0006, 0x0406, 0x00BD, 0x00BE, 0x00D6, 0x00FD, 0x0201, 0x0203, 0x0204, 0x0205, 0x027E];
/// Begins a sheet, or something inside of one.
const BEGIN: u16 = 0x0809;
const END: u16 = 0x000A;
/// Says where a sheet begins.
const PLACE: u16 = 0x0085;
/// Says what corners a sheet has.
const DIMENSIONS: u16 = 0x0200;

/// Kind and body of each record from a place on.
fn records_from(records: &[u8], place: usize) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = records.get(place..).unwrap_or_default();
    std::iter::from_fn(move || {
        let [a, b, c, d, body @ ..] = rest else { return None };
        let (kind, length) = (u16::from_le_bytes([*a, *b]), usize::from(u16::from_le_bytes([*c, *d])));
        let (body, next) = body.split_at_checked(length)?;
        rest = next;
        Some((kind, body))
    })
}

/// Refuses sheets with too many cells between their corners, be they cells' or claimed.
fn corners(records: &[u8]) -> Result<(), Fault> {
    let globals = records_from(records, 0).take_while(|(kind, _)| *kind != END);
    let places = globals.filter_map(|(kind, body)| match (kind, body) {
        (PLACE, [a, b, c, d, ..]) => Some(u32::from_le_bytes([*a, *b, *c, *d]) as usize),
        _ => None,
    });
    let places: Vec<usize> = places.take(limits::SHEETS + 1).collect();
    if places.len() > limits::SHEETS {
        return Err(Fault::over("za dużo arkuszy", "too many sheets", limits::SHEETS));
    }
    let mut cells = 0_u64;
    for place in places {
        cells = cells.saturating_add(between_corners(records, place));
        if cells > limits::XLS_CELLS {
            return Err(Fault::over("za dużo komórek", "too many cells", limits::XLS_CELLS));
        }
    }
    Ok(())
}

/// Cells between the corners of the sheet that begins at a place.
fn between_corners(records: &[u8], place: usize) -> u64 {
    let (mut rows, mut columns, mut depth) = (0_u64, 0_u64, 0_usize);
    for (kind, body) in records_from(records, place) {
        let word = |at: usize| match body.get(at..at + 2) {
            Some([low, high]) => u64::from(u16::from_le_bytes([*low, *high])),
            _ => 0,
        };
        match kind {
            BEGIN => depth += 1,
            END if depth <= 1 => break,
            END => depth -= 1,
            DIMENSIONS if body.len() == 10 => {
                (rows, columns) = (rows.max(word(2)), columns.max(word(6)));
            }
            DIMENSIONS => {
                let claimed = word(4) | (word(6) << 16);
                (rows, columns) = (rows.max(claimed), columns.max(word(10)));
            }
            kind if CELLS.contains(&kind) => {
                rows = rows.max(word(0) + 1);
                // Several cells in one record: the column of the last one ends it.
                let last =
                    if matches!(kind, 0x00BD | 0x00BE) { word(body.len().saturating_sub(2)) } else { 0 };
                columns = columns.max(word(2).max(last) + 1);
            }
            _ => {}
        }
    }
    rows.saturating_mul(columns)
}

impl super::Book for Book {
    fn sheets(&self) -> Vec<Sheet> {
        self.xls.sheets_metadata().iter().map(sheet).collect()
    }

    fn read(&mut self, sheet: usize, most: u32) -> Result<RowText, Fault> {
        let mut rows = RowText::default();
        let Some(found) = self.xls.sheets_metadata().get(sheet) else { return Ok(rows) };
        if found.typ != calamine::SheetType::WorkSheet {
            return Ok(rows);
        }
        let name = found.name.clone();
        let range = self.xls.worksheet_range(&name).map_err(Fault::broken)?;
        let Some((top, left)) = range.start() else { return Ok(rows) };
        for (row, column, cell) in range.used_cells() {
            let (row, column) = (top + row as u32, left + column as u32);
            if row >= most {
                break;
            }
            match cell {
                Data::Empty => {}
                Data::String(text) => put(&mut rows, row, column, text)?,
                Data::Int(number) => rows.cell(row, column, &number.to_string())?,
                Data::Float(number) => rows.cell(row, column, &number.to_string())?,
                Data::Bool(value) => rows.cell(row, column, if *value { "true" } else { "false" })?,
                Data::DateTime(time) => rows.cell(row, column, &moment(time))?,
                Data::DateTimeIso(text) | Data::DurationIso(text) => rows.cell(row, column, text)?,
                Data::Error(error) => rows.cell(row, column, &error.to_string())?,
            }
        }
        Ok(rows)
    }
}
