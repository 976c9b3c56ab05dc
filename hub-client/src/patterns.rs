//! Patterns beside the embedded ones, from a folder.

use std::fs;
use std::io;
use std::path::Path;

/// The files of the patterns below a folder, as `<id>/<semver>/<file>` with their bytes: what
/// `hub_datasets::Patterns::with_files` takes.
pub fn pattern_files(folder: &Path) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    for id in folders(folder)? {
        for version in folders(&folder.join(&id))? {
            let of_version = folder.join(&id).join(&version);
            let mappings = of_version.join("mappings");
            let mut names = vec!["pattern.yaml".to_owned(), "schema.json".to_owned()];
            if mappings.is_dir() {
                names.extend(entries(&mappings, false)?.iter().map(|name| format!("mappings/{name}")));
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

fn folders(folder: &Path) -> io::Result<Vec<String>> {
    entries(folder, true)
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
