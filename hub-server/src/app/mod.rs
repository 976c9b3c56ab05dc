//! The composition root: a configuration becomes a running hub. The only place that sees all rooms.

mod compose;
mod consumers;
mod demo;
mod dev;
mod housekeeping;
mod patterns;
mod signal;

pub(crate) use compose::{StartError, empty_scratch, patterns_of};
pub(crate) use demo::demo;
pub(crate) use dev::{DevError, dev};
pub(crate) use patterns::KnownPatterns;

use crate::config::Config;

/// Serves until a signal.
pub(crate) async fn serve(config: &Config) -> Result<(), StartError> {
    let stop = signal::Stop::listen();
    let hub = compose::Hub::start(config).await?;
    hub.open();
    stop.asked().await;
    hub.stop().await;
    Ok(())
}
