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

/// Places in a worker's process, which dies there without the hub.
#[cfg(debug_assertions)]
pub(crate) const WORKER_POINTS: &[&str] = &["worker.piece"];

/// True for a place that can be armed.
#[cfg(debug_assertions)]
fn is_known(name: &str) -> bool {
    [POINTS, ERASE_POINTS, WORKER_POINTS].iter().any(|points| points.contains(&name))
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
        stalls: bool,
    }

    static ARMED: OnceLock<Armed> = OnceLock::new();

    /// Arms `name:n`: the process ends when it passes the place for the n-th time, counted from 1. With
    /// `name:n:stall` the thread that passes stays there instead, as one with very long work does.
    pub(crate) fn arm(order: &str) -> Result<(), String> {
        let (order, stalls) = order.strip_suffix(":stall").map_or((order, false), |order| (order, true));
        let (name, passes) = order.split_once(':').unwrap_or((order, "1"));
        if !super::is_known(name) {
            return Err(format!("there is no fault point `{name}`; there are {}", super::POINTS.join(", ")));
        }
        let passes: u64 = passes.parse().map_err(|_| format!("`{passes}` is not a number of passes"))?;
        ARMED
            .set(Armed { name: name.to_owned(), passes: AtomicU64::new(passes.max(1) - 1), stalls })
            .map_err(|_| "a fault point is armed already".to_owned())
    }

    pub(crate) fn point(name: &'static str) {
        debug_assert!(super::is_known(name), "{name} is not in the list of points");
        let Some(armed) = ARMED.get() else { return };
        let pass = |left: u64| left.checked_sub(1);
        if armed.name != name || armed.passes.fetch_update(Ordering::SeqCst, Ordering::SeqCst, pass).is_ok() {
            return;
        }
        if armed.stalls {
            tracing::warn!(name, "a thread stalls here, as a test ordered");
            std::thread::sleep(STALL);
        } else {
            // No destructor runs and no buffer is flushed, as with SIGKILL.
            std::process::abort();
        }
    }
}

#[cfg(debug_assertions)]
pub(crate) use armed::{arm, point};

#[cfg(not(debug_assertions))]
pub(crate) fn point(_name: &'static str) {}
