//! ODS, row by row off its one XML. A few bytes may repeat a cell or a row a million times: what is empty is
//! skipped by its number, what is not counts against the bounds of a sheet.

use std::collections::HashSet;
use std::io::{BufRead, BufReader};

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use zip::ZipArchive;

use super::package::Package;
use super::rows::RowText;
use super::{Book, Fault, File, Sheet, limits};

const CONTENT: &str = "content.xml";
/// Blanks that one element may stand for.
const BLANKS_MAX: usize = 1_000;

pub(super) struct Ods {
    file: File,
    sheets: Vec<Sheet>,
}

impl Ods {
    pub(super) fn open(package: Package) -> Result<Self, Fault> {
        let file = package.into_file();
        let mut names = Names::default();
        walk(&file, &mut names)?;
        let hidden = names.hidden;
        let sheets = names.tables.into_iter().map(|(name, style)| {
            let visible = !style.is_some_and(|style| hidden.contains(&style));
            Sheet { name, visible }
        });
        Ok(Self { file, sheets: sheets.collect() })
    }
}

impl Book for Ods {
    fn sheets(&self) -> Vec<Sheet> {
        self.sheets.clone()
    }

    fn read(&mut self, sheet: usize, most: u32) -> Result<RowText, Fault> {
        let mut table = Table { wanted: sheet + 1, most, ..Table::default() };
        walk(&self.file, &mut table)?;
        Ok(table.rows)
    }
}

