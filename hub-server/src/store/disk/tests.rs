//! One suite of behaviour for both disks.

use std::io::ErrorKind;
use std::path::Path;

use super::sim::{Fault, Op, SimDisk};
use super::{Disk, LocalDisk, exists, is_room, publish, read_all, supersede, sweep_temporary};

fn behaves(disk: &dyn Disk, root: &Path) {
    let dir = root.join("a/b");
    disk.make_dir(&dir).unwrap();
    disk.make_dir(&dir).unwrap();
    let path = dir.join("one");
    let mut file = disk.create(&path).unwrap();
    assert_eq!(disk.create(&path).unwrap_err().kind(), ErrorKind::AlreadyExists);
    file.append(b"hello ").unwrap();
    file.append(b"world").unwrap();
    file.sync().unwrap();
    disk.sync_dir(&dir).unwrap();
    assert_eq!(read_all(disk, &path).unwrap(), b"hello world");
    let reader = disk.open(&path).unwrap();
    let mut five = [0; 5];
    reader.read_exact_at(6, &mut five).unwrap();
    assert_eq!(&five, b"world");
    assert_eq!(reader.read_exact_at(9, &mut five).unwrap_err().kind(), ErrorKind::UnexpectedEof);
    assert_eq!(reader.read_at(99, &mut five).unwrap(), 0);

    disk.append_to(&path).unwrap().append(b"!").unwrap();
    disk.truncate(&path, 5).unwrap();
    assert_eq!(disk.info(&path).unwrap().bytes, 5);
    let second = dir.join("two");
    disk.link(&path, &second).unwrap();
    assert_eq!(disk.link(&path, &second).unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(disk.rename(&path, &second).unwrap_err().kind(), ErrorKind::AlreadyExists);
    let third = dir.join("three");
    disk.rename(&path, &third).unwrap();
    assert_eq!(read_all(disk, &third).unwrap(), b"hello");
    disk.rename(&third, &path).unwrap();
    assert_eq!(disk.rename(&third, &path).unwrap_err().kind(), ErrorKind::NotFound);
    disk.remove(&path).unwrap();
    assert_eq!(disk.remove(&path).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(disk.open(&path).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(disk.append_to(&path).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(disk.list(&root.join("none")).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(disk.create(&root.join("none/x")).unwrap_err().kind(), ErrorKind::NotFound);
    let names =
        |dir: &Path| disk.list(dir).unwrap().into_iter().map(|e| (e.name, e.is_dir)).collect::<Vec<_>>();
    assert_eq!(names(&dir), [("two".to_owned(), false)]);
    assert_eq!(names(&root.join("a")), [("b".to_owned(), true)]);

    let roomy = dir.join("roomy");
    let mut file = disk.create_roomy(&roomy).unwrap();
    assert_eq!(disk.create_roomy(&roomy).unwrap_err().kind(), ErrorKind::AlreadyExists);
    for _ in 0..3 {
        file.append(b"record").unwrap();
        file.sync().unwrap();
    }
    let reader = disk.open(&roomy).unwrap();
    assert!(reader.bytes().unwrap() > 18, "there is room behind the records");
    assert!(is_room(reader.as_ref(), 18).unwrap() && !is_room(reader.as_ref(), 17).unwrap());
    disk.truncate(&roomy, 6).unwrap();
    drop(file);
    assert_eq!(read_all(disk, &roomy).unwrap(), b"record", "what was cut off does not come back");
    disk.append_roomy(&roomy).unwrap().append(b"!").unwrap();
    assert_eq!(read_all(disk, &roomy).unwrap(), b"record!", "a closed file has no room");
    disk.remove(&roomy).unwrap();

    let lock = disk.lock(&root.join("lock")).unwrap();
    assert_eq!(disk.lock(&root.join("lock")).unwrap_err().kind(), ErrorKind::WouldBlock);
    drop(lock);
    disk.lock(&root.join("lock")).unwrap();

    publish(disk, &path, b"v1").unwrap();
    assert_eq!(publish(disk, &path, b"v2").unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(read_all(disk, &path).unwrap(), b"v1");
    supersede(disk, &path, b"v2").unwrap();
    assert_eq!(read_all(disk, &path).unwrap(), b"v2");
    assert_eq!(disk.replace(&third, &path).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(names(&dir).len(), 2, "no temporary file stays");
    drop(disk.create(&dir.join("left.tmp")).unwrap());
    sweep_temporary(disk, &dir).unwrap();
    assert_eq!(names(&dir).len(), 2);
}

#[test]
fn local_disk_behaves() {
    let root = tempfile::tempdir().unwrap();
    behaves(&LocalDisk, root.path());
}

#[test]
fn sim_disk_behaves() {
    let disk = SimDisk::new();
    disk.make_dir(Path::new("/hub")).unwrap();
    behaves(&disk, Path::new("/hub"));
}

#[test]
fn local_secrets_are_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("keys");
    LocalDisk.make_private_dir(&dir).unwrap();
    drop(LocalDisk.create_private(&dir.join("k")).unwrap());
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&dir), mode(&dir.join("k"))), (0o700, 0o600));
}

/// Nothing half under the name, whatever was cut, and all of it once publish has returned.
#[test]
fn a_published_file_is_whole_or_absent_at_every_cut() {
    let path = Path::new("/hub/file");
    for cut in 0..12 {
        let disk = SimDisk::new();
        disk.make_dir(Path::new("/hub")).unwrap();
        disk.cut_after(disk.operations() + cut);
        let done = publish(&disk, path, b"whole").is_ok();
        for seed in [0, 1, 2, 3, 4, 5, 6, 7, u64::MAX] {
            let after = disk.after_power_loss(seed);
            match read_all(&after, path) {
                Ok(bytes) => assert_eq!(bytes, b"whole", "cut {cut} seed {seed}"),
                Err(_) => assert!(!done, "cut {cut} seed {seed}"),
            }
        }
        if cut == 11 {
            assert!(done, "the scenario is longer than its cuts");
        }
    }
}

/// Who reads the name finds the old file or the new one, whole, whatever was cut.
#[test]
fn a_superseded_file_is_the_old_or_the_new_one_at_every_cut() {
    let path = Path::new("/hub/file");
    let mut seen = std::collections::BTreeSet::new();
    for cut in 0..12 {
        let disk = SimDisk::new();
        disk.make_dir(Path::new("/hub")).unwrap();
        supersede(&disk, path, b"old").unwrap();
        disk.cut_after(disk.operations() + cut);
        let done = supersede(&disk, path, b"new").is_ok();
        for seed in [0, 1, 2, 3, 4, 5, 6, 7, u64::MAX] {
            let bytes = read_all(&disk.after_power_loss(seed), path).unwrap();
            assert!(bytes == b"new" || (bytes == b"old" && !done), "cut {cut} seed {seed}: {bytes:?}");
            seen.insert(bytes);
        }
    }
    assert_eq!(seen.len(), 2, "cuts before and after the change");
}

/// The simulated disk must really forget, else the tests above prove nothing.
#[test]
fn unsynced_bytes_and_names_are_lost() {
    let disk = SimDisk::new();
    disk.make_dir(Path::new("/hub")).unwrap();
    let mut file = disk.create(Path::new("/hub/a")).unwrap();
    file.append(b"kept").unwrap();
    file.sync().unwrap();
    assert!(!exists(&disk.after_power_loss(0), Path::new("/hub/a")).unwrap());
    disk.sync_dir(Path::new("/hub")).unwrap();
    file.append(b"lost").unwrap();
    assert_eq!(read_all(&disk.after_power_loss(0), Path::new("/hub/a")).unwrap(), b"kept");
    assert_eq!(read_all(&disk.killed(), Path::new("/hub/a")).unwrap(), b"keptlost");
    let torn: std::collections::BTreeSet<usize> = (1..64)
        .map(|seed| read_all(&disk.after_power_loss(seed), Path::new("/hub/a")).unwrap().len())
        .collect();
    assert_eq!(torn, (4..=8).collect());
}

/// Of a file with room any sector may be lost, also one before another that is kept.
#[test]
fn a_file_with_room_is_torn_anywhere() {
    let disk = SimDisk::new();
    let path = Path::new("/hub/a");
    disk.make_dir(Path::new("/hub")).unwrap();
    let mut file = disk.create_roomy(path).unwrap();
    disk.sync_dir(Path::new("/hub")).unwrap();
    file.append(&[1; 16]).unwrap();
    file.sync().unwrap();
    file.append(&[2; 32]).unwrap();
    let second = |seed| {
        let bytes = read_all(&disk.after_power_loss(seed), path).unwrap();
        assert_eq!(bytes[..16], [1; 16]);
        (bytes[16], bytes[32])
    };
    assert_eq!((second(0), second(u64::MAX)), ((0, 0), (2, 2)));
    let torn: std::collections::BTreeSet<(u8, u8)> = (1..64).map(second).collect();
    assert_eq!(torn, [(0, 0), (0, 2), (2, 0), (2, 2)].into());
}

#[test]
fn a_fault_comes_once_before_or_after_the_effect() {
    let disk = SimDisk::new();
    disk.make_dir(Path::new("/hub")).unwrap();
    let fault = |after_effect| Fault {
        op: Op::Create,
        path: "x".into(),
        skip: 0,
        error: ErrorKind::StorageFull,
        after_effect,
    };
    disk.fail(fault(false));
    assert_eq!(disk.create(Path::new("/hub/x")).unwrap_err().kind(), ErrorKind::StorageFull);
    assert!(!exists(&disk, Path::new("/hub/x")).unwrap());
    disk.fail(fault(true));
    assert!(disk.create(Path::new("/hub/x")).is_err());
    assert!(exists(&disk, Path::new("/hub/x")).unwrap());
    assert_eq!(disk.faults_left(), 0);
}
