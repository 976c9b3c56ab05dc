use std::io;

use arrow::datatypes::DataType;
use hub_datasets::Patterns;
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;

use super::inside::serve;
use super::line::{Kind, Line};
use super::wire::Table;
use crate::config::limits::QUERY_FRAME_BYTES;
use crate::query::QueryError;
use crate::query::tests::fixture::{Fixture, row};
use crate::query::visible::Visible;
use crate::store::table::TableSpec;

/// The hub's end of a socket whose other end is served in this process.
pub(super) fn served_inside() -> io::Result<UnixStream> {
    let (ours, theirs) = UnixStream::pair()?;
    tokio::spawn(serve(Line::new(theirs)));
    Ok(ours)
}

/// Two that write more to each other than the sockets hold, and neither reads before it has written.
#[tokio::test]
async fn two_that_write_to_each_other_both_come_through() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let body = vec![7; QUERY_FRAME_BYTES / 2];
    let talk = async |socket| {
        let mut line = Line::new(socket);
        line.put(Kind::Rows, &body).unwrap();
        line.flush().await.unwrap();
        let (kind, came) = line.read().await.unwrap().unwrap();
        assert!(kind == Kind::Rows && came == body);
    };
    tokio::join!(talk(ours), talk(theirs));
}

#[tokio::test]
async fn a_read_that_is_given_up_loses_nothing() {
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let mut line = Line::new(theirs);
    for part in [&[Kind::Names as u8, 3, 0][..], &[0, 0, b'a'], b"bc", &[Kind::Done as u8, 0, 0, 0, 0]] {
        assert!(futures::poll!(std::pin::pin!(line.read())).is_pending());
        ours.write_all(part).await.unwrap();
        tokio::task::yield_now().await;
        if part == b"bc" {
            let (kind, body) = line.read().await.unwrap().unwrap();
            assert_eq!((kind, &body[..]), (Kind::Names, &b"abc"[..]));
        }
    }
    assert_eq!(line.read().await.unwrap().unwrap().0, Kind::Done);
    drop(ours);
    assert!(line.read().await.unwrap().is_none());
}

#[tokio::test]
async fn what_is_no_frame_is_refused_and_allocates_nothing() {
    for bytes in [[0, 0, 0, 0, 0], [200, 0, 0, 0, 0], [Kind::Rows as u8, 0, 0, 0, 0xff]] {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        ours.write_all(&bytes).await.unwrap();
        assert!(Line::new(theirs).read().await.is_err(), "{bytes:?}");
    }
    let (ours, _theirs) = UnixStream::pair().unwrap();
    assert!(Line::new(ours).put(Kind::Rows, &vec![0; QUERY_FRAME_BYTES + 1]).is_err());
}

/// All columns of all patterns arrive as they left, and of hidden ones nothing does.
#[tokio::test]
async fn a_table_arrives_as_it_is_seen() {
    let fixture = Fixture::new().await;
    fixture.commit(&[vec![row("a", 1, "750", 100), row("b", 2, "751", 100)]]).await;
    for publisher in [None, Some("a")] {
        let visible = Visible::of(&fixture.view(publisher));
        let told = serde_json::to_string(&Table::from(&visible)).unwrap();
        assert!(!told.contains("wykonanie") && !told.contains(".parquet"), "{told}");
        let arrived = serde_json::from_str::<Table>(&told).unwrap().visible().unwrap();
        assert_eq!(format!("{arrived:?}"), format!("{visible:?}"));
    }
    for pattern in Patterns::embedded().unwrap().iter() {
        for field in TableSpec::of(pattern).schema.fields() {
            let told = field.data_type().to_string();
            assert_eq!(told.parse::<DataType>().unwrap(), *field.data_type(), "{told}");
        }
    }
}

#[tokio::test]
async fn one_statement_after_the_other_has_the_same_worker() {
    let fixture = Fixture::new().await;
    fixture.commit(&[vec![row("a", 1, "750", 100)]]).await;
    for n in 0..20 {
        let rows = fixture.sql(None, &format!("SELECT plan + {n} FROM proba")).await.unwrap();
        assert_eq!(rows, [format!("{}.00", n + 1)]);
        let refused = fixture.sql(None, &format!("SELECT {n} FROM nowhere")).await.unwrap_err();
        assert!(matches!(refused, QueryError::Invalid(_)), "{refused}");
    }
    assert_eq!(fixture.statements.started(), 1);
}
