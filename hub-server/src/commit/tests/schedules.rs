//! All schedules of append × correction over shared files: whatever is prepared when, and committed
//! when, the rows are those of the pushes replayed in the order of the log.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};

use super::harness::{House, Push, blocking, commit, oracle, pattern_schema, push, shape};
use super::works::{Course, Work, schedules};
use crate::commit::prepare::prepare;
use crate::store::disk::sim::SimDisk;
use crate::store::table::physical;

/// Corrections of the first of the later pushes, appends of the others.
fn works(corrections: usize, appends: usize) -> Vec<Work> {
    let appended = (corrections..corrections + appends).map(Work::Append);
    (0..corrections).map(Work::Correction).chain(appended).collect()
}

async fn run(schedule: &[usize], works: &[Work], first: &[Push], later: &[Push], sliced: bool) {
    let mut course = Course::new(sliced, later).await;
    course.commit(first).await;
    let files = course.house.context.files.table().snapshot().files.len();
    assert_eq!(files, 1, "the first group shares a file");
    for at in schedule {
        course.step(works[*at]).await;
    }
    course.assert_whole(&[first, later].concat(), sliced, &format!("{schedule:?}")).await;
}

fn first_group() -> Vec<Push> {
    vec![
        push(1, "a", &[("u1", 3), ("u2", 2)]),
        push(2, "b", &[("u1", 1), ("u2", 2), ("u3", 1)]),
        push(3, "c", &[("u1", 2)]),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_corrections_and_an_append_in_all_orders() {
    let later =
        [push(4, "a", &[("u1", 1)]), push(5, "b", &[("u2", 4), ("u4", 1)]), push(6, "d", &[("u1", 2)])];
    let works = works(2, 1);
    let all = schedules(&works);
    assert_eq!(all.len(), 30);
    for schedule in all {
        run(&schedule, &works, &first_group(), &later, true).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_corrections_that_empty_their_file_in_all_orders() {
    let later = [
        push(4, "a", &[("u1", 1), ("u2", 1)]),
        push(5, "b", &[("u1", 1), ("u2", 1), ("u3", 1)]),
        push(6, "c", &[("u1", 5)]),
    ];
    let works = works(3, 0);
    let all = schedules(&works);
    assert_eq!(all.len(), 90);
    for schedule in all {
        run(&schedule, &works, &first_group(), &later, true).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn corrections_of_one_publisher_race_with_those_of_others() {
    // Two corrections of one key: whichever is prepared first, the later commit supersedes the other.
    let later = [push(4, "a", &[("u1", 1)]), push(5, "a", &[("u2", 7)]), push(6, "b", &[("u3", 2)])];
    let works = works(3, 0);
    for schedule in schedules(&works) {
        run(&schedule, &works, &first_group(), &later, true).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_slices_a_push_replaces_the_whole() {
    let later = [push(4, "a", &[("u1", 1)]), push(5, "b", &[("u2", 4)]), push(6, "d", &[("u1", 2)])];
    let works = works(2, 1);
    for schedule in schedules(&works) {
        run(&schedule, &works, &first_group(), &later, false).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn corrections_prepared_together_share_one_rewrite() {
    let house = House::open(&SimDisk::new(), true).await.unwrap();
    let mut putter = house.putter();
    let mut items = Vec::new();
    for push in first_group() {
        items.push(house.item(&push).await.0);
    }
    commit(&house, &mut putter, items, None);
    let later = [push(4, "a", &[("u1", 1)]), push(5, "b", &[("u2", 4)])];
    let items = vec![house.item(&later[0]).await.0, house.item(&later[1]).await.0];
    let prepared = blocking(|| prepare(&house.context, items)).unwrap();
    assert_eq!((prepared.removed.len(), prepared.added.len()), (1, 1));
    commit(&house, &mut putter, Vec::new(), Some(prepared));
    let log = house.log();
    let last = log.last().unwrap();
    assert_eq!((last.info.submissions.len(), last.removes.len(), last.adds.len()), (2, 1, 2));
    assert_eq!(house.rows(), oracle(&log, &[first_group(), later.to_vec()].concat()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_older_than_a_column_is_corrected() {
    let house = House::open(&SimDisk::new(), true).await.unwrap();
    let mut putter = house.putter();
    let mut items = Vec::new();
    for push in first_group() {
        items.push(house.item(&push).await.0);
    }
    commit(&house, &mut putter, items, None);
    let older = house.log();
    // The pattern's next minor version has a new optional column.
    let columns =
        [pattern_schema().fields().to_vec(), vec![Arc::new(Field::new("note", DataType::Utf8, true))]];
    let mut wider = shape(true);
    wider.table.schema = physical(&Schema::new(columns.concat()));
    let house = House::open_as(&house.disk.killed(), wider).await.unwrap();
    let mut putter = house.putter();
    let correction = push(4, "b", &[("u2", 4)]);
    let (item, answer) = house.item(&correction).await;
    commit(&house, &mut putter, vec![item], None);
    assert_eq!(answer.await.unwrap().unwrap().revision, 2);
    assert!(house.log().len() > older.len() + 1, "the new column is a commit of its own");
    assert_eq!(house.rows(), oracle(&house.log(), &[first_group(), vec![correction]].concat()));
}
