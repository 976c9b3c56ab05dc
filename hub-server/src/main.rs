//! The `hub-server` command. Exit codes: 0 done, 1 the deed or the start failed, 2 wrong usage,
//! 64 the configuration is not valid.

use std::process::ExitCode;

// Many threads make and drop batches of all sizes; the C library's allocator keeps what each of them freed.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    hub_server::cli::run()
}
