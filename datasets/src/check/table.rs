//! A table of another system, read as the pattern's: each of its rows makes one row, or one for each unpivoted
//! column. Lines stay the sender's.

use std::sync::Arc;

use crate::csv::{Cells, Span};
use crate::pattern::{Part, TableField, TableMapping};
use crate::report::{Code, Findings};

use super::header::{HeaderPlan, folded};
use super::messages::{self, office, structural};
use super::{Checked, Checker, Like};
use crate::Settings;

/// Bytes of text that a part of a table may make.
const TEXT_BYTES: usize = 64 << 20;
/// Columns that may make a row each.
const UNPIVOTED_MAX: usize = 500;

/// What the name of a column begins with that says a setting: `_set data=2017-02-15`. An error file has them, whose
/// own name says nothing.
const SETTING_COLUMN: &str = "_set ";

/// How the columns of one table make the pattern's.
#[derive(Debug)]
pub(super) struct TablePlan {
    mapping: Arc<TableMapping>,
    /// The rows that a row makes.
    rows: Vec<Vec<Made>>,
    /// The pattern's columns that are made, as a header of them all.
    pub(super) made: HeaderPlan,
}

/// What makes a column of a row.
#[derive(Debug)]
struct Made {
    /// The pattern's column.
    column: usize,
    pieces: Vec<Piece>,
    /// Which of the mapping's fields it is.
    field: usize,
}

#[derive(Debug)]
enum Piece {
    Text(String),
    Cell(usize),
    Line,
}

impl TablePlan {
    /// How many rows each row makes.
    pub(super) fn rows_of_each(&self) -> usize {
        self.rows.len().max(1)
    }

    pub(super) fn sets_other_periods_aside(&self) -> bool {
        self.mapping.other_periods_aside
    }
}

impl Checker {
    /// How many of a table's columns are among names; 0 where one lacks.
    pub(super) fn table_columns_in(&self, names: &[String]) -> usize {
        self.tables_of(names).map(|mapping| mapping.columns.len()).max().unwrap_or(0)
    }

    fn tables_of<'a>(&'a self, names: &'a [String]) -> impl Iterator<Item = &'a Arc<TableMapping>> {
        let folded_names: Vec<String> = names.iter().map(|name| folded(name)).collect();
        let is_there = |column: &String, names: &[String]| names.contains(&folded(column));
        self.context.pattern.tables.iter().filter(move |table| {
            let unpivoted = table.unpivot.as_ref();
            table.columns.iter().all(|column| is_there(column, &folded_names))
                && unpivoted.is_none_or(|of| names.iter().any(|name| of.column.is_match(name)))
        })
    }

    /// The plan of a table of another system by the names in its header; None for none that is known.
    pub(super) fn table_named(
        &self,
        names: &[String],
        separator: u8,
        line: u64,
    ) -> Option<Result<(HeaderPlan, Findings), Findings>> {
        let mapping = self.widest_table(names)?;
        Some(self.table_plan(mapping, names, separator, line))
    }

    fn widest_table<'a>(&'a self, names: &'a [String]) -> Option<&'a Arc<TableMapping>> {
        self.tables_of(names).max_by_key(|mapping| mapping.columns.len())
    }

    /// Names of columns that say of a table what its sender said; they are read as if the sender said it again.
    #[cfg(feature = "check")]
    pub(super) fn setting_columns(&self, names: &[String]) -> Vec<String> {
        let settings = self.widest_table(names).into_iter().flat_map(|mapping| &mapping.settings);
        let said = settings.filter_map(|setting| {
            let value = self.settings.get(&setting.name)?;
            Some(format!("{SETTING_COLUMN}{}={value}", setting.name))
        });
        said.filter(|column| !names.contains(column)).collect()
    }

    /// What is said of a table: by its sender, else by names of its columns.
    fn settings_in(&self, names: &[String]) -> Settings {
        let mut settings = Settings::default();
        let of_names = names.iter().filter_map(|name| name.strip_prefix(SETTING_COLUMN)?.split_once('='));
        for (name, value) in of_names.chain(self.settings.iter()) {
            settings.set(name.trim(), value.trim());
        }
        settings
    }

    fn table_plan(
        &self,
        mapping: &Arc<TableMapping>,
        names: &[String],
        separator: u8,
        line: u64,
    ) -> Result<(HeaderPlan, Findings), Findings> {
        let mut findings = Findings::default();
        let refuse = |findings: &mut Findings, code, name: &str| {
            findings.add(structural(self, code, line, name, ""));
        };
        let mut wide = Vec::new();
        for (at, name) in names.iter().enumerate() {
            let same = |known: &String| folded(known) == folded(name);
            let set_aside = mapping.set_aside.iter().any(same) || name.trim_start().starts_with('_');
            let unpivot = mapping.unpivot.as_ref().filter(|unpivot| unpivot.column.is_match(name));
            if mapping.columns.iter().any(same) {
                if names[..at].iter().any(|before| folded(before) == folded(name)) {
                    refuse(&mut findings, Code::ColumnRepeated, name);
                }
            } else if let Some(unpivot) = unpivot {
                match unpivot.set_aside.as_ref().is_some_and(|aside| aside.is_match(name)) {
                    true => refuse(&mut findings, Code::ColumnSetAside, name),
                    false => wide.push((at, name.as_str())),
                }
            } else if set_aside {
                refuse(&mut findings, Code::ColumnSetAside, name);
            } else if !name.is_empty() {
                refuse(&mut findings, Code::ColumnUnknown, name);
            }
        }
        if mapping.unpivot.is_some() && (wide.is_empty() || wide.len() > UNPIVOTED_MAX) {
            findings.add(structural(self, Code::HeaderMissing, line, "", &names.join(" ")));
        }
        let said = self.settings_in(names);
        for setting in mapping.settings.iter().filter(|setting| setting.default.is_none()) {
            if said.get(&setting.name).is_none() {
                findings.add(office::setting_missing(&mapping.id, &setting.name, &setting.title));
            }
        }
        if findings.worst() == Some(crate::Severity::Block) {
            return Err(findings);
        }
        let rows: Vec<Vec<Made>> = match &mapping.unpivot {
            None => vec![made(mapping, &said, names, None)],
            Some(_) => wide.iter().map(|column| made(mapping, &said, names, Some(*column))).collect(),
        };
        let width = self.columns.len();
        let files = (0..width).map(|at| mapping.fields.iter().any(|field| field.column == at).then_some(at));
        let made = HeaderPlan { separator, width, files: files.collect(), ..HeaderPlan::default() };
        let mapping = Arc::clone(mapping);
        let table = Some(Arc::new(TablePlan { mapping, rows, made }));
        let files = vec![None; width];
        let unnamed = (0..names.len()).filter(|at| names[*at].is_empty()).collect();
        // Rows of another system's table become rows of their own, so none is explained in the file.
        let (explanation, width) = (None, names.len());
        Ok((HeaderPlan { separator, width, files, unnamed, explanation, table, breaks: false }, findings))
    }

