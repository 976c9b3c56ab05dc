//! A check for anyone: nothing of it is kept, and nothing of what the hub holds is told.

use std::fs::File;
use std::io::Write as _;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use hub_datasets::{MediaType, Period, Report, Settings};
use hub_proto::Reason;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::spawn_blocking;

use super::examine::Asked;
use super::payload::{PayloadBytes, media_type};
use super::{Intake, IntakeError, too_large};
use crate::config::limits::{OPEN_CHECK_BYTES, OPEN_CHECKS, SPOOL_SMALL_BYTES};
use crate::permit::CheckPermit;

/// Bytes that tell a format.
const HEAD_BYTES: usize = 512;

/// What is to be checked against what.
#[derive(Debug, Clone, Default)]
pub(crate) struct NewCheck {
    pub(crate) pattern: String,
    pub(crate) period: Option<String>,
    /// With it what the payload says of its unit is compared.
    pub(crate) publisher: Option<String>,
    /// None: the bytes tell it.
    pub(crate) media_type: Option<String>,
}

/// A check that takes bytes. It has one of a few places, and gives it back when it is dropped.
#[derive(Debug)]
pub(crate) struct OpenCheck {
    intake: Arc<Intake>,
    asked: NewCheck,
    period: Option<Period>,
    held: BytesMut,
    /// Where the bytes go that are more than are held.
    file: Option<File>,
    length: u64,
    place: OwnedSemaphorePermit,
}

impl Intake {
    /// Begins a check; says at once when too many are under way.
    pub(crate) fn begin_check(
        self: &Arc<Self>,
        _permit: &CheckPermit,
        asked: NewCheck,
    ) -> Result<OpenCheck, IntakeError> {
        let pattern = self.pattern(&asked.pattern)?;
        let period = match &asked.period {
            Some(period) => Some(self.period(&pattern, period, "parameter")?),
            None => None,
        };
        if let Some(media) = &asked.media_type {
            media_type(media)?;
        }
        let place = Arc::clone(&self.open_checks).try_acquire_owned().map_err(|_| {
            let message = format!(
                "{OPEN_CHECKS} open checks are under way (limit {OPEN_CHECKS}); try again in a moment"
            );
            IntakeError::new(Reason::Busy, message)
        })?;
        let intake = Arc::clone(self);
        Ok(OpenCheck { intake, asked, period, held: BytesMut::new(), file: None, length: 0, place })
    }
}

impl OpenCheck {
    /// Takes the next bytes.
    pub(crate) async fn data(&mut self, data: Bytes) -> Result<(), IntakeError> {
        self.length += data.len() as u64;
        if self.length > OPEN_CHECK_BYTES {
            return Err(too_large(self.length, OPEN_CHECK_BYTES));
        }
        if self.file.is_none() && self.length <= SPOOL_SMALL_BYTES {
            self.held.extend_from_slice(&data);
            return Ok(());
        }
        let held = self.held.split().freeze();
        let (file, scratch) = (self.file.take(), self.intake.parts.scratch.clone());
        let written = spawn_blocking(move || {
            let mut file = match file {
                Some(file) => file,
                None => tempfile::tempfile_in(scratch)?,
            };
            file.write_all(&held)?;
            file.write_all(&data)?;
            Ok(file)
        });
        let written = written.await.unwrap_or_else(|panic| Err(std::io::Error::other(panic)));
        self.file = Some(written.map_err(|error: std::io::Error| {
            let reason = match error.kind() {
                std::io::ErrorKind::StorageFull => Reason::StorageFull,
                _ => Reason::Internal,
            };
            IntakeError::new(reason, format!("the payload needs scratch space, and its disk says: {error}"))
        })?);
        Ok(())
    }

    /// Checks what was sent.
    pub(crate) async fn report(self) -> Result<Report, IntakeError> {
        let Self { intake, asked, period, mut held, file, length: _, place } = self;
        let pattern = intake.pattern(&asked.pattern)?;
        let publisher = match (&asked.publisher, &period) {
            (Some(id), Some(period)) => Some(intake.publisher(id, period)?),
            (Some(_), None) => {
                let message = "parameter `publisher` needs `period`: a unit's identifiers are those of a day";
                return Err(IntakeError::new(Reason::RequestInvalid, message));
            }
            (None, _) => None,
        };
        let payload = match file {
            Some(file) => PayloadBytes::Aside(Arc::new(file)),
            None => PayloadBytes::Held(held.split().freeze()),
        };
        let stopped = |_| IntakeError::new(Reason::Unavailable, "the hub is stopping; ask again");
        let running = Arc::clone(&intake.open_checks_running).acquire_owned().await.map_err(stopped)?;
        let settings = asked.media_type.as_deref().map(Settings::of_media_type).unwrap_or_default();
        let media = match &asked.media_type {
            Some(media) => media_type(media)?,
            None => told(payload.clone(), Arc::clone(&intake)).await?,
        };
        // Nobody may wait for the check any more while it runs on; it keeps its places as long as it does.
        let places = vec![place, running];
        let asked = Asked {
            pattern,
            period,
            publisher,
            media,
            settings,
            payload,
            seq: 0,
            beside: None,
            encode: false,
            places,
        };
        Ok(intake.carry_out(asked).await?.report)
    }
}

/// The format that the first bytes tell.
async fn told(payload: PayloadBytes, intake: Arc<Intake>) -> Result<MediaType, IntakeError> {
    let look = move || {
        let payload = payload.open(intake.parts.store.spool())?;
        let mut head = [0; HEAD_BYTES];
        let length = payload.read_at(0, &mut head).map_err(|error| {
            IntakeError::new(Reason::Internal, format!("the payload cannot be read: {error}"))
        })?;
        Ok(MediaType::by_bytes(&head[..length]))
    };
    let broke = |_| IntakeError::new(Reason::Internal, "the look at the payload broke off");
    spawn_blocking(look).await.map_err(broke)?
}
