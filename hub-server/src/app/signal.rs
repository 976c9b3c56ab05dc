//! Signals that ask the hub to stop.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGTERM and SIGINT from the moment on at which this was made: one that comes while the hub starts is
/// heard when it has started.
#[derive(Debug)]
pub(crate) struct Stop(Option<[Signal; 2]>);

impl Stop {
    pub(crate) fn listen() -> Self {
        let signals = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
        match signals {
            [Ok(terminate), Ok(interrupt)] => Self(Some([terminate, interrupt])),
            _ => Self(None),
        }
    }

    /// Returns at the first signal.
    pub(crate) async fn asked(self) {
        let Some([mut terminate, mut interrupt]) = self.0 else {
            tracing::error!("signals cannot be listened to; the hub stops");
            return;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
}
