//! One submission: `GetSubmission`, `AbandonSubmission`, `GetReport`, `GetReceipt`; and `GetReceiptKeys`.

use hub_proto::v1::{
    AbandonSubmissionRequest, AbandonSubmissionResponse, GetReceiptKeysResponse, GetReceiptRequest,
    GetReceiptResponse, GetReportRequest, GetReportResponse, GetSubmissionRequest, GetSubmissionResponse,
};
use tonic::Request;
use tonic::metadata::MetadataMap;

use super::convert::{self, submission_id};
use crate::error::HubError;
use crate::grpc::Door;
use crate::permit::SubmissionsPermit;

pub(super) async fn get(
    door: &Door,
    request: Request<GetSubmissionRequest>,
) -> Result<GetSubmissionResponse, HubError> {
    let permit = permit(door, request.metadata()).await?;
    let view = door.rooms.intake.get(&permit, submission_id(&request.get_ref().name)?).await?;
    Ok(GetSubmissionResponse { submission: Some(convert::submission(view)) })
}

pub(super) async fn abandon(
    door: &Door,
    request: Request<AbandonSubmissionRequest>,
) -> Result<AbandonSubmissionResponse, HubError> {
    let permit = permit(door, request.metadata()).await?;
    let view = door.rooms.intake.abandon(&permit, submission_id(&request.get_ref().name)?).await?;
    Ok(AbandonSubmissionResponse { submission: Some(convert::submission(view)) })
}

pub(super) async fn report(
    door: &Door,
    request: Request<GetReportRequest>,
) -> Result<GetReportResponse, HubError> {
    let permit = permit(door, request.metadata()).await?;
    let report = door.rooms.intake.report(&permit, submission_id(&request.get_ref().name)?).await?;
    Ok(GetReportResponse { report: Some(report.into()) })
}

pub(super) async fn receipt(
    door: &Door,
    request: Request<GetReceiptRequest>,
) -> Result<GetReceiptResponse, HubError> {
    let permit = permit(door, request.metadata()).await?;
    let id = submission_id(&request.get_ref().name)?;
    let signed = door.rooms.intake.receipt(&permit, id).await?;
    let committed_at = door.rooms.intake.get(&permit, id).await?.committed_at;
    Ok(GetReceiptResponse { receipt: Some(convert::receipt(signed, committed_at)) })
}

/// Public keys are for everyone: who verifies a receipt needs no credential.
pub(super) fn receipt_keys(door: &Door) -> GetReceiptKeysResponse {
    let keys = &door.rooms.signer.published().keys;
    GetReceiptKeysResponse { keys: keys.iter().map(convert::receipt_key).collect() }
}

async fn permit(door: &Door, metadata: &MetadataMap) -> Result<SubmissionsPermit, HubError> {
    let caller = door.caller(metadata)?;
    Ok(door.rooms.identity.submissions(&caller)?)
}
