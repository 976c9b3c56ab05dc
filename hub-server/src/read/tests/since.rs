//! Streams of a session, and changes behind a cursor.

use hub_proto::Reason;

use super::{arrow, bytes, fixture, ministry, reads, request, rows};
use crate::permit::{Rows, for_tests};
use crate::query::RowFormat;
use crate::read::{RowsFrom, SessionRequest, SinceRequest};
use crate::store::RevisedBy;

fn since(cursor: &str) -> SinceRequest {
    SinceRequest {
        cursor: cursor.to_owned(),
        columns: Vec::new(),
        filter: None,
        format: RowFormat::Arrow,
        values_only: false,
    }
}

#[tokio::test]
async fn streams_are_runs_of_a_sessions_rows() {
    let fixture = fixture().await;
    fixture.commit(&[rows(90, "a", 4), rows(120, "c", 5)]).await;
    let reads = reads(&fixture).await;
    let own = for_tests::read("a", "proba", &["plan"], Rows::Of("a".into()));
    for (permit, files, all) in [(ministry(), 4, 150), (own, 3, 90)] {
        let asked = SessionRequest { max_streams: 9, ..request(RowFormat::Arrow) };
        let session = reads.create_session(&permit, asked).await.unwrap();
        assert_eq!(session.streams, files, "never more than files that the reader may see");
        let mut joined = Vec::new();
        for stream in 0..session.streams {
            let from = RowsFrom { stream, offset: 0 };
            let (data, _) =
                bytes(reads.read_rows(&permit, &session.name, from).await.unwrap()).await.unwrap();
            let part = arrow(data);
            let from = RowsFrom { stream, offset: 7 };
            let (data, _) =
                bytes(reads.read_rows(&permit, &session.name, from).await.unwrap()).await.unwrap();
            assert_eq!(arrow(data), part[7..], "stream {stream} goes on");
            joined.extend(part);
        }
        let whole = reads.create_session(&permit, request(RowFormat::Arrow)).await.unwrap();
        let (data, count) =
            bytes(reads.read_rows(&permit, &whole.name, RowsFrom::default()).await.unwrap()).await.unwrap();
        assert_eq!((joined, count), (arrow(data), all));
        let beyond = RowsFrom { stream: files, offset: 0 };
        let refused = reads.read_rows(&permit, &session.name, beyond).await.err().unwrap();
        assert_eq!(refused.reason(), Reason::RequestInvalid);
    }
}

#[tokio::test]
async fn changes_go_on_from_each_cursor_and_tell_no_more_than_a_reader_may_know() {
    let fixture = fixture().await;
    let reads = reads(&fixture).await;
    let page = reads.changes_since(&ministry(), since("")).await.unwrap();
    assert_eq!((page.since_version, page.cursor.to_string().as_str(), page.more), (0, "2.c2", false));
    let told: Vec<_> = page.revisions.iter().map(|r| (r.by, r.publisher.as_str(), r.version)).collect();
    // The entries of the tests are second revisions.
    let sent = RevisedBy::Correction;
    assert_eq!(told, [(sent, "a", 1), (sent, "a", 2), (sent, "b", 2)]);
    let (data, count) = bytes(page.chunks).await.unwrap();
    let all = arrow(data);
    assert_eq!((all.len(), count), (90, 90));
    assert!(all[..30].iter().all(|row| row.starts_with("insert|1|")), "{}", all[0]);
    assert!(all[30..].iter().all(|row| row.starts_with("insert|2|")), "{}", all[30]);
    let session = reads.create_session(&ministry(), request(RowFormat::Arrow)).await.unwrap();
    assert_eq!(session.cursor.to_string(), "2.c2");
    let page = reads.changes_since(&ministry(), since("1.c1")).await.unwrap();
    assert_eq!(page.since_version, 1);
    assert_eq!(arrow(bytes(page.chunks).await.unwrap().0), all[30..]);
    let nothing = reads.changes_since(&ministry(), since("2.c2")).await.unwrap();
    assert_eq!((nothing.cursor.to_string().as_str(), nothing.revisions.len()), ("2.c2", 0));
    assert_eq!(bytes(nothing.chunks).await.unwrap().1, 0);

    let own = for_tests::read("b", "proba", &["plan"], Rows::Of("b".into()));
    let page = reads.changes_since(&own, since("")).await.unwrap();
    let told: Vec<_> = page.revisions.iter().map(|r| r.publisher.as_str()).collect();
    assert_eq!((told, page.cursor.to_string().as_str()), (vec!["b"], "2.c2"));
    let seen = arrow(bytes(page.chunks).await.unwrap().0);
    assert!(seen.len() == 30 && seen.iter().all(|row| row.contains("|b|s3|")), "{seen:?}");

    let asked = SinceRequest {
        columns: vec!["plan".to_owned()],
        filter: Some("plan < 0.05".to_owned()),
        ..since("")
    };
    let page = reads.changes_since(&ministry(), asked).await.unwrap();
    assert_eq!(bytes(page.chunks).await.unwrap().1, 5);
    let refused = async |asked| reads.changes_since(&ministry(), asked).await.err().unwrap().reason();
    let hidden = SinceRequest { columns: vec!["wykonanie".to_owned()], ..since("") };
    assert_eq!(refused(hidden).await, Reason::QueryInvalid);
    assert_eq!(
        refused(SinceRequest { filter: Some("plan >".to_owned()), ..since("") }).await,
        Reason::QueryInvalid
    );
    for (cursor, reason) in
        [("1", Reason::RequestInvalid), ("1.c2", Reason::CursorUnknown), ("3.c3", Reason::CursorUnknown)]
    {
        assert_eq!(refused(since(cursor)).await, reason, "{cursor}");
    }
}
