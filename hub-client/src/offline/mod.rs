//! The check without a hub: the same checker over the same pieces, so that the verdict is the hub's.

mod crew;
mod file;
mod keys;

use std::io;
use std::path::Path;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use hub_datasets::check::{Checked, Checker, Comparing, PieceLimits, ReadAt, Stop};
use hub_datasets::report::Findings;
use hub_datasets::{MediaType, Report, Severity};

use crew::Crew;
pub use file::PayloadFile;
use keys::{Disorder, Keys};

/// Bounds of the pieces; the longest record is the hub's own limit.
const LIMITS: PieceLimits =
    PieceLimits { chunk_bytes: 1 << 20, record_bytes: 1 << 20, block_bytes: 1 << 20, rows: 16_384 };

/// Checks a file. `progress` is told how many bytes were read.
pub fn check(
    path: &Path,
    media_type: MediaType,
    checker: &Checker,
    mut comparing: Comparing,
    progress: &dyn Fn(u64),
) -> io::Result<Report> {
    let length = std::fs::metadata(path)?.len();
    let reading = Reading { path, media_type, checker, progress };
    let mut add = |checked: &Checked| comparing.add(&checked.batch, &checked.lines);
    // Sums are right after one whole reading, in whatever order the rows come.
    if let Some(pass) = reading.pass(Keys::in_order(checker)?, &mut add)? {
        return Ok(pass.report(checker, comparing));
    }
    comparing.restart().map_err(|error| io::Error::other(error.to_string()))?;
    // The rows do not come in key order. Keys are compared by what was seen, part by part in as many
    // readings as it takes to hold one part in memory.
    let parts = keys::parts(length);
    let mut first = None;
    for part in 0..parts {
        let mut add = |checked: &Checked| {
            if part == 0 {
                comparing.add(&checked.batch, &checked.lines);
            }
        };
        let Some(pass) = reading.pass(Keys::seen(checker, part, parts)?, &mut add)? else {
            return Err(io::Error::other("keys were compared in order where there is none"));
        };
        match &mut first {
            None => first = Some(pass),
            Some(first) => first.keys.join(pass.keys),
        }
    }
    first.map(|pass| pass.report(checker, comparing)).ok_or_else(|| io::Error::other("nothing was read"))
}

/// Reads the rows of a file that others are compared with. False when it cannot be read as its pattern says.
pub fn rows(
    path: &Path,
    media_type: MediaType,
    checker: &Checker,
    mut take: impl FnMut(&RecordBatch),
) -> io::Result<bool> {
    let file: Arc<dyn ReadAt> = Arc::new(PayloadFile::open(path)?);
    let mut pieces = checker.pieces(media_type, file, LIMITS);
    loop {
        match pieces.next_piece() {
            Ok(Some(piece)) => {
                let checked = piece.check(checker);
                if checked.findings.worst() == Some(Severity::Block) {
                    return Ok(false);
                }
                take(&checked.batch);
            }
            Ok(None) => return Ok(true),
            Err(Stop::Findings(_)) => return Ok(false),
            Err(Stop::Io(error)) => return Err(error),
        }
    }
}

struct Reading<'a> {
    path: &'a Path,
    media_type: MediaType,
    checker: &'a Checker,
    progress: &'a dyn Fn(u64),
}

/// What one reading of the file found.
struct Pass {
    findings: Findings,
    rows_read: u64,
    keys: Keys,
}

impl Reading<'_> {
    /// None when rows turned out to come in no order.
    fn pass(&self, keys: Keys, add: &mut dyn FnMut(&Checked)) -> io::Result<Option<Pass>> {
        let mut pass = Pass { findings: Findings::default(), rows_read: 0, keys };
        let file = Arc::new(PayloadFile::open(self.path)?);
        let payload = Arc::clone(&file) as Arc<dyn ReadAt>;
        let mut pieces = self.checker.pieces(self.media_type, payload, LIMITS);
        let in_order = std::thread::scope(|scope| {
            let mut crew = Crew::start(scope, self.checker);
            let mut open = true;
            // Findings that end the reading come after those of the pieces before.
            let mut stopped = Findings::default();
            loop {
                while open && crew.has_place() {
                    match pieces.next_piece() {
                        Ok(Some(piece)) => crew.submit(piece)?,
                        Ok(None) => open = false,
                        Err(Stop::Findings(findings)) => (open, stopped) = (false, *findings),
                        Err(Stop::Io(error)) => return Err(error),
                    }
                    (self.progress)(file.bytes_read());
                }
                pass.findings.merge(pieces.early());
                let Some(checked) = crew.next()? else { break };
                add(&checked);
                if pass.take(checked, self.checker)? == Err(Disorder) {
                    return Ok(false);
                }
            }
            pass.findings.merge(stopped);
            Ok(true)
        })?;
        Ok(in_order.then_some(pass))
    }
}

impl Pass {
    fn take(&mut self, checked: Checked, checker: &Checker) -> io::Result<Result<(), Disorder>> {
        self.rows_read += checked.rows;
        self.findings.merge(checked.findings);
        match self.keys.take(&checked.batch, &checked.lines, checker)? {
            Ok(repeated) => {
                self.findings.merge(repeated);
                Ok(Ok(()))
            }
            Err(disorder) => Ok(Err(disorder)),
        }
    }

    fn report(mut self, checker: &Checker, comparing: Comparing) -> Report {
        self.findings.merge(self.keys.into_findings());
        let compared = checker.compare(&comparing, &self.findings);
        checker.finish(self.findings, self.rows_read, compared)
    }
}

#[cfg(test)]
mod tests;
