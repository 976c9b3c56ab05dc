//! What a delivery says: that something changed, and where to look. Never a value of a row.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::catalog::Notice;
use crate::config::limits::WEBHOOK_REVISIONS;
use crate::store::{Cursor, Made, Revised};

fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn event(kind: &str, at: DateTime<Utc>, data: &Value) -> String {
    json!({ "type": kind, "timestamp": moment(at), "data": data }).to_string()
}

/// A dataset version came; `since`: where it begins.
pub(super) fn changed(dataset: &str, since: &Cursor, made: &Made, revisions: &[Revised]) -> String {
    let told = revisions.iter().take(WEBHOOK_REVISIONS).map(|revised| {
        json!({
            "kind": revised.by.as_str(),
            "submission": revised.submission,
            "publisher": revised.publisher,
            "period": revised.period,
            "revision": revised.revision,
            "withdraws": revised.withdraws,
        })
    });
    let data = json!({
        "dataset": dataset,
        "dataset_version": made.cursor.version,
        "commit_time": moment(made.committed_at),
        "since": since.to_string(),
        "cursor": made.cursor.to_string(),
        "revisions": told.collect::<Vec<_>>(),
        "revisions_total": revisions.len(),
    });
    event("dataset.changed", made.committed_at, &data)
}

/// The hub was restored from before a place: what was told behind it may be told otherwise.
pub(super) fn restored(dataset: &str, at: DateTime<Utc>, cursor: &Cursor) -> String {
    let data = json!({ "dataset": dataset, "dataset_version": cursor.version, "cursor": cursor.to_string() });
    event("dataset.restored", at, &data)
}

/// A notice was made.
pub(super) fn noticed(notice: &Notice) -> String {
    let rows = notice.counts.map(
        |counts| json!({ "added": counts.inserted, "removed": counts.deleted, "changed": counts.updated }),
    );
    let data = json!({
        "id": notice.id,
        "kind": notice.kind,
        "dataset": notice.dataset,
        "publisher": notice.publisher,
        "period": notice.period,
        "taken_version": notice.taken_version,
        "taken_revision": notice.taken_revision,
        "taken_cursor": notice.taken_place,
        "dataset_version": notice.version,
        "revision": notice.revision,
        "submission": notice.submission,
        "commit_time": moment(notice.committed_at),
        "rows": rows,
    });
    event("notice.created", notice.made_at, &data)
}
