//! What the spool holds in memory, and the deeds on it. Each deed runs as a task of its own (see
//! `Spool`), so that none stops half way.

use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::payload::{Payload, Piece};
use super::record::Record;
use super::writer::Writer;
use super::{CommitOrder, SpoolHeader, reader, recover};
use crate::store::disk::{Disk, ReadAt};
use crate::store::{StoreError, blocking};

/// The spool behind its tasks.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) disk: Arc<dyn Disk>,
    /// `<root>/spool`
    pub(super) dir: PathBuf,
    /// `<root>/evidence`
    evidence: PathBuf,
    open: Mutex<HashMap<String, Arc<Submission>>>,
    /// Small payloads that are kept, by submission.
    kept: Mutex<HashMap<String, Vec<Piece>>>,
    /// Segments of earlier runs.
    earlier: Vec<u64>,
    pub(super) writer: Writer,
}

/// One unfinished submission.
#[derive(Debug)]
pub(super) struct Submission {
    /// Writes of one submission take turns.
    turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) header: SpoolHeader,
    pub(super) payload: Payload,
}

impl Submission {
    fn new(header: SpoolHeader, payload: Payload) -> Arc<Self> {
        Arc::new(Self { turn: tokio::sync::Mutex::default(), state: Mutex::new(State { header, payload }) })
    }
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An id becomes part of a file name.
fn is_name(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

impl Inner {
    /// Opens the spool of a data folder and takes up what an earlier run left. Blocking.
    pub(super) fn open(disk: &Arc<dyn Disk>, root: &Path, segment_bytes: u64) -> Result<Self, StoreError> {
        let (dir, evidence) = (root.join("spool"), root.join("evidence"));
        let recovered = recover::recover(disk, &dir)?;
        let open =
            recovered.open.into_iter().map(|(id, state)| (id, Submission::new(state.header, state.payload)));
        let writer = Writer::start(Arc::clone(disk), dir.clone(), recovered.book, segment_bytes)?;
        let (open, kept) = (Mutex::new(open.collect()), Mutex::new(recovered.kept));
        let earlier = recovered.segments;
        Ok(Self { disk: Arc::clone(disk), dir, evidence, open, kept, earlier, writer })
    }

    pub(super) async fn create(&self, header: SpoolHeader) -> Result<(), StoreError> {
        if !self.is_new(&header)? {
            return Ok(());
        }
        self.writer.write(&header.id, vec![Record::Create(header.clone())]).await?;
        self.insert(header, Payload::default());
        Ok(())
    }
    #[cfg(test)]
    pub(super) async fn append(&self, id: &str, offset: u64, data: bytes::Bytes) -> Result<u64, StoreError> {
        let submission = self.submission(id)?;
        let _turn = submission.turn.lock().await;
        self.receive(id, &submission, offset, data).await?;
        self.flush(id, &submission, Vec::new()).await
    }
    pub(super) async fn append_lazily(
        &self,
        id: &str,
        offset: u64,
        data: bytes::Bytes,
    ) -> Result<u64, StoreError> {
        let submission = self.submission(id)?;
        let _turn = submission.turn.lock().await;
        self.receive(id, &submission, offset, data).await
    }
    pub(super) async fn sync(&self, id: &str) -> Result<u64, StoreError> {
        let submission = self.submission(id)?;
        let _turn = submission.turn.lock().await;
        self.flush(id, &submission, Vec::new()).await
    }
    /// Hands a whole payload of one record to the writer; what comes back waits until it is durable.
    pub(super) async fn put_whole(
        self: &Arc<Self>,
        header: SpoolHeader,
        data: bytes::Bytes,
    ) -> Result<impl Future<Output = Result<(), StoreError>> + Send + use<>, StoreError> {
        let record = match self.is_new(&header)? {
            true => vec![Record::Whole(header.clone(), data)],
            false => Vec::new(),
        };
        let is_new = !record.is_empty();
        let written = self.writer.write_with_next(&header.id, record).await?;
        let spool = Arc::clone(self);
        Ok(async move {
            let place = written.await?;
            if is_new {
                spool.insert(header, Payload::in_segments(place.data));
            }
            Ok(())
        })
    }
    pub(super) async fn order(&self, id: &str, order: CommitOrder) -> Result<(), StoreError> {
        let submission = self.submission(id)?;
        let _turn = submission.turn.lock().await;
        let received = submission.state().payload.received();
        if !order.recalled && received != order.size {
            // Bytes came between the sender's measure and this order.
            return Err(StoreError::OffsetStale { id: id.to_owned(), offset: order.size, durable: received });
        }
        self.flush(id, &submission, vec![Record::Order(order.clone())]).await?;
        let header = &mut submission.state().header;
        header.waits = order.recalled;
        header.commit = (!order.recalled).then_some(order);
        Ok(())
    }
    pub(super) fn header(&self, id: &str) -> Option<SpoolHeader> {
        self.submission(id).ok().map(|s| s.state().header.clone())
    }
    pub(super) fn offset(&self, id: &str) -> Option<u64> {
        self.submission(id).ok().map(|s| s.state().payload.durable())
    }
    pub(super) fn unfinished(&self) -> Vec<SpoolHeader> {
        let mut headers: Vec<_> = self.all().values().map(|s| s.state().header.clone()).collect();
        headers.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        headers
    }
    pub(super) fn reader(&self, id: &str) -> Result<Box<dyn Read + Send>, StoreError> {
        let pieces = self.submission(id)?.state().payload.pieces();
        Ok(Box::new(reader::PieceReader::new(Arc::clone(&self.disk), pieces)))
    }
    pub(super) fn file(&self, id: &str) -> Result<Box<dyn ReadAt>, StoreError> {
        let path = self.submission(id)?.state().payload.file_path();
        let path = path.ok_or_else(|| StoreError::SubmissionUnknown { id: id.to_owned() })?;
        self.disk.open(&path).map_err(|e| StoreError::io("open", &path, e))
    }
    /// The bytes of a committed submission, wherever they are: it may be on its way out of the spool still.
    pub(super) fn sent(&self, id: &str, sha256: &str) -> Result<Vec<Piece>, StoreError> {
        let kept = || self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
        let open = || self.submission(id).ok().map(|submission| submission.state().payload.pieces());
        let path = self.evidence_path(sha256);
        let evidence = || {
            let path = path.as_ref()?;
            let info = self.disk.info(path).ok()?;
            Some(vec![Piece::stored(path.clone(), 0, info.bytes)])
        };
        // Bytes get their lasting place before they leave the one that they had, so the second look finds what
        // moved behind the first.
        let found = kept().or_else(evidence).or_else(open).or_else(kept).or_else(evidence);
        found.ok_or_else(|| {
            let file = path.as_ref().unwrap_or(&self.dir).display().to_string();
            let message = format!(
                "lacks, and no segment of the spool holds the payload of submission {id}; a damaged one may have held it"
            );
            StoreError::Corrupt { file, message }
        })
    }
    pub(super) async fn end(&self, id: &str, keep: bool) -> Result<(), StoreError> {
        let submission = self.submission(id)?;
        let _turn = submission.turn.lock().await;
        // The first of two callers ended it while the second waited for its turn.
        self.submission(id)?;
        if keep {
            self.flush(id, &submission, Vec::new()).await?;
        }
        let (file, pieces, order) = {
            let mut state = submission.state();
            let file = state.payload.close_file();
            (file, state.payload.pieces(), state.header.commit.clone())
        };
        if let (true, Some(file)) = (keep, &file) {
            self.link_evidence(file, order).await?;
        }
        let stays = keep && file.is_none();
        let end = Record::End { keep: stays };
        if stays {
            // A restart that does not find it asks the log what became of the submission.
            self.writer.write_later(id, &end)?;
            self.kept.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), pieces);
        } else {
            self.writer.write(id, vec![end]).await?;
        }
        self.all().remove(id);
        if let Some(file) = file {
            let disk = Arc::clone(&self.disk);
            blocking(move || disk.remove(&file).map_err(|e| StoreError::io("remove", &file, e))).await?;
        }
        if !stays {
            self.writer.forget(id).await?;
        }
        Ok(())
    }

