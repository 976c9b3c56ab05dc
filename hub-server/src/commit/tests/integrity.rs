//! Rot in a file is told, and never written again into a file that looks good.

use std::path::{Path, PathBuf};

use hub_proto::Reason;

use super::harness::{House, blocking, commit, oracle, push};
use crate::commit::compact::Stop;
use crate::commit::merge::merge;
use crate::commit::prepare::prepare;
use crate::store::disk::sim::SimDisk;

fn path(file: &str) -> PathBuf {
    Path::new("/hub/tables/rb28s_v1").join(file)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_correction_of_a_rotten_file_is_refused_and_others_go_on() {
    let house = House::open(&SimDisk::new(), true).await.unwrap();
    let mut putter = house.putter();
    let mut pushes = vec![push(1, "a", &[("u1", 2), ("u2", 1)]), push(2, "b", &[("u1", 3)])];
    let mut group = Vec::new();
    for one in &pushes {
        group.push(house.item(one).await.0);
    }
    commit(&house, &mut putter, group, None);
    let files = house.data_files();
    let [shared] = files.as_slice() else { panic!("one file of both: {files:?}") };
    house.disk.flip(&path(shared), 300);

    let correction = push(3, "a", &[("u1", 1)]);
    let (item, answer) = house.item(&correction).await;
    let back = blocking(|| putter.commit(vec![item], None)).back;
    assert!(blocking(|| prepare(&house.context, back)).is_none());
    let error = answer.await.unwrap().unwrap_err();
    assert_eq!(error.reason(), Reason::StorageCorrupt);
    assert!(error.to_string().contains(shared.as_str()), "{error}");
    assert_eq!(house.data_files(), files, "nothing was written");
    let untouched = push(4, "c", &[("u1", 2)]);
    let item = house.item(&untouched).await.0;
    commit(&house, &mut putter, vec![item], None);

    house.disk.flip(&path(shared), 300);
    let again = super::harness::Push { id: "s5".into(), seq: 5, request_id: "r5".into(), ..correction };
    let item = house.item(&again).await.0;
    commit(&house, &mut putter, vec![item], None);
    pushes.extend([untouched, again]);
    assert_eq!(house.rows(), oracle(&house.log(), &pushes));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_flipped_bit_of_an_input_keeps_a_merge_from_its_end() {
    let house = House::open(&SimDisk::new(), true).await.unwrap();
    let mut putter = house.putter();
    for one in [push(1, "a", &[("u1", 2)]), push(2, "b", &[("u2", 2)])] {
        let item = house.item(&one).await.0;
        commit(&house, &mut putter, vec![item], None);
    }
    let files = house.data_files();
    let first = path(&files[0]);
    let length = crate::store::disk::read_all(&house.disk, &first).unwrap().len();
    for at in (0..length).step_by(41) {
        house.disk.flip(&first, at);
        // Copies know nothing of what was compared before.
        let inputs: Vec<_> =
            house.context.files.table().snapshot().files.iter().map(|f| (**f).clone().into()).collect();
        let error = blocking(|| merge(&house.context.files, &inputs, &Stop::default())).unwrap_err();
        assert_eq!(error.reason(), Reason::StorageCorrupt, "byte {at}");
        assert!(error.to_string().contains(&files[0]), "byte {at}: {error}");
        house.disk.flip(&first, at);
    }
    assert_eq!(house.data_files(), files, "no half-made file is left");
}
