//! The command `hub`.

use std::process::ExitCode;

use clap::Parser as _;

mod args;
mod command;
mod exit;
mod output;
mod reasons;
mod session;
mod text;
mod told;

fn main() -> ExitCode {
    let args = args::Args::parse();
    let session = session::Session::new(&args, hub_client::Environment::read());
    let exit = match command::run(&session, args.command) {
        Ok(exit) => exit,
        Err(failure) => {
            if let Some(message) = failure.message(session.language) {
                eprintln!("hub: {message}");
            }
            failure.exit()
        }
    };
    exit.into()
}
