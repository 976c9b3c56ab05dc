//! Real files of offices against the patterns that they are for: each goes in as it is, or is refused for what is
//! truly wrong with it, and counts and sums are those that its source names. The files are not in the repository.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::compute::sum;
use arrow::datatypes::Decimal128Type;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use clap::Args;
use hub_datasets::check::keys::KeyOrder;
use hub_datasets::check::{Checker, Context, PieceLimits, Publisher, Stop};
use hub_datasets::report::{Code, Findings, Severity};
use hub_datasets::{CodeLists, MediaType, Patterns, Period, Report, Settings};

use crate::Failure;

const LIMITS: PieceLimits =
    PieceLimits { chunk_bytes: 1 << 20, record_bytes: 1 << 20, block_bytes: 1 << 20, rows: 16_384 };

/// Checks real files and compares counts and sums with those that their sources name.
#[derive(Debug, Args)]
pub(crate) struct Real {
    /// Folder of the files, one folder for each source.
    #[arg(long)]
    data: PathBuf,
}

/// What is known of a file.
struct Known {
    file: &'static str,
    pattern: &'static str,
    period: String,
    unit: &'static str,
    set: &'static [(&'static str, &'static str)],
    rows: u64,
    aside: u64,
    /// A column and its sum, counted in the column's last decimal place.
    sum: Option<(&'static str, i128)>,
    refused: &'static [Code],
}

const RB: &str = "100201";

fn known(file: &'static str, pattern: &'static str, period: &str, rows: u64) -> Known {
    let period = period.to_owned();
    Known { file, pattern, period, unit: RB, set: &[], rows, aside: 0, sum: None, refused: &[] }
}

const ZURICH: &str = "zgloszenia-zurich/zueri_wie_neu_do_2021.csv";
const ZURICH_ROWS: u64 = 24_728;
/// Reports of each year.
const ZURICH_YEARS: [(&str, u64); 6] =
    [("2016", 2_307), ("2017", 2_869), ("2018", 3_724), ("2019", 5_243), ("2020", 4_802), ("2021", 5_783)];

fn files() -> Vec<Known> {
    let bestia = "bestia-kutno-2022q4/Sprawozdania[2022][IVKwartal]_Wydatki.xml";
    let incomes = "bestia-kutno-2022q4/Sprawozdania[2022][IVKwartal]_Dochody.xml";
    let contracts = "rejestr-umow-ozarow/agreements.json";
    // Two schools of the packages carry one REGON.
    let clash: &[Code] = &[Code::SliceRepeated, Code::KeyRepeated];
    let zurich = ZURICH_YEARS.map(|(year, rows)| Known {
        unit: "026401",
        set: &[("status", "closed")],
        aside: ZURICH_ROWS - rows,
        ..known(ZURICH, "zgloszenia_usterek", year, ZURICH_ROWS)
    });
    let fixed = [
        Known { refused: clash, ..known(bestia, "rb28s", "2022-Q4", 327) },
        Known { refused: clash, ..known(incomes, "rb27s", "2022-Q4", 42) },
        Known {
            unit: "143206",
            sum: Some(("wartosc", 369_527_705)),
            ..known(contracts, "rejestr_umow", "2026-M07", 99)
        },
        Known { unit: "143206", ..known(contracts, "rejestr_umow_strony", "2026-M07", 209) },
        Known {
            // Under its title and its header.
            aside: 1,
            sum: Some(("uczniowie", 30_861_887)),
            ..known("sio-kutno-uczniowie/SIO_uczniowie.xml", "oswiata_uczniowie", "2022", 23)
        },
    ];
    fixed.into_iter().chain(zurich).collect()
}

/// Daily files of two stations: 2,128 tables of 24 hours and three rows of averages and extremes, and two web pages.
const AIR: &str = "powietrze-wroclaw/air_pollution_bartnicza_korzeniowskiego.tar.gz";
const AIR_TABLES: u64 = 2_128;
const AIR_PAGES: u64 = 2;
const AIR_LINES: u64 = 57_456;
/// Hours by the columns of each table, means of eight hours aside: nine, four or five.
const AIR_ROWS: u64 = 24 * (1_137 * 9 + 990 * 4 + 5);

struct House {
    patterns: Patterns,
    lists: Arc<CodeLists>,
    failed: bool,
}

struct Checked {
    report: Report,
    batches: Vec<RecordBatch>,
}

impl Real {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let (patterns, lists) = (Patterns::embedded()?, Arc::new(CodeLists::embedded()?));
        let mut house = House { patterns, lists, failed: false };
        println!(
            "| file | pattern | period | rows | set aside | sum (last place) | verdict | as its source says |"
        );
        println!("|---|---|---|---|---|---|---|---|");
        let all = files();
        for known in &all {
            house.file(&self.data, known)?;
        }
        house.air(&self.data)?;
        let used: BTreeSet<&str> = all
            .iter()
            .map(|known| known.file)
            .chain([AIR])
            .filter_map(|file| file.split('/').next())
            .collect();
        for entry in fs::read_dir(&self.data)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if !used.contains(name.as_str()) {
                println!("| {name} | none yet | | | | | | |");
            }
        }
        if house.failed { Err("a file differs from what its source says".into()) } else { Ok(()) }
    }
}

