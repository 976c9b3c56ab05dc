//! Rows of a pattern as the document of another system, by the mapping that reads such documents.

use std::io::{self, Write};

use arrow::array::Array;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use quick_xml::escape::escape;

use super::limits;
use crate::Period;
use crate::pattern::{ColumnType, DocumentForm, MappedField, Mapping, Pattern, Place, Source};
use crate::period::Frequency;

mod json;

pub use json::JsonDocument;

/// Why rows make no document.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The rows lack a column that the document holds.
    #[error("the rows lack the column `{0}`")]
    ColumnMissing(String),
    /// A document has no way to say this.
    #[error("column `{column}`: `{value}` cannot be written as {wanted}")]
    Value {
        /// Of the pattern.
        column: String,
        /// As it is stored.
        value: String,
        /// What the document can say.
        wanted: String,
    },
    /// The rows differ in what a document says once.
    #[error("column `{0}` has several values, and a document says it once; write the rows of one value")]
    Several(String),
    /// A document has no place for this.
    #[error("column `{column}`: the document has no place for `{value}`")]
    NoPlace {
        /// Of the pattern.
        column: String,
        /// As it is stored.
        value: String,
    },
    /// More than such a document may hold.
    #[error("the document would be larger than {} MiB; write fewer rows", limits::BYTES >> 20)]
    TooLarge,
    /// A value cannot be shown.
    #[error(transparent)]
    Arrow(#[from] ArrowError),
    /// The file cannot be written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A row of a document.
#[derive(Debug, Default)]
struct Row<'m> {
    /// One text for each place of the mapping that has one; in the order of the fields.
    texts: Vec<(&'m Place, Text)>,
    /// Which of the row's names it has.
    name: Option<&'m str>,
    /// Its place among those of its name.
    ordinal: u64,
}

/// What stands at a place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Text {
    text: String,
    /// A number or a truth value, which JSON writes without quotes.
    is_bare: bool,
}

impl Mapping {
    /// Writes rows as a document. They need not come in order: those that share what stands above a row are
    /// written together.
    pub fn write(
        &self,
        pattern: &Pattern,
        batches: &[RecordBatch],
        out: &mut impl Write,
    ) -> Result<(), WriteError> {
        if self.form == DocumentForm::Json {
            JsonDocument::new(self, pattern, batches)?.write(out)?;
            out.flush()?;
            return Ok(());
        }
        let mut rows = self.all_rows(pattern, batches)?;
        let depth = self.rows.len() - 1;
        rows.sort_by(|a, b| shared(a, depth).cmp(shared(b, depth)));
        let mut writing = Writing { mapping: self, out, open: 0 };
        writing.line(0, "<?xml version=\"1.0\" encoding=\"utf-8\"?>")?;
        let mut before: Option<&Row<'_>> = None;
        for row in &rows {
            let from = before.map_or(0, |before| parting(before, row, depth));
            if before.is_some() && from == 0 && depth > 0 {
                return Err(WriteError::Several(self.differing(pattern, before, row)));
            }
            writing.close(from)?;
            for level in from..=depth {
                writing.start(level, row)?;
            }
            before = Some(row);
        }
        writing.close(0)?;
        out.flush()?;
        Ok(())
    }

