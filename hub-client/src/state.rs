//! What `hub push` remembers until a verdict came: the request id under which a push was begun,
//! so that the same command takes it up again.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::error::{ClientError, Deed};
use crate::profile::private_file;

/// By what a repeated push is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushKey {
    /// Name of the profile.
    pub profile: String,
    /// What `identity_of` the payload gives; empty for nothing to report.
    pub payload: String,
    /// As `rb28s`.
    pub pattern: String,
    /// As `gmina-100201`; empty: the caller's own organisation.
    pub publisher: String,
    /// As `2022-Q4`.
    pub period: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Remembered {
    request_id: String,
    #[serde(flatten)]
    key: PushKey,
}

/// A push that has no verdict yet; one small file in `state/` of the config folder.
#[derive(Debug)]
pub struct Pending {
    path: PathBuf,
    request_id: String,
    resumed: bool,
}

impl Pending {
    /// Takes up the push that was begun with this key, or begins one. The id is durable before
    /// anything is sent, so that a power cut cannot make two submissions of one.
    pub fn take_up(config_dir: &Path, key: &PushKey) -> Result<Self, ClientError> {
        let folder = config_dir.join("state");
        let path = folder.join(file_name(key));
        if let Some(request_id) = remembered(&path, key)? {
            return Ok(Self { path, request_id, resumed: true });
        }
        let request_id = Uuid::new_v4().to_string();
        let remembered = Remembered { request_id: request_id.clone(), key: key.clone() };
        write(&folder, &path, &remembered).map_err(|source| ClientError::file(Deed::Write, &path, source))?;
        Ok(Self { path, request_id, resumed: false })
    }

    /// The id to push under.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// True when an earlier run of the command began this push.
    pub fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// A verdict came: the next push of the same bytes is a new one.
    pub fn settle(self) -> Result<(), ClientError> {
        match fs::remove_file(&self.path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(ClientError::file(Deed::Write, &self.path, source))
            }
            _ => Ok(()),
        }
    }
}

/// A hash of the key: values of the command line never become parts of a path.
fn file_name(key: &PushKey) -> String {
    let mut hash = Sha256::new();
    for part in [&key.profile, &key.payload, &key.pattern, &key.publisher, &key.period] {
        // With lengths, so that no two keys read alike.
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    let name: String = hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("{name}.json")
}

fn remembered(path: &Path, key: &PushKey) -> Result<Option<String>, ClientError> {
    match fs::read(path) {
        // A damaged file is as good as none: a fresh id costs one more upload, no more.
        Ok(bytes) => Ok(serde_json::from_slice::<Remembered>(&bytes)
            .ok()
            .filter(|found| found.key == *key && Uuid::try_parse(&found.request_id).is_ok())
            .map(|found| found.request_id)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ClientError::file(Deed::Read, path, source)),
    }
}

/// Written beside and renamed, so that a half-written file is never read.
fn write(folder: &Path, path: &Path, remembered: &Remembered) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let temporary = path.with_extension(format!("{}.part", Uuid::new_v4()));
    let written = private_file(&temporary).and_then(|mut file| {
        file.write_all(&serde_json::to_vec(remembered)?)?;
        file.sync_all()
    });
    match written.and_then(|()| fs::rename(&temporary, path)) {
        Ok(()) => sync_folder(folder),
        Err(error) => {
            drop(fs::remove_file(&temporary));
            Err(error)
        }
    }
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests;
