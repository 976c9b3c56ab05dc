//! Tracing: one line per event to stderr, for people or as JSON.
//!
//! Conventions: a call runs in a span `call` with `method`, `organisation` (once known) and
//! `submission` (once there is one). Its end is one line, `info` for writes and `debug` for reads and
//! health; a refusal carries `reason`. Keys, headers and cells are never
//! fields; whatever holds a secret shows it as `***` in Debug. A failure is logged where it ends, by
//! the door or the task that cannot pass it on.

mod call;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::TryInitError;

use crate::config::{Log, LogFormat};

pub(crate) use call::{Call, Deed, of_organisation, of_submission};

#[derive(Debug, thiserror::Error)]
pub(crate) enum TelemetryError {
    #[error(
        "log.level is `{level}`: {source}; write error, warn, info, debug, trace or directives by module"
    )]
    Level { level: String, source: tracing_subscriber::filter::ParseError },
    #[error("logging cannot start: {0}")]
    Init(#[from] TryInitError),
}

/// Starts logging for the whole process.
pub(crate) fn init(log: &Log) -> Result<(), TelemetryError> {
    use std::io::IsTerminal as _;

    use tracing_subscriber::util::SubscriberInitExt as _;

    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter(&log.level)?)
        .with_writer(std::io::stderr)
        // Colours are for a terminal; in a file or a journal they would be noise.
        .with_ansi(std::io::stderr().is_terminal());
    match log.format {
        LogFormat::Compact => builder.compact().finish().try_init()?,
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(true).finish().try_init()?,
    }
    Ok(())
}

fn filter(level: &str) -> Result<EnvFilter, TelemetryError> {
    EnvFilter::try_new(level).map_err(|source| TelemetryError::Level { level: level.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::filter;

    #[test]
    fn levels_and_directives_are_understood() {
        assert!(filter("info").is_ok());
        assert!(filter("warn,hub_server::commit=debug").is_ok());
        let error = filter("hub_server=loud").unwrap_err().to_string();
        assert!(error.starts_with("log.level is `hub_server=loud`"), "{error}");
    }
}
