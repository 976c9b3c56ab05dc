//! Lines of NDJSON: the first object's keys matched with the pattern, then all lines as rows of cells.

use crate::csv::{Cells, Chunk};
use crate::ndjson::{Fault, Key, Misfit, Place, Rows, keys};
use crate::report::{Code, Findings, Severity, Violation};

use super::header::Named;
use super::messages::{Told, of_file, structural};
use super::{Checked, Checker, Like};

/// The keys of the first object, matched with the pattern's columns.
#[derive(Debug)]
pub struct KeyPlan {
    known: Vec<(Key, Place)>,
    /// For each column of the pattern whether the first object holds it.
    held: Vec<bool>,
}

impl Checker {
    /// Matches the keys of the first object as a header is matched: what is wrong with them is told once,
    /// and is wrong with the whole payload.
    pub fn keys(&self, first: &[u8], line: u64) -> Result<(KeyPlan, Findings), Findings> {
        let refuse = |code, detail: &str| {
            let mut findings = Findings::default();
            findings.add(structural(self, code, line, "", detail));
            findings
        };
        if let Err(fault) = std::str::from_utf8(first) {
            return Err(refuse(Code::EncodingInvalid, &(fault.valid_up_to() + 1).to_string()));
        }
        let keys = keys(first).map_err(|(key, fault)| {
            let place = if key.is_empty() { String::new() } else { format!("key `{key}`: ") };
            refuse(Code::PayloadUnreadable, &format!("line {line}: {place}{fault}"))
        })?;
        let places: Vec<Place> = keys.iter().map(|key| self.place(&key.name)).collect();
        if !places.iter().any(|place| matches!(place, Place::Column(_))) {
            return Err(refuse(Code::SchemaMismatch, "its first object has no column of the pattern"));
        }
        let names = keys.iter().map(|key| (key.name.as_str(), self.named(&key.name)));
        let (files, findings) = self.columns_named(names, line);
        if findings.worst() == Some(Severity::Block) {
            return Err(findings);
        }
        let held = files.iter().map(Option::is_some).collect();
        Ok((KeyPlan { known: keys.into_iter().zip(places).collect(), held }, findings))
    }

    fn place(&self, name: &str) -> Place {
        match self.named(name) {
            Named::Column(column) => Place::Column(column),
            Named::SetAside | Named::Explanation => Place::SetAside,
            Named::Unknown | Named::Nothing => Place::Unknown,
        }
    }

    /// Decodes and checks a chunk of lines.
    pub fn ndjson(&self, plan: &KeyPlan, chunk: &Chunk) -> Checked {
        if let Err(fault) = std::str::from_utf8(&chunk.data) {
            return self.encoding_fault(chunk, fault.valid_up_to());
        }
        // Escapes are replaced in place, so the lines are copied once.
        let mut text = chunk.data.to_vec();
        let width = self.columns.len();
        let rows = Rows::read(&mut text, chunk.first_line, width, &plan.known, |name| self.place(name));
        // A column that no line of the chunk holds is one that the file lacks.
        let held = plan.held.iter().zip(&rows.held).enumerate();
        let files: Vec<_> = held.map(|(column, (first, here))| (*first || *here).then_some(column)).collect();
        let cells = Cells::found(&text, width, rows.spans, rows.lines);
        let like = Like { files: &files, office: None, source: None };
        self.cells(cells, &like, Code::RowInvalid, &rows.misfits, |misfit| misfit.line, row_invalid)
    }
}

/// A finding about a line that is no row.
fn row_invalid(misfit: &Misfit) -> Violation {
    let key = &misfit.key;
    let told = match &misfit.fault {
        Fault::Syntax { at, expected } => Told::new(
            format!("wiersz nie jest obiektem JSON: błąd w bajcie {at}"),
            format!("the line is not a JSON object: {expected} expected at byte {at}"),
        ),
        Fault::Nested => Told::new(
            format!("lista albo obiekt zamiast wartości „{key}”"),
            format!("a list or an object instead of a value of “{key}”"),
        ),
        Fault::Repeated => Told::new(
            format!("klucz „{key}” występuje w wierszu dwa razy"),
            format!("the key “{key}” occurs twice in the line"),
        ),
        Fault::Unknown => Told::new(format!("nieznana kolumna „{key}”"), format!("unknown column “{key}”")),
        Fault::TooMany => Told::new("za dużo kluczy w wierszu", "too many keys in the line"),
        Fault::Escape => Told::new(
            format!("znak ucieczki „\\” w wartości „{key}” nie oznacza żadnego znaku"),
            format!("an escape in the value of “{key}” stands for no character"),
        ),
    };
    let told = told.hint(
        "Każdy wiersz to jeden obiekt JSON, którego klucze są kolumnami wzoru, a wartości nie są złożone.",
        "Each line is one JSON object whose keys are the pattern's columns and whose values are not nested.",
    );
    of_file(Code::RowInvalid, Severity::Block, misfit.line, key, String::new(), told.expected("{…}"))
}
