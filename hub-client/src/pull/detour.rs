//! A pull over the HTTP door. What is cut begins anew, at the same dataset version.

use hub_proto::v1;

use super::{AsOf, Part, Pull, PullRequest};
use crate::client::Client;
use crate::error::ClientError;
use crate::https::{Asked, Https, Rows};
use crate::retry::Patience;

#[derive(Debug)]
pub(super) struct Detour {
    https: Https,
    request: PullRequest,
    rows: Option<Rows>,
    patience: Patience,
    /// Bytes of this attempt, and the most that any attempt brought.
    came: u64,
    furthest: u64,
}

impl Detour {
    /// Begins to read; the answer pins the dataset version.
    pub(super) async fn begin(
        client: &Client,
        https: Https,
        request: &PullRequest,
    ) -> Result<Pull, ClientError> {
        let mut patience = https.patience();
        let rows = https.rows(&Asked::pull(request), request.format, &mut patience).await?;
        let version = rows.versions().map_err(|error| client.incomplete(error.to_string()))?.pop();
        let version = version.ok_or_else(|| client.incomplete("it names no dataset version"))?;
        let as_of = Some(AsOf::Version(version.version));
        let session = v1::ReadSession {
            name: String::new(),
            version: Some(version),
            columns: rows.columns().to_vec(),
            estimated_rows: rows.estimated(),
            format: request.format.into(),
            streams: 1,
            cursor: rows.cursor().to_owned(),
        };
        let request = PullRequest { as_of, ..request.clone() };
        let detour = Self { https, request, rows: Some(rows), patience, came: 0, furthest: 0 };
        Ok(Pull { detour: Some(detour), ..client.stream_of(session, 0) })
    }

    /// Rows that came in this attempt, unless only the whole file tells.
    pub(super) fn counted(&self) -> Option<u64> {
        self.rows.as_ref().and_then(Rows::counted)
    }

    pub(super) async fn next(&mut self) -> Result<Option<Part>, ClientError> {
        loop {
            let Some(rows) = &mut self.rows else {
                let asked = Asked::pull(&self.request);
                self.rows = Some(self.https.rows(&asked, self.request.format, &mut self.patience).await?);
                self.came = 0;
                return Ok(Some(Part::Restart));
            };
            match rows.next().await {
                Ok(Some(data)) => {
                    self.came += data.len() as u64;
                    // Only what no attempt brought before says that the next one may end.
                    if self.came > self.furthest {
                        self.furthest = self.came;
                        self.patience.progressed();
                    }
                    return Ok(Some(Part::Data(data)));
                }
                Ok(None) => return Ok(None),
                Err(fault) => {
                    self.rows = None;
                    self.patience.after_request(fault).await?;
                }
            }
        }
    }
}