/// Takes the elements of the content in their order.
trait Take {
    fn start(&mut self, element: &BytesStart<'_>) -> Result<(), Fault>;
    /// False when nothing more is wanted.
    fn end(&mut self, name: &str) -> Result<bool, Fault>;
    fn text(&mut self, text: &str);
}

fn walk(file: &File, taker: &mut impl Take) -> Result<(), Fault> {
    let mut archive = ZipArchive::new(file.clone()).map_err(Fault::broken)?;
    let content = archive.by_name(CONTENT).map_err(Fault::broken)?;
    read(BufReader::new(content), taker)
}

fn read(content: impl BufRead, taker: &mut impl Take) -> Result<(), Fault> {
    let mut reader = Reader::from_reader(content);
    reader.config_mut().expand_empty_elements = true;
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer).map_err(Fault::broken)? {
            Event::Start(element) => taker.start(&element)?,
            Event::End(element) if !taker.end(element.name().as_ref())? => return Ok(()),
            Event::Text(text) => taker.text(&text.xml10_content()),
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().map_err(Fault::broken)?;
                let entity = || quick_xml::escape::resolve_xml_entity(reference.as_ref());
                match character {
                    Some(character) => taker.text(character.encode_utf8(&mut [0; 4])),
                    None => taker.text(entity().ok_or_else(|| Fault::broken("&"))?),
                }
            }
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Result<Option<String>, Fault> {
    match element.try_get_attribute(name).map_err(Fault::broken)? {
        Some(attribute) => {
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(Fault::broken)?;
            Ok(Some(value.into_owned()))
        }
        None => Ok(None),
    }
}

fn number(element: &BytesStart<'_>, name: &str) -> Result<u32, Fault> {
    let text = attribute(element, name)?;
    Ok(text.and_then(|text| text.trim().parse().ok()).unwrap_or(1))
}

/// The names of tables with their styles, and the styles that hide a table.
#[derive(Default)]
struct Names {
    depth: usize,
    tables: Vec<(String, Option<String>)>,
    style: Option<String>,
    hidden: HashSet<String>,
}

impl Take for Names {
    fn start(&mut self, element: &BytesStart<'_>) -> Result<(), Fault> {
        match element.name().as_ref() {
            "style:style" => self.style = attribute(element, "style:name")?,
            "style:table-properties" if attribute(element, "table:display")?.as_deref() == Some("false") => {
                self.hidden.extend(self.style.take());
            }
            "table:table" => {
                if self.depth == 0 && self.tables.len() <= limits::SHEETS {
                    let name = attribute(element, "table:name")?.unwrap_or_default();
                    self.tables.push((name, attribute(element, "table:style-name")?));
                }
                self.depth += 1;
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, name: &str) -> Result<bool, Fault> {
        if name == "table:table" {
            self.depth = self.depth.saturating_sub(1);
        }
        Ok(true)
    }

    fn text(&mut self, _: &str) {}
}

/// The rows of one table.
#[derive(Default)]
struct Table {
    /// Number of the table, from 1.
    wanted: usize,
    /// Rows at most.
    most: u32,
    tables: usize,
    depth: usize,
    rows: RowText,
    row: u32,
    row_repeats: u32,
    column: u32,
    /// Cells of the open row that hold something: column, repeats, text.
    cells: Vec<(u32, u32, String)>,
    cell: Option<Cell>,
}

/// A cell that is open.
#[derive(Default)]
struct Cell {
    repeats: u32,
    /// What its attributes say.
    value: Option<String>,
    /// What it shows.
    text: String,
    is_text: bool,
    is_covered: bool,
    is_formula: bool,
    paragraphs: usize,
    /// Open paragraphs, and open remarks, whose text is not the cell's.
    inside: usize,
    remarks: usize,
}

impl Table {
    fn is_read(&self) -> bool {
        self.depth == 1 && self.tables == self.wanted
    }

    fn cell(&mut self, element: &BytesStart<'_>, is_covered: bool) -> Result<(), Fault> {
        let mut cell = Cell {
            is_covered,
            repeats: number(element, "table:number-columns-repeated")?,
            ..Cell::default()
        };
        let kind = attribute(element, "office:value-type")?;
        let error = attribute(element, "calcext:value-type")?.as_deref() == Some("error");
        cell.is_formula = attribute(element, "table:formula")?.is_some();
        cell.is_text = error || kind.as_deref() == Some("string");
        cell.value = match kind.as_deref() {
            _ if error => None,
            Some("string") => attribute(element, "office:string-value")?,
            Some("date") => attribute(element, "office:date-value")?,
            Some("time") => attribute(element, "office:time-value")?,
            Some("boolean") => attribute(element, "office:boolean-value")?,
            Some(_) => attribute(element, "office:value")?,
            None => None,
        };
        self.cell = Some(cell);
        Ok(())
    }

    fn end_cell(&mut self) {
        let Some(cell) = self.cell.take() else { return };
        let column = self.column;
        self.column = self.column.saturating_add(cell.repeats);
        let value = match cell.value {
            Some(value) => value,
            None if cell.is_text => cell.text,
            None => {
                if cell.is_formula && !cell.is_covered {
                    self.rows.formula_unresolved(self.row);
                }
                return;
            }
        };
        if !value.is_empty() && !cell.is_covered {
            self.cells.push((column, cell.repeats, value));
        }
    }

    fn end_row(&mut self) -> Result<(), Fault> {
        let cells = std::mem::take(&mut self.cells);
        let next = self.row.saturating_add(self.row_repeats);
        if !cells.is_empty() {
            if next > limits::ROWS {
                return Err(Fault::over("za dużo wierszy", "too many rows", limits::ROWS));
            }
            for row in self.row..next.min(self.most) {
                for (column, repeats, text) in &cells {
                    for column in *column..column.saturating_add(*repeats) {
                        self.rows.cell(row, column, text)?;
                    }
                }
            }
        }
        (self.row, self.column) = (next, 0);
        Ok(())
    }
}

impl Take for Table {
    fn start(&mut self, element: &BytesStart<'_>) -> Result<(), Fault> {
        let name = element.name();
        if name.as_ref() == "table:table" {
            self.tables += usize::from(self.depth == 0);
            self.depth += 1;
            return Ok(());
        }
        if !self.is_read() {
            return Ok(());
        }
        match (name.as_ref(), &mut self.cell) {
            ("table:table-row", _) => self.row_repeats = number(element, "table:number-rows-repeated")?,
            ("table:table-cell", _) => self.cell(element, false)?,
            ("table:covered-table-cell", _) => self.cell(element, true)?,
            ("office:annotation", Some(cell)) => cell.remarks += 1,
            ("text:p", Some(cell)) if cell.remarks == 0 => {
                if cell.paragraphs > 0 {
                    cell.text.push('\n');
                }
                cell.paragraphs += 1;
                cell.inside += 1;
            }
            ("text:line-break", Some(cell)) if cell.inside > 0 => cell.text.push('\n'),
            ("text:tab", Some(cell)) if cell.inside > 0 => cell.text.push(' '),
            ("text:s", Some(cell)) if cell.inside > 0 => {
                let blanks = number(element, "text:c")? as usize;
                cell.text.push_str(&" ".repeat(blanks.min(BLANKS_MAX)));
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, name: &str) -> Result<bool, Fault> {
        if name == "table:table" {
            let through = self.is_read();
            self.depth = self.depth.saturating_sub(1);
            return Ok(!through);
        }
        if !self.is_read() {
            return Ok(true);
        }
        match (name, &mut self.cell) {
            ("table:table-row", _) => {
                self.end_row()?;
                return Ok(self.row < self.most);
            }
            ("table:table-cell" | "table:covered-table-cell", _) => self.end_cell(),
            ("office:annotation", Some(cell)) => cell.remarks = cell.remarks.saturating_sub(1),
            ("text:p", Some(cell)) if cell.remarks == 0 => cell.inside = cell.inside.saturating_sub(1),
            _ => {}
        }
        Ok(true)
    }

    fn text(&mut self, text: &str) {
        if let Some(cell) = &mut self.cell
            && cell.inside > 0
            && cell.remarks == 0
            && cell.text.len() <= limits::TEXT_BYTES
        {
            cell.text.push_str(text);
        }
    }
}
