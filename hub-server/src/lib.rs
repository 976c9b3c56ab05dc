//! The house of the hub. Data meets the rooms in the order of `ARCHITECTURE.md`; a room uses only
//! rooms further down, and only `app` sees them all.

pub mod app;
pub mod cli;

mod flight;
mod grpc;
mod http;

mod desk;

mod identity;

mod extract;
mod intake;
mod notices;
mod read;

mod commit;
mod query;

mod catalog;
mod store;

mod clock;
mod config;
mod error;
mod fault;
mod listen;
mod packed;
mod process;
mod seal;
mod sign;
mod telemetry;

/// Permits: only `identity` can make one, every room may ask for one.
use identity::permit;
