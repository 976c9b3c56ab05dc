//! The extracts on disk: `<root>/extracts/<dataset>/<version>/` with the files and `meta.json`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::{fs, io};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::make::blocking;
use super::{ExtractError, ExtractFile, ExtractFormat, VERSIONS_KEPT};

const META: &str = "meta.json";
/// Folders of unfinished extracts begin with it; a version's folder is a number.
const DRAFT: &str = "draft-";

/// What is known of one file without reading it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileMeta {
    pub(super) len: u64,
    pub(super) sha256: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Meta {
    /// Microseconds since 1970, UTC.
    committed_at: i64,
    /// By file name.
    files: BTreeMap<String, FileMeta>,
}

type Versions = BTreeMap<u64, Meta>;

/// What is on disk, as one picture: readers never look at the disk to learn what there is.
#[derive(Debug)]
pub(super) struct Shelf {
    root: PathBuf,
    datasets: Mutex<BTreeMap<String, Versions>>,
}

/// A folder in which an extract is being made.
#[derive(Debug)]
pub(super) struct Draft {
    dataset: String,
    version: u64,
    folder: PathBuf,
}

impl Draft {
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Shelf {
    /// Reads what is there; removes drafts and versions that are not whole. Blocking.
    pub(super) fn open(root: PathBuf) -> Result<Self, ExtractError> {
        fs::create_dir_all(&root).map_err(ExtractError::io("create", &root))?;
        let mut datasets = BTreeMap::new();
        for (dataset, folder) in entries(&root)? {
            let mut versions = Versions::new();
            for (name, folder) in entries(&folder)? {
                match name.parse().ok().zip(whole(&folder)) {
                    Some((version, meta)) => drop(versions.insert(version, meta)),
                    None => fs::remove_dir_all(&folder).map_err(ExtractError::io("remove", &folder))?,
                }
            }
            datasets.insert(dataset, versions);
        }
        Ok(Self { root, datasets: Mutex::new(datasets) })
    }

    pub(super) fn latest(&self, dataset: &str) -> Option<u64> {
        let datasets = self.datasets.lock().unwrap_or_else(PoisonError::into_inner);
        datasets.get(dataset)?.last_key_value().map(|(version, _)| *version)
    }

    pub(super) fn file(&self, dataset: &str, version: u64, format: ExtractFormat) -> Option<ExtractFile> {
        let datasets = self.datasets.lock().unwrap_or_else(PoisonError::into_inner);
        let meta = datasets.get(dataset)?.get(&version)?;
        let file = meta.files.get(format.file_name())?;
        Some(ExtractFile {
            path: self.folder(dataset, version).join(format.file_name()),
            len: file.len,
            etag: file.sha256.clone(),
            modified: DateTime::from_timestamp_micros(meta.committed_at)?,
        })
    }

    /// An empty folder to make an extract in.
    pub(super) async fn draft(&self, dataset: &str, version: u64) -> Result<Draft, ExtractError> {
        let folder = self.root.join(dataset).join(format!("{DRAFT}{version}"));
        let draft = Draft { dataset: dataset.to_owned(), version, folder: folder.clone() };
        blocking(move || {
            if folder.exists() {
                fs::remove_dir_all(&folder).map_err(ExtractError::io("remove", &folder))?;
            }
            fs::create_dir_all(&folder).map_err(ExtractError::io("create", &folder))
        })
        .await?;
        Ok(draft)
    }

    /// Makes a draft visible by one rename, and removes versions that are too many.
    pub(super) async fn publish(
        &self,
        draft: Draft,
        committed_at: DateTime<Utc>,
        files: BTreeMap<String, FileMeta>,
    ) -> Result<(), ExtractError> {
        let Draft { dataset, version, folder } = draft;
        let meta = Meta { committed_at: committed_at.timestamp_micros(), files };
        let (to, written) = (self.folder(&dataset, version), meta.clone());
        blocking(move || settle(&folder, &to, &written)).await?;
        for folder in self.admit(&dataset, version, meta) {
            // A download under way keeps its open file; the name alone goes.
            blocking(move || fs::remove_dir_all(&folder).map_err(ExtractError::io("remove", &folder)))
                .await?;
        }
        Ok(())
    }

    /// Takes a version into the picture; the folders that have to go.
    fn admit(&self, dataset: &str, version: u64, meta: Meta) -> Vec<PathBuf> {
        let mut datasets = self.datasets.lock().unwrap_or_else(PoisonError::into_inner);
        let versions = datasets.entry(dataset.to_owned()).or_default();
        versions.insert(version, meta);
        let mut gone = Vec::new();
        while versions.len() > VERSIONS_KEPT {
            let Some((old, _)) = versions.pop_first() else { break };
            gone.push(self.folder(dataset, old));
        }
        gone
    }

    fn folder(&self, dataset: &str, version: u64) -> PathBuf {
        self.root.join(dataset).join(version.to_string())
    }
}

/// Removes the extracts of some versions of a dataset below `<root>/extracts`, and all drafts; gives the bytes of
/// their files. No server may be at them. Blocking.
pub(super) fn forget(root: &Path, dataset: &str, versions: (u64, u64)) -> Result<u64, ExtractError> {
    let folder = root.join("extracts").join(dataset);
    if !folder.exists() {
        return Ok(0);
    }
    let mut bytes = 0;
    for (name, version) in entries(&folder)? {
        let goes = match name.parse::<u64>() {
            Ok(number) => (versions.0..=versions.1).contains(&number),
            Err(_) => true,
        };
        if goes {
            for file in fs::read_dir(&version).map_err(ExtractError::io("list", &version))? {
                bytes += file.and_then(|file| file.metadata()).map_or(0, |meta| meta.len());
            }
            fs::remove_dir_all(&version).map_err(ExtractError::io("remove", &version))?;
            crate::fault::point("erase.extracts.after");
        }
    }
    sync(&folder)?;
    Ok(bytes)
}

/// Removes the folder of a draft that came to nothing, if it is still there.
pub(super) async fn discard(folder: PathBuf) {
    let removed = blocking(move || match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(ExtractError::io("remove", &folder)(error))
        }
        _ => Ok(()),
    });
    if let Err(error) = removed.await {
        tracing::warn!(%error, "a draft stays until the next start");
    }
}

