//! Lines between a client and a hub on which something goes wrong.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::pieces::{Sent, Watch};

/// What an HTTP/1.1 proxy says to the beginning of HTTP/2.
const NOT_UNDERSTOOD: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// The end of the line by which a commit is asked for.
const COMMIT: &[u8] = b"/commit HTTP/1.1";

/// A proxy: bytes go through it to a hub, until something happens.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) address: SocketAddr,
    passed: Arc<AtomicU64>,
    cuts: Arc<AtomicU64>,
    commits: Arc<AtomicU64>,
    sent: Arc<Mutex<Sent>>,
    most_cuts: u64,
}

/// How a line treats what it carries.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// Lets HTTP/1.1 through and nothing else.
    pub(crate) only_http1: bool,
    /// Bytes to the hub after which a connection is cut …
    pub(crate) cut_after: u64,
    /// Bytes back from the hub after which it is cut.
    pub(crate) back_after: u64,
    /// … so many times; then the line holds.
    pub(crate) cuts: u64,
    /// Bytes a second to the hub …
    pub(crate) rate: Option<u64>,
    /// … and back from it.
    pub(crate) rate_back: Option<u64>,
    /// How long a commit may take by HTTP/1.1: a connection with a longer one is cut.
    pub(crate) commit_within: Option<Duration>,
}

impl Rules {
    pub(crate) const GOOD: Self = Self {
        only_http1: false,
        cut_after: u64::MAX,
        back_after: u64::MAX,
        cuts: 0,
        rate: None,
        rate_back: None,
        commit_within: None,
    };
}

impl Line {
    /// Lets HTTP/1.1 through and nothing else; cuts once after so many bytes.
    pub(crate) fn of_http1(to: SocketAddr, cut_after: u64) -> Self {
        Self::start(to, Rules { only_http1: true, cut_after, cuts: 1, ..Rules::GOOD })
    }

    /// Lets all through; cuts once after so many bytes.
    pub(crate) fn cut_once(to: SocketAddr, cut_after: u64) -> Self {
        Self::start(to, Rules { cut_after, cuts: 1, ..Rules::GOOD })
    }

    pub(crate) fn start(to: SocketAddr, rules: Rules) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let counters: [Arc<AtomicU64>; 3] = Default::default();
        let [passed, cuts, commits] = counters.clone();
        let sent = Arc::new(Mutex::new(Sent::default()));
        let seen = Arc::clone(&sent);
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let (counters, seen) = (counters.clone(), Arc::clone(&seen));
                // A line that breaks is what the test is about.
                std::thread::spawn(move || drop(carry(near, to, rules, (&counters, &seen))));
            }
        });
        Self { address, passed, cuts, commits, sent, most_cuts: rules.cuts }
    }

    /// Bytes of the one payload that went over it in vain, so that they went again.
    pub(crate) fn bytes_again(&self) -> u64 {
        self.sent.lock().expect("no test has panicked").again()
    }

    /// How often a commit was asked for.
    pub(crate) fn commits(&self) -> u64 {
        self.commits.load(Ordering::SeqCst)
    }

    /// Bytes that went from the client to the hub.
    pub(crate) fn passed(&self) -> u64 {
        self.passed.load(Ordering::SeqCst)
    }

    /// True when it was cut as often as it was to be.
    pub(crate) fn was_cut(&self) -> bool {
        self.cuts.load(Ordering::SeqCst) == self.most_cuts
    }
}

fn carry(
    mut near: TcpStream,
    to: SocketAddr,
    rules: Rules,
    ([passed, cuts, commits], sent): (&[Arc<AtomicU64>; 3], &Mutex<Sent>),
) -> std::io::Result<()> {
    let mut piece = [0; 16 << 10];
    let most = if rules.rate.is_some() { 1 << 10 } else { piece.len() };
    let mut read = near.read(&mut piece[..most])?;
    if rules.only_http1 && piece[..read].starts_with(b"PRI ") {
        near.write_all(NOT_UNDERSTOOD)?;
        return near.shutdown(Shutdown::Both);
    }
    let mut far = TcpStream::connect(to)?;
    let (mut back, answers, of_back) = (near.try_clone()?, far.try_clone()?, Arc::clone(cuts));
    std::thread::spawn(move || {
        let is_cut = of_back.load(Ordering::SeqCst) < rules.cuts;
        let mut answers = answers.take(if is_cut { rules.back_after } else { u64::MAX });
        let copied = match rules.rate_back {
            Some(rate) => crawl(&mut answers, &mut back, rate),
            None => std::io::copy(&mut answers, &mut back),
        };
        if is_cut && copied.is_ok_and(|bytes| bytes == rules.back_after) {
            of_back.fetch_add(1, Ordering::SeqCst);
        }
        let _closed = back.shutdown(Shutdown::Both);
        // What is left unread would reset the connection, and take from the hub what has reached it.
        let _rest = std::io::copy(answers.get_mut(), &mut std::io::sink());
    });
    let (mut carried, mut watch) = (0, Watch::new());
    while read > 0 {
        let left = usize::try_from(rules.cut_after.saturating_sub(carried)).unwrap_or(usize::MAX);
        let is_cut = read >= left && cuts.load(Ordering::SeqCst) < rules.cuts;
        let goes = if is_cut { left } else { read };
        far.write_all(&piece[..goes])?;
        watch.see(&piece[..goes], &mut sent.lock().expect("no test has panicked"));
        carried += goes as u64;
        passed.fetch_add(goes as u64, Ordering::SeqCst);
        if is_cut {
            cuts.fetch_add(1, Ordering::SeqCst);
            far.shutdown(Shutdown::Write)?;
            return near.shutdown(Shutdown::Both);
        }
        if let Some(patience) = rules.commit_within
            && piece[..goes].windows(COMMIT.len()).any(|part| part == COMMIT)
        {
            commits.fetch_add(1, Ordering::SeqCst);
            let near = near.try_clone()?;
            std::thread::spawn(move || {
                std::thread::sleep(patience);
                near.shutdown(Shutdown::Both)
            });
        }
        if let Some(rate) = rules.rate {
            std::thread::sleep(Duration::from_secs_f64(goes as f64 / rate as f64));
        }
        read = near.read(&mut piece[..most])?;
    }
    far.shutdown(Shutdown::Write)
}

/// Copies so many bytes a second.
fn crawl(from: &mut impl Read, to: &mut impl Write, rate: u64) -> std::io::Result<u64> {
    let (mut piece, mut copied) = ([0; 1 << 10], 0);
    loop {
        let read = from.read(&mut piece)?;
        if read == 0 {
            return Ok(copied);
        }
        to.write_all(&piece[..read])?;
        copied += read as u64;
        std::thread::sleep(Duration::from_secs_f64(read as f64 / rate as f64));
    }
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