    /// Checks a chunk's records, each as the rows that it makes.
    pub(super) fn table(&self, plan: &HeaderPlan, table: &TablePlan, cells: &Cells<'_>) -> Checked {
        let width = self.columns.len();
        let (mut text, mut lines) = (Vec::new(), Vec::new());
        let mut spans: Vec<Span> = Vec::with_capacity(cells.rows() * table.rows.len() * width);
        for row in 0..cells.rows() {
            for made in &table.rows {
                let first = spans.len();
                spans.resize(first + width, Span { start: 0, end: 0 });
                for made in made {
                    let start = text.len();
                    let field = &table.mapping.fields[made.field];
                    put(field, &made.pieces, (cells, row), &mut text);
                    spans[first + made.column] = Span { start: start as u32, end: text.len() as u32 };
                }
                lines.push(cells.lines()[row]);
                // One record makes many rows, each with what the record says once.
                if text.len() > TEXT_BYTES {
                    let most = TEXT_BYTES >> 20;
                    return self
                        .nothing(self.malformed(&format!("its rows make more than {most} MiB of text")));
                }
            }
        }
        let made = Cells::found(&text, width, spans, lines);
        let like = Like { files: &table.made.files, office: Some(plan), source: Some((cells, table)) };
        let none: &[crate::csv::Misfit] = &[];
        self.cells(
            made,
            &like,
            Code::CellCount,
            none,
            |misfit| misfit.line,
            |misfit| messages::cell_count(plan.width, misfit),
        )
    }
}

/// What makes the columns of a row, for one of the unpivoted columns.
fn made(
    mapping: &TableMapping,
    settings: &Settings,
    names: &[String],
    wide: Option<(usize, &str)>,
) -> Vec<Made> {
    let place = |column: &str| names.iter().position(|name| folded(name) == folded(column));
    let caught = mapping.unpivot.as_ref().zip(wide).and_then(|(of, (_, name))| of.column.captures(name));
    let named = |name: &str| {
        let group = caught.as_ref().and_then(|caught| caught.name(name)).map(|found| found.as_str());
        let setting = mapping.settings.iter().find(|setting| setting.name == name);
        let said = setting.and_then(|setting| settings.get(name).or(setting.default.as_deref()));
        let known = |said: &str| setting.and_then(|setting| setting.values.get(said)).cloned();
        group.map(str::to_owned).or_else(|| said.map(|said| known(said).unwrap_or_else(|| said.to_owned())))
    };
    let piece = |part: &Part| match part {
        Part::Text(text) => Some(Piece::Text(text.clone())),
        Part::Cell(column) => place(column).map(Piece::Cell),
        Part::Named(name) => named(name).map(Piece::Text),
        Part::Value => wide.map(|(at, _)| Piece::Cell(at)),
        Part::Line => Some(Piece::Line),
    };
    let fields = mapping.fields.iter().enumerate().map(|(at, field)| Made {
        column: field.column,
        pieces: field.parts.iter().filter_map(piece).collect(),
        field: at,
    });
    fields.collect()
}

/// The text of a column, behind what is there: nothing where no cell that it is made of holds something.
fn put(field: &TableField, pieces: &[Piece], (cells, row): (&Cells<'_>, usize), text: &mut Vec<u8>) {
    let start = text.len();
    let (mut asked, mut found) = (false, false);
    for piece in pieces {
        match piece {
            Piece::Text(part) => text.extend_from_slice(part.as_bytes()),
            Piece::Line => text.extend_from_slice(cells.lines()[row].to_string().as_bytes()),
            Piece::Cell(file) => {
                let cell = cells.text(row, *file);
                let cell = cell.trim_ascii();
                asked = true;
                found |= !cell.is_empty();
                text.extend_from_slice(cell);
            }
        }
    }
    if asked && !found {
        text.truncate(start);
        return;
    }
    if field.take.is_none() && field.values.is_empty() {
        return;
    }
    let whole = String::from_utf8_lossy(&text[start..]).into_owned();
    let taken = match &field.take {
        Some(take) => take.captures(&whole).and_then(|found| found.get(1)).map_or("", |found| found.as_str()),
        None => &whole,
    };
    let value = field.values.get(taken).map_or(taken, String::as_str);
    text.truncate(start);
    text.extend_from_slice(value.as_bytes());
}

#[cfg(test)]
mod tests;
