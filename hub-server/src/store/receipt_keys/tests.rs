use super::*;
use crate::store::disk::sim::SimDisk;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(second, 500_000_000).unwrap()
}

fn rotation(second: i64) -> Rotation {
    Rotation { now: at(second), newest_commit: None, compromised: false }
}

fn root(disk: &dyn Disk) -> &'static Path {
    let root = Path::new("/data");
    disk.make_private_dir(&root.join("keys")).unwrap();
    root
}

fn ids(set: &KeySet) -> Vec<String> {
    set.keys.iter().map(|key| key.id.clone()).collect()
}

#[test]
fn the_first_start_draws_a_key_and_the_next_finds_it() {
    let disk = SimDisk::new();
    let root = root(&disk);
    assert_eq!(published(&disk, root).unwrap(), None);
    let first = open(&disk, root, at(100)).unwrap().published().clone();
    assert_eq!(first.keys[0].validity, Validity { from: 100, until: None, revoked: None });
    let again = open(&disk, root, at(200)).unwrap().published().clone();
    assert_eq!(first, again);
    assert_eq!(published(&disk, root).unwrap(), Some(first));
}

#[test]
fn a_rotation_publishes_the_old_key_and_forgets_its_secret() {
    let disk = SimDisk::new();
    let root = root(&disk);
    let old = open(&disk, root, at(100)).unwrap().published().keys[0].clone();
    let order = Rotation { newest_commit: Some(at(250)), ..rotation(200) };
    let set = rotate(&disk, root, order).unwrap();
    assert_eq!(set.keys.len(), 2);
    assert_eq!(set.keys[0].validity, Validity { from: 200, until: None, revoked: None });
    assert_eq!(set.keys[1].id, old.id);
    // The newest commit was told a later time than the clock says now.
    assert_eq!(set.keys[1].validity, Validity { from: 100, until: Some(250), revoked: None });
    let secrets = Place { disk: &disk, keys: root.join("keys") }.secrets().unwrap();
    assert_eq!(secrets, [root.join("keys").join(format!("receipt-{}", set.keys[0].id))]);
    assert_eq!(open(&disk, root, at(300)).unwrap().published(), &set);

    let third = rotate(&disk, root, Rotation { compromised: true, ..rotation(150) }).unwrap();
    assert_eq!(ids(&third)[1..], ids(&set));
    // The clock was set back, and times go on.
    assert_eq!(third.keys[0].validity.from, 200);
    assert_eq!(third.keys[1].validity, Validity { from: 200, until: Some(200), revoked: Some(200) });
    assert_eq!(third.keys[2].validity, set.keys[1].validity);
}

#[test]
fn what_is_damaged_or_gone_is_named() {
    let disk = SimDisk::new();
    let root = root(&disk);
    let id = open(&disk, root, at(100)).unwrap().published().keys[0].id.clone();
    let (list, secret) = (root.join("keys/receipts.json"), root.join(format!("keys/receipt-{id}")));
    let whole = disk::read_all(&disk, &list).unwrap();
    let rotten = String::from_utf8(whole.clone()).unwrap().replace("\"nbf\":100", "\"nbf\":101");
    disk::supersede(&disk, &list, rotten.as_bytes()).unwrap();
    assert!(open(&disk, root, at(1)).unwrap_err().to_string().contains("SHA-256"));
    disk::supersede(&disk, &list, &whole).unwrap();
    disk::supersede(&disk, &secret, &[1; 32]).unwrap();
    assert!(open(&disk, root, at(1)).unwrap_err().to_string().contains("is not the secret"));
    disk.remove(&secret).unwrap();
    let gone = open(&disk, root, at(1)).unwrap_err().to_string();
    assert!(gone.contains(&format!("receipt-{id}")) && gone.contains("receipt-key rotate"), "{gone}");
    // Without the secret a rotation still helps, and the old key stays published.
    assert_eq!(ids(&rotate(&disk, root, rotation(200)).unwrap())[1], id);
    open(&disk, root, at(300)).unwrap();
}

#[test]
fn the_secret_of_a_start_that_was_cut_is_taken_up() {
    let disk = SimDisk::new();
    let root = root(&disk);
    let id = open(&disk, root, at(100)).unwrap().published().keys[0].id.clone();
    disk.remove(&root.join("keys/receipts.json")).unwrap();
    assert_eq!(open(&disk, root, at(300)).unwrap().published().keys[0].id, id);
}

#[test]
fn a_power_cut_at_any_call_leaves_one_key_in_force_and_loses_none() {
    let begun = || {
        let disk = SimDisk::new();
        let id = open(&disk, root(&disk), at(100)).unwrap().published().keys[0].id.clone();
        (disk, id)
    };
    let (whole, _) = begun();
    let opened = whole.operations();
    rotate(&whole, root(&whole), rotation(200)).unwrap();
    for cut in opened..=whole.operations() {
        let (disk, before) = begun();
        disk.cut_after(cut);
        let done = rotate(&disk, Path::new("/data"), rotation(200));
        for seed in [0, 1, 2, 3, u64::MAX] {
            let what = format!("cut {cut}, seed {seed}");
            let after = disk.after_power_loss(seed);
            let found = open(&after, root(&after), at(300)).unwrap().published().clone();
            assert_eq!(ids(&found).last(), Some(&before), "{what}");
            assert!((1..=2).contains(&found.keys.len()), "{what}");
            let in_force = found.keys.iter().filter(|key| key.validity.until.is_none()).count();
            assert_eq!(in_force, 1, "{what}");
            if let Ok(set) = &done {
                assert_eq!(found, *set, "{what}");
            }
        }
    }
}
