use std::path::Path as FilePath;
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutPayload};

use super::Objects;
use crate::store::StoreError;
use crate::store::checked::tests::described;
use crate::store::disk::sim::SimDisk;
use crate::store::disk::{Disk, LocalDisk, publish};

const FILE: &str = "tables/t_v1/d/a.parquet";

/// The store of a file of three million bytes.
fn filled(disk: Arc<dyn Disk>, root: &FilePath) -> (Arc<dyn ObjectStore>, Vec<u8>) {
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
    disk.make_dir(&root.join("tables/t_v1/d")).unwrap();
    publish(disk.as_ref(), &root.join(FILE), &bytes).unwrap();
    (Objects::new(disk, root.to_path_buf()).of(FILE, &described(&bytes)), bytes)
}

async fn reads(store: &dyn ObjectStore, whole: &[u8]) {
    let at = Path::from(FILE);
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
async fn a_file_is_read_whole_and_in_ranges_on_both_disks() {
    let disk = Arc::new(SimDisk::new());
    let (store, whole) = filled(disk, FilePath::new("/hub"));
    reads(store.as_ref(), &whole).await;
    let root = tempfile::tempdir().unwrap();
    let (store, whole) = filled(Arc::new(LocalDisk), root.path());
    reads(store.as_ref(), &whole).await;
}

#[tokio::test]
async fn a_rotten_block_is_told_with_its_file_and_the_others_are_read() {
    let disk = SimDisk::new();
    let (store, whole) = filled(Arc::new(disk.clone()), FilePath::new("/hub"));
    disk.flip(&FilePath::new("/hub").join(FILE), 2_000_000);
    let at = Path::from(FILE);
    for wanted in [2_000_000..2_000_001, 1_999_000..2_100_000] {
        let error = store.get_range(&at, wanted.clone()).await.unwrap_err();
        let source = std::error::Error::source(&error).and_then(|source| source.downcast_ref());
        assert!(matches!(source, Some(StoreError::Rotten { file, .. }) if file.ends_with(FILE)), "{error:?}");
        assert!(store.get_ranges(&at, &[0..4, wanted]).await.is_err());
    }
    assert_eq!(store.get_range(&at, 0..1_000_000).await.unwrap(), whole[..1_000_000]);
}

#[tokio::test]
async fn nothing_is_written_listed_or_removed_through_it() {
    let root = tempfile::tempdir().unwrap();
    let (store, whole) = filled(Arc::new(LocalDisk), root.path());
    let (at, new) = (Path::from(FILE), Path::from("tables/new"));
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
    reads(store.as_ref(), &whole).await;
}
