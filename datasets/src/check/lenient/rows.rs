//! Rows that failed and are no data: empty ones, totals, the header once more. They are set aside by name.

use std::borrow::Cow;
use std::collections::BTreeMap;

use arrow::array::BooleanArray;
use arrow::compute::filter_record_batch;

use crate::csv::Cells;
use crate::pattern::Sensitivity;
use crate::report::{Change, Example, Findings, Normalised, Severity};

use super::super::breach::Kind;
use super::super::header::Named;
use super::super::messages::office as messages;
use super::super::{Checked, Checker, HeaderPlan, Like, Part};

/// What a row is, when it is no data; the id under which it is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::check) enum Aside {
    /// It stands above the header.
    #[cfg(feature = "check")]
    Title,
    /// Columns are numbered under their names.
    #[cfg(feature = "check")]
    Numbers,
    /// It has no values.
    Empty,
    /// A sum, a mean or an extreme of other rows, named as such.
    Total,
    /// Who made the table, beneath it.
    Signature,
    /// The header once more, as on each page of a print.
    Header,
    /// It is of another period, in a table of which that is known.
    OtherPeriod,
}

impl Aside {
    pub(in crate::check) fn id(self) -> &'static str {
        match self {
            #[cfg(feature = "check")]
            Self::Title => "title",
            #[cfg(feature = "check")]
            Self::Numbers => "column_numbers",
            Self::Empty => "empty_row",
            Self::Total => "total",
            Self::Signature => "signature",
            Self::Header => "repeated_header",
            Self::OtherPeriod => "other_period",
        }
    }
}

/// Words that a row of totals is named by.
const TOTALS: [&str; 12] = [
    "razem",
    "ogółem",
    "ogolem",
    "suma",
    "łącznie",
    "lacznie",
    "podsumowanie",
    "total",
    "wartość średnia",
    "średnia",
    "minimum",
    "maksimum",
];

/// Words that name a row of totals only when they stand alone: longer texts may begin with them.
const EXTREMES: [&str; 6] = ["min", "max", "min.", "max.", "min:", "max:"];

/// Words that say who made a table. A colon, a blank or nothing stands behind them.
const SIGNATURES: [&str; 7] =
    ["sporządził", "sporządziła", "sporządzono", "sporzadzil", "sporzadzila", "zatwierdził", "zatwierdziła"];

/// Filled cells of a row that says who made the table.
const SIGNATURE_CELLS: usize = 3;

/// True for a cell that begins with one of the words, alone or with more behind it.
fn begins_with(text: &str, words: &[&str]) -> bool {
    let text = text.trim().to_lowercase();
    words.iter().any(|word| {
        text.strip_prefix(word).is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric()))
    })
}

/// True for a cell that names a total.
fn names_total(text: &str) -> bool {
    begins_with(text, &TOTALS) || EXTREMES.contains(&text.trim().to_lowercase().as_str())
}

