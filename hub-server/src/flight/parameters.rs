//! Values that a client binds to parameters: the messages of a flight, put together as an Arrow stream. They are not
//! decoded here.

use arrow_flight::FlightData;
use arrow_flight::sql::server::PeekableFlightDataStream;
use bytes::{BufMut as _, BytesMut};
use futures::TryStreamExt as _;
use tonic::Status;

use crate::config::limits::PARAMETERS_BYTES;

/// Length to which parts of an Arrow stream are filled up.
const ALIGN: usize = 8;

/// The stream's bytes; a little more than a statement takes when there are too many.
pub(super) async fn gathered(mut flight: PeekableFlightDataStream) -> Result<Vec<u8>, Status> {
    let mut stream = BytesMut::new();
    while let Some(message) = flight.try_next().await? {
        put(&mut stream, &message);
        if stream.len() > PARAMETERS_BYTES {
            break;
        }
    }
    stream.put_u32_le(u32::MAX);
    stream.put_u32_le(0);
    Ok(stream.to_vec())
}

fn put(stream: &mut BytesMut, message: &FlightData) {
    let (head, body) = (&message.data_header, &message.data_body);
    let length = head.len().next_multiple_of(ALIGN);
    let Ok(told) = u32::try_from(length) else { return };
    // A message may hold a descriptor alone.
    if head.is_empty() {
        return;
    }
    stream.put_u32_le(u32::MAX);
    stream.put_u32_le(told);
    stream.put_slice(head);
    stream.put_bytes(0, length - head.len());
    // More than is taken is told by its length alone.
    stream.put_slice(body.get(..PARAMETERS_BYTES + 1).unwrap_or(body));
}
