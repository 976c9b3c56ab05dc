//! A download as anyone does it: one GET, a redirect followed, the body written to a file.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;

use http::header::{ETAG, HOST, LOCATION};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;

use super::super::dev::DevError;

/// What came.
pub(super) struct Download {
    pub(super) path: String,
    pub(super) bytes: u64,
    pub(super) etag: String,
}

/// Follows the redirect of a `latest` address and writes the file; waits while the hub still makes it.
pub(super) async fn latest(address: SocketAddr, path: &str, to: &Path) -> Result<Download, DevError> {
    for _ in 0..ATTEMPTS {
        let answer = get(address, path).await?;
        if answer.status() == StatusCode::SERVICE_UNAVAILABLE {
            tokio::time::sleep(PAUSE).await;
            continue;
        }
        let location = answer.headers().get(LOCATION).and_then(|location| location.to_str().ok());
        let Some(location) = location.map(str::to_owned) else {
            return Err(DevError::Story(format!("GET {path} answered {}", answer.status())));
        };
        return file(get(address, &location).await?, location, to).await;
    }
    Err(DevError::Story(format!("GET {path}: the extract was not ready in time")))
}

const ATTEMPTS: usize = 200;
const PAUSE: std::time::Duration = std::time::Duration::from_millis(100);

async fn get(address: SocketAddr, path: &str) -> Result<Response<Incoming>, DevError> {
    let fault = |error: &dyn std::fmt::Display| DevError::Story(format!("GET {path}: {error}"));
    let stream = tokio::net::TcpStream::connect(address).await.map_err(|error| fault(&error))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| fault(&error))?;
    tokio::spawn(connection);
    let request = Request::get(path).header(HOST, address.to_string()).body(Empty::<Bytes>::new());
    let request = request.map_err(|error| fault(&error))?;
    sender.send_request(request).await.map_err(|error| fault(&error))
}

async fn file(answer: Response<Incoming>, path: String, to: &Path) -> Result<Download, DevError> {
    if answer.status() != StatusCode::OK {
        return Err(DevError::Story(format!("GET {path} answered {}", answer.status())));
    }
    let etag = answer.headers().get(ETAG).and_then(|etag| etag.to_str().ok()).unwrap_or_default().to_owned();
    let written = |source| DevError::File { path: to.display().to_string(), source };
    let mut out = std::fs::File::create(to).map_err(written)?;
    let mut bytes = 0;
    let mut body = answer.into_body();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| DevError::Story(format!("GET {path}: {error}")))?;
        if let Some(data) = frame.data_ref() {
            out.write_all(data).map_err(written)?;
            bytes += data.len() as u64;
        }
    }
    Ok(Download { path, bytes, etag })
}
