//! One submission: `GetSubmission`, `AbandonSubmission`, `GetReport`, `GetReceipt`; and `GetReceiptKeys`.

use hub_proto::v1::{
    AbandonSubmissionRequest, AbandonSubmissionResponse, GetReceiptKeysResponse, GetReceiptRequest,
    GetReceiptResponse, GetReportRequest, GetReportResponse, GetSubmissionRequest, GetSubmissionResponse,
};
use tonic::Request;

use super::convert;
use crate::error::HubError;
use crate::grpc::Door;

pub(super) async fn get(
    door: &Door,
    request: Request<GetSubmissionRequest>,
) -> Result<GetSubmissionResponse, HubError> {
    let caller = door.caller(request.metadata())?;
    let submission = door.submission(&caller, &request.get_ref().name).await?;
    Ok(GetSubmissionResponse { submission: Some(submission) })
}

pub(super) async fn abandon(
    door: &Door,
    request: Request<AbandonSubmissionRequest>,
) -> Result<AbandonSubmissionResponse, HubError> {
    let caller = door.caller(request.metadata())?;
    let submission = door.abandon(&caller, &request.get_ref().name).await?;
    Ok(AbandonSubmissionResponse { submission: Some(submission) })
}

pub(super) async fn report(
    door: &Door,
    request: Request<GetReportRequest>,
) -> Result<GetReportResponse, HubError> {
    let caller = door.caller(request.metadata())?;
    let report = door.report(&caller, &request.get_ref().name).await?;
    Ok(GetReportResponse { report: Some(report.into()) })
}

pub(super) async fn receipt(
    door: &Door,
    request: Request<GetReceiptRequest>,
) -> Result<GetReceiptResponse, HubError> {
    let caller = door.caller(request.metadata())?;
    Ok(GetReceiptResponse { receipt: Some(door.receipt(&caller, &request.get_ref().name).await?) })
}

/// Public keys are for everyone: who verifies a receipt needs no credential.
pub(super) fn receipt_keys(door: &Door) -> GetReceiptKeysResponse {
    let keys = &door.rooms.signer.published().keys;
    GetReceiptKeysResponse { keys: keys.iter().map(convert::receipt_key).collect() }
}
