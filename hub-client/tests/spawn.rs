//! The client's calls run in tasks of their own: a program with many files, or a server, spawns them.

#![expect(clippy::unwrap_used, reason = "tests say what broke by panicking")]

use std::path::Path;
use std::time::Duration;

use hub_client::{
    Client, ClientError, Payload, Profile, PullRequest, PushRequest, QueryRequest, v1::RowFormat,
};

/// A hub that is not there, and no patience.
fn nowhere() -> Client {
    Client::connect(&Profile::anonymous("http://127.0.0.1:1")).unwrap().retry_for(Duration::ZERO)
}

/// Compiles for what `tokio::spawn` takes.
fn spawnable<F: Future + Send + 'static>(_call: F) {}

#[tokio::test]
async fn a_push_runs_in_a_task_of_its_own() {
    let payloads = [Payload::Bytes("a\n".into()), Payload::Bytes(vec![b'a'; 2 << 20].into())];
    for payload in payloads {
        let client = nowhere();
        let request = PushRequest::csv("rb28s", "2022-Q4", payload);
        let pushed = tokio::spawn(async move { client.push(&request, None).await });
        assert!(matches!(pushed.await.unwrap(), Err(ClientError::NotReached { .. })));
    }
}

#[tokio::test]
async fn so_does_every_other_call() {
    let rows = PullRequest {
        dataset: "rb28s".into(),
        columns: vec![],
        filter: None,
        as_of: None,
        format: RowFormat::Csv,
    };
    let (client, request) = (nowhere(), rows.clone());
    spawnable(async move { client.pull_to_file(&request, Path::new("rows.csv"), None).await });
    let client = nowhere();
    spawnable(async move {
        let mut pull = client.pull(&rows).await?;
        pull.next().await.map(|_| ())
    });
    let client = nowhere();
    let request = QueryRequest { sql: "SELECT 1".into(), format: RowFormat::Csv, as_of: None, at: vec![] };
    spawnable(async move {
        let mut answer = client.query(&request).await?;
        answer.next().await.map(|_| ())
    });
    let client = nowhere();
    spawnable(async move { client.submission("1").await });
    let client = nowhere();
    spawnable(async move { client.payload_to_file("1", Path::new("back.csv"), None).await });
    let client = nowhere();
    spawnable(async move { client.receipt_keys().await });
    let client = nowhere();
    spawnable(async move { client.dataset("rb28s").await });
}
