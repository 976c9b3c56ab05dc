//! The hub's reader of NDJSON: one flat JSON object a line, read into the same raw cells as a CSV.
//!
//! A value is its text: numbers keep every digit that was sent, a string of digits is as good as a number,
//! `null` is an empty cell. The keys of the first object are the header; a key that a later line lacks is an
//! empty cell. Nothing is nested, so no input makes the reader recurse.

mod cutter;
mod object;
mod rows;
#[cfg(test)]
mod tests;

pub use cutter::LineCutter;
pub use object::Fault;
#[cfg(feature = "check")]
pub(crate) use object::{Scan, Text, Value, unescape};
pub use rows::{Key, Misfit, keys};
pub(crate) use rows::{Place, Rows};
