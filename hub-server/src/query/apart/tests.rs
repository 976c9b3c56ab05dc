use std::io;

use tokio::net::UnixStream;

use super::inside::serve;
use super::line::Line;

/// The hub's end of a socket whose other end is served in this process.
pub(super) fn served_inside() -> io::Result<UnixStream> {
    let (ours, theirs) = UnixStream::pair()?;
    tokio::spawn(serve(Line::new(theirs)));
    Ok(ours)
}
