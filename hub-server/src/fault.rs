//! Named places at which a test may end the process, as pulling the plug would, or hold it up. They
//! live in debug builds only: in a release build `point` is empty and nothing can be armed.

/// All places, in the order in which a push passes them, then those of the maintenance behind it;
/// the kill campaign visits each.
#[cfg(debug_assertions)]
pub(crate) const POINTS: &[&str] = &[
    "spool.create.before",
    "spool.create.after",
    "spool.append.after",
    "spool.sync.after",
    "spool.whole.after",
    "spool.order.after",
    "check.after",
    "commit.queued",
    "commit.file.after",
    "commit.put.before",
    "ahead.after",
    "ahead.taken",
    "close.put.before",
    "journal.after",
    "close.put.after",
    "commit.put.after",
    "commit.swap.after",
    "projection.before",
    "projection.after",
    "spool.end.before",
    "spool.end.after",
    "refusal.after",
    "extract.rename.before",
    "checkpoint.file.after",
    "checkpoint.after",
    "checkpoint.hint.after",
    "archive.pack.after",
    "archive.remove.after",
    "archive.after",
    "vacuum.decided.after",
    "vacuum.remove.after",
    "vacuum.after",
];

/// Places in the erasure of a submission by the operator's command.
#[cfg(debug_assertions)]
pub(crate) const ERASE_POINTS: &[&str] = &[
    "erase.staged",
    "erase.put.after",
    "erase.file.after",
    "erase.log.after",
    "erase.pack.after",
    "erase.checkpoint.after",
    "erase.evidence.after",
    "erase.spool.after",
    "erase.catalog.before",
    "erase.catalog.after",
    "erase.extracts.after",
];

/// Places between a correction and those who are told of it.
#[cfg(debug_assertions)]
pub(crate) const NOTICE_POINTS: &[&str] = &["notice.before", "notice.after", "webhook.sent"];

/// Places in a worker's process, which dies there without the hub.
#[cfg(debug_assertions)]
pub(crate) const WORKER_POINTS: &[&str] = &["worker.piece", "statement.plan", "statement.batch"];

/// True for a place that can be armed.
#[cfg(debug_assertions)]
fn is_known(name: &str) -> bool {
    [POINTS, ERASE_POINTS, NOTICE_POINTS, WORKER_POINTS].iter().any(|points| points.contains(&name))
}

#[cfg(debug_assertions)]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    /// How long a thread stays that is to stall: longer than any test waits.
    const STALL: Duration = Duration::from_secs(600);

    /// The armed place.
    struct Armed {
        name: String,
        /// How often it is still passed unharmed.
        passes: AtomicU64,
        deed: Deed,
    }

    /// What happens at the place.
    #[derive(Clone, Copy)]
    enum Deed {
        /// The process ends.
        End,
        /// The thread stays there, as one with very long work does.
        Stall,
        /// The thread panics.
        Panic,
        /// The thread calls itself until its stack is full.
        Overflow,
    }

    /// How each but the first is ordered.
    const DEEDS: [(&str, Deed); 3] =
        [(":stall", Deed::Stall), (":panic", Deed::Panic), (":overflow", Deed::Overflow)];

    static ARMED: OnceLock<Armed> = OnceLock::new();

    /// Arms `name:n`: the process ends when it passes the place for the n-th time, counted from 1. With
    /// `name:n:stall` the thread that passes stays there instead, with `:panic` it panics, and with `:overflow` its
    /// stack overflows.
    pub(crate) fn arm(order: &str) -> Result<(), String> {
        let ordered = DEEDS.iter().find_map(|(end, deed)| Some((order.strip_suffix(end)?, *deed)));
        let (order, deed) = ordered.unwrap_or((order, Deed::End));
        let (name, passes) = order.split_once(':').unwrap_or((order, "1"));
        if !super::is_known(name) {
            return Err(format!("there is no fault point `{name}`; there are {}", super::POINTS.join(", ")));
        }
        let passes: u64 = passes.parse().map_err(|_| format!("`{passes}` is not a number of passes"))?;
        ARMED
            .set(Armed { name: name.to_owned(), passes: AtomicU64::new(passes.max(1) - 1), deed })
            .map_err(|_| "a fault point is armed already".to_owned())
    }

    pub(crate) fn point(name: &'static str) {
        debug_assert!(super::is_known(name), "{name} is not in the list of points");
        let Some(armed) = ARMED.get() else { return };
        let pass = |left: u64| left.checked_sub(1);
        if armed.name != name || armed.passes.fetch_update(Ordering::SeqCst, Ordering::SeqCst, pass).is_ok() {
            return;
        }
        match armed.deed {
            // No destructor runs and no buffer is flushed, as with SIGKILL.
            Deed::End => std::process::abort(),
            Deed::Stall => {
                tracing::warn!(name, "a thread stalls here, as a test ordered");
                std::thread::sleep(STALL);
            }
            Deed::Panic => {
                // Once: what goes on after it is what the test is about.
                armed.passes.store(u64::MAX, Ordering::SeqCst);
                std::panic::resume_unwind(Box::new("a test ordered it"))
            }
            Deed::Overflow => {
                std::hint::black_box(deeper(0));
            }
        }
    }

    /// Never comes back.
    fn deeper(depth: u64) -> u64 {
        let room = std::hint::black_box([depth; 512]);
        if std::hint::black_box(depth) == u64::MAX { room[0] } else { deeper(depth + 1) + room[1] }
    }
}

#[cfg(debug_assertions)]
pub(crate) use armed::{arm, point};

#[cfg(not(debug_assertions))]
pub(crate) fn point(_name: &'static str) {}
