//! SpreadsheetML of Excel 2003: a workbook in one XML, which often goes by `.xml` or `.xls`.

use super::rows::RowText;
use super::{Book, Fault, File, Sheet, limits};
use crate::document::{self, At, Tree, xml};

/// By which such a document is known: it stands at its root.
const NAMESPACE: &[u8] = b"urn:schemas-microsoft-com:office:spreadsheet";
/// Bytes in which it stands.
pub(in crate::check) const HEAD_BYTES: usize = 2_048;

/// True for the first bytes of such a workbook.
pub(in crate::check) fn begins(first: &[u8]) -> bool {
    memchr::memmem::find(&first[..first.len().min(HEAD_BYTES)], NAMESPACE).is_some()
}

pub(super) struct Spreadsheet {
    tree: Tree,
    sheets: Vec<(Sheet, Option<At>)>,
}

impl Spreadsheet {
    pub(super) fn open(mut file: File) -> Result<Self, Fault> {
        if file.length > document::limits::BYTES {
            let most = format!("{} MiB", document::limits::BYTES >> 20);
            return Err(Fault::over("za duży skoroszyt w XML", "too large a workbook in XML", most));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(file.length).unwrap_or_default());
        std::io::Read::read_to_end(&mut file, &mut bytes).map_err(Fault::broken)?;
        let tree = xml::read(&bytes).map_err(|document::Fault { pl, en }| Fault::new(pl, en))?;
        let root = tree.root().ok_or_else(|| Fault::broken("Workbook"))?;
        let sheets = named(&tree, root, "Worksheet").map(|sheet| {
            let name = attribute(&tree, sheet, "@Name").unwrap_or_default().to_owned();
            let options = named(&tree, sheet, "WorksheetOptions").next();
            let hidden = options.and_then(|options| named(&tree, options, "Visible").next());
            let visible = hidden.is_none_or(|hidden| !tree.text(hidden).contains("Hidden"));
            (Sheet { name, visible }, named(&tree, sheet, "Table").next())
        });
        let sheets = sheets.collect();
        Ok(Self { tree, sheets })
    }

    fn row(&self, row: At, number: u32, rows: &mut RowText) -> Result<(), Fault> {
        let tree = &self.tree;
        let mut column = 0;
        for cell in named(tree, row, "Cell") {
            column = place(tree, cell, column)?;
            let data = named(tree, cell, "Data").next();
            let text = data.map(|data| whole_text(tree, data).trim().to_owned()).unwrap_or_default();
            let is_text = data.is_some_and(|data| attribute(tree, data, "@Type") == Some("String"));
            if let Some(data) = data.filter(|_| !text.is_empty()) {
                let text = match attribute(tree, data, "@Type") {
                    Some("DateTime") => text.strip_suffix("T00:00:00.000").unwrap_or(&text).replace('T', " "),
                    // Large and small numbers have an exponent, which no office writes.
                    Some("Number") if text.contains(['e', 'E']) => {
                        text.parse::<f64>().map_or(text, |number| number.to_string())
                    }
                    _ => text,
                };
                rows.cell(number, column, &text)?;
            } else if attribute(tree, cell, "@Formula").is_some() && !is_text {
                rows.formula_unresolved(number);
            }
            let across: u32 = attribute(tree, cell, "@MergeAcross").and_then(|n| n.parse().ok()).unwrap_or(0);
            column = column.saturating_add(1).saturating_add(across);
        }
        Ok(())
    }
}

impl Book for Spreadsheet {
    fn sheets(&self) -> Vec<Sheet> {
        self.sheets.iter().map(|(sheet, _)| sheet.clone()).collect()
    }

    fn read(&mut self, sheet: usize, most: u32) -> Result<RowText, Fault> {
        let mut rows = RowText::default();
        let table = self.sheets.get(sheet).and_then(|(_, table)| *table);
        let Some(table) = table else { return Ok(rows) };
        let mut number = 0;
        for row in named(&self.tree, table, "Row") {
            number = place(&self.tree, row, number)?;
            if number >= most {
                break;
            }
            self.row(row, number, &mut rows)?;
            number += 1;
        }
        Ok(rows)
    }
}

fn named<'t>(tree: &'t Tree, at: At, name: &'static str) -> impl Iterator<Item = At> + 't {
    tree.children(at).filter(move |child| tree.name(*child) == name)
}

fn attribute<'t>(tree: &'t Tree, at: At, name: &'static str) -> Option<&'t str> {
    named(tree, at, name).next().map(|found| tree.text(found))
}

/// The place of a row or cell, from 0: the next one, or where its index says, which only goes on.
fn place(tree: &Tree, at: At, next: u32) -> Result<u32, Fault> {
    let Some(index) = attribute(tree, at, "@Index") else { return Ok(next) };
    let index: u32 = index.parse().map_err(Fault::broken)?;
    match index.checked_sub(1).filter(|place| *place >= next) {
        Some(place) if place < limits::ROWS => Ok(place),
        Some(_) => Err(Fault::over("za dużo wierszy", "too many rows", limits::ROWS)),
        None => Err(Fault::new("komórki nie są po kolei", "its cells are not in order")),
    }
}

/// The text of an element and of what formats parts of it, in order.
fn whole_text(tree: &Tree, at: At) -> String {
    let mut text = tree.text(at).to_owned();
    for child in tree.children(at).filter(|child| !tree.name(*child).starts_with('@')) {
        text.push_str(&whole_text(tree, child));
    }
    text
}
