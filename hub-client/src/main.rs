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
mod usage;

fn main() -> ExitCode {
    let environment = hub_client::Environment::read();
    let args = match args::Args::try_parse() {
        Ok(args) => args,
        Err(error) => return misread(&error, environment.polish),
    };
    let session = session::Session::new(&args, environment);
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

/// Help and version are shown as they are; a mistake is told in the reader's language.
fn misread(error: &clap::Error, in_polish: bool) -> ExitCode {
    match usage::polish(error).filter(|_| in_polish) {
        Some(message) => {
            eprintln!("{message}");
            exit::Exit::Usage.into()
        }
        None => error.exit(),
    }
}
