use super::*;

async fn drain(
    payload: &Payload,
    offset: u64,
    size: u64,
    along: &Along,
) -> (Vec<UploadPayloadRequest>, Result<(), ClientError>) {
    let rest = Rest { offset, size, packs: false, pace: Pace::up_to(PIECE) };
    let (mut messages, outcome) = Pieces::start(payload, "submissions/1", rest, along).split();
    let mut all = vec![];
    while let Some((end, message)) = messages.recv().await {
        assert_eq!(end, message.offset + message.data.len() as u64);
        all.push(message);
    }
    (all, outcome.await)
}

#[tokio::test]
async fn a_file_and_its_bytes_have_one_digest() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("p.csv");
    std::fs::write(&path, b"abc").unwrap();
    let of_file = digest_of(&Payload::File(path)).await.unwrap();
    assert_eq!(of_file, digest_of(&Payload::Bytes(Bytes::from_static(b"abc"))).await.unwrap());
    // FIPS 180-2, example B.1.
    assert_eq!(of_file.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(of_file.size, 3);
}

#[tokio::test]
async fn a_large_file_is_known_by_its_stamp_and_a_small_one_by_its_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let (path, copy) = (dir.path().join("p.csv"), dir.path().join("copy.csv"));
    let identity = async |path: &Path| identity_of(&Payload::File(path.to_owned())).await.unwrap();
    std::fs::write(&path, b"abc").unwrap();
    std::fs::copy(&path, &copy).unwrap();
    assert_eq!(identity(&path).await, identity(&copy).await);
    std::fs::write(&path, vec![b'a'; PIECE * 2]).unwrap();
    std::fs::copy(&path, &copy).unwrap();
    let before = identity(&path).await;
    assert_eq!(before, identity(&path).await);
    assert_ne!(before, identity(&copy).await);
    let later = std::fs::metadata(&path).unwrap().modified().unwrap() + std::time::Duration::from_secs(5);
    File::options().append(true).open(&path).unwrap().set_modified(later).unwrap();
    assert_ne!(before, identity(&path).await, "it was touched");
}

#[tokio::test]
async fn a_resumed_reader_goes_on_at_the_durable_offset() {
    let content: Vec<u8> = (0..PIECE * 2 + 77).map(|i| (i % 251) as u8).collect();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("p.csv");
    std::fs::write(&path, &content).unwrap();
    let offset = PIECE as u64 + 13;
    for payload in [Payload::File(path), Payload::Bytes(content.clone().into())] {
        let along = Along::default();
        let (messages, outcome) = drain(&payload, offset, content.len() as u64, &along).await;
        outcome.unwrap();
        // What was not sent is in the digest too, and what is sent twice is in it once.
        let digest = digest_of(&payload).await.unwrap();
        assert_eq!(along.whole(digest.size).as_ref(), Some(&digest.sha256));
        drain(&payload, 7, digest.size, &along).await.1.unwrap();
        assert_eq!(along.whole(digest.size), Some(digest.sha256));
        assert_eq!(along.whole(digest.size + 1), None);
        assert_eq!(messages[0].offset, offset);
        assert!(messages.iter().all(|m| m.data.len() <= PIECE && m.submission == "submissions/1"));
        let sent: Vec<u8> = messages.iter().flat_map(|m| m.data.to_vec()).collect();
        assert_eq!(sent, &content[PIECE + 13..]);
    }
}

#[tokio::test]
async fn packed_pieces_hold_the_same_bytes() {
    let content = Bytes::from((0..PIECE).map(|i| (i % 7) as u8).collect::<Vec<u8>>());
    let (payload, size) = (Payload::Bytes(content.clone()), content.len() as u64);
    let rest = Rest { offset: 5, size, packs: true, pace: Pace::up_to(PIECE) };
    let (mut messages, outcome) = Pieces::start(&payload, "submissions/1", rest, &Along::default()).split();
    let (mut plain, mut on_the_line) = (Vec::new(), 0);
    while let Some((end, message)) = messages.recv().await {
        assert_eq!((message.offset, message.data.len()), (plain.len() as u64 + 5, 0));
        on_the_line += message.zstd.len();
        plain.extend(zstd::bulk::decompress(&message.zstd, PIECE).unwrap());
        assert_eq!(end, plain.len() as u64 + 5);
    }
    outcome.await.unwrap();
    assert!(plain == content[5..] && on_the_line < plain.len() / 2);
}

#[tokio::test]
async fn a_file_that_changed_or_vanished_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shrunk.csv");
    std::fs::write(&path, b"abc").unwrap();
    let (_, outcome) = drain(&Payload::File(path.clone()), 0, 10, &Along::default()).await;
    assert!(outcome.unwrap_err().to_string().contains("changed while it was sent"));
    std::fs::remove_file(&path).unwrap();
    let error = digest_of(&Payload::File(path)).await.unwrap_err().to_string();
    assert!(error.contains("shrunk.csv"), "{error}");
}