    /// The rows of a document, within its bound.
    fn all_rows<'m>(
        &'m self,
        pattern: &Pattern,
        batches: &[RecordBatch],
    ) -> Result<Vec<Row<'m>>, WriteError> {
        let mut rows = Vec::new();
        let mut bytes = 0;
        for batch in batches {
            for row in self.rows_of(pattern, batch)? {
                let texts = row.texts.iter();
                bytes +=
                    texts.map(|(place, of)| of.text.len() + place.below.len() * NAME_BYTES).sum::<usize>();
                if bytes as u64 > limits::BYTES {
                    return Err(WriteError::TooLarge);
                }
                rows.push(row);
            }
        }
        Ok(rows)
    }

    /// The column in which two rows differ at the root.
    fn differing(&self, pattern: &Pattern, before: Option<&Row<'_>>, row: &Row<'_>) -> String {
        let mut both = before.into_iter().flat_map(|before| texts(before, 0).zip(texts(row, 0)));
        let place = both.find(|(before, row)| before != row).map(|(_, (place, _))| *place);
        let field =
            self.fields.iter().find(|field| field.from.places().into_iter().any(|of| Some(of) == place));
        field.map(|field| pattern.columns[field.column].name.clone()).unwrap_or_default()
    }

    /// Refuses what the document has no place for: it would be lost.
    fn all_has_place(&self, pattern: &Pattern, batch: &RecordBatch) -> Result<(), WriteError> {
        let options = FormatOptions::default();
        let placed = |at: usize| self.fields.iter().any(|field| field.column == at);
        for (_, column) in pattern.columns.iter().enumerate().filter(|(at, _)| !placed(*at)) {
            // The status of an amount says that it is there; the amount is looked at itself. Period and unit are the
            // hub's own, filled in where a sender does not say them.
            let is_filled = column.header && FILLED.contains(&column.name.as_str());
            let is_asked = column.status_of.is_none() && !is_filled;
            let Some(array) = batch.column_by_name(&column.name).filter(|_| is_asked) else {
                continue;
            };
            let formatter = ArrayFormatter::try_new(array.as_ref(), &options)?;
            for row in (0..batch.num_rows()).filter(|row| !array.is_null(*row)) {
                let value = formatter.value(row).try_to_string()?;
                if !value.is_empty() && !is_zero(&value) {
                    return Err(WriteError::NoPlace { column: column.name.clone(), value });
                }
            }
        }
        Ok(())
    }

    fn rows_of<'m>(&'m self, pattern: &Pattern, batch: &RecordBatch) -> Result<Vec<Row<'m>>, WriteError> {
        self.all_has_place(pattern, batch)?;
        let options = FormatOptions::default();
        let mut columns = Vec::with_capacity(self.fields.len());
        for field in &self.fields {
            let name = &pattern.columns[field.column].name;
            let array = batch.column_by_name(name).ok_or_else(|| WriteError::ColumnMissing(name.clone()))?;
            columns.push((field, name, array, ArrayFormatter::try_new(array.as_ref(), &options)?));
        }
        let mut rows = Vec::with_capacity(batch.num_rows());
        for at in 0..batch.num_rows() {
            let mut row = Row::default();
            for (field, name, array, formatter) in &columns {
                if array.is_null(at) {
                    continue;
                }
                let text = formatter.value(at).try_to_string()?;
                if !(field.omit_zero && is_zero(&text)) {
                    let kind = pattern.columns[field.column].kind;
                    apart(field, (name.as_str(), kind), text, &mut row)?;
                }
            }
            rows.push(row);
        }
        Ok(rows)
    }
}

fn is_zero(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0' | b'.' | b'-'))
}

/// Header columns that the hub fills in.
const FILLED: [&str; 2] = ["okres", "jst_terc6"];

/// Bytes of an element's tags, about.
const NAME_BYTES: usize = 24;

/// The texts that make a value, each at its place.
fn apart<'m>(
    field: &'m MappedField,
    (column, kind): (&str, ColumnType),
    text: String,
    row: &mut Row<'m>,
) -> Result<(), WriteError> {
    let refused = |value: &str, wanted: String| {
        let (column, value) = (column.to_owned(), value.to_owned());
        Err(WriteError::Value { column, value, wanted })
    };
    let plain = |text: String| Text { text, is_bare: false };
    match &field.from {
        Source::Element(place) => {
            let is_bare = !matches!(kind, ColumnType::String | ColumnType::Date | ColumnType::Datetime);
            let text = field.date.as_ref().and_then(|form| form.of_iso(&text)).unwrap_or(text);
            row.texts.push((place, Text { text, is_bare }));
        }
        Source::Joined(parts) => {
            if text.chars().count() != parts.iter().map(|(_, length)| length).sum::<usize>() {
                return refused(&text, "parts of their lengths".to_owned());
            }
            let mut rest = text.chars();
            for (place, length) in parts {
                row.texts.push((place, plain(rest.by_ref().take(*length).collect())));
            }
        }
        Source::Period { year, kind, number, kinds } => {
            let named = text.parse::<Period>().ok().and_then(|period| {
                let (name, _) = kinds.iter().find(|(_, frequency)| *frequency == period.frequency())?;
                Some((name, number_of(&period)))
            });
            let Some((name, counted)) = named else {
                let known = kinds.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
                return refused(&text, known);
            };
            row.texts.push((year, plain(text.chars().take(4).collect())));
            row.texts.push((kind, plain(name.clone())));
            row.texts.push((number, plain(counted)));
        }
        Source::RowName(names) => match names.iter().find(|(_, value)| *value == text) {
            Some((name, _)) => row.name = Some(name),
            None => {
                let known = names.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(", ");
                return refused(&text, known);
            }
        },
        Source::Ordinal => match text.parse() {
            Ok(ordinal) => row.ordinal = ordinal,
            Err(_) => return refused(&text, "1, 2, 3 …".to_owned()),
        },
    }
    Ok(())
}

