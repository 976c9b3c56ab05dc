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
            for name in ["pattern.yaml", "schema.json"] {
                let path = folder.join(&id).join(&version).join(name);
                if path.is_file() {
                    files.push((format!("{id}/{version}/{name}"), fs::read(path)?));
                }
            }
        }
    }
    Ok(files)
}

fn folders(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir()
            && let Ok(name) = entry.file_name().into_string()
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
