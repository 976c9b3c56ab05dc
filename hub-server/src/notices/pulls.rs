//! What consumers take.

use hub_datasets::Pattern;
use sha2::{Digest as _, Sha256};

use super::{NoticeError, Notices};
use crate::catalog::Pull;
use crate::config::limits::PULLS_PER_READER;
use crate::permit::{ReadPermit, Rows};
use crate::store::Cursor;

/// What a call takes.
#[derive(Debug, Clone)]
pub(crate) struct Took {
    /// As they were taken; those that are none of the pattern do not count.
    pub(crate) columns: Vec<String>,
    /// SQL row expression; empty: all rows.
    pub(crate) filter: String,
    /// Of changes: where they begin. Only what stood there or behind it is brought forward by them.
    pub(crate) since: Option<u64>,
    /// Where what was taken stands.
    pub(crate) cursor: Cursor,
}

impl Notices {
    /// Notes what a reader takes, durably. Who reads its own rows alone is told of nothing: it made the corrections.
    pub(crate) async fn took(&self, permit: &ReadPermit, took: &Took) -> Result<(), NoticeError> {
        let pattern = self.patterns.iter().find(|pattern| pattern.id == permit.dataset());
        let Some(pattern) = pattern.filter(|_| *permit.rows() == Rows::All) else { return Ok(()) };
        let pull = Pull {
            id: String::new(),
            reader: permit.reader().to_owned(),
            dataset: pattern.id.clone(),
            columns: columns_of(pattern, &took.columns),
            filter: took.filter.trim().to_owned(),
            version: took.cursor.version,
            place: took.cursor.to_string(),
            taken_at: self.clock.now(),
        };
        let pull = Pull { id: id_of(&pull), ..pull };
        let known = self.catalog.pulls_of(&pull.reader, &pull.dataset).await?;
        let moves = |other: &&Pull| {
            other.version < pull.version && took.since.is_none_or(|since| since <= other.version)
        };
        let covered: Vec<String> = known
            .iter()
            .filter(|other| other.id != pull.id && covers(&pull, other))
            .filter(moves)
            .map(|other| other.id.clone())
            .collect();
        let stands = known.iter().find(|other| other.id == pull.id);
        let is_known = stands.is_some_and(|stands| stands.version >= pull.version);
        if is_known && covered.is_empty() {
            return Ok(());
        }
        Ok(self.catalog.put_pull(&pull, &covered, PULLS_PER_READER).await?)
    }
}

/// Those of the pattern, ascending.
fn columns_of(pattern: &Pattern, taken: &[String]) -> Vec<String> {
    let names = pattern.columns.iter().map(|column| &column.name);
    let mut names: Vec<String> = names.filter(|name| taken.contains(name)).cloned().collect();
    names.sort_unstable();
    names
}

/// Did a pull take all that the other took?
fn covers(pull: &Pull, other: &Pull) -> bool {
    let rows = pull.filter.is_empty() || pull.filter == other.filter;
    rows && other.columns.iter().all(|name| pull.columns.contains(name))
}

fn id_of(pull: &Pull) -> String {
    let mut sum = Sha256::new();
    let columns = pull.columns.join(",");
    for part in [&pull.reader, &pull.dataset, &columns, &pull.filter] {
        // The length goes first, so that the parts cannot trade bytes.
        sum.update((part.len() as u64).to_be_bytes());
        sum.update(part.as_bytes());
    }
    format!("{:x}", sum.finalize())
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn pull(columns: &[&str], filter: &str) -> Pull {
        let columns = columns.iter().map(|name| (*name).to_owned()).collect();
        Pull {
            id: String::new(),
            reader: "mf".to_owned(),
            dataset: "rb28s".to_owned(),
            columns,
            filter: filter.to_owned(),
            version: 1,
            place: "1.c".to_owned(),
            taken_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_wider_pull_covers_a_narrower_one_and_no_other() {
        let whole = pull(&["dzial", "plan"], "");
        let some = pull(&["plan"], "dzial = '801'");
        assert!(covers(&whole, &some) && covers(&whole, &pull(&["dzial"], "")));
        assert!(covers(&pull(&["dzial", "plan"], "dzial = '801'"), &some));
        assert!(!covers(&some, &whole) && !covers(&pull(&["dzial"], ""), &some));
        assert!(
            !covers(&pull(&["plan"], "dzial = '801' "), &some),
            "rows are told by the text of the filter"
        );
    }

    #[test]
    fn pulls_are_told_apart_by_all_that_they_are_of() {
        let first = pull(&["dzial", "plan"], "");
        let ids = [
            id_of(&first),
            id_of(&pull(&["dzial"], "plan")),
            id_of(&Pull { dataset: "rb27s".to_owned(), ..first.clone() }),
            id_of(&Pull { reader: "mz".to_owned(), ..first.clone() }),
        ];
        for (at, id) in ids.iter().enumerate() {
            assert!(!ids[at + 1..].contains(id), "{at}");
        }
        assert_eq!(id_of(&first), id_of(&Pull { version: 7, ..first.clone() }), "and by nothing else");
    }
}
