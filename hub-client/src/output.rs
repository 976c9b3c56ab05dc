//! The one renderer of listings: rows of named cells as table, CSV or JSON.

use std::io::{self, Write};

use serde_json::{Map, Value};

use crate::args::Format;

/// A listing: names of columns, then rows of values in the same order.
#[derive(Debug, Clone)]
pub(crate) struct Listing {
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
}

impl Listing {
    pub(crate) fn new<'a>(columns: impl IntoIterator<Item = &'a str>) -> Self {
        Self { columns: columns.into_iter().map(str::to_owned).collect(), rows: Vec::new() }
    }

    pub(crate) fn push(&mut self, row: impl IntoIterator<Item = Value>) {
        self.rows.push(row.into_iter().collect());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn write(&self, format: Format, out: &mut dyn Write) -> io::Result<()> {
        match format {
            Format::Table => self.write_table(out),
            Format::Csv => self.write_csv(out),
            Format::Json => self.write_json(out),
        }
    }

    fn write_table(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut table = Table::new(&self.columns);
        let rows: Vec<Vec<String>> = self.rows.iter().map(|row| row.iter().map(plain).collect()).collect();
        let numbers =
            (0..self.columns.len()).map(|at| self.rows.iter().all(|row| row[at].is_number())).collect();
        table.measure(&rows, numbers);
        table.head(out)?;
        rows.iter().try_for_each(|row| table.row(row, out))
    }

    fn write_csv(&self, out: &mut dyn Write) -> io::Result<()> {
        let head: Vec<String> = self.columns.iter().map(|name| csv_cell(name)).collect();
        writeln!(out, "{}", head.join(","))?;
        for row in &self.rows {
            let cells: Vec<String> = row.iter().map(|value| csv_cell(&plain(value))).collect();
            writeln!(out, "{}", cells.join(","))?;
        }
        Ok(())
    }

    fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        for row in &self.rows {
            let object: Map<String, Value> = self.columns.iter().cloned().zip(row.iter().cloned()).collect();
            writeln!(out, "{}", Value::Object(object))?;
        }
        Ok(())
    }
}

/// A table whose widths were measured on its first rows; later rows may stick out.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<String>,
    widths: Vec<usize>,
    numbers: Vec<bool>,
}

/// Wider cells are cut, so that one long text does not push the rest off the screen.
const CELL_WIDTH_MAX: usize = 60;

impl Table {
    pub(crate) fn new(columns: &[String]) -> Self {
        let widths = columns.iter().map(|name| name.chars().count()).collect();
        Self { columns: columns.to_vec(), widths, numbers: vec![false; columns.len()] }
    }

    /// `numbers` tells which columns stand to the right.
    pub(crate) fn measure(&mut self, rows: &[Vec<String>], numbers: Vec<bool>) {
        for row in rows {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count()).min(CELL_WIDTH_MAX);
            }
        }
        self.numbers = numbers;
    }

    pub(crate) fn head(&self, out: &mut dyn Write) -> io::Result<()> {
        self.row(&self.columns, out)?;
        let rule: Vec<String> = self.widths.iter().map(|width| "─".repeat(*width)).collect();
        writeln!(out, "{}", rule.join("  "))
    }

    pub(crate) fn row(&self, cells: &[String], out: &mut dyn Write) -> io::Result<()> {
        let mut line = String::new();
        for ((cell, width), number) in cells.iter().zip(&self.widths).zip(&self.numbers) {
            let cell = cut(cell);
            let gap = " ".repeat(width.saturating_sub(cell.chars().count()));
            line.push_str(&if *number { format!("{gap}{cell}  ") } else { format!("{cell}{gap}  ") });
        }
        writeln!(out, "{}", line.trim_end())
    }
}

/// One line without control characters: a text must not move the cursor of a terminal.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '␣' } else { c }).collect()
}

fn cut(cell: &str) -> String {
    let mut clean = one_line(cell);
    if let Some((end, _)) = clean.char_indices().nth(CELL_WIDTH_MAX) {
        clean.truncate(end);
        clean.pop();
        clean.push('…');
    }
    clean
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn csv_cell(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// One thing as `name: value` lines.
pub(crate) fn write_object(object: &Value, out: &mut dyn Write) -> io::Result<()> {
    let Some(fields) = object.as_object() else { return writeln!(out, "{object}") };
    let width = fields.keys().map(|name| name.chars().count()).max().unwrap_or(0);
    for (name, value) in fields {
        let text = plain(value);
        let text: String = text.chars().map(|c| if c.is_control() && c != '\n' { '␣' } else { c }).collect();
        writeln!(out, "{name:width$}  {}", text.replace('\n', "\n  "))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