impl House {
    fn check(&self, known: &Known, name: &str, bytes: Vec<u8>) -> Result<Checked, Failure> {
        let pattern = self.patterns.get(known.pattern).ok_or("an unknown pattern")?;
        let mut settings = Settings::default();
        for (name, value) in known.set {
            settings.set(name, value);
        }
        let settings = pattern.settings_of(name, &settings);
        let period: Period = known.period.parse()?;
        let publisher =
            Publisher { id: format!("gmina-{}", known.unit), terc6: Some(known.unit.into()), regon: None };
        let (pattern, lists) = (Arc::clone(&pattern), Arc::clone(&self.lists));
        let context = Context { pattern, lists, period: Some(period), publisher: Some(publisher) };
        let checker = Checker::new(context)?.with(settings);
        checked(&checker, MediaType::of(Path::new(name)).ok_or("an unknown kind of file")?, bytes)
    }

    fn file(&mut self, data: &Path, known: &Known) -> Result<(), Failure> {
        let Checked { report, batches } = self.check(known, known.file, fs::read(data.join(known.file))?)?;
        let blocking: BTreeSet<Code> = blocking(&report).collect();
        let expected: BTreeSet<Code> = known.refused.iter().copied().collect();
        let found = known.sum.map(|(column, _)| total(&batches, column));
        let agrees = (report.rows_read, report.rows_set_aside) == (known.rows, known.aside)
            && (blocking == expected
                || (!expected.is_empty() && blocking.is_subset(&expected) && report.blocks()))
            && found == known.sum.map(|(_, sum)| sum);
        let shown = found.map(|sum| sum.to_string()).unwrap_or_default();
        self.tell((known.file, known.pattern, &known.period), &report, &shown, agrees);
        Ok(())
    }

    fn tell(
        &mut self,
        (file, pattern, period): (&str, &str, &str),
        report: &Report,
        sum: &str,
        agrees: bool,
    ) {
        let verdict = match report.blocks() {
            false => "accepted".to_owned(),
            true => {
                let codes: BTreeSet<&str> = blocking(report).map(Code::as_str).collect();
                format!("refused: {}", codes.into_iter().collect::<Vec<_>>().join(", "))
            }
        };
        let (rows, aside) = (report.rows_read, report.rows_set_aside);
        let says = if agrees { "yes" } else { "NO" };
        println!("| {file} | {pattern} | {period} | {rows} | {aside} | {sum} | {verdict} | {says} |");
        self.failed |= !agrees;
    }

