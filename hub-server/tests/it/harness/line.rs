//! Lines between a client and a hub on which something goes wrong.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What an HTTP/1.1 proxy says to the beginning of HTTP/2.
const NOT_UNDERSTOOD: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// A proxy: bytes go through it to a hub, until something happens.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) address: SocketAddr,
    passed: Arc<AtomicU64>,
    was_cut: Arc<AtomicBool>,
}

/// How a line treats what it carries.
#[derive(Debug, Clone, Copy)]
struct Rules {
    only_http1: bool,
    cut_after: u64,
}

impl Line {
    /// Lets HTTP/1.1 through and nothing else; cuts once after so many bytes.
    pub(crate) fn of_http1(to: SocketAddr, cut_after: u64) -> Self {
        Self::start(to, Rules { only_http1: true, cut_after })
    }

    /// Lets all through; cuts once after so many bytes.
    pub(crate) fn cut_once(to: SocketAddr, cut_after: u64) -> Self {
        Self::start(to, Rules { only_http1: false, cut_after })
    }

    fn start(to: SocketAddr, rules: Rules) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (passed, was_cut) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let line = Self { address, passed: Arc::clone(&passed), was_cut: Arc::clone(&was_cut) };
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let (passed, was_cut) = (Arc::clone(&passed), Arc::clone(&was_cut));
                // A line that breaks is what the test is about.
                std::thread::spawn(move || drop(carry(near, to, rules, &passed, &was_cut)));
            }
        });
        line
    }

    /// Bytes that went from the client to the hub.
    pub(crate) fn passed(&self) -> u64 {
        self.passed.load(Ordering::SeqCst)
    }

    pub(crate) fn was_cut(&self) -> bool {
        self.was_cut.load(Ordering::SeqCst)
    }
}

fn carry(
    mut near: TcpStream,
    to: SocketAddr,
    rules: Rules,
    passed: &AtomicU64,
    was_cut: &AtomicBool,
) -> std::io::Result<()> {
    let mut piece = [0; 16 << 10];
    let mut read = near.read(&mut piece)?;
    if rules.only_http1 && piece[..read].starts_with(b"PRI ") {
        near.write_all(NOT_UNDERSTOOD)?;
        return near.shutdown(Shutdown::Both);
    }
    let mut far = TcpStream::connect(to)?;
    let (mut back, mut answers) = (near.try_clone()?, far.try_clone()?);
    std::thread::spawn(move || {
        let _ended = std::io::copy(&mut answers, &mut back);
        let _closed = back.shutdown(Shutdown::Both);
    });
    while read > 0 {
        let all = passed.fetch_add(read as u64, Ordering::SeqCst) + read as u64;
        far.write_all(&piece[..read])?;
        if all > rules.cut_after && !was_cut.swap(true, Ordering::SeqCst) {
            far.shutdown(Shutdown::Both)?;
            return near.shutdown(Shutdown::Both);
        }
        read = near.read(&mut piece)?;
    }
    far.shutdown(Shutdown::Write)
}

/// Somebody who answers everything with the same words.
pub(crate) fn canned(answer: String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _read = stream.read(&mut [0; 4096]);
            let _written = stream.write_all(answer.as_bytes());
        }
    });
    address
}
