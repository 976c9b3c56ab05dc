//! `PushSubmission`: create, upload and commit in one stream.

use hub_proto::TypeConversionError;
use hub_proto::v1::push_submission_request::Step;
use hub_proto::v1::{PushSubmissionRequest, PushSubmissionResponse};
use tonic::{Request, Streaming};

use super::stream;
use crate::error::HubError;
use crate::grpc::Door;

const MESSAGE: &str = "PushSubmissionRequest";

pub(super) async fn push(
    door: &Door,
    request: Request<Streaming<PushSubmissionRequest>>,
) -> Result<PushSubmissionResponse, HubError> {
    let caller = door.caller(request.metadata())?;
    let pushing = door.pushing(&caller)?;
    let mut messages = request.into_inner();
    let Some(Step::Create(announced)) = step(&mut messages).await? else {
        return Err(TypeConversionError::missing(MESSAGE, "create").into());
    };
    let mut begun = pushing.begin(&caller, announced).await?;
    let options = loop {
        match step(&mut messages).await? {
            Some(Step::Data(data)) => {
                stream::bounded(&data)?;
                begun.data(data).await?;
            }
            Some(Step::Zstd(packed)) => begun.data(stream::unpacked(&packed)?).await?,
            Some(Step::Commit(options)) => break options,
            Some(Step::Create(_)) => {
                return Err(TypeConversionError::invalid(MESSAGE, "create", "it comes once, first").into());
            }
            None => return Err(TypeConversionError::missing(MESSAGE, "commit").into()),
        }
    };
    let v = begun.commit(options).await?;
    Ok(PushSubmissionResponse {
        submission: v.submission,
        report: v.report,
        receipt: v.receipt,
        unchanged: v.unchanged,
    })
}

/// The step of the next message; None at the end of the stream.
async fn step(messages: &mut Streaming<PushSubmissionRequest>) -> Result<Option<Step>, HubError> {
    match stream::next(messages).await? {
        Some(PushSubmissionRequest { step: Some(step) }) => Ok(Some(step)),
        Some(PushSubmissionRequest { step: None }) => {
            Err(TypeConversionError::missing(MESSAGE, "step").into())
        }
        None => Ok(None),
    }
}
