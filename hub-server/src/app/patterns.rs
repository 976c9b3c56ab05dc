//! All patterns of a hub: those in the program, those of the operator's folder, and those that were registered.

use std::path::Path;
use std::sync::Arc;

use hub_datasets::pattern::PatternError;
use hub_datasets::{CodeLists, Pattern, Patterns, kit};

use super::StartError;
use crate::config::Config;
use crate::http::PatternFolders;
use crate::store::Registered;

/// All patterns, and what they are made of.
#[derive(Debug, Default)]
pub(crate) struct KnownPatterns {
    pub(crate) patterns: Patterns,
    /// Files of those that are not in the program, as `Patterns::with_files` takes them.
    pub(crate) files: Vec<(String, Vec<u8>)>,
    /// Whole folders of the same patterns.
    pub(crate) folders: PatternFolders,
    /// Registered ones that cannot be used, and why.
    pub(crate) unusable: Vec<(String, String)>,
    /// References of the registered ones that can, as `rb28s/1.1.0`.
    pub(crate) registered: Vec<String>,
}

/// A registered pattern that is not yet among the known ones.
struct Waiting {
    name: String,
    reference: String,
    files: Vec<(String, Vec<u8>)>,
    why: String,
}

impl KnownPatterns {
    /// The patterns of a configuration and of its data folder.
    pub(crate) fn gather(
        config: &Config,
        registered: Vec<Registered>,
        lists: &CodeLists,
    ) -> Result<Self, StartError> {
        let mut known = Self { patterns: Patterns::embedded()?, ..Self::default() };
        if let Some(folder) = &config.patterns_dir {
            known.take_folder(folder, lists)?;
        }
        known.take_registered(registered, lists);
        for (name, why) in &known.unusable {
            tracing::error!(
                pattern = name,
                why,
                "a registered pattern cannot be used; all of its versions rest"
            );
        }
        Ok(known)
    }

    /// All of them, the newest version of each first.
    pub(crate) fn all(&self) -> Vec<Arc<Pattern>> {
        self.patterns.iter().map(Arc::clone).collect()
    }

    fn take_folder(&mut self, folder: &Path, lists: &CodeLists) -> Result<(), StartError> {
        let fault = |source| StartError::PatternsFolder { path: folder.display().to_string(), source };
        let files = hub_client::pattern_files(folder).map_err(fault)?;
        self.patterns = with_files(&self.patterns, &files, lists)?;
        for pattern in self.patterns.iter() {
            let reference = pattern.reference();
            let of_pattern = folder.join(&reference);
            if of_pattern.is_dir() {
                let whole = hub_client::pattern_folder(&of_pattern, kit::limits::BYTES).map_err(fault)?;
                self.folders.insert(reference, whole);
            }
        }
        self.files = files;
        Ok(())
    }

    /// Takes up what can be used. One may compare its reports with another that comes later, or both with each other.
    fn take_registered(&mut self, registered: Vec<Registered>, lists: &CodeLists) {
        let mut waiting = Vec::new();
        for one in registered {
            match opened(one) {
                Ok(one) => waiting.push(one),
                Err(unusable) => self.unusable.push(unusable),
            }
        }
        loop {
            let before = waiting.len();
            waiting.retain_mut(|one| match self.take(std::slice::from_ref(one), lists) {
                Ok(()) => false,
                Err(error) => {
                    one.why = error.to_string();
                    true
                }
            });
            if waiting.is_empty() || waiting.len() == before {
                break;
            }
        }
        if self.take(&waiting, lists).is_err() {
            self.unusable.extend(waiting.into_iter().map(|one| (one.name, one.why)));
        }
        // An older version must not take the place of one that data were committed under.
        let ids: Vec<&str> =
            self.unusable.iter().filter_map(|(name, _)| Some(name.rsplit_once('-')?.0)).collect();
        self.patterns = std::mem::take(&mut self.patterns).without(&ids);
        self.registered.sort();
    }

    fn take(&mut self, all: &[Waiting], lists: &CodeLists) -> Result<(), PatternError> {
        let of_all: Vec<(String, Vec<u8>)> = all.iter().flat_map(Waiting::defining).collect();
        self.patterns = with_files(&self.patterns, &of_all, lists)?;
        self.files.extend(of_all);
        for one in all {
            self.folders.insert(one.reference.clone(), one.files.clone());
            self.registered.push(one.reference.clone());
        }
        Ok(())
    }
}

impl Waiting {
    /// The files that make the pattern, named with its folder.
    fn defining(&self) -> Vec<(String, Vec<u8>)> {
        let is_other = |name: &str| name.starts_with("samples/");
        let defining = self.files.iter().filter(|(name, _)| !is_other(name));
        defining.map(|(name, bytes)| (format!("{}/{name}", self.reference), bytes.clone())).collect()
    }
}

/// The folder of a registered pattern, or its name and what is wrong with it.
fn opened(one: Registered) -> Result<Waiting, (String, String)> {
    let Registered { name, packed } = one;
    let opened = packed
        .map_err(|error| error.to_string())
        .and_then(|packed| kit::unpack(&packed).map_err(|error| error.to_string()));
    let reference = name.rsplit_once('-').map(|(id, version)| format!("{id}/{version}"));
    match (opened, reference) {
        (Ok(files), Some(reference)) => Ok(Waiting { name, reference, files, why: String::new() }),
        (Ok(_), None) => Err((name, "its name is no id and version".to_owned())),
        (Err(why), _) => Err((name, why)),
    }
}

fn with_files(
    patterns: &Patterns,
    files: &[(String, Vec<u8>)],
    lists: &CodeLists,
) -> Result<Patterns, PatternError> {
    let files = files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice()));
    patterns.clone().with_files(files, lists)
}
