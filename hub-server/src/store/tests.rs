//! The data folder: lock, format, secrets, layout.

use std::path::Path;
use std::sync::Arc;

use super::disk::sim::{Fault, Op, SimDisk};
use super::disk::{Disk, LocalDisk, publish, read_all};
use super::table::TableSpec;
use super::{Store, StoreError};
use crate::store::log::tests::columns;

fn spec() -> TableSpec {
    TableSpec { dataset: "rb28s".into(), name: "rb28s_v1".into(), schema: columns() }
}

async fn open(disk: &SimDisk) -> Result<Arc<Store>, StoreError> {
    Store::open(Arc::new(disk.clone()), "/hub".into()).await
}

#[tokio::test]
async fn a_folder_is_used_by_one_server_at_a_time() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::open(Arc::new(LocalDisk), root.path().into()).await.unwrap();
    let error = Store::open(Arc::new(LocalDisk), root.path().into()).await.unwrap_err();
    assert!(error.to_string().contains("another hub-server uses this folder"), "{error}");
    let epoch = store.epoch().to_owned();
    drop(store);
    assert_eq!(Store::open(Arc::new(LocalDisk), root.path().into()).await.unwrap().epoch(), epoch);
}

#[tokio::test]
async fn the_folder_is_made_for_its_owner_alone_and_one_that_is_there_stays() {
    use std::os::unix::fs::PermissionsExt as _;
    let parent = tempfile::tempdir().unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let made = parent.path().join("hub");
    drop(Store::open(Arc::new(LocalDisk), made.clone()).await.unwrap());
    assert_eq!(mode(&made), 0o700);
    std::fs::set_permissions(&made, std::fs::Permissions::from_mode(0o750)).unwrap();
    drop(Store::open(Arc::new(LocalDisk), made.clone()).await.unwrap());
    assert_eq!(mode(&made), 0o750);
}

#[tokio::test]
async fn a_newer_an_older_or_a_broken_format_is_refused() {
    let disk = SimDisk::new();
    drop(open(&disk).await.unwrap());
    let path = Path::new("/hub/format.json");
    for (text, expected) in [
        (
            r#"{"format": 3, "epoch": 7, "new": []}"#,
            "/hub has folder format 3, this server knows 2; start a newer",
        ),
        (r#"{"format": 1, "epoch": "e", "created": "2022"}"#, "folder format 1 has no sums"),
        ("{", "/hub/format.json: "),
    ] {
        disk.remove(path).unwrap();
        publish(&disk, path, text.as_bytes()).unwrap();
        let error = open(&disk).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(read_all(&disk, path).unwrap(), text.as_bytes(), "left as it was");
    }
    // A folder that lost its format but holds tables is not taken for a new one.
    let disk = SimDisk::new();
    let store = open(&disk).await.unwrap();
    store.open_table_as(spec()).await.unwrap();
    drop(store);
    disk.remove(path).unwrap();
    let error = open(&disk).await.unwrap_err();
    assert_eq!(error.reason(), hub_proto::Reason::StorageCorrupt, "{error}");
}

#[tokio::test]
async fn secrets_stay_and_differ_by_name() {
    let disk = SimDisk::new();
    let store = open(&disk).await.unwrap();
    let (page, receipt) = (store.secret("page").unwrap(), store.secret("receipt").unwrap());
    assert_ne!(page, receipt);
    assert_eq!(store.secret("page").unwrap(), page);
    let after = open(&disk.after_power_loss(0)).await.unwrap();
    assert_eq!(after.secret("page").unwrap(), page);
    disk.truncate(Path::new("/hub/keys/page"), 5).unwrap();
    assert!(
        store.secret("page").unwrap_err().to_string().contains("/hub/keys/page: is not a key of 32 bytes")
    );
}

#[tokio::test]
async fn debug_output_shows_no_secret() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::open(Arc::new(LocalDisk), root.path().into()).await.unwrap();
    let secret = store.secret("page").unwrap();
    let shown = format!("{store:?}");
    assert!(shown.contains("LocalDisk") && !shown.contains(&format!("{secret:?}")), "{shown}");
}

/// Each cut of the first start leaves a folder that starts.
#[tokio::test]
async fn a_first_start_may_be_cut_anywhere() {
    let whole = SimDisk::new();
    open(&whole).await.unwrap().open_table_as(spec()).await.unwrap();
    for cut in 0..=whole.operations() {
        let disk = SimDisk::new();
        disk.cut_after(cut);
        if let Ok(store) = open(&disk).await {
            let _cut = store.open_table_as(spec()).await;
        }
        for seed in [0, 1, 2, 3, u64::MAX] {
            let after = disk.after_power_loss(seed);
            let store = open(&after).await.unwrap_or_else(|e| panic!("cut {cut} seed {seed}: {e}"));
            let table =
                store.open_table_as(spec()).await.unwrap_or_else(|e| panic!("cut {cut} seed {seed}: {e}"));
            assert_eq!(table.snapshot().dataset_version, 0);
            let names: Vec<_> = after.list(Path::new("/hub")).unwrap().into_iter().map(|e| e.name).collect();
            let unlocked: Vec<_> = names.iter().filter(|n| *n != "lock").collect();
            assert_eq!(
                unlocked,
                ["evidence", "format.json", "journal", "keys", "spool", "tables"],
                "cut {cut} seed {seed}"
            );
        }
    }
}

#[tokio::test]
async fn a_full_disk_has_its_reason() {
    let disk = SimDisk::new();
    disk.fail(Fault {
        op: Op::Append,
        path: "format.json".into(),
        skip: 0,
        error: std::io::ErrorKind::StorageFull,
        after_effect: false,
    });
    let error = open(&disk).await.unwrap_err();
    assert_eq!(error.reason(), hub_proto::Reason::StorageFull);
    assert!(error.to_string().starts_with("the disk is full: could not write /hub/format.json"), "{error}");
}

#[test]
fn raw_disk_full_errors_are_recognised() {
    // ENOSPC and EDQUOT as the machine gives them.
    for code in [28, 122] {
        let error = StoreError::io("write", Path::new("/x"), std::io::Error::from_raw_os_error(code));
        assert_eq!(error.reason(), hub_proto::Reason::StorageFull, "{code}");
    }
    let error = StoreError::io("write", Path::new("/x"), std::io::Error::from_raw_os_error(5));
    assert_eq!(error.reason(), hub_proto::Reason::Internal);
}

#[tokio::test]
async fn every_flipped_bit_of_the_format_is_found() {
    let disk = SimDisk::new();
    drop(open(&disk).await.unwrap());
    let path = Path::new("/hub/format.json");
    let whole = read_all(&disk, path).unwrap();
    for at in 0..whole.len() {
        disk.flip(path, at);
        let error = open(&disk.killed()).await.unwrap_err();
        assert!(error.to_string().starts_with("/hub"), "byte {at}: {error}");
        disk.flip(path, at);
    }
    assert!(open(&disk.killed()).await.is_ok());
}
