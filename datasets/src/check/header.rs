//! The header of a CSV file, matched with the pattern's columns.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::Pattern;
use crate::csv::{Cells, separator};
use crate::pattern::Absent;
use crate::report::{Change, Code, Findings, Normalised, Severity};

use super::Checker;
use super::messages::structural;
use super::table::TablePlan;

/// The columns of a CSV file, matched with the pattern's.
#[derive(Debug, Default)]
pub struct HeaderPlan {
    pub(super) separator: u8,
    /// Number of cells in each record.
    pub(super) width: usize,
    /// Column of the file for each column of the pattern.
    pub(super) files: Vec<Option<usize>>,
    /// Columns of the file that have no name; their cells must be empty.
    pub(super) unnamed: Vec<usize>,
    /// Column of the file in which the sender says something to rows.
    pub(super) explanation: Option<usize>,
    /// Cells may hold line breaks as sheets write them.
    pub(super) breaks: bool,
    /// The table is another system's; then no column of the file is the pattern's.
    pub(super) table: Option<Arc<TablePlan>>,
}

impl HeaderPlan {
    /// `,`, `;` or tab.
    pub fn separator(&self) -> u8 {
        self.separator
    }
}

/// The column in which a sender explains rows, as an error file has it.
pub const EXPLANATION_COLUMN: &str = "_wyjasnienie";

/// What a name in the file stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    Column(usize),
    SetAside,
    /// The sender says something to rows in it.
    Explanation,
    Unknown,
    /// It has no name.
    Nothing,
}

/// What all names that a pattern knows stand for, by their letters.
pub(super) type Names = HashMap<String, Named>;

/// Names of columns that only number the rows; they say nothing.
const ORDINALS: [&str; 2] = ["lp", "l_p"];

/// The names that a pattern knows. Own names come before aliases, so that a pattern may reuse an old name, and
/// aliases before titles.
pub(super) fn known(pattern: &Pattern) -> Names {
    let columns = || pattern.columns.iter().enumerate();
    let own = columns().map(|(at, column)| (folded(&column.name), Named::Column(at)));
    let aliases = columns()
        .flat_map(|(at, column)| column.aliases.iter().map(move |alias| (folded(alias), Named::Column(at))));
    let titles = columns().flat_map(|(at, column)| {
        [&column.title.pl, &column.title.en].map(|title| (folded(title), Named::Column(at)))
    });
    let aside = pattern.set_aside.iter().map(|name| (folded(name), Named::SetAside));
    let ordinals = ORDINALS.map(|name| (name.to_owned(), Named::SetAside));
    let mut names = Names::new();
    for (name, stands_for) in own.chain(aliases).chain(titles).chain(aside).chain(ordinals) {
        if !name.is_empty() {
            names.entry(name).or_insert(stands_for);
        }
    }
    names
}

/// The names under which a file may carry columns, folded, and the column that each stands for; None: it is set aside.
pub(crate) fn names_of(pattern: &Pattern) -> BTreeMap<String, Option<String>> {
    let of = |named: Named| match named {
        Named::Column(at) => pattern.columns.get(at).map(|column| column.name.clone()),
        Named::SetAside | Named::Explanation | Named::Unknown | Named::Nothing => None,
    };
    known(pattern).into_iter().map(|(name, stands_for)| (name, of(stands_for))).collect()
}

impl Checker {
    /// Matches a header in the first line; a structural fault hides its followers.
    pub fn header(&self, header: &[u8]) -> Result<(HeaderPlan, Findings), Findings> {
        let refuse = |code, column: &str, value: &str| {
            let mut findings = Findings::default();
            findings.add(structural(self, code, 1, column, value));
            findings
        };
        let text = std::str::from_utf8(header)
            .map_err(|e| refuse(Code::EncodingInvalid, "", &(e.valid_up_to() + 1).to_string()))?;
        if text.trim().is_empty() {
            return Err(refuse(Code::EmptyFile, "", ""));
        }
        let separator = separator(header);
        let names = names(header, separator);
        let is_known = |name: &String| matches!(self.named(name), Named::Column(_));
        if !names.iter().any(is_known) && self.table_columns_in(&names) == 0 {
            return Err(refuse(Code::HeaderMissing, "", text));
        }
        self.header_named(&names, separator, 1)
    }

