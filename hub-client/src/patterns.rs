//! Patterns beside the embedded ones: from a folder, or from the hub.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;

use crate::compression::Compression;
use crate::error::ClientError;
use crate::https::Https;
use crate::names::short;
use crate::profile::Profile;

/// Levels of folders below a pattern's own.
const DEPTH_MAX: usize = 4;

/// What a hub makes of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatternFile {
    /// The empty form, as a workbook.
    XlsxForm,
    /// The empty form, as CSV.
    CsvForm,
    /// The page that explains it, in Polish.
    PolishPage,
    /// The same in English.
    EnglishPage,
    /// The kit for vendors.
    Kit,
}

impl PatternFile {
    /// Its address at a hub.
    fn address(self, pattern: &str) -> String {
        let below = match self {
            Self::XlsxForm => "/template.xlsx",
            Self::CsvForm => "/template.csv",
            Self::PolishPage => "?lang=pl",
            Self::EnglishPage => "?lang=en",
            Self::Kit => "/kit.zip",
        };
        format!("/patterns/{pattern}{below}")
    }
}

/// What the hub of a profile makes of a pattern, over its HTTP door and without the key. `pattern` is an id, as `rb28s`.
pub async fn fetch_pattern_file(
    profile: &Profile,
    retry_for: Duration,
    pattern: &str,
    file: PatternFile,
) -> Result<Bytes, ClientError> {
    let id = short(pattern);
    // What is no id names no address.
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let id: String = id.bytes().filter(|byte| plain(*byte)).map(char::from).collect();
    Https::new(profile)?.like(retry_for, Compression::default()).file(&file.address(&id)).await
}

/// The files that make the patterns below a folder, as `<id>/<semver>/<file>` with their bytes: what
/// `hub_datasets::Patterns::with_files` takes. Samples are not among them.
pub fn pattern_files(folder: &Path) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    for id in entries(folder, true)? {
        for version in entries(&folder.join(&id), true)? {
            let of_version = folder.join(&id).join(&version);
            let mut names = vec!["pattern.yaml".to_owned(), "schema.json".to_owned()];
            for more in ["mappings", "tables"].into_iter().filter(|more| of_version.join(more).is_dir()) {
                let inside = entries(&of_version.join(more), false)?;
                names.extend(inside.iter().map(|name| format!("{more}/{name}")));
            }
            for name in names {
                let path = of_version.join(&name);
                if path.is_file() {
                    files.push((format!("{id}/{version}/{name}"), fs::read(path)?));
                }
            }
        }
    }
    Ok(files)
}

/// All files of one pattern's folder, samples and notes included, by their names in it with `/`; at most `most` bytes
/// together, else the error is `FileTooLarge`. Hidden files and what is neither file nor folder are left out.
pub fn pattern_folder(folder: &Path, most: u64) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    let mut left = most;
    walk(folder, "", DEPTH_MAX, &mut left, &mut files)?;
    files.sort();
    Ok(files)
}

fn walk(
    folder: &Path,
    below: &str,
    depth: usize,
    left: &mut u64,
    files: &mut Vec<(String, Vec<u8>)>,
) -> io::Result<()> {
    let shown = |name: &String| !name.starts_with('.');
    for name in entries(folder, false)?.into_iter().filter(shown) {
        let path = folder.join(&name);
        if !path.is_file() {
            continue;
        }
        let bytes = fs::metadata(&path)?.len();
        *left = left.checked_sub(bytes).ok_or(io::ErrorKind::FileTooLarge)?;
        files.push((format!("{below}{name}"), fs::read(path)?));
    }
    for name in entries(folder, true)?.into_iter().filter(shown) {
        let depth = depth.checked_sub(1).ok_or(io::ErrorKind::FileTooLarge)?;
        walk(&folder.join(&name), &format!("{below}{name}/"), depth, left, files)?;
    }
    Ok(())
}

/// The names of the folders, or of all else, in a folder.
fn entries(folder: &Path, folders: bool) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() == folders
            && let Ok(name) = entry.file_name().into_string()
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
