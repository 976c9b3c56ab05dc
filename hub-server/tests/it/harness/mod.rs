//! What the tests start, call and look at: a real server, the real `hub`, the files that they leave.

mod campaign;
mod folder;
mod http;
mod line;
mod money;
mod pieces;
mod process;
mod samples;
mod server;

pub(crate) use campaign::campaign;
pub(crate) use folder::{files_below, lasting, leftovers, log_entries, open_payloads, unpacked};
pub(crate) use http::{Answer, get, get_with, keyed, post, request};
pub(crate) use line::{Line, Rules, canned};
pub(crate) use money::{column_grosze, grosze};
pub(crate) use process::{Output, children, run, server_binary, wait_for};
pub(crate) use samples::{
    KUTNO, PERIOD, air_sample, invalid_samples, kept_payload, kutno_sample, refused_streams, sample,
    synthetic,
};
pub(crate) use server::Server;