    /// Matches the names of a header that stands in a line of the file.
    pub(super) fn header_named(
        &self,
        names: &[String],
        separator: u8,
        line: u64,
    ) -> Result<(HeaderPlan, Findings), Findings> {
        let named = names.iter().map(|name| match name.is_empty() {
            true => Named::Nothing,
            false => match self.named(name) {
                Named::Explanation => Named::Nothing,
                named => named,
            },
        });
        let unnamed: Vec<usize> = (0..names.len()).filter(|file| names[*file].is_empty()).collect();
        let (files, mut findings) = self.columns_named(names.iter().map(String::as_str).zip(named), line);
        if findings.worst() == Some(Severity::Block) {
            return self.table_named(names, separator, line).unwrap_or(Err(findings));
        }
        if !unnamed.is_empty() {
            let count = unnamed.len() as u64;
            let (change, column) = (Change::EmptyColumn, String::new());
            findings.normalise(Normalised { change, column, count, examples: Vec::new() });
        }
        let explanation = names.iter().position(|name| folded(name) == EXPLANATION_COLUMN);
        let width = names.len();
        let plan = HeaderPlan { separator, width, files, unnamed, explanation, breaks: false, table: None };
        Ok((plan, findings))
    }

    /// The place of each column of the pattern among the names in a line of the file, and what is wrong with them.
    pub(super) fn columns_named<'n>(
        &self,
        names: impl Iterator<Item = (&'n str, Named)>,
        line: u64,
    ) -> (Vec<Option<usize>>, Findings) {
        let mut findings = Findings::default();
        let mut files = vec![None; self.columns.len()];
        for (file, (name, named)) in names.enumerate() {
            match named {
                Named::Column(column) if files[column].is_none() => files[column] = Some(file),
                Named::Column(_) => findings.add(structural(self, Code::ColumnRepeated, line, name, "")),
                // Only a table's rows are read with what is said to them.
                Named::SetAside | Named::Explanation => {
                    findings.add(structural(self, Code::ColumnSetAside, line, name, ""));
                }
                Named::Unknown => findings.add(structural(self, Code::ColumnUnknown, line, name, "")),
                Named::Nothing => {}
            }
        }
        for (column, _) in files.iter().enumerate().filter(|(_, file)| file.is_none()) {
            if !self.may_lack(column) {
                let name = &self.context.pattern.columns[column].name;
                findings.add(structural(self, Code::ColumnMissing, line, name, ""));
            }
        }
        (files, findings)
    }

    /// Finds a column by its name, one of its other names, or its title, by the letters and digits alone.
    pub(super) fn named(&self, name: &str) -> Named {
        // No pattern has such names: the hub's own columns, in what was pulled and in an error file.
        if name.trim_start().starts_with('_') {
            return if folded(name) == EXPLANATION_COLUMN { Named::Explanation } else { Named::SetAside };
        }
        // Most programs write the names as the pattern does.
        let found = self.names.get(name).or_else(|| self.names.get(&folded(name)));
        found.copied().unwrap_or(Named::Unknown)
    }

    /// True when a file need not carry a column.
    pub(super) fn may_lack(&self, column: usize) -> bool {
        let column = &self.context.pattern.columns[column];
        !column.required || column.header || column.absent == Absent::Zero || column.status_of.is_some()
    }
}

/// Small letters without Polish marks, all else one `_`: `Dział`, `DZIAL ` and `dzial` are one name.
pub(super) fn folded(name: &str) -> String {
    let mut folded = String::with_capacity(name.len());
    for letter in name.trim().chars().flat_map(char::to_lowercase) {
        let plain = match letter {
            'ą' => 'a',
            'ć' => 'c',
            'ę' => 'e',
            'ł' => 'l',
            'ń' => 'n',
            'ó' => 'o',
            'ś' => 's',
            'ź' | 'ż' => 'z',
            letter => letter,
        };
        if plain.is_alphanumeric() || plain == '_' {
            folded.push(plain);
        } else if !folded.ends_with('_') && !folded.is_empty() {
            folded.push('_');
        }
    }
    folded.trim_end_matches('_').to_owned()
}

/// The names in a header record, quotes taken off, trimmed.
pub(super) fn names(header: &[u8], separator: u8) -> Vec<String> {
    // No record has more cells than bytes and one; splitting by that width counts them.
    let most = header.len() + 1;
    let counted = Cells::split(header, separator, most, 1);
    let width = counted.misfits().first().map_or(most, |misfit| misfit.cells);
    let cells = Cells::split(header, separator, width, 1);
    let count = if cells.rows() > 0 { width } else { 0 };
    (0..count).map(|at| String::from_utf8_lossy(&cells.text(0, at)).trim().to_owned()).collect()
}
