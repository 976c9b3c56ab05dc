//! The check without a hub: the same checker over the same pieces, so that the verdict is the hub's.

mod crew;
mod keys;
mod source;

use std::fs::File;
use std::io;
use std::path::Path;

use hub_client::MediaType;
use hub_datasets::Report;
use hub_datasets::check::{Checked, Checker, Stop};
use hub_datasets::report::Findings;

use crew::Crew;
use keys::{Disorder, Keys};
use source::Source;

/// Checks a file. `progress` is told how many bytes were read.
pub(crate) fn check(
    path: &Path,
    media_type: MediaType,
    checker: &Checker,
    progress: &dyn Fn(u64),
) -> io::Result<Report> {
    let length = std::fs::metadata(path)?.len();
    let reading = Reading { path, media_type, checker, progress };
    if let Some(pass) = reading.pass(Keys::in_order(checker)?)? {
        return Ok(pass.report(checker));
    }
    // The rows do not come in key order. Keys are compared by what was seen, part by part in as many
    // readings as it takes to hold one part in memory.
    let parts = keys::parts(length);
    let mut first = None;
    for part in 0..parts {
        let Some(pass) = reading.pass(Keys::seen(checker, part, parts)?)? else {
            return Err(io::Error::other("keys were compared in order where there is none"));
        };
        match &mut first {
            None => first = Some(pass),
            Some(first) => first.keys.join(pass.keys),
        }
    }
    first.map(|pass| pass.report(checker)).ok_or_else(|| io::Error::other("nothing was read"))
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
    fn pass(&self, keys: Keys) -> io::Result<Option<Pass>> {
        let mut pass = Pass { findings: Findings::default(), rows_read: 0, keys };
        let mut source = Source::open(File::open(self.path)?, self.media_type, self.checker);
        let in_order = std::thread::scope(|scope| {
            let mut crew = Crew::start(scope, self.checker);
            let mut open = true;
            // Findings that end the reading come after those of the pieces before.
            let mut stopped = Findings::default();
            loop {
                while open && crew.has_place() {
                    match source.next() {
                        Ok(Some(piece)) => crew.submit(piece)?,
                        Ok(None) => open = false,
                        Err(Stop::Findings(findings)) => (open, stopped) = (false, *findings),
                        Err(Stop::Io(error)) => return Err(error),
                    }
                    (self.progress)(source.bytes_read());
                }
                pass.findings.merge(source.early());
                let Some(checked) = crew.next()? else { break };
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

    fn report(mut self, checker: &Checker) -> Report {
        self.findings.merge(self.keys.into_findings());
        checker.finish(self.findings, self.rows_read)
    }
}

#[cfg(test)]
mod tests;
