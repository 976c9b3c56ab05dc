//! Signals that ask the hub to stop.

use tokio::signal::unix::{SignalKind, signal};

/// Returns at the first SIGTERM or SIGINT.
pub(crate) async fn stop() {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be listened to; the hub stops");
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
