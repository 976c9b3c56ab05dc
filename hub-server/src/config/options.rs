//! Every option: its name, the kind of its value, its default and what it is for. `hub.example.toml` and the
//! operator's guide are held against this list by tests.

use toml::{Table, Value};

use super::{ConfigError, Strings, limits};

/// One option of the configuration.
#[derive(Debug)]
pub(super) struct Opt {
    /// Dotted name in `hub.toml`.
    pub(super) name: &'static str,
    pub(super) default: Default,
}

/// The default of an option; it also tells the kind of the value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Default {
    /// A text that is not set.
    Unset,
    Text(&'static str),
    Number(u64),
}

const fn text(name: &'static str, default: &'static str) -> Opt {
    Opt { name, default: Default::Text(default) }
}
const fn unset(name: &'static str) -> Opt {
    Opt { name, default: Default::Unset }
}
const fn number(name: &'static str, default: u64) -> Opt {
    Opt { name, default: Default::Number(default) }
}

pub(super) const OPTIONS: &[Opt] = &[
    unset("data_dir"),
    text("grpc_addr", "127.0.0.1:50051"),
    text("http_addr", "127.0.0.1:8080"),
    unset("public_url"),
    unset("patterns_dir"),
    number("shutdown_grace_seconds", limits::SHUTDOWN_GRACE_SECONDS),
    unset("tls.cert"),
    unset("tls.key"),
    text("log.level", "info"),
    text("log.format", "compact"),
    text("history.reach", "all"),
    unset("history.datasets"),
    number("history.removed_days", limits::REMOVED_DAYS),
    text("webhooks.private", "refuse"),
    number("webhooks.tries", limits::WEBHOOK_TRIES),
    number("webhooks.retry_seconds", limits::WEBHOOK_RETRY_SECONDS),
    number("limits.payload_mib", limits::PAYLOAD_MIB),
    number("limits.query_memory_mib", limits::QUERY_MEMORY_MIB),
    number("limits.query_spill_mib", limits::QUERY_SPILL_MIB),
    number("limits.query_deadline_seconds", limits::QUERY_DEADLINE_SECONDS),
    number("limits.query_rows", limits::QUERY_ROWS),
    number("limits.checks", limits::CHECKS),
    number("limits.connections", limits::CONNECTIONS),
    number("limits.open_submissions", limits::OPEN_SUBMISSIONS),
    number("limits.receiving_hours", limits::RECEIVING_HOURS),
    number("limits.worker_memory_mib", limits::WORKER_MEMORY_MIB),
    number("limits.worker_seconds", limits::WORKER_SECONDS),
    number("limits.open_version_ms", limits::OPEN_VERSION_MS),
    number("limits.checkpoint_versions", limits::CHECKPOINT_VERSIONS),
    number("limits.log_margin_versions", limits::LOG_MARGIN_VERSIONS),
];

/// The variable of an option: `limits.query_rows` is `HUB_LIMITS_QUERY_ROWS`.
fn variable(option: &str) -> String {
    format!("HUB_{}", option.replace('.', "_").to_uppercase())
}

pub(super) fn defaults() -> Table {
    let mut table = Table::new();
    for option in OPTIONS {
        match option.default {
            Default::Unset => {}
            Default::Text(value) => set(&mut table, option.name, Value::String(value.to_owned())),
            Default::Number(value) => set(&mut table, option.name, number_value(value)),
        }
    }
    table
}

/// Options that are set in the environment. An empty variable is one that is not set.
pub(super) fn from_variables(variables: &dyn Strings) -> Result<Table, ConfigError> {
    let mut table = Table::new();
    for option in OPTIONS {
        let variable = variable(option.name);
        let Some(value) = variables.get(&variable).filter(|value| !value.is_empty()) else { continue };
        let value = match option.default {
            Default::Unset | Default::Text(_) => Value::String(value),
            Default::Number(_) => match value.trim().parse() {
                Ok(number) => number_value(number),
                Err(_) => return Err(ConfigError::Variable { variable, value, expected: "whole number" }),
            },
        };
        set(&mut table, option.name, value);
    }
    Ok(table)
}

/// TOML counts to 2^63 − 1; a larger number is refused when the options are checked.
fn number_value(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Sets `a.b` to a value.
pub(crate) fn set(table: &mut Table, name: &str, value: Value) {
    match name.split_once('.') {
        None => {
            table.insert(name.to_owned(), value);
        }
        Some((section, rest)) => {
            let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(section) = section {
                set(section, rest, value);
            }
        }
    }
}

/// Lays a table over another: its values win, sections are merged.
pub(super) fn overlay(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(base)), Value::Table(over)) => overlay(base, over),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// The first key of a table that is no option, dotted.
pub(super) fn unknown_key(table: &Table) -> Option<String> {
    names(table).into_iter().find(|name| !OPTIONS.iter().any(|option| option.name == name))
}

/// Dotted names of all values of a table.
pub(super) fn names(table: &Table) -> Vec<String> {
    let mut names = Vec::new();
    for (key, value) in table {
        match value {
            Value::Table(section) => {
                names.extend(self::names(section).into_iter().map(|name| format!("{key}.{name}")));
            }
            _ => names.push(key.clone()),
        }
    }
    names
}
