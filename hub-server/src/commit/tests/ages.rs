//! A dataset in the long run: after a thousand commits, with all that keeps it small, and ninety days on, what
//! was seen once is what is seen when it is asked for again.

use std::sync::atomic::Ordering;

use chrono::{DateTime, TimeDelta, Utc};
use hub_proto::Reason;

use super::harness::{House, Row, blocking};
use super::keeping::Story;
use crate::clock::Clock as _;
use crate::store::AsOf;
use crate::store::table::Keep;

const COMMITS: i64 = 1_000;
const REMEMBERED: usize = 50;
/// Behind the time at which the table is made, which is the machine's.
const BEGIN: i64 = 4_000_000_000_000_000;
const DAY: i64 = 86_400_000_000;

/// What was seen of a dataset version while it was the newest one.
struct Seen {
    version: u64,
    committed_at: DateTime<Utc>,
    rows: Vec<Row>,
}

impl Seen {
    fn of(house: &House) -> Self {
        let newest = house.context.files.table().snapshot();
        let (version, committed_at) = (newest.dataset_version, newest.committed_at.unwrap());
        Self { version, committed_at, rows: house.rows() }
    }
}

/// With the days that files stay by default; None: all states are promised.
fn vacuum(house: &House, since: Option<DateTime<Utc>>) -> u64 {
    let keep = Keep { since, left_after: house.clock.now() - TimeDelta::days(7) };
    blocking(|| house.context.files.table().vacuum(keep, &|| false)).unwrap().files
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_states_of_a_thousand_commits_are_the_same_ninety_days_on() {
    let mut story = Story::new(90).await;
    let (mut now, mut seen, mut vacuumed) = (BEGIN, Vec::new(), 0);
    for seq in 1..=COMMITS {
        now += 90 * DAY / COMMITS;
        story.house.clock.0.store(now, Ordering::SeqCst);
        story.push(seq).await;
        if seq % 20 == 0 {
            seen.push(Seen::of(&story.house));
        }
        match seq % 48 {
            0 | 16 | 32 => story.compact(),
            20 | 44 => story.keep_log(),
            40 => vacuumed += vacuum(&story.house, None),
            _ => {}
        }
        if seq % 300 == 0 {
            story.restart().await;
        }
    }
    assert_eq!(seen.len(), REMEMBERED);
    for restarted in [false, true] {
        if restarted {
            story.restart().await;
        }
        now += 90 * DAY;
        story.house.clock.0.store(now, Ordering::SeqCst);
        vacuumed += vacuum(&story.house, None);
        let table = story.house.context.files.table();
        for Seen { version, committed_at, rows } in &seen {
            for as_of in [AsOf::Version(*version), AsOf::Time(*committed_at)] {
                let state = blocking(|| table.promised(as_of, None)).unwrap();
                assert_eq!(state.dataset_version, *version);
                assert_eq!(story.house.rows_of(&state), *rows, "{as_of:?}, restarted: {restarted}");
            }
        }
    }
    assert!(story.house.archived() > 500 && vacuumed > 100, "{vacuumed} files are gone");

    // Then only the later half is promised any more.
    let since = seen[REMEMBERED / 2].committed_at;
    let gone = vacuum(&story.house, Some(since));
    assert!(gone > 100, "{gone} files of what has expired");
    story.restart().await;
    let table = story.house.context.files.table();
    for (at, Seen { version, rows, .. }) in seen.iter().enumerate() {
        match table.promised(AsOf::Version(*version), Some(since)) {
            Ok(state) => assert_eq!((at >= REMEMBERED / 2, &story.house.rows_of(&state)), (true, rows)),
            Err(error) => assert_eq!((at < REMEMBERED / 2, error.reason()), (true, Reason::HistoryExpired)),
        }
    }
}
