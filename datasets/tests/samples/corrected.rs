//! The error file of each invalid sample, its cells corrected, is accepted.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use hub_datasets::check::{Beside, FINDINGS_COLUMN, NoErrorFile};
use hub_datasets::report::{Language, render};
use hub_datasets::{CodeLists, MediaType, Pattern, Patterns, Severity};

use super::{beside, checker, context, report_of, samples};

/// Samples whose cells are no more right in any valid sample, and why.
const NO_TWIN: &[(&str, &str)] = &[
    (
        "incydenty_cyber/czas-poza-okresem.csv",
        "the valid row that is most like it is another incident's, whose key is there already",
    ),
    (
        "incydenty_cyber/regula-zgloszenie-przed-wykryciem.csv",
        "the valid row that is most like it is another incident's, whose key is there already",
    ),
    (
        "jakosc_powietrza/korzeniowskiego__2017-03-15.csv",
        "its file's name says the day, and that is another period",
    ),
    ("rb27s/kutno-2022-q4-caly.csv", "its rows are another school's, of which no valid sample has any"),
    ("rb28s/kutno-2022-q4-caly.csv", "its rows are another school's, of which no valid sample has any"),
    ("rbnds/brak-wiersza-a2.csv", "a row lacks, which is to be added"),
    ("rbnds/sam-naglowek.csv", "it has no rows"),
];

/// Samples in which nothing is wrong with cells: their header, their form, or what no cell shows.
const NO_CELLS: &[&str] = &[
    // Tables of another system: the columns of their findings are the pattern's.
    "jakosc_powietrza/gios-wskaznik-spoza-listy.csv",
    "jakosc_powietrza/korzeniowskiego__2017-02-16.csv",
    "jakosc_powietrza/korzeniowskiego__2017-02-17.csv",
    "jakosc_powietrza/naglowek-bez-kolumny.csv",
    "jakosc_powietrza/strona-html.csv",
    "jakosc_powietrza/tabela-dobowa.csv",
    "rb27s/naglowek-bez-kolumny.csv",
    "rb27s/naglowek-kolumna-dwa-razy.csv",
    "rb27s/naglowek-nieznana-kolumna.csv",
    "rb27s/paczka-cala.xml",
    "rb28s/dwa-arkusze.xlsx",
    "rb28s/formula-bez-wyniku.xlsx",
    "rb28s/kodowanie-dwuznaczne.csv",
    "rb28s/kolumna-bez-nazwy.csv",
    "rb28s/naglowek-bez-kolumny.csv",
    "rb28s/naglowek-kolumna-dwa-razy.csv",
    "rb28s/naglowek-nieznana-kolumna.csv",
    "rb28s/paczka-cala.xml",
    "rb28s/paczka-dwa-rozne-regony.xml",
    "rb28s/paczka-innego-sprawozdania.xml",
    "rb28s/paczka-nieznany-element.xml",
    "rb28s/paczka-okres-slownie.xml",
    "rb28s/paczka-powtorzony-element.xml",
    "rb28s/paczka-ucieta.xml",
    "rejestr_umow/cru-nieznany-element.json",
    "rejestr_umow/cru-powtorzony-klucz.json",
    "rejestr_umow/cru-uciety.json",
    "rejestr_umow/inny-dokument.json",
    "zgloszenia_usterek/zurich-bez-statusu.csv",
];

/// What became of a sample's error file.
#[derive(Debug, PartialEq, Eq)]
enum Corrected {
    /// Corrected it was accepted.
    Accepted,
    /// It is refused once more; with the report.
    Refused(String),
    /// What is wrong is no cell: the file as a whole, or its header.
    NoCells,
}

/// A table: the names of its columns, and rows.
struct Table {
    names: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A valid sample that is plain text with a header above all.
    fn of(path: &Path) -> Option<Self> {
        let text =
            std::fs::read_to_string(path).ok().filter(|_| MediaType::of(path) == Some(MediaType::Csv))?;
        let text = text.trim_start_matches('\u{feff}');
        let separator = hub_datasets::csv::separator(text.lines().next()?.as_bytes());
        let mut reader = csv::ReaderBuilder::new();
        let reader = reader.delimiter(separator).has_headers(false).flexible(true);
        let mut rows = reader.from_reader(text.as_bytes()).into_records();
        let mut next = || Some(rows.next()?.unwrap().iter().map(str::to_owned).collect());
        let names = next()?;
        Some(Self { names, rows: std::iter::from_fn(next).collect() })
    }

    fn cell<'a>(&self, row: &'a [String], name: &str) -> Option<&'a String> {
        row.get(self.names.iter().position(|own| own == name)?)
    }
}

