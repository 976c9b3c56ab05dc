//! States of the tables that a statement reads, as permalinks name them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use hub_datasets::CodeLists;
use hub_datasets::codelist::CodeList;
use hub_datasets::codelist::territory::UNITS;

use super::{ReadError, VersionRef, organisations};
use crate::permit::ReadPermit;
use crate::query::{is_view_of, names_organisations};
use crate::store::AsOf;

/// Digits of the SHA-256 of a code list by which its content is named.
const CONTENT_DIGITS: usize = 12;

/// A table in one state: `rb28s@7`, a dataset version, or `terc@3f9a0c1d2e4b`, a code list by its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableState {
    table: String,
    state: String,
}

/// Which states a statement is asked of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct States {
    /// Of datasets that are not named one by one.
    pub(crate) as_of: AsOf,
    pub(crate) named: Vec<TableState>,
}

impl FromStr for TableState {
    type Err = ReadError;

    fn from_str(text: &str) -> Result<Self, ReadError> {
        let (table, state) =
            text.split_once('@').ok_or_else(|| ReadError::StateUnreadable(text.to_owned()))?;
        Ok(Self { table: table.to_owned(), state: state.to_owned() })
    }
}

impl fmt::Display for TableState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.table, self.state)
    }
}

impl TableState {
    pub(super) fn of_dataset(version: &VersionRef) -> Self {
        Self { table: version.dataset.clone(), state: version.version.to_string() }
    }

    fn of_list(list: &CodeList) -> Self {
        let state = list.sha256.chars().take(CONTENT_DIGITS).collect();
        Self { table: list.id.clone(), state }
    }

    fn version(&self) -> Option<u64> {
        self.state.parse().ok()
    }
}

impl From<AsOf> for States {
    fn from(as_of: AsOf) -> Self {
        Self { as_of, named: Vec::new() }
    }
}

impl States {
    /// The state of a dataset.
    pub(super) fn of(&self, dataset: &str) -> AsOf {
        let named = self.named.iter().find(|state| state.table == dataset);
        named.and_then(TableState::version).map_or(self.as_of, AsOf::Version)
    }

    /// Refuses what is no state of a table that the permits show, and code lists that are others by now.
    pub(super) fn check(&self, permits: &[ReadPermit], lists: &CodeLists) -> Result<(), ReadError> {
        for named in &self.named {
            if permits.iter().any(|permit| permit.dataset() == named.table) {
                named.version().ok_or_else(|| ReadError::StateUnreadable(named.to_string()))?;
                continue;
            }
            let unknown = || ReadError::DatasetUnknown(named.table.clone());
            let list = lists.get(&named.table).ok_or_else(unknown)?;
            if TableState::of_list(list) != *named {
                return Err(ReadError::ListChanged(named.to_string()));
            }
        }
        Ok(())
    }
}

/// The states of all tables that an answer stands on; None where one of them has none. `named`: the tables that its
/// statement names.
pub(super) fn stood_on(
    named: &[String],
    versions: &[VersionRef],
    lists: &CodeLists,
) -> Option<Vec<TableState>> {
    if named.iter().any(|table| table == organisations::TABLE || names_organisations(table)) {
        return None;
    }
    let datasets = versions.iter().map(TableState::of_dataset);
    // What has a name of its own is a list; the views that are left stand on that of the units.
    let lists = named.iter().filter_map(|table| {
        let is_view = versions.iter().any(|version| is_view_of(table, &version.dataset));
        lists.get(if is_view { UNITS } else { table })
    });
    let lists: BTreeMap<&str, _> = lists.map(|list| (list.id.as_str(), TableState::of_list(list))).collect();
    Some(datasets.chain(lists.into_values()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_a_table_and_what_it_was() {
        let state: TableState = "rb28s@7".parse().unwrap();
        assert_eq!((state.to_string().as_str(), state.version()), ("rb28s@7", Some(7)));
        let error = "rb28s".parse::<TableState>().unwrap_err();
        assert!(error.to_string().contains("`rb28s`"), "{error}");
    }

    #[test]
    fn tables_that_are_not_named_are_read_as_of() {
        let states = States { as_of: AsOf::Latest, named: vec!["rb28s@7".parse().unwrap()] };
        assert_eq!(states.of("rb28s"), AsOf::Version(7));
        assert_eq!(states.of("rb27s"), AsOf::Latest);
    }

    #[test]
    fn a_code_list_is_the_one_of_its_content() {
        let lists = CodeLists::embedded().unwrap();
        let now = TableState::of_list(lists.get("terc").unwrap());
        let states = |state: TableState| States { as_of: AsOf::Latest, named: vec![state] };
        states(now).check(&[], &lists).unwrap();
        let other = states("terc@000000000000".parse().unwrap()).check(&[], &lists).unwrap_err();
        assert!(matches!(other, ReadError::ListChanged(_)), "{other}");
        let unknown = states("hidden@1".parse().unwrap()).check(&[], &lists).unwrap_err();
        assert!(matches!(unknown, ReadError::DatasetUnknown(_)), "{unknown}");
    }

    #[test]
    fn organisations_have_no_state() {
        let lists = CodeLists::embedded().unwrap();
        let named = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        assert_eq!(stood_on(&named(&["terc", "organisations"]), &[], &lists), None);
        let stood = stood_on(&named(&["terc", "other"]), &[], &lists).unwrap();
        assert_eq!(stood.len(), 1);
        assert!(stood[0].to_string().starts_with("terc@"));
    }
}
