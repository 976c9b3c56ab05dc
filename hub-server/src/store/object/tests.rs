use std::io::ErrorKind;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{
    Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload,
};

use super::SyncStore;
use crate::store::disk::sim::{Fault, Op, SimDisk};
use crate::store::disk::{Disk, LocalDisk};

fn on_sim() -> (SyncStore, SimDisk) {
    let disk = SimDisk::new();
    disk.make_dir(FilePath::new("/hub")).unwrap();
    (SyncStore::new(Arc::new(disk.clone()), PathBuf::from("/hub")), disk)
}

async fn create(store: &SyncStore, path: &str, bytes: &'static [u8]) -> Result<(), Error> {
    let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
    store.put_opts(&Path::from(path), PutPayload::from_static(bytes), options).await.map(drop)
}

async fn names(store: &SyncStore, prefix: &str) -> Vec<String> {
    let mut all: Vec<String> =
        store.list(Some(&Path::from(prefix))).map_ok(|m| m.location.to_string()).try_collect().await.unwrap();
    all.sort();
    all
}

async fn behaves(store: &SyncStore) {
    let big: Vec<u8> = (0..3_000_000_u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
    let at = Path::from("tables/t_v1/d/a.parquet");
    store.put(&at, PutPayload::from(big.clone())).await.unwrap();
    assert_eq!(store.get(&at).await.unwrap().bytes().await.unwrap(), big);
    assert_eq!(store.get_range(&at, 1_000..1_010).await.unwrap(), big[1_000..1_010]);
    let ranges = store.get_ranges(&at, &[0..4, 2_999_996..3_000_000]).await.unwrap();
    assert_eq!(ranges, [Bytes::copy_from_slice(&big[..4]), Bytes::copy_from_slice(&big[2_999_996..])]);
    let suffix = GetOptions { range: Some(GetRange::Suffix(8)), ..GetOptions::default() };
    assert_eq!(store.get_opts(&at, suffix).await.unwrap().bytes().await.unwrap(), big[2_999_992..]);
    assert_eq!(store.head(&at).await.unwrap().size, 3_000_000);

    create(store, "tables/t_v1/_delta_log/0.json", b"one").await.unwrap();
    let taken = create(store, "tables/t_v1/_delta_log/0.json", b"two").await.unwrap_err();
    assert!(matches!(taken, Error::AlreadyExists { .. }), "{taken}");
    let copy = Path::from("tables/t_v1/_delta_log/1.json");
    store.copy(&Path::from("tables/t_v1/_delta_log/0.json"), &copy).await.unwrap();
    assert!(store.copy_if_not_exists(&at, &copy).await.is_err());
    assert_eq!(store.get(&copy).await.unwrap().bytes().await.unwrap(), b"one".as_slice());
    assert_eq!(
        names(store, "tables").await,
        ["tables/t_v1/_delta_log/0.json", "tables/t_v1/_delta_log/1.json", "tables/t_v1/d/a.parquet"]
    );
    let level = store.list_with_delimiter(Some(&Path::from("tables/t_v1"))).await.unwrap();
    assert_eq!(level.common_prefixes, [Path::from("tables/t_v1/_delta_log"), Path::from("tables/t_v1/d")]);
    assert!(level.objects.is_empty());
    store.delete(&copy).await.unwrap();
    assert!(matches!(store.get(&copy).await.unwrap_err(), Error::NotFound { .. }));
    assert_eq!(names(store, "none").await, Vec::<String>::new());

    let mut upload = store.put_multipart(&Path::from("x/parts")).await.unwrap();
    let (first, second) = (upload.put_part("ab".into()), upload.put_part("cd".into()));
    // The parts may come in any order.
    second.await.unwrap();
    first.await.unwrap();
    assert_eq!(names(store, "x").await, Vec::<String>::new(), "not visible before it is complete");
    upload.complete().await.unwrap();
    assert_eq!(store.get(&Path::from("x/parts")).await.unwrap().bytes().await.unwrap(), b"abcd".as_slice());
    let mut gone = store.put_multipart(&Path::from("x/gone")).await.unwrap();
    gone.put_part("ab".into()).await.unwrap();
    gone.abort().await.unwrap();
    assert!(gone.complete().await.is_err());
    assert_eq!(names(store, "x").await, ["x/parts"]);
}

#[tokio::test]
async fn sync_store_behaves_on_both_disks() {
    behaves(&on_sim().0).await;
    let root = tempfile::tempdir().unwrap();
    behaves(&SyncStore::new(Arc::new(LocalDisk), root.path().to_path_buf())).await;
}

#[tokio::test]
async fn what_was_put_survives_a_power_loss() {
    let (store, disk) = on_sim();
    create(&store, "new/folder/a", b"one").await.unwrap();
    store.put(&Path::from("new/b"), "two".into()).await.unwrap();
    let mut upload = store.put_multipart(&Path::from("new/c")).await.unwrap();
    upload.put_part("three".into()).await.unwrap();
    upload.complete().await.unwrap();
    store.delete(&Path::from("new/b")).await.unwrap();
    let after = SyncStore::new(Arc::new(disk.after_power_loss(0)), PathBuf::from("/hub"));
    assert_eq!(names(&after, "new").await, ["new/c", "new/folder/a"]);
    assert_eq!(after.get(&Path::from("new/c")).await.unwrap().bytes().await.unwrap(), b"three".as_slice());
}

#[tokio::test]
async fn faults_are_passed_on() {
    let (store, disk) = on_sim();
    let fault = Fault {
        op: Op::SyncDir,
        path: "hub".into(),
        skip: 0,
        error: ErrorKind::StorageFull,
        after_effect: false,
    };
    disk.fail(fault);
    assert!(create(&store, "a", b"one").await.is_err());
    assert!(create(&store, "b", b"one").await.is_ok());
}
