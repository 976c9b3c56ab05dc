//! Flags that override the configuration file.

use std::path::PathBuf;

use clap::Args;
use toml::{Table, Value};

use crate::config::{Config, ConfigError, Environment, set_option};

/// Where the data is, for commands that work while the server is stopped.
#[derive(Debug, Clone, Args)]
pub(super) struct Folder {
    /// Configuration file; see hub.example.toml for all options. HUB_* variables override it and the flags.
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Folder of all data (variable HUB_DATA_DIR).
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) data_dir: Option<String>,
}

/// Everything that `serve` takes; what has no flag is set in the file or by its variable.
#[derive(Debug, Clone, Args)]
pub(super) struct Serving {
    #[command(flatten)]
    folder: Folder,
    /// Address of the gRPC listener, 127.0.0.1:50051 by default.
    #[arg(long, value_name = "ADDR")]
    grpc_addr: Option<String>,
    /// Address of the HTTP listener, 127.0.0.1:8080 by default.
    #[arg(long, value_name = "ADDR")]
    http_addr: Option<String>,
    /// Address under which others reach the HTTP listener; links in answers begin with it.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Folder of patterns besides the embedded ones.
    #[arg(long, value_name = "DIR")]
    patterns_dir: Option<String>,
    /// Certificate chain, PEM; needed off loopback.
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<String>,
    /// Private key of the certificate, PEM.
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,
    /// error, warn, info, debug, trace, or directives by module.
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// compact or json.
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// How long running calls may go on after a signal to stop.
    #[arg(long, value_name = "SECONDS")]
    shutdown_grace_seconds: Option<u32>,
}

impl Folder {
    pub(super) fn config(&self) -> Result<Config, ConfigError> {
        Config::load(self.config.as_deref(), &self.flags(), &Environment)
    }

    fn flags(&self) -> Table {
        table([("data_dir", &self.data_dir)])
    }
}

impl Serving {
    pub(super) fn config(&self) -> Result<Config, ConfigError> {
        Config::load(self.folder.config.as_deref(), &self.flags(), &Environment)
    }

    pub(super) fn flags(&self) -> Table {
        let mut flags = table([
            ("data_dir", &self.folder.data_dir),
            ("grpc_addr", &self.grpc_addr),
            ("http_addr", &self.http_addr),
            ("public_url", &self.public_url),
            ("patterns_dir", &self.patterns_dir),
            ("tls.cert", &self.tls_cert),
            ("tls.key", &self.tls_key),
            ("log.level", &self.log_level),
            ("log.format", &self.log_format),
        ]);
        if let Some(seconds) = self.shutdown_grace_seconds {
            set_option(&mut flags, "shutdown_grace_seconds", Value::Integer(seconds.into()));
        }
        flags
    }
}

/// The flags that were given, as a configuration file would hold them.
fn table<const N: usize>(flags: [(&str, &Option<String>); N]) -> Table {
    let mut table = Table::new();
    for (name, value) in flags {
        if let Some(value) = value {
            set_option(&mut table, name, Value::String(value.clone()));
        }
    }
    table
}
