//! Submissions that are being checked or committed. A run belongs to the hub, not to the call: a sender
//! that goes away finds its verdict when it asks again, and whoever asks meanwhile waits for the same.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use hub_proto::Reason;
use tokio::sync::watch;

use super::types::{CommitOptions, Verdict};
use super::verdict::{Ended, Fate, Payload};
use super::{Intake, IntakeError};
use crate::store::spool::{CommitOrder, SpoolHeader};

pub(super) type Answer = Option<Result<Verdict, IntakeError>>;

/// Submissions that somebody works on, by id.
#[derive(Debug, Default)]
pub(super) struct Running {
    open: Mutex<HashMap<String, Work>>,
}

/// What somebody does with a submission.
#[derive(Debug)]
struct Work {
    answer: watch::Receiver<Answer>,
    /// It ends with a verdict that commits nothing.
    is_trial: bool,
}

impl Running {
    pub(super) fn holds(&self, id: &str) -> bool {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).contains_key(id)
    }

    #[cfg(test)]
    pub(super) fn is_idle(&self) -> bool {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Who waits for its answer, and whether it is a trial.
    fn get(&self, id: &str) -> Option<(watch::Receiver<Answer>, bool)> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.get(id).map(|work| (work.answer.clone(), work.is_trial))
    }
}

/// The right to work on a submission; nobody else has it until it is dropped, also by a panic.
pub(super) struct Hold {
    intake: Arc<Intake>,
    id: String,
    answer: watch::Sender<Answer>,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.intake.running.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

async fn answer(mut receiver: watch::Receiver<Answer>) -> Result<Verdict, IntakeError> {
    let answer = receiver.wait_for(Option::is_some).await.map(|answer| answer.clone());
    match answer {
        Ok(Some(verdict)) => verdict,
        _ => Err(IntakeError::new(Reason::Busy, "the submission was in other hands; ask again")),
    }
}

impl Intake {
    /// Takes a submission into the caller's hands; None while it is in others'.
    pub(super) fn hold(self: &Arc<Self>, id: &str) -> Option<Hold> {
        self.hold_for(id, false)
    }

    fn hold_for(self: &Arc<Self>, id: &str, is_trial: bool) -> Option<Hold> {
        let mut open = self.running.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.contains_key(id) {
            return None;
        }
        let (answer, receiver) = watch::channel(None);
        open.insert(id.to_owned(), Work { answer: receiver, is_trial });
        Some(Hold { intake: Arc::clone(self), id: id.to_owned(), answer })
    }

    /// The verdict of a run that is under way. A trial answers who wants one, and nobody who wants a commit.
    pub(super) async fn attach(
        &self,
        id: &str,
        options: &CommitOptions,
    ) -> Option<Result<Verdict, IntakeError>> {
        let (receiver, is_trial) = self.running.get(id)?;
        if is_trial && !options.validate_only {
            let message = format!("submission `{id}` is being checked only; ask again when that has ended");
            return Some(Err(IntakeError::new(Reason::Busy, message)));
        }
        Some(answer(receiver).await)
    }

    /// Runs an ordered submission to its verdict; a trial of what is in memory leaves no trace.
    pub(super) async fn decide(
        self: &Arc<Self>,
        header: SpoolHeader,
        payload: Payload,
        options: CommitOptions,
    ) -> Result<Verdict, IntakeError> {
        if options.validate_only {
            let bytes = payload.of(&header.id);
            return self.trial(&header, bytes).await;
        }
        let Some(hold) = self.hold(&header.id) else {
            return self.in_other_hands(&header.id, &options).await;
        };
        let receiver = hold.answer.subscribe();
        tokio::spawn(async move {
            let ended = hold.intake.run(&header, payload).await;
            hold.settle(&header, ended).await;
        });
        answer(receiver).await
    }

    async fn in_other_hands(&self, id: &str, options: &CommitOptions) -> Result<Verdict, IntakeError> {
        let just_ended = || IntakeError::new(Reason::Busy, "its check has just ended; ask again");
        self.attach(id, options).await.unwrap_or_else(|| Err(just_ended()))
    }

    /// Checks a spooled submission, of which nothing stays but its verdict, for a while: a sender whose line broke off
    /// asks again. `waits`: it waits for its sender's word, and goes on to.
    pub(super) async fn try_spooled(
        self: &Arc<Self>,
        header: SpoolHeader,
        options: &CommitOptions,
        waits: bool,
    ) -> Result<Verdict, IntakeError> {
        let Some(hold) = self.hold_for(&header.id, true) else {
            return self.in_other_hands(&header.id, options).await;
        };
        let receiver = hold.answer.subscribe();
        tokio::spawn(async move {
            let payload = Payload::Spooled.of(&header.id);
            let verdict = hold.intake.trial(&header, payload).await;
            if let Ok(verdict) = &verdict {
                hold.intake.tried.keep(&header, verdict);
            }
            let may_repeat = verdict.as_ref().is_err_and(|error| error.reason().is_transient());
            if !(may_repeat || waits || hold.intake.is_ordered(&header.id)) {
                hold.clear(&header, false).await;
            }
            let _ = hold.answer.send(Some(verdict));
        });
        answer(receiver).await
    }

    /// True when a commit of it was asked for: then its bytes are the commit's.
    pub(super) fn is_ordered(&self, id: &str) -> bool {
        let order = self.parts.store.spool().header(id).and_then(|header| header.commit);
        order.is_some_and(|order| !order.recalled)
    }
}

impl Hold {
    /// Answers, and leaves the spool as the verdict asks. An order that ended in an error is taken back
    /// before the sender hears of it, so that no restart takes up what was refused.
    async fn settle(self, header: &SpoolHeader, ended: Result<Ended, IntakeError>) {
        match ended {
            // A refused payload's bytes go before the sender hears of it; those of a commit become
            // evidence behind its back. The sender may have gone: then the verdict is on record.
            Ok(Ended { verdict, fate: Fate::Kept }) => {
                let _ = self.answer.send(Some(Ok(verdict)));
                self.clear(header, true).await;
            }
            Ok(Ended { verdict, fate: Fate::Gone }) => {
                self.clear(header, false).await;
                let _ = self.answer.send(Some(Ok(verdict)));
            }
            Ok(Ended { verdict, fate: Fate::Waiting }) => {
                self.recall(header).await;
                let _ = self.answer.send(Some(Ok(verdict)));
            }
            // What became of its commit is not known: the order stays, and a restart or a repeat finds out.
            Err(unknown) if unknown.reason() == Reason::Unavailable => {
                let _ = self.answer.send(Some(Err(unknown)));
            }
            Err(refusal) => {
                self.recall(header).await;
                let _ = self.answer.send(Some(Err(refusal)));
            }
        }
    }

    /// Takes the order back; its submission waits for another.
    async fn recall(&self, header: &SpoolHeader) {
        let spool = self.intake.parts.store.spool();
        if let (Some(order), true) = (&header.commit, spool.header(&header.id).is_some()) {
            let recall = CommitOrder { recalled: true, ..order.clone() };
            if let Err(error) = spool.order(&header.id, recall).await {
                tracing::warn!(submission = %header.id, %error, "its order could not be taken back");
            }
        }
    }

    async fn clear(&self, header: &SpoolHeader, keep: bool) {
        self.intake.uploads.forget(&header.id);
        self.intake.drop_early(header);
        if let Err(error) = self.intake.parts.store.spool().end(&header.id, keep).await {
            tracing::warn!(submission = %header.id, %error, "its bytes wait in the spool for a restart");
        }
    }
}
