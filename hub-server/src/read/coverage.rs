//! Coverage: how many of the units that should have reported stand behind an answer.

use arrow::array::AsArray as _;
use chrono::NaiveDate;
use hub_datasets::CodeLists;

use crate::query::TableView;

/// Units behind an answer.
///
/// Reporting: publishers that own rows of the dataset version, whatever their period, as far as the
/// reader may see them. Expected: units of the pattern's level in the register (TERC) on the last day
/// of the newest period that the version holds; 1 for a reader who sees only one publisher. It is not
/// narrowed by a statement's filter: it says what the answer stands on, not what it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Coverage {
    pub(crate) units_reporting: u64,
    pub(crate) units_expected: u64,
    /// `register` until obligations exist.
    pub(crate) expected_source: &'static str,
}

pub(super) fn of(view: &TableView, lists: &CodeLists) -> Coverage {
    let files = &view.snapshot.files;
    let (reporting, expected) = match &view.publisher {
        Some(publisher) => (u64::from(files.owned(publisher).next().is_some()), 1),
        None => {
            let extent = files.extent();
            (extent.publishers as u64, units(lists, &view.pattern.unit_level, extent.last_day))
        }
    };
    Coverage { units_reporting: reporting, units_expected: expected, expected_source: "register" }
}

/// Units of a level in TERC; parts of a unit (types 4, 5, 8, 9) have a level of their own there.
fn units(lists: &CodeLists, level: &str, day: Option<NaiveDate>) -> u64 {
    let Some(terc) = lists.get("terc") else { return 0 };
    let version = match day {
        Some(day) => Some(terc.as_of(day)),
        None => terc.versions.last(),
    };
    let Some(levels) = version.and_then(|v| v.table.column_by_name("level")) else { return 0 };
    match levels.as_string_opt::<i32>() {
        Some(levels) => levels.iter().filter(|l| *l == Some(level)).count() as u64,
        None => 0,
    }
}
