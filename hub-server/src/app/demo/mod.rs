//! `hub-server demo`: the main job, start to end, over real gRPC and HTTP, on real data where there is
//! some; the output says which is which.

mod download;
mod steps;
mod tell;

use std::path::{Path, PathBuf};
use std::time::Instant;

use hub_client::{Client, Profile};

use super::compose::Hub;
use super::dev::{self, DevError};
use crate::config::{Config, Strings, set_option};
use crate::identity::Scope;

/// The demo's hub and its callers.
struct Story {
    hub: Hub,
    folder: PathBuf,
}

impl Story {
    /// A client of one organisation with a key of its own.
    async fn client(&self, organisation: &str, scopes: &[Scope]) -> Result<Client, DevError> {
        let mut profile = Profile::anonymous(format!("http://{}", self.hub.grpc_addr()));
        profile.token = Some(dev::key(self.hub.catalog(), organisation, scopes, "demo").await?);
        Ok(Client::connect(&profile)?)
    }
}

/// Runs the demo. Its folder is temporary unless the caller names one or asks to keep it.
pub(crate) async fn demo(named: Option<PathBuf>, keep: bool) -> Result<(), DevError> {
    let began = Instant::now();
    let keep = keep || named.is_some();
    let folder = match named {
        Some(folder) => empty(folder)?,
        None => temporary()?,
    };
    let told = tell_story(&config(&folder)?).await;
    if keep {
        println!("\nThe data folder stays: {}", folder.display());
        println!("Look around with: hub-server dev --data-dir {}", folder.display());
    } else {
        remove(&folder)?;
    }
    told?;
    println!("\nThe demo took {:.1} s.", began.elapsed().as_secs_f64());
    Ok(())
}

/// A hub on free ports of loopback.
fn config(folder: &Path) -> Result<Config, DevError> {
    let flags =
        [("data_dir", folder.display().to_string()), ("grpc_addr", FREE.into()), ("http_addr", FREE.into())];
    let mut table = toml::Table::new();
    for (name, value) in flags {
        set_option(&mut table, name, toml::Value::String(value));
    }
    Config::load(None, &table, &Silent).map_err(|error| DevError::Story(error.to_string()))
}

const FREE: &str = "127.0.0.1:0";

/// No environment: the demo is the same everywhere.
struct Silent;

impl Strings for Silent {
    fn get(&self, _name: &str) -> Option<String> {
        None
    }
}

/// The folder as it is, if nothing lies in it: the demo never writes beside what is somebody's.
fn empty(folder: PathBuf) -> Result<PathBuf, DevError> {
    let holds_nothing = match std::fs::read_dir(&folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
        Err(source) => return Err(DevError::File { path: folder.display().to_string(), source }),
    };
    if holds_nothing {
        return Ok(folder);
    }
    let shown = folder.display();
    Err(DevError::Story(format!("the folder {shown} is not empty; name one that is, or that does not exist")))
}

fn temporary() -> Result<PathBuf, DevError> {
    let made = tempfile::Builder::new().prefix("hub-demo-").tempdir();
    made.map(tempfile::TempDir::keep)
        .map_err(|source| DevError::File { path: std::env::temp_dir().display().to_string(), source })
}

async fn tell_story(config: &Config) -> Result<(), DevError> {
    let hub = Hub::start(config).await?;
    hub.open();
    let story = Story { hub, folder: config.data_dir.clone() };
    let told = steps::all(&story).await;
    story.hub.stop().await;
    told
}

fn remove(folder: &Path) -> Result<(), DevError> {
    std::fs::remove_dir_all(folder)
        .map_err(|source| DevError::File { path: folder.display().to_string(), source })
}
