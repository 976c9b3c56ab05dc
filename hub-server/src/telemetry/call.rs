//! One call from its first byte to its last: the span that it runs in, and the line that tells its end.

use std::time::Instant;

use tracing::{Span, field};

/// What a call does to the hub; decides how loud its end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Told at `info`.
    Write,
    /// Told at `debug`: reads and health checks are many.
    Read,
}

/// A call under way. Its end is told once; one that is dropped before was left by its caller.
#[derive(Debug)]
pub(crate) struct Call {
    span: Span,
    deed: Deed,
    began: Instant,
    told: bool,
}

impl Call {
    pub(crate) fn begin(method: &str, deed: Deed) -> Self {
        let span =
            tracing::info_span!("call", method, organisation = field::Empty, submission = field::Empty);
        Self { span, deed, began: Instant::now(), told: false }
    }

    /// The span, for the work of the call.
    pub(crate) fn span(&self) -> &Span {
        &self.span
    }

    /// Tells the end, and why, if the call was refused.
    pub(crate) fn end(&mut self, reason: Option<&str>) {
        self.tell(if reason.is_some() { "refused" } else { "answered" }, reason);
    }

    fn tell(&mut self, how: &str, reason: Option<&str>) {
        if std::mem::replace(&mut self.told, true) {
            return;
        }
        let ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.span.in_scope(|| match self.deed {
            Deed::Write => tracing::info!(ms, reason, "{how}"),
            Deed::Read => tracing::debug!(ms, reason, "{how}"),
        });
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.tell("left", None);
    }
}

/// Notes in the span of the call whose organisation calls.
pub(crate) fn of_organisation(id: &str) {
    Span::current().record("organisation", id);
}

/// Notes in the span of the call which submission it is about.
pub(crate) fn of_submission(id: &str) {
    Span::current().record("submission", id);
}
