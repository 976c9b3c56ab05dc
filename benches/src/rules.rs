//! What rules cost: the rows of a CSV are parsed on one core, and parsed and checked against all that their pattern
//! says; the difference is the check. Beside it `arrow-csv` alone parses the same file.

use std::fs::File;
use std::io::{self, BufReader};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use arrow::csv::ReaderBuilder;
use clap::Args;
use hub_datasets::check::{Checker, Context, PieceLimits, ReadAt, Stop};
use hub_datasets::{CodeLists, MediaType, Pattern, Patterns, Period};

use crate::Failure;

const LIMITS: PieceLimits =
    PieceLimits { chunk_bytes: 2 << 20, record_bytes: 1 << 20, block_bytes: 4 << 20, rows: 16_384 };
const BATCH_ROWS: usize = 16_384;
const PATTERN: &str = "rb28s_rules";

/// Times parsing, and checking against 100 rules, on one core; prints seconds, ratio and memory as JSON.
#[derive(Debug, Args)]
pub(crate) struct Rules {
    /// A payload of rb28s, as `synth` writes it.
    csv: PathBuf,
    /// Folder of the pattern with the rules.
    #[arg(long, default_value = "benches/patterns")]
    patterns: PathBuf,
    #[arg(long, default_value = "2023-Q4")]
    period: Period,
}

/// The file, at any place of it.
#[derive(Debug)]
struct Payload(File);

impl ReadAt for Payload {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }
}

impl Rules {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let lists = Arc::new(CodeLists::embedded()?);
        let pattern = self.pattern(&lists)?;
        let plain = Pattern { rules: Vec::new(), references: Vec::new(), ..pattern.clone() };
        let rules = pattern.rules.len();
        // In turn, so that a machine that drifts hits all alike.
        let (bare, bare_rows) = self.bare(&plain)?;
        let (parse, parsed) = self.rows(plain, &lists)?;
        let (whole, checked) = self.rows(pattern, &lists)?;
        if bare_rows != parsed || parsed != checked {
            return Err(format!("{bare_rows}, {parsed} and {checked} rows were read of one file").into());
        }
        let check = (whole - parse).max(0.0);
        println!(
            "{}",
            serde_json::json!({
                "rows": checked, "rules": rules, "bare_s": bare, "parse_s": parse, "whole_s": whole, "check_s": check,
                "ratio": check / parse, "bare_ratio": check / bare, "peak_mib": peak_mib()?,
            })
        );
        Ok(())
    }

    fn pattern(&self, lists: &CodeLists) -> Result<Pattern, Failure> {
        let of = |name: &str| self.patterns.join(PATTERN).join("1.0.0").join(name);
        let files =
            ["pattern.yaml", "schema.json"].map(|name| Ok::<_, Failure>((name, std::fs::read(of(name))?)));
        let mut read = Vec::new();
        for file in files {
            let (name, bytes) = file?;
            read.push((format!("{PATTERN}/1.0.0/{name}"), bytes));
        }
        let files = read.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice()));
        let patterns = Patterns::default().with_files(files, lists)?;
        let pattern = patterns.get(PATTERN).ok_or("the folder holds no such pattern")?;
        Ok(Pattern::clone(&pattern))
    }

    /// Seconds and rows of a check on this thread.
    fn rows(&self, pattern: Pattern, lists: &Arc<CodeLists>) -> Result<(f64, u64), Failure> {
        let context = Context {
            pattern: Arc::new(pattern),
            lists: Arc::clone(lists),
            period: Some(self.period.clone()),
            publisher: None,
        };
        let checker = Checker::new(context)?;
        let payload = Arc::new(Payload(File::open(&self.csv)?));
        let begun = Instant::now();
        let mut pieces = checker.pieces(MediaType::Csv, payload, LIMITS);
        let mut rows = 0;
        loop {
            match pieces.next_piece() {
                Ok(Some(piece)) => {
                    let checked = piece.check(&checker);
                    if let Some(first) = checked.findings.listed.first() {
                        return Err(format!(
                            "a row breaks a rule, so that this measures findings: {first:?}"
                        )
                        .into());
                    }
                    rows += checked.rows;
                }
                Ok(None) => return Ok((begun.elapsed().as_secs_f64(), rows)),
                Err(Stop::Findings(found)) => return Err(format!("the file: {:?}", found.listed).into()),
                Err(Stop::Io(error)) => return Err(error.into()),
            }
        }
    }

    /// Seconds and rows of the library alone, with the types of the pattern.
    fn bare(&self, pattern: &Pattern) -> Result<(f64, u64), Failure> {
        let input = BufReader::with_capacity(1 << 20, File::open(&self.csv)?);
        let header = self.header()?;
        let schema = pattern.schema();
        let fields = header.iter().map(|name| schema.field_with_name(name).cloned());
        let schema = arrow::datatypes::Schema::new(fields.collect::<Result<Vec<_>, _>>()?);
        let begun = Instant::now();
        let reader = ReaderBuilder::new(Arc::new(schema)).with_header(true).with_batch_size(BATCH_ROWS);
        let mut rows = 0;
        for batch in reader.build_buffered(input)? {
            rows += batch?.num_rows() as u64;
        }
        Ok((begun.elapsed().as_secs_f64(), rows))
    }

    fn header(&self) -> Result<Vec<String>, Failure> {
        let mut line = String::new();
        io::BufRead::read_line(&mut BufReader::new(File::open(&self.csv)?), &mut line)?;
        Ok(line.trim_end().split(',').map(str::to_owned).collect())
    }
}

/// The most that this process has held.
fn peak_mib() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: u64 = line.and_then(|line| line.split_whitespace().next()).ok_or("no VmHWM")?.parse()?;
    Ok(kib >> 10)
}
