//! The `hub-server` command. Exit codes: 0 done, 1 the deed or the start failed, 2 wrong usage,
//! 64 the configuration is not valid.

use std::process::ExitCode;

fn main() -> ExitCode {
    hub_server::cli::run()
}
