use std::time::Duration;

use tokio::time::Instant;

use crate::extract::agenda::{Agenda, Next};

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn make(dataset: &str) -> Next {
    Next::Make(dataset.to_owned())
}

#[test]
fn a_dataset_rests_after_its_extract_and_others_do_not_wait() {
    let start = Instant::now();
    let mut agenda = Agenda::of(["a".to_owned()].into_iter(), start);
    assert_eq!(agenda.next(start), make("a"));
    assert_eq!(agenda.next(start), Next::Nothing);
    let made = start + seconds(3);
    agenda.made("a", made, seconds(3));
    agenda.mark("a", made);
    assert_eq!(agenda.next(made), Next::At(made + seconds(30)));
    agenda.mark("b", made);
    assert_eq!(agenda.next(made), Next::At(made + seconds(1)));
    assert_eq!(agenda.next(made + seconds(1)), make("b"));
    assert_eq!(agenda.next(made + seconds(29)), Next::At(made + seconds(30)));
    assert_eq!(agenda.next(made + seconds(30)), make("a"));
    assert_eq!(agenda.next(made + seconds(30)), Next::Nothing);
}

#[test]
fn a_train_of_pushes_is_waited_for_but_not_for_ever() {
    let start = Instant::now();
    let mut agenda = Agenda::default();
    for at in 0..60 {
        agenda.mark("a", start + seconds(at));
        assert_eq!(agenda.next(start + seconds(at)), Next::At(start + seconds(at + 1)), "{at}");
    }
    agenda.mark("a", start + seconds(60));
    assert_eq!(agenda.next(start + seconds(60)), make("a"));
}

#[test]
fn what_failed_is_tried_again_after_rests_that_grow() {
    let start = Instant::now();
    let mut agenda = Agenda::default();
    for rest in [15, 30, 60, 120, 240, 480, 600, 600] {
        assert_eq!(agenda.failed("a", start), seconds(rest));
        assert_eq!(agenda.next(start), Next::At(start + seconds(rest)));
        assert_eq!(agenda.next(start + seconds(rest)), make("a"));
    }
    agenda.made("a", start, seconds(1));
    assert_eq!(agenda.failed("a", start), seconds(15), "a success ends the row of failures");
}

#[test]
fn a_long_making_rests_ten_minutes_and_quiet_ends_the_rest() {
    let start = Instant::now();
    let mut agenda = Agenda::default();
    agenda.made("a", start, seconds(3_600));
    agenda.mark("a", start);
    assert_eq!(agenda.next(start), Next::At(start + seconds(600)));
    let mut agenda = Agenda::default();
    agenda.made("a", start, seconds(1));
    agenda.mark("a", start);
    assert_eq!(agenda.next(start + seconds(11)), make("a"));
}