/// Which of the year's periods it is.
fn number_of(period: &Period) -> String {
    match period.frequency() {
        Frequency::Annual => "1".to_owned(),
        _ => period.label().chars().skip(6).skip_while(|digit| *digit == '0').collect(),
    }
}

/// What stands above a row.
fn shared<'r>(row: &'r Row<'_>, depth: usize) -> impl Iterator<Item = (usize, &'r [String], &'r Text)> {
    let above = row.texts.iter().filter(move |(place, _)| place.level < depth);
    above.map(|(place, text)| (place.level, place.below.as_slice(), text))
}

/// The first level at which two rows stand in different elements.
fn parting(before: &Row<'_>, row: &Row<'_>, depth: usize) -> usize {
    (0..depth).find(|level| !texts(before, *level).eq(texts(row, *level))).unwrap_or(depth)
}

/// What a row says below one level.
fn texts<'r, 'm>(row: &'r Row<'m>, level: usize) -> impl Iterator<Item = &'r (&'m Place, Text)> {
    row.texts.iter().filter(move |(place, _)| place.level == level)
}

struct Writing<'w, W> {
    mapping: &'w Mapping,
    out: &'w mut W,
    /// Levels that are open.
    open: usize,
}

impl<W: Write> Writing<'_, W> {
    fn line(&mut self, depth: usize, text: &str) -> io::Result<()> {
        writeln!(self.out, "{:1$}{text}", "", depth * 2)
    }

    /// Opens the element of a level and writes what a row says below it.
    fn start(&mut self, level: usize, row: &Row<'_>) -> io::Result<()> {
        let constants = self.mapping.constants.iter().filter(|constant| constant.place.level == level);
        let constants = constants.map(|constant| (&constant.place, constant.value.as_str()));
        let said: Vec<(&Place, &str)> =
            constants.chain(texts(row, level).map(|(place, of)| (*place, of.text.as_str()))).collect();
        let mut tag = format!("<{}", self.mapping.rows[level]);
        for (place, text) in &said {
            if let [name] = &place.below[..]
                && let Some(name) = name.strip_prefix('@')
            {
                tag.push_str(&format!(" {name}=\"{}\"", escape(*text)));
            }
        }
        tag.push('>');
        self.line(level, &tag)?;
        self.open = level + 1;
        let mut inside: &[String] = &[];
        for (place, text) in said {
            let Some((name, above)) = place.below.split_last().filter(|(name, _)| !name.starts_with('@'))
            else {
                continue;
            };
            self.step(level + 1, inside, above)?;
            inside = above;
            self.line(level + 1 + above.len(), &format!("<{name}>{}</{name}>", escape(text)))?;
        }
        self.step(level + 1, inside, &[])
    }

    /// Closes and opens elements between two places below one level.
    fn step(&mut self, depth: usize, from: &[String], to: &[String]) -> io::Result<()> {
        let same = from.iter().zip(to).take_while(|(from, to)| from == to).count();
        for at in (same..from.len()).rev() {
            self.line(depth + at, &format!("</{}>", from[at]))?;
        }
        for (at, name) in to.iter().enumerate().skip(same) {
            self.line(depth + at, &format!("<{name}>"))?;
        }
        Ok(())
    }

    /// Closes all levels from one on.
    fn close(&mut self, from: usize) -> io::Result<()> {
        while self.open > from {
            self.open -= 1;
            let name = &self.mapping.rows[self.open];
            self.line(self.open, &format!("</{name}>"))?;
        }
        Ok(())
    }
}
