//! Whether the doors are open, for health checks and for stopping.

use tokio::sync::watch;

/// Where the server stands between start and stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Starting,
    Serving,
    Stopping,
}

/// Read by the doors, set by `app` alone through the sender.
pub(crate) type PhaseWatch = watch::Receiver<Phase>;

/// A phase that begins as [`Phase::Starting`].
pub(crate) fn phase() -> (watch::Sender<Phase>, PhaseWatch) {
    watch::channel(Phase::Starting)
}

/// Returns when the server begins to stop, or its `app` is gone.
pub(crate) async fn stopping(mut phase: PhaseWatch) {
    // An error says that the sender is gone, which also means to stop.
    if phase.wait_for(|phase| *phase == Phase::Stopping).await.is_err() {
        tracing::debug!("nobody tells the phase any more");
    }
}