    /// Ids of the kept small submissions.
    pub(super) fn kept(&self) -> Vec<String> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// As `Spool::reopen`.
    pub(super) async fn reopen(
        &self,
        lost: HashSet<String>,
        wanted: impl Fn(&SpoolHeader) -> bool,
    ) -> Result<Vec<String>, StoreError> {
        if lost.is_empty() {
            return Ok(Vec::new());
        }
        let (disk, dir, earlier) = (Arc::clone(&self.disk), self.dir.clone(), self.earlier.clone());
        let found = blocking(move || recover::before_their_end(disk.as_ref(), &dir, &earlier, lost)).await?;
        let mut ids = Vec::with_capacity(found.len());
        for (id, state) in found.into_iter().filter(|(_, state)| wanted(&state.header)) {
            self.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
            self.insert(state.header, state.payload);
            ids.push(id);
        }
        Ok(ids)
    }

    /// Gives the bytes of a large payload their lasting name, durable.
    async fn link_evidence(&self, file: &Path, order: Option<CommitOrder>) -> Result<(), StoreError> {
        let named = order.and_then(|o| self.evidence_path(&o.sha256));
        let (disk, file, evidence) = (Arc::clone(&self.disk), file.to_path_buf(), self.evidence.clone());
        blocking(move || {
            let path = match named {
                Some(path) => path,
                None => {
                    let sha256 = reader::sha256(disk.as_ref(), &file)?;
                    evidence.join(&sha256[..2]).join(sha256)
                }
            };
            let folder = path.parent().unwrap_or(&evidence);
            disk.make_dir(folder).map_err(|e| StoreError::io("make the folder", folder, e))?;
            match disk.link(&file, &path) {
                // The same bytes were sent before.
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                linked => linked.map_err(|e| StoreError::io("link", &path, e))?,
            }
            disk.sync_dir(folder).map_err(|e| StoreError::io("sync", folder, e))
        })
        .await
    }

    /// Path of the evidence of a SHA-256; None when the text is not one.
    fn evidence_path(&self, sha256: &str) -> Option<PathBuf> {
        let is_hash = sha256.len() == 64 && sha256.bytes().all(|b| b.is_ascii_hexdigit());
        is_hash.then(|| self.evidence.join(&sha256[..2]).join(sha256))
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Arc<Submission>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn submission(&self, id: &str) -> Result<Arc<Submission>, StoreError> {
        let found = self.all().get(id).map(Arc::clone);
        found.ok_or_else(|| StoreError::SubmissionUnknown { id: id.to_owned() })
    }
    fn insert(&self, header: SpoolHeader, payload: Payload) {
        self.all().insert(header.id.clone(), Submission::new(header, payload));
    }
    /// False when the same submission is open already; other content under its id is refused.
    fn is_new(&self, header: &SpoolHeader) -> Result<bool, StoreError> {
        let refused = || StoreError::SubmissionUnknown { id: header.id.clone() };
        if !is_name(&header.id) {
            return Err(refused());
        }
        match self.header(&header.id) {
            None => Ok(true),
            Some(open) if open == *header => Ok(false),
            Some(_) => Err(refused()),
        }
    }
}
