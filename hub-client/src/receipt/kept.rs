//! The keys that a profile's hub showed, kept from the first meeting on: what verifies receipts without the hub.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hub_datasets::receipt::KeySet;

use crate::error::{ClientError, Deed};
use crate::fault::ProfileFault;
use crate::profile::is_name;
use crate::temporary::Temporary;

/// What was new at a meeting with the hub.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Met {
    /// No key was kept before.
    pub first: bool,
    /// Ids of keys that were not kept before.
    pub added: Vec<String>,
    /// Ids of keys that are kept and that the hub shows no more, as no hub should.
    pub missing: Vec<String>,
}

/// The keys kept for one profile, in `state/receipt-keys/PROFILE.json` of the config folder.
#[derive(Debug, Clone)]
pub struct KeptKeys {
    path: PathBuf,
    keys: KeySet,
}

impl KeptKeys {
    /// Reads them; none are kept before the first meeting. A file that cannot be read is an error, for whoever
    /// damaged it could have the next hub that comes believed.
    pub fn load(config_dir: &Path, profile: &str) -> Result<Self, ClientError> {
        if !is_name(profile) {
            return Err(ClientError::profile(profile, ProfileFault::Name));
        }
        let path = config_dir.join("state").join("receipt-keys").join(format!("{profile}.json"));
        let failed = |source| ClientError::file(Deed::Read, &path, source);
        let keys = match fs::read_to_string(&path) {
            Ok(text) => KeySet::parse(&text)
                .map_err(|fault| failed(io::Error::new(io::ErrorKind::InvalidData, fault)))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => KeySet::default(),
            Err(source) => return Err(failed(source)),
        };
        Ok(Self { path, keys })
    }

    /// The keys.
    pub fn keys(&self) -> &KeySet {
        &self.keys
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes up what the hub shows now, and keeps what it shows no more.
    pub fn take_up(&mut self, shown: KeySet) -> Result<Met, ClientError> {
        let before = self.keys.clone();
        let missing = before.keys.iter().filter(|key| shown.get(&key.id).is_none());
        let missing = missing.map(|key| key.id.clone()).collect();
        let added = self.keys.take_up(shown);
        if self.keys != before {
            let write = || {
                fs::create_dir_all(self.path.parent().unwrap_or(&self.path))?;
                let mut temporary = Temporary::beside(&self.path)?;
                temporary.write(format!("{}\n", self.keys.to_json()).as_bytes())?;
                temporary.settle(&self.path)
            };
            write().map_err(|source| ClientError::file(Deed::Write, &self.path, source))?;
        }
        Ok(Met { first: before.keys.is_empty(), added, missing })
    }
}
