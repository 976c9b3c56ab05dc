//! What the hub does by itself while the doors are open.

use std::sync::Arc;

use crate::config::limits::SWEEP_INTERVAL;
use crate::intake::Intake;
use crate::listen::{PhaseWatch, stopping};
use crate::notices::Notices;

/// Finishes what an earlier run left.
pub(super) async fn recover(intake: Arc<Intake>) {
    intake.recover().await;
}

/// Removes submissions that nobody finished.
pub(super) async fn sweep(intake: Arc<Intake>, phase: PhaseWatch) {
    let mut ticks = tokio::time::interval(SWEEP_INTERVAL);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stopping(phase.clone()) => return,
        }
        if let Err(error) = intake.sweep().await {
            tracing::warn!(reason = error.reason().as_str(), %error, "sweeping the spool");
        }
    }
}

/// Makes comparisons anew whose other side came later.
pub(super) async fn compare_anew(intake: Arc<Intake>, phase: PhaseWatch) {
    tokio::select! {
        () = intake.compare_anew() => {}
        () = stopping(phase) => {}
    }
}

/// Tells consumers of corrections, and sends news to subscribers.
pub(super) async fn tell(notices: Arc<Notices>, phase: PhaseWatch) {
    tokio::select! {
        () = notices.run() => {}
        () = Arc::clone(&notices).send() => {}
        () = stopping(phase) => {}
    }
}
