//! Seeded synthetic payloads: real codes, made-up units, amounts drawn from the quantiles of real reports.
//!
//! The payloads are valid under their pattern, have unique keys and come sorted by key. They are
//! for demonstrations, tests and measurements, and whoever shows them says that they are synthetic.

use std::io::{Error, ErrorKind, Result, Write};

use crate::{CodeLists, Pattern, Period};

mod air;
mod budget;
pub(crate) mod draw;
#[cfg(test)]
mod tests;

/// Ids of the patterns that can be synthesised.
pub const PATTERNS: [&str; 3] = ["rb28s", "rb27s", "jakosc_powietrza"];

/// What a payload is made from.
struct Order<'a> {
    lists: &'a CodeLists,
    publisher_terc6: &'a str,
    period: &'a Period,
    rows: u64,
    seed: u64,
}

/// Writes `rows` CSV rows of a pattern for one publisher and period; the same seed gives the same bytes.
///
/// `out` gets many small writes: give it a buffered writer. A pattern outside [`PATTERNS`] is
/// [`ErrorKind::Unsupported`].
pub fn csv(
    pattern: &Pattern,
    lists: &CodeLists,
    publisher_terc6: &str,
    period: &Period,
    rows: u64,
    seed: u64,
    out: &mut dyn Write,
) -> Result<()> {
    if publisher_terc6.len() != 6 || !publisher_terc6.bytes().all(|b| b.is_ascii_digit()) {
        return Err(invalid(format!("`{publisher_terc6}` is no unit; write six digits of TERC")));
    }
    let order = Order { lists, publisher_terc6, period, rows, seed };
    match pattern.id.as_str() {
        "rb28s" => budget::expenditure(&order, out),
        "rb27s" => budget::income(&order, out),
        "jakosc_powietrza" => air::measurements(&order, out),
        other => Err(Error::new(
            ErrorKind::Unsupported,
            format!("pattern `{other}` has no synthetic data; choose one of {PATTERNS:?}"),
        )),
    }
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidInput, message)
}
