//! Reading a client's stream: bounded pieces, and no endless silence.

use bytes::Bytes;
use hub_proto::{Reason, Refusal};
use tonic::Streaming;

use crate::config::limits;
use crate::error::HubError;
use crate::grpc::fault::of_transport;
use crate::packed::{self, Fault};

/// The next message; None at the end of the stream.
pub(super) async fn next<T>(stream: &mut Streaming<T>) -> Result<Option<T>, HubError> {
    match tokio::time::timeout(limits::UPLOAD_SILENCE, stream.message()).await {
        Ok(Ok(message)) => Ok(message),
        Ok(Err(status)) => Err(cut(&status)),
        Err(_) => {
            let seconds = limits::UPLOAD_SILENCE.as_secs();
            let message = format!("nothing came for {seconds} s; resume from the durable offset");
            Err(HubError::new(Reason::DeadlineExceeded, message))
        }
    }
}

/// A stream that broke, as a refusal (which its sender may no longer see).
fn cut(status: &tonic::Status) -> HubError {
    let status = of_transport(status);
    let reason = hub_proto::reason_of(&status).unwrap_or(Reason::RequestInvalid);
    HubError::new(reason, status.message())
}

/// Refuses a piece over the bound that the contract names.
pub(super) fn bounded(data: &Bytes) -> Result<(), HubError> {
    if data.len() <= limits::UPLOAD_DATA_BYTES {
        return Ok(());
    }
    let message =
        format!("one message carries {} bytes; send at most {}", data.len(), limits::UPLOAD_DATA_BYTES);
    Err(Refusal::new(Reason::MessageTooLarge, message).field("data", "too long").into())
}

/// The plain bytes of a packed piece, within the same bound.
pub(super) fn unpacked(packed: &Bytes) -> Result<Bytes, HubError> {
    packed::frame(packed, limits::UPLOAD_DATA_BYTES).map_err(|fault| {
        let reason = match &fault {
            Fault::TooLong(_) => Reason::MessageTooLarge,
            Fault::Early(_) | Fault::Broken { .. } => Reason::RequestInvalid,
        };
        Refusal::new(reason, format!("field `zstd`: {fault}")).field("zstd", "cannot be unpacked").into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_the_one_of_the_contract() {
        assert!(bounded(&Bytes::from(vec![0; 1 << 20])).is_ok());
        assert_eq!(
            bounded(&Bytes::from(vec![0; (1 << 20) + 1])).unwrap_err().reason(),
            Reason::MessageTooLarge
        );
    }

    #[test]
    fn a_broken_stream_keeps_its_cause() {
        for (status, reason) in [
            (tonic::Status::cancelled("reset"), Reason::CallCancelled),
            (tonic::Status::out_of_range("too large"), Reason::MessageTooLarge),
            (tonic::Status::internal("bad frame"), Reason::RequestInvalid),
        ] {
            assert_eq!(cut(&status).reason(), reason);
        }
    }
}
