//! Changes: what each version brought and took, wherever its rows are by now.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use hub_proto::Reason;

use super::keeping::keep;
use super::start;
use super::vacuum::{ALL, SHORT, found, told, vacuum};
use crate::store::Snapshot;
use crate::store::disk::sim::SimDisk;
use crate::store::table::{ChangesBound, ChangesSince, Cursor, Table};

const ANY: ChangesBound = ChangesBound { versions: 100, rows: u64::MAX, submissions: 100 };

type Sides = [BTreeMap<i64, u64>; 2];

fn sides(disk: &SimDisk, found_of: &ChangesSince) -> Vec<(u64, Sides)> {
    let side = |part: &Option<std::sync::Arc<Snapshot>>| match part {
        Some(part) => found(disk, part),
        None => BTreeMap::new(),
    };
    let change = |change: &super::super::Changed| {
        (change.made.cursor.version, [side(&change.before), side(&change.after)])
    };
    found_of.changes.iter().map(change).collect()
}

fn since(table: &Table, cursor: &Cursor, bound: ChangesBound) -> ChangesSince {
    table.changes(cursor, None, bound).unwrap()
}

/// Log versions 1, 2, 3, 5, 6 and 8 make dataset versions 1 to 6; file `n` has `n + 1` rows of submission `n`.
#[test]
fn changes_are_the_files_of_their_commits() {
    let disk = SimDisk::new();
    let table = told(&disk);
    let all = since(&table, &Cursor::default(), ANY);
    let rows = |seqs: &[i64]| -> BTreeMap<i64, u64> {
        seqs.iter().map(|seq| (*seq, u64::try_from(*seq).unwrap() + 1)).collect()
    };
    let was = sides(&disk, &all);
    let added = |version, seq| (version, [rows(&[]), rows(&[seq])]);
    assert_eq!(was[..4], [added(1, 1), added(2, 2), added(3, 3), added(4, 5)]);
    assert_eq!(was[4].0, 5);
    assert!(!was[4].1[0].is_empty() && was[4].1[1] == rows(&[6]), "a correction takes and brings: {was:?}");
    assert_eq!((all.cursor.version, all.more), (6, false));

    // In pages it is the same, and from each cursor on the rest.
    let mut cursor = Cursor::default();
    let mut paged = Vec::new();
    loop {
        let page = since(&table, &cursor, ChangesBound { versions: 2, ..ANY });
        let rest = since(&table, &page.cursor, ANY);
        paged.extend(sides(&disk, &page));
        assert_eq!(sides(&disk, &rest), was[paged.len()..]);
        cursor = page.cursor;
        assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
        if !page.more {
            break;
        }
    }
    assert_eq!(paged, was);
    let one = since(&table, &Cursor::default(), ChangesBound { rows: 0, ..ANY });
    assert_eq!((one.changes.len(), one.more), (1, true), "a version is never cut");
    drop((all, one));

    // After all vacuums, and out of the archive, the rows are those that they were.
    vacuum(&table, ALL).unwrap();
    assert_eq!(sides(&disk, &since(&table, &Cursor::default(), ANY)), was, "vacuumed");
    drop(table);
    keep(&super::open(&disk.killed()).unwrap(), SHORT).unwrap();
    let disk = disk.killed();
    let table = super::open(&disk).unwrap();
    assert_eq!(sides(&disk, &since(&table, &Cursor::default(), ANY)), was, "archived");
    let made: Vec<u64> =
        table.made_since(&Cursor::default(), 4).unwrap().iter().map(|made| made.cursor.version).collect();
    assert_eq!(made, [1, 2, 3, 4]);
}

/// Who reads changes keeps their files, as a reader of a state does.
#[test]
fn a_vacuum_waits_for_who_reads_changes() {
    let disk = SimDisk::new();
    let table = told(&disk);
    let held = since(&table, &Cursor::default(), ANY);
    let was = sides(&disk, &held);
    vacuum(&table, ALL).unwrap();
    assert_eq!(sides(&disk, &held), was, "all files are there");
    drop(held);
    assert!(vacuum(&table, ALL).unwrap().files > 0, "and go afterwards");
}

#[test]
fn what_is_no_place_or_beyond_the_reach_is_refused() {
    let disk = SimDisk::new();
    let table = told(&disk);
    let place = table.cursor(3).unwrap();
    let promised = Some(start() + TimeDelta::seconds(7));
    let refused = |cursor: &Cursor| table.changes(cursor, promised, ANY).unwrap_err().reason();
    assert_eq!(refused(&place), Reason::HistoryExpired);
    assert_eq!(refused(&Cursor::default()), Reason::HistoryExpired);
    assert_eq!(table.changes(&table.cursor(5).unwrap(), promised, ANY).unwrap().changes.len(), 1);
    for other in ["3.other", "7.commit-9"] {
        assert_eq!(refused(&other.parse().unwrap()), Reason::CursorUnknown, "{other}");
    }
    for none in ["3", "x.y", ".a", "0.a", "3."] {
        assert!(none.parse::<Cursor>().is_err(), "{none}");
    }
    assert_eq!("".parse::<Cursor>().unwrap().to_string(), "0");
}
