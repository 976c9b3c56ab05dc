//! The header of a CSV file, matched with the pattern's columns.

use crate::csv::{Cells, separator};
use crate::pattern::Absent;
use crate::report::{Code, Findings, Severity};

use super::Checker;
use super::messages::structural;

/// The columns of a CSV file, matched with the pattern's.
#[derive(Debug)]
pub struct HeaderPlan {
    pub(super) separator: u8,
    /// Number of cells in each record.
    pub(super) width: usize,
    /// Column of the file for each column of the pattern.
    pub(super) files: Vec<Option<usize>>,
}

impl HeaderPlan {
    /// `,`, `;` or tab.
    pub fn separator(&self) -> u8 {
        self.separator
    }
}

/// What a name in the file stands for.
pub(super) enum Named {
    Column(usize),
    SetAside,
    Unknown,
}

impl Checker {
    /// Matches a header; a structural fault hides its followers.
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
        let names = names(header);
        let named: Vec<Named> = names.iter().map(|name| self.named(name)).collect();
        if !named.iter().any(|n| matches!(n, Named::Column(_))) {
            return Err(refuse(Code::HeaderMissing, "", text));
        }
        let (files, findings) = self.columns_named(names.iter().map(String::as_str).zip(named), 1);
        if findings.worst() == Some(Severity::Block) {
            return Err(findings);
        }
        Ok((HeaderPlan { separator: separator(header), width: names.len(), files }, findings))
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
                Named::SetAside => findings.add(structural(self, Code::ColumnSetAside, line, name, "")),
                Named::Unknown => findings.add(structural(self, Code::ColumnUnknown, line, name, "")),
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

    /// Finds a column by its name or one of its other names, whatever the case and the blanks around.
    pub(super) fn named(&self, name: &str) -> Named {
        let pattern = &self.context.pattern;
        let wanted = folded(name);
        let is = |known: &String| folded(known) == wanted;
        // Own names come before aliases, so that a pattern may reuse an old name.
        let found = pattern.columns.iter().position(|c| is(&c.name));
        match found.or_else(|| pattern.columns.iter().position(|c| c.aliases.iter().any(is))) {
            Some(column) => Named::Column(column),
            None if pattern.set_aside.iter().any(is) => Named::SetAside,
            None => Named::Unknown,
        }
    }

    /// True when a file need not carry a column.
    pub(super) fn may_lack(&self, column: usize) -> bool {
        let column = &self.context.pattern.columns[column];
        !column.required || column.header || column.absent == Absent::Zero || column.status_of.is_some()
    }
}

fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

/// The names in a header record, quotes taken off, trimmed.
fn names(header: &[u8]) -> Vec<String> {
    let separator = separator(header);
    // No record has more cells than bytes and one; splitting by that width counts them.
    let most = header.len() + 1;
    let counted = Cells::split(header, separator, most, 1);
    let width = counted.misfits().first().map_or(most, |misfit| misfit.cells);
    let cells = Cells::split(header, separator, width, 1);
    let count = if cells.rows() > 0 { width } else { 0 };
    (0..count).map(|at| String::from_utf8_lossy(&cells.text(0, at)).trim().to_owned()).collect()
}
