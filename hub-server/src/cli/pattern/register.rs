//! `hub-server pattern register`.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use hub_datasets::pattern::{Evolution, Step};
use hub_datasets::{Pattern, kit};

use super::super::Failure;
use super::super::offline::Offline;
use super::Known;
use super::draft::Draft;
use crate::store::blocking;

pub(super) async fn run(
    dir: &Path,
    dry_run: bool,
    known: &Known,
    offline: &Offline,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    let patterns = &known.patterns.patterns;
    let mut draft = Draft::read(dir, patterns, &known.lists)?;
    let reference = draft.pattern.reference();
    let is_unusable =
        |(name, _): &&(String, String)| name.rsplit_once('-').is_some_and(|(id, _)| id == draft.pattern.id);
    if let Some((name, why)) = known.patterns.unusable.iter().find(is_unusable) {
        return Err(Failure::Refused(format!(
            "{name} is registered and cannot be used ({why}); mend it first"
        )));
    }
    let faults = draft.samples(patterns, &known.lists)?;
    if !faults.is_empty() {
        let lines: Vec<String> = faults.iter().map(|fault| format!("\n  {fault}")).collect();
        return Err(Failure::Refused(format!("the samples of {reference} do not hold:{}", lines.concat())));
    }
    if let Some(before) = patterns.get(&draft.pattern.id) {
        if evolved(&before, &draft.pattern, out)?.is_none() {
            return Ok(());
        }
    } else {
        writeln!(out, "{reference}\tnew\tno version of it is known")?;
    }
    if dry_run {
        eprintln!("{reference} can be registered; nothing was");
        return Ok(());
    }
    let files: Vec<kit::KitFile<'_>> =
        draft.files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let packed = kit::pack(&files).map_err(|error| Failure::Refused(error.to_string()))?;
    let (store, name) = (Arc::clone(&offline.store), reference.replace('/', "-"));
    blocking(move || store.register_pattern(&name, &packed)).await?;
    eprintln!("{reference} is registered; start the server to use it");
    Ok(())
}

/// Tells what a draft changes; None when it changes nothing. A number that is too small is refused.
fn evolved(before: &Pattern, draft: &Pattern, out: &mut (dyn Write + Send)) -> Result<Option<Step>, Failure> {
    let evolution = Evolution::between(before, draft);
    let (known, reference) = (before.reference(), draft.reference());
    for found in &evolution.differences {
        writeln!(out, "{}\t{}\t{}\t{}", found.step, found.change, found.place, found.message)?;
    }
    let Some(step) = evolution.step else {
        if draft.version == before.version {
            eprintln!("{reference} is known already, the same to the byte; there is nothing to do");
            return Ok(None);
        }
        let message =
            format!("NOTHING_CHANGED: {reference} is the same as {known}; leave the number as it is");
        return Err(Failure::Refused(message));
    };
    let least = evolution.least(before.version);
    if draft.version < least {
        let named = match draft.version.cmp(&before.version) {
            std::cmp::Ordering::Less => "VERSION_OLDER",
            std::cmp::Ordering::Equal => "VERSION_KNOWN",
            std::cmp::Ordering::Greater => "VERSION_TOO_SMALL",
        };
        return Err(Failure::Refused(format!(
            "{named}: beside {known} this is a {step} step; write version {least} or a later one, or take back the {step} differences"
        )));
    }
    if step == Step::Major || draft.version.major > before.version.major {
        eprintln!(
            "note: {reference} begins a table of its own; reports under {known} stay in the folder, and readers see those under the new major"
        );
    }
    writeln!(out, "{reference}\t{step}\tbeside {known}")?;
    Ok(Some(step))
}
