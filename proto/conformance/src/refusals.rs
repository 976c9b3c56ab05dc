//! Promises about refusals: each carries a Reason and the code that belongs to it.

use bytes::Bytes;
use hub_proto::Reason;
use hub_proto::v1::push_submission_request::Step;
use hub_proto::v1::{
    CommitOptions, CreateSubmissionRequest, GetDatasetRequest, GetSubmissionRequest, ListPatternsRequest,
    ListPatternsResponse, PushSubmissionRequest, QueryRowsRequest,
};
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;

use crate::check::{Broken, refused, set};
use crate::hub::{Hub, Who, announce};
use crate::payload::{self, UNITS};

const PERIOD: &str = "2011-M01";

pub(crate) async fn a_call_without_a_key_is_refused(hub: &Hub) -> Result<(), Broken> {
    everywhere(hub, Who::Nobody, Reason::CredentialMissing).await
}

pub(crate) async fn a_wrong_key_is_refused(hub: &Hub) -> Result<(), Broken> {
    everywhere(hub, Who::Stranger, Reason::CredentialInvalid).await
}

/// One call of each service, unary and streamed.
async fn everywhere(hub: &Hub, who: Who, reason: Reason) -> Result<(), Broken> {
    let answer = hub.catalog(who)?.list_patterns(ListPatternsRequest::default()).await;
    refused("ListPatterns", answer, &[reason])?;
    let answer = hub.submissions(who)?.create_submission(announce(PERIOD)).await;
    refused("CreateSubmission", answer, &[reason])?;
    let answer = hub.push(who, announce(PERIOD), b"x", Some(CommitOptions::default())).await?;
    refused("PushSubmission", answer, &[reason])?;
    let query = QueryRowsRequest { sql: "SELECT 1".to_owned(), ..Default::default() };
    refused("QueryRows", hub.reads(who)?.query_rows(query).await, &[reason])?;
    Ok(())
}

/// 1 MiB of data is the most of one message.
pub(crate) async fn a_message_too_large_is_refused(hub: &Hub) -> Result<(), Broken> {
    for size in [(1 << 20) + 1, 3 << 20] {
        let steps = [Step::Create(announce(PERIOD)), Step::Data(Bytes::from(vec![b'x'; size]))];
        let messages = steps.map(|step| PushSubmissionRequest { step: Some(step) });
        let answer = hub.submissions(Who::Publisher)?.push_submission(tokio_stream::iter(messages)).await;
        refused(&format!("a message of {size} bytes"), answer, &[Reason::MessageTooLarge])?;
    }
    Ok(())
}

pub(crate) async fn an_unknown_method_is_refused(hub: &Hub) -> Result<(), Broken> {
    let mut client = Grpc::new(hub.calls(Who::Publisher)?);
    let codec = tonic_prost::ProstCodec::<ListPatternsRequest, ListPatternsResponse>::default();
    for path in ["/hub.v1.CatalogService/NoSuchMethod", "/hub.v1.NoSuchService/Get"] {
        client.ready().await.map_err(|error| Broken(format!("the hub is not reached: {error}")))?;
        let request = tonic::Request::new(ListPatternsRequest::default());
        let answer = client.unary(request, PathAndQuery::from_static(path), codec.clone()).await;
        refused(path, answer, &[Reason::MethodUnknown])?;
    }
    Ok(())
}

pub(crate) async fn malformed_names_are_refused(hub: &Hub) -> Result<(), Broken> {
    for name in ["", "rb28s", "datasets/", "datasets/../rb28s", "datasets/RB28S", "datasets/rb28s/../../x"] {
        let request = GetDatasetRequest { name: name.to_owned() };
        refused(name, hub.catalog(Who::Publisher)?.get_dataset(request).await, &[Reason::RequestInvalid])?;
    }
    let mut submissions = hub.submissions(Who::Publisher)?;
    for name in ["submissions/../1", "submissions/1", "submission/0", ""] {
        let request = GetSubmissionRequest { name: name.to_owned() };
        refused(name, submissions.get_submission(request).await, &[Reason::RequestInvalid])?;
    }
    for (request, reason) in [
        (CreateSubmissionRequest { request_id: "1".to_owned(), ..announce(PERIOD) }, Reason::RequestInvalid),
        (
            CreateSubmissionRequest { pattern: "patterns/no-such".to_owned(), ..announce(PERIOD) },
            Reason::PatternUnknown,
        ),
        (CreateSubmissionRequest { period: "2011-Q5".to_owned(), ..announce(PERIOD) }, Reason::PeriodInvalid),
        (
            CreateSubmissionRequest { media_type: "application/x-no-such".to_owned(), ..announce(PERIOD) },
            Reason::MediaTypeUnsupported,
        ),
    ] {
        refused(reason.as_str(), submissions.create_submission(request).await, &[reason])?;
    }
    Ok(())
}

/// The message may name a publisher; the permit decides.
pub(crate) async fn another_publishers_report_is_refused(hub: &Hub) -> Result<(), Broken> {
    let mut own = hub.submissions(Who::Publisher)?;
    let created = own.create_submission(announce(PERIOD)).await?.into_inner();
    let publisher = set("submission", created.submission)?.publisher;
    let foreign = CreateSubmissionRequest { publisher: publisher.clone(), ..announce(PERIOD) };
    let answer = hub.submissions(Who::Other)?.create_submission(foreign.clone()).await;
    refused("CreateSubmission for another", answer, &[Reason::PublisherNotPermitted])?;
    let payload = payload::valid(&UNITS[..1]);
    let answer = hub.push(Who::Other, foreign, &payload, Some(CommitOptions::default())).await?;
    refused("PushSubmission for another", answer, &[Reason::PublisherNotPermitted])?;
    // Naming oneself is the same as naming nobody.
    own.create_submission(CreateSubmissionRequest { publisher, ..announce(PERIOD) }).await?;
    Ok(())
}

/// What belongs to another is as unknown as what does not exist, so that ids cannot be probed.
pub(crate) async fn another_publishers_submission_is_hidden(hub: &Hub) -> Result<(), Broken> {
    let created = hub.submissions(Who::Publisher)?.create_submission(announce(PERIOD)).await?.into_inner();
    let name = set("submission", created.submission)?.name;
    let mut other = hub.submissions(Who::Other)?;
    let answer = other.get_submission(GetSubmissionRequest { name }).await;
    let foreign = refused("GetSubmission of another", answer, &[Reason::SubmissionUnknown])?;
    let name = "submissions/00000000-0000-7000-8000-000000000000".to_owned();
    let answer = other.get_submission(GetSubmissionRequest { name }).await;
    let lacking = refused("GetSubmission of nothing", answer, &[Reason::SubmissionUnknown])?;
    crate::check::same("the codes of both", foreign.code(), lacking.code())
}

pub(crate) async fn a_ministry_may_not_push(hub: &Hub) -> Result<(), Broken> {
    let answer = hub.submissions(Who::Ministry)?.create_submission(announce(PERIOD)).await;
    refused("a ministry's push", answer, &[Reason::ScopeMissing, Reason::PublisherNotPermitted])?;
    Ok(())
}
