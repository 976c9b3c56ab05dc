//! Notices.

use super::convert::{id, moment};
use super::shape::shapes;
use crate::v1;

shapes! {
    /// A page of notices, the newest first.
    answer Notices {
        /// The notices.
        notices: Vec<Notice>,
        /// For `page_token` of the next page; empty: this is the last.
        next_page_token: String,
    }

    /// That a report which was taken was corrected.
    answer Notice {
        /// Its id.
        id: String,
        /// OPEN, ACKNOWLEDGED, PINNED, TAKEN_ANEW or SUPERSEDED.
        state: String,
        /// CORRECTED, WITHDRAWN or ERASED.
        kind: String,
        /// As `rb28s`.
        dataset: String,
        /// As `gmina-100201`.
        publisher: String,
        /// As it was sent, `2022-Q4`; of an erasure the hub's name of it.
        period: String,
        /// The dataset version that was taken.
        taken_version: u64,
        /// The newest revision among its rows; 0: it cannot be told.
        taken_revision: u64,
        /// Where it stands: `changes` from here on has each row as it was and as it is.
        taken_cursor: String,
        /// The dataset version that corrects.
        dataset_version: u64,
        /// Its revision; 0 for an erasure.
        revision: u64,
        /// The submission that corrects; of an erasure the one that was erased.
        submission: String,
        /// When.
        commit_time: Option<String>,
        /// Rows that differ, in the columns and by the filter of the pull; left out: it cannot be told.
        rows: Option<RowCounts>,
        /// Columns that were pulled.
        columns: Vec<String>,
        /// Row expression of the pull; empty: all rows.
        filter: String,
        /// What the consumer said.
        note: String,
        /// When it was made.
        create_time: Option<String>,
        /// When it was settled.
        settle_time: Option<String>,
    }

    /// Rows that differ between what was taken and what there is.
    answer RowCounts {
        /// Rows that were not there.
        added: u64,
        /// Rows that are gone.
        removed: u64,
        /// The same key with other values.
        changed: u64,
    }

    /// What a consumer says to a notice.
    request Acknowledgement requires [] {
        /// The earlier figure stays in use; needs a note.
        pinned: bool,
        /// At most 500 characters.
        note: String,
    }
}

impl From<v1::Notice> for Notice {
    fn from(notice: v1::Notice) -> Self {
        Self {
            state: notice.state().as_str_name().trim_start_matches("NOTICE_STATE_").to_owned(),
            kind: notice.kind().as_str_name().trim_start_matches("REVISION_CHANGE_KIND_").to_owned(),
            id: id(&notice.name),
            dataset: id(&notice.dataset),
            publisher: id(&notice.publisher),
            period: notice.period,
            taken_version: notice.taken_version,
            taken_revision: notice.taken_revision,
            taken_cursor: notice.taken_cursor,
            dataset_version: notice.dataset_version,
            revision: notice.revision,
            submission: id(&notice.submission),
            commit_time: notice.commit_time.map(moment),
            rows: notice.rows.map(|rows| RowCounts {
                added: rows.added,
                removed: rows.removed,
                changed: rows.changed,
            }),
            columns: notice.columns,
            filter: notice.filter,
            note: notice.note,
            create_time: notice.create_time.map(moment),
            settle_time: notice.settle_time.map(moment),
        }
    }
}

impl From<v1::ListNoticesResponse> for Notices {
    fn from(list: v1::ListNoticesResponse) -> Self {
        Self {
            notices: list.notices.into_iter().map(Into::into).collect(),
            next_page_token: list.next_page_token,
        }
    }
}
