//! Notices: that what was pulled was corrected.

use hub_proto::v1;

use crate::catalog::{Listing, paged};
use crate::client::Client;
use crate::error::ClientError;
use crate::names;

/// A call over gRPC that is safe to repeat.
macro_rules! call {
    ($client:expr, $method:ident, $request:expr) => {
        $client
            .repeating(|| {
                let (mut service, request) = ($client.notice_service(), $request.clone());
                async move { service.$method(request).await }
            })
            .await
    };
}

impl Client {
    /// Notices of the caller's organisation, newest first; `all`: also those that are settled. By gRPC alone: the hub's
    /// HTTP door has them under `/api/v1/notices`.
    pub fn notices(&self, all: bool) -> Listing<v1::Notice> {
        let client = self.clone();
        paged(move |page_token| {
            let client = client.clone();
            let request = v1::ListNoticesRequest { page_token, all, page_size: 0 };
            async move {
                let page = call!(client, list_notices, request)?;
                Ok((page.notices, page.next_page_token))
            }
        })
    }

    /// Says that a notice was seen, or, `pinned`, that the earlier figure stays in use, and why.
    pub async fn acknowledge_notice(
        &self,
        id: &str,
        pinned: bool,
        note: &str,
    ) -> Result<v1::Notice, ClientError> {
        let request = v1::AcknowledgeNoticeRequest { name: names::notice(id), pinned, note: note.to_owned() };
        let answer = call!(self, acknowledge_notice, request)?;
        answer.notice.ok_or_else(|| self.incomplete("it holds no notice"))
    }
}
