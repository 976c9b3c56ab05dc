//! `ValidatePayload`: the check that anyone may ask for.

use hub_proto::TypeConversionError;
use hub_proto::v1::validate_payload_request::Step;
use hub_proto::v1::{ValidatePayloadRequest, ValidatePayloadResponse};
use hub_proto::{Reason, Refusal};
use tokio::time::timeout;
use tonic::{Request, Streaming};

use super::stream;
use crate::config::limits::OPEN_CHECK_BODY_TIMEOUT;
use crate::error::HubError;
use crate::grpc::Door;
use crate::intake::OpenCheck;

const MESSAGE: &str = "ValidatePayloadRequest";

pub(super) async fn validate(
    door: &Door,
    request: Request<Streaming<ValidatePayloadRequest>>,
) -> Result<ValidatePayloadResponse, HubError> {
    let received = timeout(OPEN_CHECK_BODY_TIMEOUT, received(door, request.into_inner())).await;
    let received = received.map_err(|_| {
        let seconds = OPEN_CHECK_BODY_TIMEOUT.as_secs();
        HubError::from(Refusal::new(
            Reason::DeadlineExceeded,
            format!("the payload was not here in {seconds} s"),
        ))
    })?;
    let report = door.checked(received?).await?;
    Ok(ValidatePayloadResponse { report: Some(report.into()) })
}

async fn received(
    door: &Door,
    mut messages: Streaming<ValidatePayloadRequest>,
) -> Result<OpenCheck, HubError> {
    let first = stream::next(&mut messages).await?.and_then(|message| message.step);
    let Some(Step::Check(check)) = first else {
        return Err(TypeConversionError::missing(MESSAGE, "check").into());
    };
    let mut begun = door.begin_check(door.to_check(check)?)?;
    while let Some(message) = stream::next(&mut messages).await? {
        match message.step {
            Some(Step::Data(data)) => {
                stream::bounded(&data)?;
                begun.data(data).await?;
            }
            Some(Step::Zstd(packed)) => begun.data(stream::unpacked(&packed)?).await?,
            Some(Step::Check(_)) => {
                return Err(TypeConversionError::invalid(MESSAGE, "check", "it comes once, first").into());
            }
            None => return Err(TypeConversionError::missing(MESSAGE, "step").into()),
        }
    }
    Ok(begun)
}
