//! Tests of the commit, on a disk that can be cut off and made to fail at every call.

mod ages;
mod compaction;
mod decisions;
mod erasure;
mod harness;
mod integrity;
mod keeping;
mod open_version;
mod order;
mod outcomes;
mod power;
mod random;
mod reach;
mod schedules;
mod whole;
mod works;