impl Checker {
    /// What a row of raw cells is, when it is no data.
    fn aside<'t>(&self, plan: &HeaderPlan, texts: &[Cow<'t, str>]) -> Option<Aside> {
        let filled = texts.iter().map(|text| text.trim()).filter(|text| !text.is_empty());
        let Some(first) = filled.clone().next() else { return Some(Aside::Empty) };
        let in_key = |column: &usize| plan.files[*column].and_then(|file| texts.get(file));
        if names_total(first) || self.key.iter().filter_map(in_key).any(|text| names_total(text)) {
            return Some(Aside::Total);
        }
        if begins_with(first, &SIGNATURES) && filled.clone().count() <= SIGNATURE_CELLS {
            return Some(Aside::Signature);
        }
        if !matches!(self.named(first), Named::Column(_)) {
            return None;
        }
        let columns = filled.clone().filter(|text| matches!(self.named(text), Named::Column(_))).count();
        (columns >= 2 && columns == filled.count()).then_some(Aside::Header)
    }

    /// Takes rows that are no data out of a part's breaches; gives them in row order.
    pub(in crate::check) fn rows_aside(
        &self,
        plan: &HeaderPlan,
        like: &Like<'_>,
        cells: &Cells<'_>,
        part: &mut Part,
    ) -> Vec<(u32, Aside)> {
        let blocks = |breach: &&super::super::Breach| breach.kind.severity(self) == Severity::Block;
        // Of each row that failed whether all that is wrong with it is that it is of another period.
        let mut failed: BTreeMap<u32, bool> = BTreeMap::new();
        for breach in part.breaches.iter().filter(blocks) {
            *failed.entry(breach.row).or_insert(true) &= breach.kind == Kind::OutsidePeriod;
        }
        let periods_aside = plan.table.as_ref().is_some_and(|table| table.sets_other_periods_aside());
        let of = |(row, of_other_period): (u32, bool)| {
            if of_other_period && periods_aside {
                return Some((row, Aside::OtherPeriod));
            }
            let (sent, at) = like.sent(cells, row as usize);
            let texts: Vec<Cow<'_, str>> = (0..plan.width).map(|file| text(sent, at, file)).collect();
            self.aside(plan, &texts).map(|aside| (row, aside))
        };
        let aside: Vec<(u32, Aside)> = failed.into_iter().filter_map(of).collect();
        if !aside.is_empty() {
            let is_data = |row: u32| aside.binary_search_by_key(&row, |(row, _)| *row).is_err();
            part.breaches.retain(|breach| is_data(breach.row));
            part.tidied.retain(|tidied| is_data(tidied.row));
        }
        aside
    }

    /// What a record of another width is, when it is no data.
    pub(in crate::check) fn record_aside(&self, plan: &HeaderPlan, record: &[u8]) -> Option<Aside> {
        let text = String::from_utf8_lossy(record);
        let separator = char::from(plan.separator);
        let texts: Vec<Cow<'_, str>> =
            text.split(separator).map(|cell| Cow::Borrowed(cell.trim().trim_matches('"'))).collect();
        match self.aside(plan, &texts) {
            // Names of columns in a row of another width are a broken file, not a header once more.
            Some(Aside::Header) | None => None,
            aside => aside,
        }
    }

    /// Tells of a row that is no data.
    pub(in crate::check) fn tell_aside(&self, findings: &mut Findings, aside: Aside, line: u64, text: &str) {
        findings.set_aside(messages::row_aside(aside, line, self.shown_outside(text)));
    }

    /// A text that belongs to no column, as a report may show it.
    fn shown_outside(&self, text: &str) -> String {
        let pattern = &self.context.pattern;
        let personal = Sensitivity::Personal;
        if pattern.sensitivity == personal || pattern.columns.iter().any(|c| c.sensitivity == personal) {
            return "***".to_owned();
        }
        text.trim().chars().take(80).collect()
    }

    /// Tells of the rows of a part that are no data, of cells left out behind the last column, and of values in
    /// columns without a name.
    pub(in crate::check) fn office_rows(
        &self,
        plan: &HeaderPlan,
        like: &Like<'_>,
        made: &Cells<'_>,
        aside: &[(u32, Aside)],
        findings: &mut Findings,
    ) {
        let mut told = None;
        for (row, what) in aside {
            // A row that made several is told once.
            let (sent, at) = like.sent(made, *row as usize);
            let line = sent.lines()[at];
            if told.replace(line) == Some(line) {
                continue;
            }
            let texts = (0..plan.width).map(|file| text(sent, at, file));
            let texts: Vec<_> = texts.filter(|text| !text.trim().is_empty()).collect();
            self.tell_aside(findings, *what, line, &texts.join(" "));
        }
        let (cells, _) = like.sent(made, 0);
        if !cells.longer().is_empty() {
            let first = cells.longer().iter().take(Normalised::EXAMPLES_MAX);
            let example = |line: &u64| Example { row: *line, from: String::new(), to: String::new() };
            findings.normalise(Normalised {
                change: Change::TrailingCells,
                column: String::new(),
                count: cells.longer().len() as u64,
                examples: first.map(example).collect(),
            });
        }
        for file in &plan.unnamed {
            for row in 0..cells.rows() {
                let text = text(cells, row, *file);
                let first = row * like.rows_of_each();
                if !text.trim().is_empty()
                    && aside.binary_search_by_key(&(first as u32), |(row, _)| *row).is_err()
                {
                    let shown = self.shown_outside(&text);
                    findings.add(messages::column_unnamed(*file, cells.lines()[row], shown));
                }
            }
        }
    }
}

fn text<'t>(cells: &Cells<'t>, row: usize, file: usize) -> Cow<'t, str> {
    match cells.text(row, file) {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

/// Takes rows out of a checked part.
pub(in crate::check) fn without(checked: Checked, aside: &[(u32, Aside)]) -> Checked {
    if aside.is_empty() || checked.lines.is_empty() {
        return checked;
    }
    let is_data = |row: usize| aside.binary_search_by_key(&(row as u32), |(row, _)| *row).is_err();
    let kept: Vec<bool> = (0..checked.lines.len()).map(is_data).collect();
    let mut each = kept.iter();
    let mut lines = checked.lines;
    lines.retain(|_| each.next().is_none_or(|kept| *kept));
    let batch = filter_record_batch(&checked.batch, &BooleanArray::from(kept)).unwrap_or(checked.batch);
    Checked { batch, lines, ..checked }
}
