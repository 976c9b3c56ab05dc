//! What differs between two states of a report, for people: a line for each row, and what changed in it.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::util::display::FormatOptions;
use hub_client::v1::{RevisionChanges, RowFormat};
use hub_client::{Client, DiffRequest};
use hub_datasets::Pattern;
use hub_datasets::diff::{self, AFTER, BEFORE, CHANGE_TYPE, DELETE};

use super::known::Known;
use super::rows::{Batches, cells as cells_of};
use crate::args::Format;
use crate::exit::Failure;
use crate::session::Session;
use crate::text;

/// Rows that are written out; what comes behind is counted.
const ROWS_TOLD: u64 = 200;

/// Writes changes to stdout as the command line wants them, and how many they are to stderr.
pub(super) async fn write(
    session: &Session,
    client: &Client,
    (from, to, replace_all): (Option<String>, String, bool),
    pattern: &str,
) -> Result<(), Failure> {
    let shown = session.row_format();
    let format = match shown {
        Format::Table => RowFormat::Arrow,
        Format::Csv => RowFormat::Csv,
        Format::Json => RowFormat::Ndjson,
    };
    let mut changes = client.diff(&DiffRequest { from, to, replace_all, format }).await?;
    let mut out = BufWriter::new(io::stdout());
    let known = Known::new(session, None)?;
    let pattern = known.patterns.get(hub_client::short(pattern));
    let (mut told, mut batches) = (ToldChanges { session, pattern, rows: 0 }, Batches::new());
    while let Some(data) = changes.next().await? {
        match shown {
            Format::Table => batches.take(&data, |batch| told.batch(batch, &mut out))?,
            Format::Csv | Format::Json => out.write_all(&data)?,
        }
    }
    told.finish(&mut out)?;
    out.flush()?;
    session.tell_detour(client);
    if let Some(counts) = changes.counts() {
        let numbers = numbers(&counts);
        eprintln!("{}", session.say(text::CHANGES, &numbers.each_ref().map(|(name, n)| (*name, n.as_str()))));
    }
    Ok(())
}

fn numbers(counts: &RevisionChanges) -> [(&'static str, String); 4] {
    [
        ("updated", counts.updated.to_string()),
        ("inserted", counts.inserted.to_string()),
        ("deleted", counts.deleted.to_string()),
        ("same", counts.same.to_string()),
    ]
}

/// Changes as they are told.
struct ToldChanges<'a> {
    session: &'a Session,
    /// None: the hub has a pattern that the program does not know.
    pattern: Option<Arc<Pattern>>,
    rows: u64,
}

impl ToldChanges<'_> {
    fn finish(&self, out: &mut dyn Write) -> Result<(), Failure> {
        if self.rows > ROWS_TOLD {
            let rest = (self.rows - ROWS_TOLD).to_string();
            writeln!(out, "{}", self.session.say(text::CHANGES_REST, &[("rows", &rest)]))?;
        }
        Ok(())
    }

    fn batch(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> Result<(), Failure> {
        let options = FormatOptions::default().with_null("");
        let columns = cells_of(batch, &options)?;
        let schema = batch.schema();
        let missing = || Failure::Answer(format!("the answer has no column {CHANGE_TYPE}"));
        let kinds = batch.column_by_name(CHANGE_TYPE).and_then(|column| column.as_string_opt::<i32>());
        let kinds = kinds.ok_or_else(missing)?;
        let key = self.pattern.as_ref().map(|pattern| diff::order(pattern)).unwrap_or_default();
        let cells = |row: usize| {
            let cell = |at: usize| (schema.field(at).name().as_str(), columns[at].value(row).to_string());
            (1..columns.len()).map(cell).collect::<Vec<_>>()
        };
        let mut before: Option<Vec<(&str, String)>> = None;
        for row in 0..batch.num_rows() {
            let kind = kinds.value(row);
            if kind == BEFORE {
                before = Some(cells(row));
                continue;
            }
            self.rows += 1;
            if self.rows > ROWS_TOLD {
                continue;
            }
            let after = cells(row);
            let named: Vec<String> = after
                .iter()
                .filter(|(name, _)| key.iter().any(|part| part == name))
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            let sign = match kind {
                AFTER => '~',
                DELETE => '-',
                _ => '+',
            };
            writeln!(out, "{sign} {}", named.join(", "))?;
            let (was, is) = match kind {
                AFTER => (before.take(), Some(after)),
                DELETE => (Some(after), None),
                _ => (None, Some(after)),
            };
            for line in differing(was.as_deref(), is.as_deref(), &key) {
                writeln!(out, "    {line}")?;
            }
        }
        Ok(())
    }
}

type Cells<'a> = [(&'a str, String)];

/// The cells beside the key that changed; of a row that came or went those that hold something.
fn differing(was: Option<&Cells<'_>>, is: Option<&Cells<'_>>, key: &[String]) -> Vec<String> {
    let beside = |(name, _): &&(&str, String)| !key.iter().any(|part| part == name);
    match (was, is) {
        (Some(was), Some(is)) => {
            let pairs = was.iter().zip(is).filter(|(was, is)| was.1 != is.1);
            let pairs = pairs.map(|((name, was), (_, is))| format!("{name}: {} → {}", shown(was), shown(is)));
            pairs.collect()
        }
        (cells, None) | (None, cells) => {
            let cells =
                cells.unwrap_or_default().iter().filter(beside).filter(|(_, value)| !value.is_empty());
            let told: Vec<String> = cells.map(|(name, value)| format!("{name}={value}")).collect();
            if told.is_empty() { Vec::new() } else { vec![told.join(", ")] }
        }
    }
}

fn shown(value: &str) -> &str {
    if value.is_empty() { "∅" } else { value }
}
