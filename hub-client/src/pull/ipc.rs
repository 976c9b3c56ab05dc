//! The framing of Arrow IPC streams: enough to count rows and to leave out a repeated schema.

use arrow::ipc::{MessageHeader, root_as_message};
use bytes::Bytes;

const CONTINUATION: [u8; 4] = [0xff; 4];

/// One framed message: where it ends and what it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Schema,
    /// A record batch with this many rows.
    Batch(u64),
    /// A dictionary or the end of the stream.
    Other,
}

/// The first message of `data`: its length in bytes and its kind.
pub(super) fn first(data: &[u8]) -> Result<(usize, Kind), String> {
    let fault = || "it is not an Arrow stream".to_owned();
    let prefix = data.get(..8).ok_or_else(fault)?;
    if prefix[..4] != CONTINUATION {
        return Err(fault());
    }
    let length = u32::from_le_bytes([prefix[4], prefix[5], prefix[6], prefix[7]]) as usize;
    if length == 0 {
        return Ok((8, Kind::Other));
    }
    let header = data.get(8..8 + length).ok_or_else(fault)?;
    let message = root_as_message(header).map_err(|error| format!("{}: {error}", fault()))?;
    let kind = match message.header_type() {
        MessageHeader::Schema => Kind::Schema,
        MessageHeader::RecordBatch => {
            let batch = message.header_as_record_batch().ok_or_else(fault)?;
            Kind::Batch(u64::try_from(batch.length()).map_err(|_| fault())?)
        }
        _ => Kind::Other,
    };
    let body = usize::try_from(message.bodyLength()).map_err(|_| fault())?;
    let end = body.checked_add(8 + length).filter(|end| *end <= data.len()).ok_or_else(fault)?;
    Ok((end, kind))
}

/// Rows of all batches in `data`.
pub(super) fn rows(mut data: &[u8]) -> Result<u64, String> {
    let mut rows = 0;
    while !data.is_empty() {
        let (end, kind) = first(data)?;
        if let Kind::Batch(length) = kind {
            rows += length;
        }
        data = &data[end..];
    }
    Ok(rows)
}

/// `data` without a schema at its beginning.
pub(super) fn without_schema(data: &Bytes) -> Result<Bytes, String> {
    if data.is_empty() {
        return Ok(data.clone());
    }
    match first(data)? {
        (end, Kind::Schema) => Ok(data.slice(end..)),
        _ => Ok(data.clone()),
    }
}

#[cfg(test)]
mod tests;
