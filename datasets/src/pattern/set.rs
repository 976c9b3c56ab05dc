//! The set of patterns that a program knows.

use std::collections::BTreeMap;
use std::sync::Arc;

use include_dir::{Dir, include_dir};

use super::assemble::pattern;
use super::compare::validate_others;
use super::mapping::mapping_id;
use super::table::table_id;
use super::{Pattern, PatternError, Version};
use crate::CodeLists;

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/patterns");

/// All patterns that a hub or a client knows, by id, newest version first.
#[derive(Debug, Clone, Default)]
pub struct Patterns {
    patterns: Vec<Arc<Pattern>>,
}

impl Patterns {
    /// The patterns that are embedded in the program.
    pub fn embedded() -> Result<Self, PatternError> {
        Self::default().with_files(embedded_files(&EMBEDDED), &CodeLists::embedded()?)
    }

    /// Adds patterns from (path, bytes) pairs of `<id>/<semver>/…`, as `datasets/patterns` holds them.
    pub fn with_files<'a>(
        mut self,
        files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
        lists: &CodeLists,
    ) -> Result<Self, PatternError> {
        let mut folders: BTreeMap<(&str, &str), BTreeMap<&str, &[u8]>> = BTreeMap::new();
        for (path, bytes) in files {
            // Samples and notes beside the patterns are no part of them.
            let parts: Vec<&str> = path.splitn(3, '/').collect();
            if let [id, version, name] = parts[..]
                && (matches!(name, "pattern.yaml" | "schema.json")
                    || mapping_id(name).is_some()
                    || table_id(name).is_some())
            {
                folders.entry((id, version)).or_default().insert(name, bytes);
            }
        }
        for ((id, version), files) in folders {
            let read = pattern(&format!("{id}/{version}"), &files, lists)?;
            if self.version(&read.id, read.version).is_some() {
                return Err(PatternError::new(
                    format!("{id}/{version}"),
                    "is known already; raise the version",
                ));
            }
            self.patterns.push(Arc::new(read));
        }
        self.patterns.sort_by(|a, b| a.id.cmp(&b.id).then(b.version.cmp(&a.version)));
        validate_others(&self)?;
        Ok(self)
    }

    /// Newest version of a pattern.
    pub fn get(&self, id: &str) -> Option<Arc<Pattern>> {
        self.patterns.iter().find(|p| p.id == id).map(Arc::clone)
    }

    /// One version of a pattern.
    pub fn version(&self, id: &str, version: Version) -> Option<Arc<Pattern>> {
        self.patterns.iter().find(|p| p.id == id && p.version == version).map(Arc::clone)
    }

    /// All versions of all patterns, the newest version of each first.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Pattern>> {
        self.patterns.iter()
    }
}

/// A file of an embedded pattern's samples, such as `rb28s/1.0.0/samples/valid/kutno-2022-q4.csv`.
pub fn embedded_sample(path: &str) -> Option<&'static [u8]> {
    EMBEDDED.get_file(path).map(|f| f.contents())
}

/// All files below an embedded folder as (path with `/`, bytes).
pub(crate) fn embedded_files(dir: &'static Dir<'static>) -> Vec<(&'static str, &'static [u8])> {
    let mut files: Vec<_> = dir.files().filter_map(|f| Some((f.path().to_str()?, f.contents()))).collect();
    for inner in dir.dirs() {
        files.extend(embedded_files(inner));
    }
    files
}
