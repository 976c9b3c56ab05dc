//! The spool in order: what an earlier run left, what nobody finished, what gives way.

use std::collections::HashSet;
use std::sync::Arc;

use futures::StreamExt as _;
use hub_proto::Reason;

use super::types::{SubmissionState, SubmissionView};
use super::{Intake, IntakeError, IntakeParts, view};
use crate::permit::SubmissionsPermit;
use crate::store::spool::SpoolHeader;

impl Intake {
    /// Finishes what a stopped server left: clears up after commits that are in the log, and runs the
    /// orders that are durable. One that cannot be finished is taken back, and its sender is told when
    /// it asks again.
    pub(crate) async fn recover(self: &Arc<Self>) {
        self.reopen_lost().await;
        let unfinished = self.parts.store.spool().unfinished();
        let width = self.parts.limits.checks;
        let each = futures::stream::iter(unfinished).for_each_concurrent(width, |header| async move {
            let id = header.id.clone();
            let done = if let Err(damaged) = self.parts.commits.whole(&header.pattern) {
                Err(damaged.into())
            } else if self.parts.commits.knows(&id) {
                self.clear_up(&id).await
            } else if header.commit.is_some() {
                self.resume(header).await.map(|_verdict| ())
            } else {
                Ok(())
            };
            if let Err(error) = done {
                let reason = error.reason().as_str();
                tracing::warn!(submission = %id, reason, %error, "a submission waits for its sender");
            }
        });
        each.await;
    }

    /// What was acknowledged ahead of a log whose record rotted since is committed again from its bytes.
    async fn reopen_lost(&self) {
        match self.reopened().await {
            Ok(ids) => ids.iter().for_each(|id| {
                tracing::error!(submission = %id, "was acknowledged and is in no log; it is committed again from its bytes, with another receipt");
            }),
            Err(error) => tracing::error!(%error, "what was acknowledged and is in no log could not be looked for"),
        }
    }

    /// Opens again what the spool keeps as committed and no log knows. The catalogue shows what was in a log once,
    /// also of a pattern that the hub has no more.
    async fn reopened(&self) -> Result<Vec<String>, IntakeError> {
        let IntakeParts { commits, catalog, store, .. } = &self.parts;
        let mut lost = HashSet::new();
        for id in store.spool().kept() {
            if !commits.knows(&id) && catalog.submission(&id).await?.is_none() {
                lost.insert(id);
            }
        }
        // Of a dataset that is damaged nobody knows what is in its log.
        let has_log = |header: &SpoolHeader| commits.table(&header.pattern).is_some();
        Ok(store.spool().reopen(lost, has_log).await?)
    }

    /// Keeps the bytes of a submission whose commit is in the log as its evidence.
    async fn clear_up(self: &Arc<Self>, id: &str) -> Result<(), IntakeError> {
        let Some(_hold) = self.hold(id) else { return Ok(()) };
        Ok(self.parts.store.spool().end(id, true).await?)
    }

    /// Removes submissions that were begun and never committed in time.
    pub(crate) async fn sweep(self: &Arc<Self>) -> Result<(), IntakeError> {
        let kept = i64::try_from(self.parts.limits.receiving.as_micros()).unwrap_or(i64::MAX);
        let oldest = self.now().saturating_sub(kept);
        for header in self.parts.store.spool().unfinished() {
            let damaged = self.parts.commits.whole(&header.pattern).is_err();
            if header.created_at >= oldest || header.commit.is_some() || damaged {
                continue;
            }
            if self.parts.commits.knows(&header.id) {
                self.clear_up(&header.id).await?;
            } else if let Some(_hold) = self.hold(&header.id) {
                self.end_without_verdict(&header, "EXPIRED").await?;
            }
        }
        Ok(())
    }

    /// An earlier try in steps under the same request id gives way to one that brings all its bytes again,
    /// unless it is whole already: then the commit arbitrates between the two.
    pub(super) async fn give_way(
        self: &Arc<Self>,
        caller: &str,
        request_id: &str,
    ) -> Result<(), IntakeError> {
        let Some(header) = self.by_request(caller, request_id).filter(|header| header.commit.is_none())
        else {
            return Ok(());
        };
        match self.hold(&header.id) {
            Some(_hold) => self.forget(&header.id).await,
            None => Ok(()),
        }
    }

    /// Gives up a submission that has no verdict yet.
    pub(crate) async fn abandon(
        self: &Arc<Self>,
        permit: &SubmissionsPermit,
        id: &str,
    ) -> Result<SubmissionView, IntakeError> {
        let conflict = |why: &str, polish: &str| {
            IntakeError::new(Reason::StateConflict, format!("submission `{id}` {why}"))
                .in_polish(format!("przesyłka `{id}` {polish}"))
        };
        // Nobody takes hold of what is another's.
        if self.settled(permit, id).await?.is_none() {
            self.unfinished(permit, id)?;
        }
        let hold = self.hold(id);
        if let Some(record) = self.settled(permit, id).await? {
            let ended = view::of_record(&record);
            return match ended.state {
                SubmissionState::Abandoned => Ok(ended),
                _ => Err(conflict(
                    "has its verdict; only one without a verdict can be given up",
                    "ma już wynik; zrezygnować można tylko z przesyłki bez wyniku",
                )),
            };
        }
        let header = self.unfinished(permit, id)?;
        self.parts.commits.whole(&header.pattern)?;
        if hold.is_none() {
            return Err(conflict(
                "is being checked; ask for its verdict",
                "jest właśnie sprawdzana; zapytaj o jej wynik",
            ));
        }
        self.end_without_verdict(&header, "ABANDONED").await
    }
}
