//! The configuration: `hub.toml`, then flags, then `HUB_*` variables, each overriding the one before.
//! The only room that reads the environment.
//!
//! `hub.example.toml` shows every option with its default and what it is for.

pub(crate) mod history;
pub(crate) mod limits;
mod options;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use history::History;
#[cfg(test)]
use options::OPTIONS;
pub(crate) use options::set as set_option;

/// All that the server lets an operator decide, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) data_dir: PathBuf,
    pub(crate) grpc_addr: SocketAddr,
    pub(crate) http_addr: SocketAddr,
    /// Certificate chain and key, PEM; required off loopback.
    pub(crate) tls: Option<Tls>,
    /// Address under which others reach the HTTP listener, without a slash at its end.
    pub(crate) public_url: Option<String>,
    /// Patterns besides the embedded ones.
    pub(crate) patterns_dir: Option<PathBuf>,
    pub(crate) shutdown_grace: Duration,
    pub(crate) log: Log,
    pub(crate) history: History,
    pub(crate) webhooks: Webhooks,
    pub(crate) limits: Limits,
}

/// How news is sent to addresses of subscribers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Webhooks {
    /// To private, link-local and like addresses too.
    pub(crate) private: bool,
    pub(crate) tries: u32,
    /// Before the second try; doubled with each.
    pub(crate) pause: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tls {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Log {
    /// `error` to `trace`, or directives such as `info,hub_server::commit=debug`.
    pub(crate) level: String,
    pub(crate) format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// A line for people.
    Compact,
    /// A JSON object per line for machines.
    Json,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) payload_bytes: u64,
    pub(crate) query_memory_bytes: usize,
    pub(crate) query_spill_bytes: u64,
    pub(crate) query_deadline: Duration,
    pub(crate) query_rows: u64,
    pub(crate) checks: usize,
    pub(crate) connections: usize,
    pub(crate) open_submissions: usize,
    pub(crate) receiving: Duration,
    pub(crate) worker_memory_bytes: u64,
    pub(crate) worker_silence: Duration,
    pub(crate) open_version: Duration,
    pub(crate) checkpoint_versions: u64,
    pub(crate) log_margin_versions: u64,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("the configuration {path} cannot be read: {source}")]
    Unreadable { path: String, source: std::io::Error },
    #[error("the configuration {path} is not valid: {message}")]
    NotToml { path: String, message: String },
    #[error("the configuration is not valid: {0}")]
    NotValid(String),
    #[error("`{variable}` is `{value}`, which is no {expected}")]
    Variable { variable: String, value: String, expected: &'static str },
    #[error(
        "{option} is {address}, which is not loopback, and there is no certificate: set tls.cert and tls.key, or listen on 127.0.0.1"
    )]
    TlsRequired { option: &'static str, address: SocketAddr },
    #[error("tls.{given} is set and tls.{lacking} is not; a certificate needs both")]
    TlsHalf { given: &'static str, lacking: &'static str },
    #[error(
        "data_dir is not set: say where the data is to live (`--data-dir`, HUB_DATA_DIR or data_dir in the configuration)"
    )]
    NoDataDir,
}

/// Where settings outside the file come from.
pub(crate) trait Strings {
    /// Value of a variable; None: not set.
    fn get(&self, name: &str) -> Option<String>;
}

/// Arms the fault point that `HUB_FAULT` names as `name:pass`; only debug builds know the variable.
#[cfg(debug_assertions)]
pub(crate) fn arm_fault() -> Result<(), String> {
    fault_order().map_or(Ok(()), |order| crate::fault::arm(&order))
}

/// The variable as it is handed on to workers.
#[cfg(debug_assertions)]
pub(crate) fn fault_order() -> Option<String> {
    Environment.get("HUB_FAULT")
}

/// Variables that name the user of this session, the one behind sudo first.
const USER: [&str; 3] = ["SUDO_USER", "USER", "LOGNAME"];

/// Who runs this command, as far as the session says.
pub(crate) fn user() -> Option<String> {
    USER.iter().find_map(|name| Environment.get(name).filter(|user| !user.is_empty()))
}

