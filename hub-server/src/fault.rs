//! Named places at which a test may end the process, as pulling the plug would. They live in debug
//! builds only: in a release build `point` is empty and nothing can be armed.

/// All places, in the order in which a push passes them; the kill campaign visits each.
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
    "commit.put.after",
    "commit.swap.after",
    "projection.before",
    "projection.after",
    "spool.end.before",
    "spool.end.after",
    "refusal.after",
    "extract.rename.before",
];

#[cfg(debug_assertions)]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// The armed place, and how often it is still passed unharmed.
    static ARMED: OnceLock<(String, AtomicU64)> = OnceLock::new();

    /// Arms `name:n`: the process ends when it passes the place for the n-th time, counted from 1.
    pub(crate) fn arm(order: &str) -> Result<(), String> {
        let (name, passes) = order.split_once(':').unwrap_or((order, "1"));
        if !super::POINTS.contains(&name) {
            return Err(format!("there is no fault point `{name}`; there are {}", super::POINTS.join(", ")));
        }
        let passes: u64 = passes.parse().map_err(|_| format!("`{passes}` is not a number of passes"))?;
        ARMED
            .set((name.to_owned(), AtomicU64::new(passes.max(1) - 1)))
            .map_err(|_| "a fault point is armed already".to_owned())
    }

    pub(crate) fn point(name: &'static str) {
        debug_assert!(super::POINTS.contains(&name), "{name} is not in the list of points");
        let Some((armed, passes)) = ARMED.get() else { return };
        let due = armed == name
            && passes.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err();
        if due {
            // No destructor runs and no buffer is flushed, as with SIGKILL.
            std::process::abort();
        }
    }
}

#[cfg(debug_assertions)]
pub(crate) use armed::{arm, point};

#[cfg(not(debug_assertions))]
pub(crate) fn point(_name: &'static str) {}
