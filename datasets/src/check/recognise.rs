//! Which pattern and period a file is of, where it tells them: what names its columns fits one pattern alone,
//! and its rows say their period.

use std::io;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::record_batch::RecordBatch;

use super::pieces::{PieceLimits, ReadAt};
use super::{Checker, Context, Stop};
use crate::pattern::PatternError;
use crate::{CodeLists, MediaType, Pattern, Patterns, Period, Settings};

/// Bounds of the one piece that is looked at.
const LIMITS: PieceLimits =
    PieceLimits { chunk_bytes: 64 << 10, record_bytes: 1 << 20, block_bytes: 64 << 10, rows: 1_000 };

/// A pattern that a file fits.
#[derive(Debug, Clone)]
pub struct Fit {
    /// Its newest version.
    pub pattern: Arc<Pattern>,
    /// What the first row that says one says.
    pub period: Option<Period>,
}

/// Why a file cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum RecogniseError {
    /// Its bytes cannot be had.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A pattern cannot be used.
    #[error(transparent)]
    Pattern(#[from] PatternError),
}

/// The patterns that a file fits by what names its columns, of those that are asked for. Reads a payload's
/// first rows once for each pattern, with what its sender says of it.
pub fn recognise(
    patterns: &Patterns,
    lists: &Arc<CodeLists>,
    asked: impl Fn(&Pattern) -> bool,
    settings: impl Fn(&Pattern) -> Settings,
    media: MediaType,
    payload: &Arc<dyn ReadAt>,
) -> Result<Vec<Fit>, RecogniseError> {
    let mut fits: Vec<Fit> = Vec::new();
    let mut last = "";
    for pattern in patterns.iter() {
        // The newest version of each comes first.
        let is_newest = std::mem::replace(&mut last, &pattern.id) != pattern.id;
        if is_newest
            && asked(pattern)
            && let Some(period) = fitting(pattern, lists, settings(pattern), media, payload)?
        {
            fits.push(Fit { pattern: Arc::clone(pattern), period });
        }
    }
    Ok(fits)
}

/// The period of a file that fits a pattern; None when it does not fit.
fn fitting(
    pattern: &Arc<Pattern>,
    lists: &Arc<CodeLists>,
    settings: Settings,
    media: MediaType,
    payload: &Arc<dyn ReadAt>,
) -> Result<Option<Option<Period>>, RecogniseError> {
    let (pattern, lists) = (Arc::clone(pattern), Arc::clone(lists));
    let checker = Checker::new(Context { pattern, lists, period: None, publisher: None })?.with(settings);
    let mut pieces = checker.pieces(media, Arc::clone(payload), LIMITS);
    match pieces.next_piece() {
        Ok(Some(piece)) => Ok(Some(period(&piece.check(&checker).batch))),
        Ok(None) | Err(Stop::Findings(_)) => Ok(None),
        Err(Stop::Io(error)) => Err(error.into()),
    }
}

fn period(batch: &RecordBatch) -> Option<Period> {
    let said = batch.column_by_name("okres")?.as_string_opt::<i32>()?;
    said.iter().flatten().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(media: MediaType, bytes: &[u8]) -> Vec<String> {
        let payload: Arc<dyn ReadAt> = Arc::new(bytes::Bytes::copy_from_slice(bytes));
        let (patterns, lists) = (Patterns::embedded().unwrap(), Arc::new(CodeLists::embedded().unwrap()));
        let fits = recognise(&patterns, &lists, |_| true, |_| Settings::default(), media, &payload).unwrap();
        let told = |fit: &Fit| match &fit.period {
            Some(period) => format!("{} {period}", fit.pattern.id),
            None => fit.pattern.id.clone(),
        };
        fits.iter().map(told).collect()
    }

    fn sample(path: &str) -> &'static [u8] {
        crate::pattern::embedded_sample(path).unwrap()
    }

    #[test]
    fn a_file_says_what_it_is() {
        let package = sample("rb28s/1.0.0/samples/invalid/paczka-cala.xml");
        assert_eq!(fits(MediaType::Xml, package), ["rb28s 2022-Q4"]);
        assert_eq!(fits(MediaType::Xml, sample("rb27s/1.0.0/samples/valid/paczka.xml")), ["rb27s 2022-Q4"]);
        let table = sample("rb28s/1.0.0/samples/valid/kutno-sp1-2022-q4-metryka.csv");
        assert_eq!(fits(MediaType::Csv, table), ["rb28s 2022-Q4"]);
        assert_eq!(fits(MediaType::Csv, sample("rb27s/1.0.0/samples/valid/kutno-2022-q4.csv")), ["rb27s"]);
        let contracts = sample("rejestr_umow/1.0.0/samples/valid/cru.json");
        assert_eq!(fits(MediaType::Json, contracts), ["rejestr_umow", "rejestr_umow_strony"]);
        let sheet = sample("rb28s/1.0.0/samples/valid/biuro-dwuwierszowy-naglowek.xlsx");
        assert_eq!(fits(MediaType::Xlsx, sheet), ["rb28s"]);
    }

    #[test]
    fn what_fits_nothing_or_two_patterns_is_not_guessed() {
        assert!(fits(MediaType::Csv, b"a,b\n1,2\n").is_empty());
        assert!(fits(MediaType::Xml, b"<A>1</A>").is_empty());
        let both = b"jednostka_regon,dzial,rozdzial,paragraf,p4,plan\n001070630,801,80101,401,0,1\n";
        assert_eq!(fits(MediaType::Csv, both), ["rb27s", "rb28s"]);
    }
}
