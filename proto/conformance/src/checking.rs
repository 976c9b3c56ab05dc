//! Promises about checks that keep nothing.

use bytes::Bytes;
use hub_proto::Reason;
use hub_proto::v1::validate_payload_request::Step;
use hub_proto::v1::{ListSubmissionsRequest, PayloadCheck, ValidatePayloadRequest, ValidatePayloadResponse};
use tonic::{Response, Status};

use crate::check::{Broken, ensure, refused, same, set};
use crate::hub::{Hub, Who};
use crate::payload::{self, ROWS_PER_UNIT, UNITS};

const PERIOD: &str = "2010-M03";

async fn checked(
    hub: &Hub,
    check: PayloadCheck,
    data: &[u8],
) -> Result<Result<Response<ValidatePayloadResponse>, Status>, Broken> {
    let steps = [Step::Check(check), Step::Data(Bytes::copy_from_slice(data))];
    let messages = steps.map(|step| ValidatePayloadRequest { step: Some(step) });
    Ok(hub.submissions(Who::Nobody)?.validate_payload(tokio_stream::iter(messages)).await)
}

pub(crate) async fn anyone_may_have_a_payload_checked(hub: &Hub) -> Result<(), Broken> {
    let check = PayloadCheck {
        pattern: payload::PATTERN.to_owned(),
        period: PERIOD.to_owned(),
        media_type: payload::MEDIA_TYPE.to_owned(),
        ..PayloadCheck::default()
    };
    let answer = checked(hub, check.clone(), &payload::valid(&UNITS)).await??.into_inner();
    let report = set("report", answer.report)?;
    same("rows of a valid payload", (report.rows_read, report.rows_refused), (3 * ROWS_PER_UNIT, 0))?;
    // The bytes tell the format of what declares none.
    let untold = PayloadCheck { media_type: String::new(), ..check.clone() };
    let answer = checked(hub, untold, &payload::ndjson(&payload::blocked())).await??.into_inner();
    let finding = set("report", answer.report)?.violations.into_iter().next();
    same("the value of a finding", set("a finding", finding)?.value.as_str(), "plenty")?;
    let unknown = PayloadCheck { pattern: "patterns/no_such_pattern".to_owned(), ..check };
    refused("an unknown pattern", checked(hub, unknown, b"x").await?, &[Reason::PatternUnknown])?;
    let list = ListSubmissionsRequest { period: PERIOD.to_owned(), ..Default::default() };
    let listed = hub.submissions(Who::Publisher)?.list_submissions(list).await?.into_inner().submissions;
    ensure!(listed.is_empty(), "a check left {} submissions", listed.len());
    Ok(())
}
