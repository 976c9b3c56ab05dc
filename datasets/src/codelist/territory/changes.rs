//! What became of units.

use chrono::NaiveDate;

use super::{Register, Unit, texts};
use crate::codelist::CodeList;

/// One line of the map of old units to new ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// None: the unit is new, and nothing says of what.
    pub(super) old: Option<Side>,
    /// None: the unit is gone, and nothing says where to.
    pub(super) new: Option<Side>,
    pub(super) day: NaiveDate,
    /// False: on some day behind the register before, and by this one.
    pub(super) day_known: bool,
    pub(super) kind: String,
    /// Hectares of the old unit that went to the new one; empty where nothing says so.
    pub(super) area_ha: String,
    /// Part of the old unit's area.
    pub(super) share: String,
    pub(super) source: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Side {
    pub(super) terc6: String,
    pub(super) rodz: String,
    pub(super) name: String,
}

impl From<&Unit> for Side {
    fn from(unit: &Unit) -> Self {
        Self { terc6: unit.terc6.clone(), rodz: unit.rodz.clone(), name: unit.name.clone() }
    }
}

impl Change {
    pub(super) fn old_code(&self) -> &str {
        self.old.as_ref().map_or("", |side| side.terc6.as_str())
    }

    pub(super) fn new_code(&self) -> &str {
        self.new.as_ref().map_or("", |side| side.terc6.as_str())
    }

    /// Does land go from one unit to another?
    pub(super) fn moves(&self) -> bool {
        !self.old_code().is_empty() && !self.new_code().is_empty() && self.old_code() != self.new_code()
    }
}

/// Kinds of changes that a list may hold.
const KINDS: [&str; 4] = ["merged", "moved", "renamed", "split"];

/// The changes that are announced in law.
pub(super) fn announced(list: &CodeList) -> Result<Vec<Change>, String> {
    let Some(version) = list.versions.last() else { return Ok(Vec::new()) };
    let of = |name| texts(&version.table, name);
    let (old, rodz, name, new) = (of("old_terc6")?, of("old_rodz")?, of("old_nazwa")?, of("new_terc6")?);
    let (day, kind, area, share, source) =
        (of("day")?, of("kind")?, of("area_ha")?, of("share")?, of("source")?);
    let mut changes = Vec::new();
    for row in 0..version.table.num_rows() {
        if !KINDS.contains(&kind[row]) {
            return Err(format!("kind `{}`; write one of {KINDS:?}", kind[row]));
        }
        let side = |terc6: &str, rodz: &str, name: &str| {
            Some(Side { terc6: terc6.to_owned(), rodz: rodz.to_owned(), name: name.to_owned() })
        };
        changes.push(Change {
            old: side(old[row], rodz[row], name[row]),
            new: side(new[row], "", ""),
            day: day[row].parse().map_err(|_| format!("day `{}`; write it as 2025-01-01", day[row]))?,
            day_known: true,
            kind: kind[row].to_owned(),
            area_ha: area[row].to_owned(),
            share: share[row].to_owned(),
            source: source[row].to_owned(),
        });
    }
    Ok(changes)
}

/// Announced changes with the names of what came of them, and those that only the registers show.
pub(super) fn all(registers: &[Register], announced: &[Change]) -> Vec<Change> {
    let mut changes = Vec::new();
    for change in announced {
        let mut change = change.clone();
        let after = registers.iter().find(|register| register.from >= change.day);
        if let Some(unit) = after.and_then(|register| register.unit(change.new_code())) {
            change.new = Some(unit.into());
        }
        let rest = (change.kind == "split").then(|| the_rest(&change, after));
        changes.push(change);
        changes.extend(rest.flatten());
    }
    for pair in registers.windows(2) {
        if let [before, after] = pair {
            changes.extend(shown(before, after, announced));
        }
    }
    changes.sort_by(|a, b| (a.day, a.old_code(), a.new_code()).cmp(&(b.day, b.old_code(), b.new_code())));
    changes
}

/// A unit of which a part went away goes on.
fn the_rest(split: &Change, after: Option<&Register>) -> Option<Change> {
    let unit = after?.unit(split.old_code())?;
    Some(Change { new: Some(unit.into()), area_ha: String::new(), share: String::new(), ..split.clone() })
}

/// What differs between two registers, unless it is announced.
fn shown(before: &Register, after: &Register, announced: &[Change]) -> Vec<Change> {
    let is_announced = |kind: &str, terc6: &str| {
        let mut same = announced.iter().filter(|change| change.day > before.from && change.day <= after.from);
        same.any(|change| match kind {
            "created" => change.new_code() == terc6,
            "abolished" => change.old_code() == terc6 && change.kind == "merged",
            _ => change.kind == kind && change.old_code() == terc6,
        })
    };
    let change = |kind: &str, old: Option<&Unit>, new: Option<&Unit>| Change {
        old: old.map(Side::from),
        new: new.map(Side::from),
        day: after.from,
        day_known: false,
        kind: kind.to_owned(),
        area_ha: String::new(),
        share: if old.is_some() && new.is_some() { "1".to_owned() } else { String::new() },
        source: format!("TERC {}", after.from),
    };
    let mut found = Vec::new();
    for new in after.units.values() {
        match before.unit(&new.terc6) {
            None if !is_announced("created", &new.terc6) => found.push(change("created", None, Some(new))),
            None => {}
            Some(old) => {
                if old.rodz != new.rodz {
                    found.push(change("type_changed", Some(old), Some(new)));
                }
                if old.name != new.name && !is_announced("renamed", &new.terc6) {
                    found.push(change("renamed", Some(old), Some(new)));
                }
            }
        }
    }
    for old in before.units.values().filter(|old| after.unit(&old.terc6).is_none()) {
        if !is_announced("abolished", &old.terc6) {
            found.push(change("abolished", Some(old), None));
        }
    }
    found
}
