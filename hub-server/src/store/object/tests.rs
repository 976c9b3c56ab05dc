use std::path::Path as FilePath;
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutPayload};

use super::ReadStore;
use crate::store::disk::sim::SimDisk;
use crate::store::disk::{Disk, LocalDisk, publish};

/// A store on a folder with one file of three million bytes.
fn filled(disk: Arc<dyn Disk>, root: &FilePath) -> (ReadStore, Vec<u8>) {
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
    let folder = root.join("tables/t_v1/d");
    disk.make_dir(&folder).unwrap();
    publish(disk.as_ref(), &folder.join("a.parquet"), &bytes).unwrap();
    (ReadStore::new(disk, root.to_path_buf()), bytes)
}

fn file() -> Path {
    Path::from("tables/t_v1/d/a.parquet")
}

async fn reads(store: &ReadStore, whole: &[u8]) {
    let at = file();
    assert_eq!(store.get(&at).await.unwrap().bytes().await.unwrap(), whole);
    assert_eq!(store.get_range(&at, 1_000..1_010).await.unwrap(), whole[1_000..1_010]);
    let ranges = store.get_ranges(&at, &[0..4, 2_999_996..3_000_000]).await.unwrap();
    assert_eq!(ranges, [Bytes::copy_from_slice(&whole[..4]), Bytes::copy_from_slice(&whole[2_999_996..])]);
    let suffix = GetOptions { range: Some(GetRange::Suffix(8)), ..GetOptions::default() };
    assert_eq!(store.get_opts(&at, suffix).await.unwrap().bytes().await.unwrap(), whole[2_999_992..]);
    assert_eq!(store.head(&at).await.unwrap().size, 3_000_000);
    let missing = store.get(&Path::from("tables/none")).await.unwrap_err();
    assert!(matches!(missing, Error::NotFound { .. }), "{missing}");
}

#[tokio::test]
async fn files_are_read_whole_and_in_ranges_on_both_disks() {
    let disk = Arc::new(SimDisk::new());
    let (store, whole) = filled(disk, FilePath::new("/hub"));
    reads(&store, &whole).await;
    let root = tempfile::tempdir().unwrap();
    let (store, whole) = filled(Arc::new(LocalDisk), root.path());
    reads(&store, &whole).await;
}

#[tokio::test]
async fn nothing_is_written_listed_or_removed_through_it() {
    let root = tempfile::tempdir().unwrap();
    let (store, whole) = filled(Arc::new(LocalDisk), root.path());
    let (at, new) = (file(), Path::from("tables/new"));
    let refusals = [
        store.put(&new, PutPayload::from_static(b"x")).await.map(drop),
        store.put_multipart(&new).await.map(drop),
        store.copy(&at, &new).await,
        store.rename(&at, &new).await,
        store.delete(&at).await,
        store.list(None).try_collect::<Vec<_>>().await.map(drop),
        store.list_with_delimiter(None).await.map(drop),
    ];
    for refusal in refusals {
        assert!(matches!(refusal.unwrap_err(), Error::NotSupported { .. }));
    }
    reads(&store, &whole).await;
}