/// The row of valid samples that has most cells in common with a row.
fn twin<'a>(valid: &'a [Table], names: &[String], row: &[String]) -> (&'a Table, &'a [String]) {
    let all = valid.iter().flat_map(|table| table.rows.iter().map(move |row| (table, row.as_slice())));
    let alike = |(table, other): &(&Table, &[String])| {
        let cells = names.iter().zip(row);
        cells.filter(|(name, cell)| table.cell(other, name) == Some(cell)).count()
    };
    all.rev().max_by_key(alike).unwrap()
}

fn corrected(pattern: &Arc<Pattern>, lists: &Arc<CodeLists>, path: &Path, valid: &[Table]) -> Corrected {
    let checker = checker(context(pattern, lists), path);
    let bytes = std::fs::read(path).unwrap();
    let report = report_of(&checker, lists, path, &bytes, Some(&beside(path)));
    // A sum that is wrong is shown beside one row; which of them to correct is for the sender to know.
    let of_sums = |rule: &String| pattern.compares.iter().any(|compare| compare.id == *rule);
    let sums = report.counts.iter().any(|count| of_sums(&count.rule));
    let media = MediaType::of(path).unwrap();
    let payload = Arc::new(bytes::Bytes::from(bytes));
    let mut rows = match checker.error_rows(media, payload, &report, Language::Polish) {
        Ok(rows) => rows,
        Err(NoErrorFile::NoRows | NoErrorFile::InTheSource) => return Corrected::NoCells,
        Err(NoErrorFile::Io(error)) => panic!("{error}"),
    };
    let mut writer = csv::WriterBuilder::new().delimiter(b';').flexible(true).from_writer(Vec::new());
    let (mut names, mut written) = (Vec::new(), BTreeSet::new());
    while let Some(mut row) = rows.next_row().unwrap() {
        match &row.beside {
            Beside::Title => {}
            Beside::Header => {
                names.clone_from(&row.cells);
                row.cells.push(FINDINGS_COLUMN.to_owned());
            }
            Beside::Findings { text, cells, worst } => {
                if *worst == Some(Severity::Block) && cells.is_empty() {
                    return Corrected::NoCells;
                }
                if *worst == Some(Severity::Block) || sums {
                    correct(&mut row.cells, &names, cells, valid);
                }
                // A row that is there twice is sent once.
                if !written.insert(row.cells.clone()) {
                    continue;
                }
                row.cells.push(text.clone());
            }
        }
        writer.write_record(&row.cells).unwrap();
    }
    let bytes = writer.into_inner().unwrap();
    let sent = path.with_extension("csv");
    let report =
        report_of(&self::checker(context(pattern, lists), &sent), lists, &sent, &bytes, Some(&beside(path)));
    if report.blocks() { Corrected::Refused(render(&report, Language::English)) } else { Corrected::Accepted }
}

/// All cells of the row as its twin has them; marked ones that the twin lacks as another valid sample has them.
fn correct(row: &mut [String], names: &[String], marked: &[usize], valid: &[Table]) {
    let (table, twin) = twin(valid, names, row);
    for (at, (cell, name)) in row.iter_mut().zip(names).enumerate() {
        let other = || valid.iter().find_map(|table| table.cell(table.rows.first()?, name));
        let marked = marked.contains(&at);
        let right = table.cell(twin, name).or_else(|| marked.then(other)?);
        // What no valid sample says is said no more.
        *cell = right.cloned().unwrap_or_default();
    }
}

#[test]
fn the_error_file_of_each_invalid_sample_is_accepted_when_its_cells_are_corrected() {
    let (patterns, lists) = (Patterns::embedded().unwrap(), Arc::new(CodeLists::embedded().unwrap()));
    let (mut wrong, mut no_cells) = (Vec::new(), Vec::new());
    for pattern in patterns.iter() {
        let valid: Vec<Table> = samples(pattern, "valid").iter().filter_map(|path| Table::of(path)).collect();
        for path in samples(pattern, "invalid") {
            let name = format!("{}/{}", pattern.id, path.file_name().unwrap().to_string_lossy());
            let excused = NO_TWIN.iter().any(|(sample, _)| *sample == name);
            match corrected(pattern, &lists, &path, &valid) {
                Corrected::NoCells => no_cells.push(name),
                Corrected::Refused(report) if !excused => wrong.push(format!("{name}: {report}")),
                Corrected::Accepted if excused => wrong.push(format!("{name}: is excused, and accepted")),
                Corrected::Accepted | Corrected::Refused(_) => {}
            }
        }
    }
    let told = format!("{}\nof no cells: {no_cells:#?}", wrong.join("\n"));
    assert!(wrong.is_empty() && no_cells == NO_CELLS, "{told}");
}
