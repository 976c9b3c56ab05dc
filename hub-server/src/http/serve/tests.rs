use axum::routing::get;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::*;
use crate::listen::{ListenLimits, Phase, phase};

struct Running {
    address: std::net::SocketAddr,
    phase: tokio::sync::watch::Sender<Phase>,
    task: JoinHandle<()>,
}

async fn start(grace: Duration) -> Running {
    let acceptor = Acceptor::bind("127.0.0.1:0".parse().unwrap(), None, ListenLimits::of(16)).await.unwrap();
    let address = acceptor.address();
    let (sender, watch) = phase();
    sender.send(Phase::Serving).unwrap();
    let routes = Router::new().route("/x", get(async || "hello"));
    let task = tokio::spawn(serve(acceptor, routes, watch, grace));
    Running { address, phase: sender, task }
}

/// Sends bytes and reads until the server hangs up or `until` was read.
async fn talk(stream: &mut TcpStream, send: &[u8], until: &str) -> String {
    stream.write_all(send).await.unwrap();
    let mut got = Vec::new();
    let mut piece = [0; 1024];
    loop {
        let read = stream.read(&mut piece).await.unwrap();
        got.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&got).into_owned();
        if read == 0 || text.ends_with(until) {
            return text;
        }
    }
}

#[tokio::test]
async fn http1_is_served_and_a_connection_is_kept() {
    let running = start(Duration::from_secs(5)).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    for _ in 0..2 {
        let answer = talk(&mut stream, b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n", "hello").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    }
}

#[tokio::test]
async fn http2_is_served_on_the_same_port() {
    let running = start(Duration::from_secs(5)).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    // The connection preface and an empty SETTINGS frame; the server answers with its own SETTINGS.
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.unwrap();
    assert_eq!(head[3], 4, "a SETTINGS frame");
}

#[tokio::test]
async fn too_many_headers_are_refused() {
    let running = start(Duration::from_secs(5)).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let many: String = (0..limits::HTTP_HEADERS + 1).map(|n| format!("X-{n}: 1\r\n")).collect();
    let answer = talk(&mut stream, format!("GET /x HTTP/1.1\r\n{many}\r\n").as_bytes(), "\0").await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test]
async fn stopping_ends_idle_connections_and_takes_no_new_ones() {
    let running = start(Duration::from_secs(30)).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    talk(&mut stream, b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n", "hello").await;
    running.phase.send(Phase::Stopping).unwrap();
    running.task.await.unwrap();
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or(0), 0, "the kept connection is closed");
    assert!(TcpStream::connect(running.address).await.is_err());
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let running = start(Duration::from_millis(20)).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    // Half a request keeps its connection busy.
    stream.write_all(b"GET /x HTTP/1.1\r\n").await.unwrap();
    running.phase.send(Phase::Stopping).unwrap();
    running.task.await.unwrap();
}
