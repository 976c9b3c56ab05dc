use super::*;

fn key() -> PushKey {
    PushKey {
        profile: "publisher".into(),
        payload: "ab".repeat(32),
        pattern: "rb28s".into(),
        publisher: String::new(),
        period: "2022-Q4".into(),
    }
}

#[test]
fn the_same_push_is_taken_up_until_it_is_settled() {
    let dir = tempfile::tempdir().unwrap();
    let begun = Pending::take_up(dir.path(), &key()).unwrap();
    let again = Pending::take_up(dir.path(), &key()).unwrap();
    assert!(!begun.is_resumed() && again.is_resumed());
    assert_eq!(begun.request_id(), again.request_id());
    again.settle().unwrap();
    begun.settle().unwrap();
    assert!(!Pending::take_up(dir.path(), &key()).unwrap().is_resumed());
}

#[test]
fn every_part_of_the_key_counts() {
    let dir = tempfile::tempdir().unwrap();
    let first = Pending::take_up(dir.path(), &key()).unwrap();
    let others = [
        PushKey { profile: "publisher2".into(), ..key() },
        PushKey { payload: "cd".repeat(32), ..key() },
        PushKey { pattern: "rb27s".into(), ..key() },
        PushKey { publisher: "gmina-100201".into(), ..key() },
        PushKey { period: "2022-M12".into(), ..key() },
        // The same letters, split otherwise.
        PushKey { profile: "publishe".into(), payload: format!("r{}", "ab".repeat(32)), ..key() },
    ];
    for other in others {
        let pending = Pending::take_up(dir.path(), &other).unwrap();
        assert!(!pending.is_resumed(), "{other:?}");
        assert_ne!(pending.request_id(), first.request_id());
    }
}

#[test]
fn a_damaged_file_begins_a_new_push_and_nothing_else_stays() {
    let dir = tempfile::tempdir().unwrap();
    let first = Pending::take_up(dir.path(), &key()).unwrap();
    fs::write(&first.path, b"{\"request_id\":").unwrap();
    let second = Pending::take_up(dir.path(), &key()).unwrap();
    assert!(!second.is_resumed());
    assert_ne!(first.request_id(), second.request_id());
    assert_eq!(fs::read_dir(dir.path().join("state")).unwrap().count(), 1);
}
