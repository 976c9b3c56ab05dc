//! The set of patterns that a program knows.

use std::collections::BTreeMap;
use std::sync::Arc;

use include_dir::{Dir, include_dir};

use super::assemble::pattern;
use super::compare::validate_others;
use super::file::yaml_file;
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
                && is_defining(name)
            {
                folders.entry((id, version)).or_default().insert(name, bytes);
            }
        }
        for ((id, version), files) in folders {
            let read = pattern(&format!("{id}/{version}"), &files, lists);
            let read = read.map_err(|faults| first(faults, &format!("{id}/{version}")))?;
            match self.version(&read.id, read.version) {
                // The same once more, as in a kit of it.
                Some(known) if known.bundle_sha256 == read.bundle_sha256 => {}
                Some(_) => {
                    let message = "is known already with another content; raise the version";
                    return Err(PatternError::new(format!("{id}/{version}"), message));
                }
                None => self.patterns.push(Arc::new(read)),
            }
        }
        self.patterns.sort_by(|a, b| a.id.cmp(&b.id).then(b.version.cmp(&a.version)));
        validate_others(&self)?;
        Ok(self)
    }

    /// A draft by the files of its folder (`pattern.yaml`, `schema.json`, `mappings/…`, `tables/…`; others are no part of
    /// it), beside the patterns that are known; else all that is wrong with it, as far as it can be read.
    pub fn draft(
        &self,
        files: &[(String, Vec<u8>)],
        lists: &CodeLists,
    ) -> Result<Arc<Pattern>, Vec<PatternError>> {
        let files: BTreeMap<&str, &[u8]> = files
            .iter()
            .map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
            .filter(|(name, _)| is_defining(name))
            .collect();
        let yaml = files.get("pattern.yaml").copied().unwrap_or_default();
        let named: Option<Named> = yaml_file("pattern.yaml", yaml).ok();
        let folder = named.map_or_else(|| "draft".to_owned(), |of| format!("{}/{}", of.id, of.version));
        let draft = Arc::new(pattern(&folder, &files, lists)?);
        // In place of the versions before it, as the hub would use it.
        let mut others = self.clone();
        others.patterns.retain(|known| known.id != draft.id);
        others.patterns.push(Arc::clone(&draft));
        validate_others(&others).map_err(|error| vec![error])?;
        Ok(draft)
    }

    /// One pattern alone.
    pub fn only(pattern: Arc<Pattern>) -> Self {
        Self { patterns: vec![pattern] }
    }

    /// The others, for patterns that take the place of those of these ids.
    #[must_use]
    pub fn without(mut self, ids: &[&str]) -> Self {
        self.patterns.retain(|pattern| !ids.contains(&pattern.id.as_str()));
        self
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

/// True for the files that a pattern is made of.
fn is_defining(name: &str) -> bool {
    matches!(name, "pattern.yaml" | "schema.json") || mapping_id(name).is_some() || table_id(name).is_some()
}

/// What a pattern's own file calls it.
#[derive(Debug, serde::Deserialize)]
struct Named {
    id: String,
    version: String,
}

fn first(faults: Vec<PatternError>, folder: &str) -> PatternError {
    let first = faults.into_iter().next();
    first.unwrap_or_else(|| PatternError::new(folder, "cannot be read"))
}

/// A file of an embedded pattern's samples, such as `rb28s/1.0.0/samples/valid/kutno-2022-q4.csv`.
pub fn embedded_sample(path: &str) -> Option<&'static [u8]> {
    EMBEDDED.get_file(path).map(|f| f.contents())
}

/// All files of an embedded pattern, samples and notes included, named as they lie in its folder.
pub fn embedded_pattern(reference: &str) -> Vec<(&'static str, &'static [u8])> {
    let Some(folder) = EMBEDDED.get_dir(reference) else { return Vec::new() };
    let inside = |path: &'static str| path.strip_prefix(reference)?.strip_prefix('/');
    let files = embedded_files(folder).into_iter();
    files.filter_map(|(path, bytes)| Some((inside(path)?, bytes))).collect()
}

/// All files below an embedded folder as (path with `/`, bytes).
pub(crate) fn embedded_files(dir: &'static Dir<'static>) -> Vec<(&'static str, &'static [u8])> {
    let mut files: Vec<_> = dir.files().filter_map(|f| Some((f.path().to_str()?, f.contents()))).collect();
    for inner in dir.dirs() {
        files.extend(embedded_files(inner));
    }
    files
}