/// `meta.json`, then the rename, each made durable before the next.
fn settle(from: &Path, to: &Path, meta: &Meta) -> Result<(), ExtractError> {
    let path = from.join(META);
    let json = serde_json::to_vec(meta).map_err(|e| ExtractError::io("write", &path)(e.into()))?;
    fs::write(&path, json).map_err(ExtractError::io("write", &path))?;
    sync(&path)?;
    sync(from)?;
    crate::fault::point("extract.rename.before");
    if to.exists() {
        // No reader knows it: an earlier try ended between its rename and its sync.
        fs::remove_dir_all(to).map_err(ExtractError::io("remove", to))?;
    }
    fs::rename(from, to).map_err(ExtractError::io("rename", from))?;
    to.parent().map_or(Ok(()), sync)
}

fn sync(path: &Path) -> Result<(), ExtractError> {
    fs::File::open(path).and_then(|f| f.sync_all()).map_err(ExtractError::io("sync", path))
}

/// Folders in a folder, by name.
fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>, ExtractError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(ExtractError::io("list", folder))? {
        let entry = entry.map_err(ExtractError::io("list", folder))?;
        if let (true, Ok(name)) = (entry.path().is_dir(), entry.file_name().into_string()) {
            found.push((name, entry.path()));
        }
    }
    Ok(found)
}

/// The meta of a version whose files are all there in full length.
fn whole(folder: &Path) -> Option<Meta> {
    let meta: Meta = serde_json::from_slice(&fs::read(folder.join(META)).ok()?).ok()?;
    let all = ExtractFormat::ALL.iter().all(|format| {
        let known = meta.files.get(format.file_name());
        known.is_some_and(|m| fs::metadata(folder.join(format.file_name())).is_ok_and(|f| f.len() == m.len))
    });
    all.then_some(meta)
}
