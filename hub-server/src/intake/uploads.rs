//! Bytes on their way into the spool, hashed as they pass.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use hub_proto::Reason;
use sha2::{Digest, Sha256};

use super::types::SubmissionView;
use super::{Intake, IntakeError, too_large, view};
use crate::catalog::SubmissionRecord;
use crate::store::hex;
use crate::store::spool::SpoolHeader;

/// Running hashes of open uploads, by submission. Losing one costs a second reading at the commit.
#[derive(Debug, Default)]
pub(super) struct Uploads {
    open: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Upload>>>>,
}

#[derive(Default)]
struct Upload {
    hash: Sha256,
    hashed: u64,
}

impl std::fmt::Debug for Upload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upload").field("hashed", &self.hashed).finish_non_exhaustive()
    }
}

impl Uploads {
    fn get(&self, id: &str) -> Arc<tokio::sync::Mutex<Upload>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(open.entry(id.to_owned()).or_default())
    }

    pub(super) fn forget(&self, id: &str) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}

impl Intake {
    /// Takes bytes at an offset; those below the offset that is already there are skipped.
    pub(super) async fn take(
        self: &Arc<Self>,
        header: &SpoolHeader,
        offset: u64,
        data: Bytes,
    ) -> Result<u64, IntakeError> {
        let end = offset.saturating_add(data.len() as u64);
        let limit = header.declared_size.unwrap_or(u64::MAX).min(self.parts.limits.payload_bytes);
        if end > limit {
            return Err(match header.declared_size {
                Some(declared) if declared < end => IntakeError::new(
                    Reason::PayloadMismatch,
                    format!("{declared} bytes were announced, and these reach {end}; announce anew"),
                ),
                _ => too_large(end, self.parts.limits.payload_bytes),
            });
        }
        let upload = self.uploads.get(&header.id);
        let mut upload = upload.lock().await;
        let appended = self.parts.store.spool().append_lazily(&header.id, offset, data.clone()).await;
        // After a fault of the disk the payload may end before what was read along.
        let after = appended.inspect_err(|_| self.drop_early(header))?;
        self.read_along(header, after);
        let fresh = after.saturating_sub(upload.hashed.max(offset));
        if upload.hashed + fresh == after && fresh <= data.len() as u64 {
            let known = data.len() - usize::try_from(fresh).unwrap_or(data.len());
            upload.hash.update(&data[known..]);
            upload.hashed = after;
        }
        Ok(after)
    }

    /// Length and SHA-256 (hex) of all bytes, which are durable when this returns.
    pub(super) async fn measure(&self, id: &str) -> Result<(u64, String), IntakeError> {
        let size = self.parts.store.spool().sync(id).await?;
        let upload = self.uploads.get(id);
        let upload = upload.lock().await;
        if upload.hashed == size {
            return Ok((size, hex(&upload.hash.clone().finalize())));
        }
        let mut reader = self.parts.store.spool().reader(id)?;
        let hashed = tokio::task::spawn_blocking(move || {
            let mut hash = Sha256::new();
            std::io::copy(&mut reader, &mut hash).map(|size| (size, hex(&hash.finalize())))
        });
        match hashed.await {
            Ok(Ok(measured)) => Ok(measured),
            Ok(Err(error)) => Err(IntakeError::new(
                Reason::Internal,
                format!("the spooled payload of `{id}` cannot be read: {error}"),
            )),
            Err(_) => {
                Err(IntakeError::new(Reason::Internal, format!("hashing the payload of `{id}` was stopped")))
            }
        }
    }

    /// Ends a submission that got no verdict: its bytes go, its record stays.
    pub(super) async fn end_without_verdict(
        &self,
        header: &SpoolHeader,
        state: &str,
    ) -> Result<SubmissionView, IntakeError> {
        let size = self.parts.store.spool().offset(&header.id).unwrap_or(0);
        let record = self.ended_record(header, state, size, "", "");
        self.parts.catalog.put_ended(&record).await?;
        self.forget(&header.id).await?;
        Ok(view::of_record(&record))
    }

    /// Forgets a submission, unless another call works on it or has ordered its commit: then the bytes are that
    /// call's.
    pub(super) async fn forget_unordered(self: &Arc<Self>, id: &str) -> Result<(), IntakeError> {
        let Some(_hold) = self.hold(id) else { return Ok(()) };
        if self.is_ordered(id) {
            return Ok(());
        }
        self.forget(id).await
    }

    /// Removes the bytes and the header of a submission; nothing of it stays in the spool.
    pub(super) async fn forget(&self, id: &str) -> Result<(), IntakeError> {
        self.uploads.forget(id);
        match self.parts.store.spool().header(id) {
            Some(header) => {
                self.drop_early(&header);
                Ok(self.parts.store.spool().end(id, false).await?)
            }
            None => Ok(()),
        }
    }

    /// The catalogue's record of a submission that ended outside the log.
    pub(super) fn ended_record(
        &self,
        header: &SpoolHeader,
        state: &str,
        size: u64,
        sha256: &str,
        report: &str,
    ) -> SubmissionRecord {
        SubmissionRecord {
            id: header.id.clone(),
            caller: header.caller.clone(),
            request_id: header.request_id.clone(),
            publisher: header.publisher.clone(),
            dataset: header.pattern.clone(),
            period: header.period.clone(),
            media_type: header.media_type.clone(),
            state: state.to_owned(),
            reason: String::new(),
            revision: 0,
            dataset_version: 0,
            rows: 0,
            size,
            sha256: sha256.to_owned(),
            carried: Vec::new(),
            dropped: Vec::new(),
            nothing_to_report: header.nothing_to_report,
            withdraws: None,
            created_at: view::moment(header.created_at),
            ended_at: self.parts.clock.now(),
            report: report.to_owned(),
            receipt: String::new(),
            erased: None,
        }
    }
}
