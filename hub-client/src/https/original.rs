//! The bytes of a submission, had back over the HTTP door.

use http::HeaderMap;
use http::header::ETAG;
use hyper::body::Incoming;

use super::rows::next_of;
use super::submissions::place;
use super::{Asked, Https, address};
use crate::error::ClientError;
use crate::original::{Head, Taker};

/// The length of the whole.
const LENGTH: &str = "upload-length";

impl Https {
    /// Has all bytes of a payload taken; what is cut goes on where it stopped.
    pub(crate) async fn payload(&self, name: &str, taker: &mut Taker<'_>) -> Result<Head, ClientError> {
        let mut patience = self.patience();
        let path = format!("{}/payload", place(name));
        let (mut whole, mut offset): (Option<Head>, u64) = (None, 0);
        loop {
            let from = offset.to_string();
            let asked = Asked::get(address(&path, &[("offset", &from)]));
            let (headers, mut body): (HeaderMap, Incoming) = match self.begun(&asked).await {
                Ok(begun) => begun,
                Err(fault) => {
                    patience.after_request(fault).await?;
                    continue;
                }
            };
            let head = head(&headers).ok_or_else(|| self.incomplete("it does not say what its bytes are"))?;
            if whole.get_or_insert_with(|| head.clone()) != &head {
                return Err(self.incomplete("the hub tells of another payload than before the cut"));
            }
            let cut = loop {
                match next_of(&mut body).await {
                    Ok(Some(data)) if data.len() as u64 > head.size - offset => {
                        return Err(self.incomplete("more bytes came than the hub tells"));
                    }
                    Ok(Some(data)) => {
                        patience.progressed();
                        offset += data.len() as u64;
                        taker.take(data, offset, head.size).await;
                    }
                    Ok(None) => break None,
                    Err(fault) => break Some(fault),
                }
            };
            match cut {
                _ if offset == head.size => return Ok(head),
                Some(fault) => patience.after_request(fault).await?,
                None => patience.after_cut("the body ended early".to_owned()).await?,
            }
        }
    }
}

fn head(headers: &HeaderMap) -> Option<Head> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let size = text(LENGTH)?.parse().ok()?;
    let sha256 = text(ETAG.as_str())?.trim_matches('"').to_owned();
    Some(Head { size, sha256 })
}
