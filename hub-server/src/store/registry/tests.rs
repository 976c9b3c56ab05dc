use super::*;
use crate::store::disk::sim::SimDisk;

fn names(disk: &dyn Disk, root: &Path) -> Vec<String> {
    all(disk, root).unwrap().into_iter().map(|one| one.name).collect()
}

#[test]
fn what_was_registered_is_there_and_never_written_over() {
    let (disk, root) = (SimDisk::new(), Path::new("/data"));
    assert!(names(&disk, root).is_empty());
    register(&disk, root, "b-1.0.0", b"second").unwrap();
    register(&disk, root, "a-1.2.3", b"first").unwrap();
    assert!(register(&disk, root, "a-1.2.3", b"other").is_err());
    let all = all(&disk, root).unwrap();
    let found: Vec<_> = all.into_iter().map(|one| (one.name, one.packed.unwrap())).collect();
    assert_eq!(
        found,
        [("a-1.2.3".to_owned(), b"first".to_vec()), ("b-1.0.0".to_owned(), b"second".to_vec())]
    );
}

#[test]
fn a_damaged_one_is_named_and_keeps_none_of_the_others() {
    let (disk, root) = (SimDisk::new(), Path::new("/data"));
    for name in ["a-1.0.0", "b-1.0.0", "c-1.0.0"] {
        register(&disk, root, name, b"bytes of it").unwrap();
    }
    let path = root.join("patterns/b-1.0.0.pattern");
    let whole = disk::read_all(&disk, &path).unwrap();
    for at in 0..whole.len() {
        let mut rotten = whole.clone();
        rotten[at] ^= 1;
        disk::supersede(&disk, &path, &rotten).unwrap();
        let found = all(&disk, root).unwrap();
        let error = found[1].packed.as_ref().unwrap_err().to_string();
        assert!(error.contains("b-1.0.0.pattern"), "{at}: {error}");
        assert!(found[0].packed.is_ok() && found[2].packed.is_ok());
    }
    disk::supersede(&disk, &path, &whole[..whole.len() / 2]).unwrap();
    assert!(all(&disk, root).unwrap()[1].packed.is_err());
    disk::supersede(&disk, &path, b"").unwrap();
    assert!(all(&disk, root).unwrap()[1].packed.is_err());
}

#[test]
fn a_power_cut_at_any_call_leaves_all_of_a_pattern_or_nothing() {
    let root = Path::new("/data");
    let begun = || {
        let disk = SimDisk::new();
        register(&disk, root, "a-1.0.0", b"the first").unwrap();
        disk
    };
    let (before, whole) = (begun().operations(), begun());
    register(&whole, root, "b-1.0.0", b"the second").unwrap();
    for cut in before..=whole.operations() {
        let disk = begun();
        disk.cut_after(cut);
        let answered = register(&disk, root, "b-1.0.0", b"the second").is_ok();
        for seed in 0..20 {
            let after = disk.after_power_loss(seed);
            sweep(&after, root).unwrap();
            let found: Vec<_> =
                all(&after, root).unwrap().into_iter().map(|one| (one.name, one.packed.unwrap())).collect();
            assert_eq!(found[0], ("a-1.0.0".to_owned(), b"the first".to_vec()), "cut {cut}, seed {seed}");
            let second = found.get(1).map(|(name, packed)| (name.as_str(), packed.as_slice()));
            let is_whole = second == Some(("b-1.0.0", b"the second"));
            assert!(is_whole || (second.is_none() && !answered), "cut {cut}, seed {seed}: {found:?}");
            // What was not answered is done again.
            if !is_whole {
                register(&after, root, "b-1.0.0", b"the second").unwrap();
            }
            assert_eq!(after.files().len(), 2, "cut {cut}, seed {seed}: nothing is left behind");
        }
    }
}