    /// All daily files of the archive, each a submission of its day.
    fn air(&mut self, data: &Path) -> Result<(), Failure> {
        let folder = std::env::temp_dir().join(format!("hub-real-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let unpacked = Command::new("tar").arg("-xzf").arg(data.join(AIR)).arg("-C").arg(&folder).status()?;
        if !unpacked.success() {
            return Err("the archive of air quality cannot be unpacked".into());
        }
        let counted = self.days(&folder);
        fs::remove_dir_all(&folder)?;
        let (tables, pages, rows, aside, others) = counted?;
        let agrees = (tables, pages, rows, aside) == (AIR_TABLES, AIR_PAGES, AIR_ROWS, 3 * AIR_TABLES)
            && others.is_empty()
            && AIR_LINES == 27 * AIR_TABLES;
        let says = if agrees { "yes" } else { "NO" };
        println!(
            "| {AIR}: {tables} tables | jakosc_powietrza | days | {} | {aside} | | accepted | {says} |",
            rows + aside
        );
        println!(
            "| {AIR}: {pages} web pages | jakosc_powietrza | days | 0 | 0 | | refused: FORMAT_MISMATCH | {says} |"
        );
        others.iter().for_each(|other| println!("| {other} | jakosc_powietrza | | | | | refused | NO |"));
        self.failed |= !agrees;
        Ok(())
    }

    fn days(&self, folder: &Path) -> Result<(u64, u64, u64, u64, Vec<String>), Failure> {
        let (mut tables, mut pages, mut rows, mut aside, mut others) = (0, 0, 0, 0, Vec::new());
        for station in ["bartnicza", "korzeniowskiego"] {
            for entry in fs::read_dir(folder.join("air_pollution").join(station))? {
                let path = entry?.path();
                let name = path.to_string_lossy().into_owned();
                let day = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                let known = Known { unit: "026401", ..known("", "jakosc_powietrza", &day, 0) };
                let Checked { report, batches } = self.check(&known, &name, fs::read(&path)?)?;
                match blocking(&report).next() {
                    None => {
                        tables += 1;
                        rows += batches.iter().map(|batch| batch.num_rows() as u64).sum::<u64>();
                        aside += report.rows_set_aside;
                    }
                    Some(Code::FormatMismatch) => pages += 1,
                    Some(_) => others.push(name),
                }
            }
        }
        Ok((tables, pages, rows, aside, others))
    }
}

fn blocking(report: &Report) -> impl Iterator<Item = Code> {
    let grave = report.counts.iter().filter(|count| count.severity == Severity::Block);
    grave.map(|count| count.code)
}

/// The sum of a column of decimals, in its last place.
fn total(batches: &[RecordBatch], column: &str) -> i128 {
    let columns = batches.iter().filter_map(|batch| batch.column_by_name(column));
    columns.filter_map(|column| sum(column.as_primitive_opt::<Decimal128Type>()?)).sum()
}

/// Checks all of a payload, as a laptop does.
fn checked(checker: &Checker, media: MediaType, bytes: Vec<u8>) -> Result<Checked, Failure> {
    let mut pieces = checker.pieces(media, Arc::new(Bytes::from(bytes)), LIMITS);
    let (mut findings, mut batches, mut lines, mut rows) = (Findings::default(), Vec::new(), Vec::new(), 0);
    loop {
        match pieces.next_piece() {
            Ok(Some(piece)) => {
                findings.merge(pieces.early());
                let checked = piece.check(checker);
                findings.merge(checked.findings);
                batches.push(checked.batch);
                lines.extend(checked.lines);
                rows += checked.rows;
            }
            Ok(None) => break,
            Err(Stop::Findings(stopped)) => {
                findings.merge(*stopped);
                break;
            }
            Err(Stop::Io(error)) => return Err(error.into()),
        }
    }
    findings.merge(pieces.early());
    let key = &checker.context().pattern.key;
    if let Some(order) = KeyOrder::new(&checker.schema(), key)?
        && let Some((sorted, lines)) = order.sort(&batches, &lines)?
    {
        for repeat in order.walk(&sorted, &lines, None)?.repeats {
            findings.add(checker.key_repeated(&sorted, repeat.row, repeat.line, Some(repeat.first_line)));
        }
    }
    let mut comparing = checker.comparing(Vec::new(), &checker.compared_with())?;
    let mut before = 0;
    for batch in &batches {
        comparing.add(batch, &lines[before..before + batch.num_rows()]);
        before += batch.num_rows();
    }
    let compared = checker.compare(&comparing, &findings);
    Ok(Checked { report: checker.finish(findings, rows, compared), batches })
}
