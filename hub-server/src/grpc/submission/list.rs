//! `ListSubmissions`.

use hub_proto::name::Collection;
use hub_proto::v1::{ListSubmissionsRequest, ListSubmissionsResponse};
use hub_proto::{Reason, Refusal};
use tonic::Request;

use super::convert;
use crate::error::HubError;
use crate::grpc::Door;
use crate::grpc::paging::Page;
use crate::intake::{ListSubmissions, SubmissionView};

pub(super) async fn list(
    door: &Door,
    request: Request<ListSubmissionsRequest>,
) -> Result<ListSubmissionsResponse, HubError> {
    let caller = door.caller(request.metadata())?;
    let permit = door.rooms.identity.submissions(&caller)?;
    let request = request.into_inner();
    if !request.publisher.is_empty()
        && Collection::Organisations.id(&request.publisher)? != permit.publisher()
    {
        let message = format!("you may list the submissions of `{}` only", permit.publisher());
        return Err(Refusal::new(Reason::PublisherNotPermitted, message)
            .field("publisher", "not yours")
            .into());
    }
    let pattern = match request.pattern.as_str() {
        "" => None,
        name => Some(door.pattern(Collection::Patterns, name)?.id.clone()),
    };
    let chosen = [permit.publisher(), &request.pattern, &request.period];
    let asked = (request.page_size, request.page_token.as_str());
    let page = Page::<(i64, String)>::open(&door.rooms.seal, "ListSubmissionsRequest", &chosen, asked)?;
    let list = ListSubmissions {
        pattern,
        period: (!request.period.is_empty()).then(|| request.period.clone()),
        after: page.after.clone(),
        limit: page.fetch(),
    };
    let fetched = door.rooms.intake.list(&permit, list).await?;
    let (submissions, next_page_token) = page.close(fetched, key, convert::submission)?;
    Ok(ListSubmissionsResponse { submissions, next_page_token })
}

fn key(view: &SubmissionView) -> (i64, String) {
    (view.created_at.timestamp_micros(), view.id.clone())
}