/// The process's environment.
#[derive(Debug)]
pub(crate) struct Environment;

impl Strings for Environment {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    fn get(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

impl<F: Fn(&str) -> Option<String>> Strings for F {
    fn get(&self, name: &str) -> Option<String> {
        self(name)
    }
}

/// The options as they are written, before they are checked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    data_dir: Option<PathBuf>,
    grpc_addr: SocketAddr,
    http_addr: SocketAddr,
    public_url: Option<String>,
    patterns_dir: Option<PathBuf>,
    shutdown_grace_seconds: u64,
    #[serde(default)]
    tls: WrittenTls,
    log: WrittenLog,
    history: WrittenHistory,
    webhooks: WrittenWebhooks,
    limits: WrittenLimits,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenWebhooks {
    private: String,
    tries: u64,
    retry_seconds: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTls {
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenLog {
    level: String,
    format: LogFormat,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenHistory {
    reach: String,
    datasets: Option<String>,
    removed_days: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenLimits {
    payload_mib: u64,
    query_memory_mib: u64,
    query_spill_mib: u64,
    query_deadline_seconds: u64,
    query_rows: u64,
    checks: u64,
    connections: u64,
    open_submissions: u64,
    receiving_hours: u64,
    worker_memory_mib: u64,
    worker_seconds: u64,
    open_version_ms: u64,
    checkpoint_versions: u64,
    log_margin_versions: u64,
}

impl Config {
    /// True when nobody off this machine reaches the hub.
    pub(crate) fn is_on_loopback(&self) -> bool {
        self.grpc_addr.ip().is_loopback() && self.http_addr.ip().is_loopback()
    }

    /// Where the catalogue lives in the data folder.
    pub(crate) fn catalog_path(&self) -> PathBuf {
        self.data_dir.join("catalog.sqlite")
    }

    /// Puts a configuration together: defaults, the file, flags, variables; later ones win.
    pub(crate) fn load(
        file: Option<&Path>,
        flags: &toml::Table,
        variables: &dyn Strings,
    ) -> Result<Self, ConfigError> {
        let mut table = options::defaults();
        if let Some(path) = file {
            options::overlay(&mut table, read(path)?);
        }
        options::overlay(&mut table, flags.clone());
        options::overlay(&mut table, options::from_variables(variables)?);
        let written: Written =
            table.try_into().map_err(|error: toml::de::Error| ConfigError::NotValid(plain(&error)))?;
        written.check()
    }
}

impl Written {
    fn check(self) -> Result<Config, ConfigError> {
        let tls = match (self.tls.cert, self.tls.key) {
            (Some(cert), Some(key)) => Some(Tls { cert, key }),
            (Some(_), None) => return Err(ConfigError::TlsHalf { given: "cert", lacking: "key" }),
            (None, Some(_)) => return Err(ConfigError::TlsHalf { given: "key", lacking: "cert" }),
            (None, None) => None,
        };
        for (option, address) in [("grpc_addr", self.grpc_addr), ("http_addr", self.http_addr)] {
            if tls.is_none() && !address.ip().is_loopback() {
                return Err(ConfigError::TlsRequired { option, address });
            }
        }
        let is_whole = |url: &str| url.starts_with("https://") || url.starts_with("http://");
        if let Some(url) = self.public_url.as_deref().filter(|url| !is_whole(url)) {
            return Err(ConfigError::NotValid(format!(
                "public_url is `{url}`; write a whole address such as https://hub.example.gov.pl"
            )));
        }
        Ok(Config {
            data_dir: self
                .data_dir
                .filter(|dir| !dir.as_os_str().is_empty())
                .ok_or(ConfigError::NoDataDir)?,
            grpc_addr: self.grpc_addr,
            http_addr: self.http_addr,
            tls,
            public_url: self.public_url.map(|url| url.trim_end_matches('/').to_owned()),
            patterns_dir: self.patterns_dir,
            shutdown_grace: Duration::from_secs(self.shutdown_grace_seconds),
            log: Log { level: self.log.level, format: self.log.format },
            history: self.history.check()?,
            webhooks: self.webhooks.check()?,
            limits: self.limits.check()?,
        })
    }
}

impl WrittenWebhooks {
    fn check(&self) -> Result<Webhooks, ConfigError> {
        let private = match self.private.as_str() {
            "refuse" => false,
            "allow" => true,
            other => {
                return Err(ConfigError::NotValid(format!(
                    "webhooks.private is `{other}`; write refuse, or allow for receivers inside your own network"
                )));
            }
        };
        let tries = u32::try_from(self.tries).ok().filter(|tries| *tries > 0).ok_or_else(|| {
            ConfigError::NotValid(format!("webhooks.tries is {}; write a number from 1 on", self.tries))
        })?;
        // A day at most, or a number of seconds would be no time any more.
        let pause = Duration::from_secs(self.retry_seconds.min(86_400));
        Ok(Webhooks { private, tries, pause })
    }
}

impl WrittenHistory {
    fn check(&self) -> Result<History, ConfigError> {
        let removed_days = u32::try_from(self.removed_days).map_err(|_| {
            let days = self.removed_days;
            ConfigError::NotValid(format!(
                "history.removed_days is {days}; write a number of days, 0 included"
            ))
        })?;
        History::parse(&self.reach, self.datasets.as_deref(), removed_days)
    }
}

impl WrittenLimits {
    fn check(&self) -> Result<Limits, ConfigError> {
        Ok(Limits {
            payload_bytes: times("payload_mib", self.payload_mib, 1 << 20)?,
            query_memory_bytes: count(
                "query_memory_mib",
                times("query_memory_mib", self.query_memory_mib, 1 << 20)?,
            )?,
            query_spill_bytes: times("query_spill_mib", self.query_spill_mib, 1 << 20)?,
            query_deadline: Duration::from_secs(times(
                "query_deadline_seconds",
                self.query_deadline_seconds,
                1,
            )?),
            query_rows: times("query_rows", self.query_rows, 1)?,
            checks: count("checks", self.checks)?,
            connections: count("connections", self.connections)?,
            open_submissions: count("open_submissions", self.open_submissions)?,
            receiving: Duration::from_secs(times("receiving_hours", self.receiving_hours, 3600)?),
            worker_memory_bytes: times("worker_memory_mib", self.worker_memory_mib, 1 << 20)?,
            worker_silence: Duration::from_secs(times("worker_seconds", self.worker_seconds, 1)?),
            // Zero: each group of submissions is a dataset version at once.
            open_version: Duration::from_millis(self.open_version_ms),
            checkpoint_versions: times("checkpoint_versions", self.checkpoint_versions, 1)?,
            // Zero keeps no margin.
            log_margin_versions: self.log_margin_versions,
        })
    }
}

/// A bound in its base unit; zero would stop all work, and what cannot be counted is no bound.
fn times(option: &str, value: u64, unit: u64) -> Result<u64, ConfigError> {
    value.checked_mul(unit).filter(|product| *product > 0 && *product <= i64::MAX.unsigned_abs()).ok_or_else(
        || {
            ConfigError::NotValid(format!(
                "limits.{option} is {value}; write a number from 1 on that a machine can count"
            ))
        },
    )
}

fn count(option: &str, value: u64) -> Result<usize, ConfigError> {
    // Semaphores count to an eighth of the address space.
    usize::try_from(times(option, value, 1)?).map(|count| count.min(usize::MAX >> 4)).map_err(|_| {
        ConfigError::NotValid(format!("limits.{option} is {value}, more than this machine can address"))
    })
}

fn read(path: &Path) -> Result<toml::Table, ConfigError> {
    let shown = || path.display().to_string();
    let text =
        std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: shown(), source })?;
    let table: toml::Table = text
        .parse()
        .map_err(|error: toml::de::Error| ConfigError::NotToml { path: shown(), message: plain(&error) })?;
    match options::unknown_key(&table) {
        None => Ok(table),
        Some(key) => Err(ConfigError::NotToml {
            path: shown(),
            message: format!("there is no option `{key}`; hub.example.toml shows those that there are"),
        }),
    }
}

/// The parser's message without a dump of the file, which may hold what a log should not.
fn plain(error: &toml::de::Error) -> String {
    error.message().to_owned()
}
