//! Arrow IPC streams from outside, decoded without trusting them.
//!
//! The client's schema is never handed to the library's converter: its fields are read one by one
//! against a short list of flat types, and only what is on the list is decoded. Its columns must be those of
//! the pattern before a batch is read, and every length is compared with the bytes that are there before
//! anything is allocated. Compressed buffers and dictionaries are refused, because both let eight forged
//! bytes ask for any amount of memory.

use std::collections::HashMap;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::buffer::Buffer;
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::ipc::{self, MessageHeader};
use arrow::record_batch::RecordBatch;

use super::Checker;
use crate::report::Findings;

mod claims;
mod passing;

pub use passing::Damaged;

const CONTINUATION: u32 = 0xFFFF_FFFF;
/// Longest metadata of a message, in bytes.
const METADATA_MAX: usize = 1 << 20;
/// Longest body of a message, in bytes.
const BODY_MAX: usize = 64 << 20;
/// Room that is made for a message before its bytes are there.
const RESERVED_BYTES: usize = 1 << 20;
/// Most columns of a stream.
const COLUMNS_MAX: usize = 500;

/// What ends the reading of a payload early.
#[derive(Debug)]
pub enum Stop {
    /// The payload's own fault: findings that block.
    Findings(Box<Findings>),
    /// Its bytes could not be had, which is no fault of the payload.
    Io(io::Error),
}

impl From<Findings> for Stop {
    fn from(findings: Findings) -> Self {
        Self::Findings(Box::new(findings))
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads record batches off an untrusted IPC stream; [`Checker::arrow`] begins one.
#[derive(Debug)]
pub struct ArrowStream<'a, R> {
    checker: &'a Checker,
    input: R,
    columns: Columns,
    /// Longest body of a message, in bytes.
    body_max: usize,
    schema: Option<SchemaRef>,
    /// Messages begun, the schema being the first.
    messages: u64,
}

/// Which columns a stream must have.
#[derive(Debug)]
enum Columns {
    /// Those of the pattern, as far as they must be there, in types that widen to the pattern's.
    OfPattern,
    /// These.
    Exactly(SchemaRef),
}

impl Checker {
    /// Reads an Arrow IPC stream from its first byte. It asks `input` for no more than the next message.
    pub fn arrow<R: Read>(&self, input: R) -> ArrowStream<'_, R> {
        let (columns, body_max) = (Columns::OfPattern, BODY_MAX);
        ArrowStream { checker: self, input, columns, body_max, schema: None, messages: 0 }
    }
}

impl<R: Read> ArrowStream<'_, R> {
    /// The next batch, for [`Checker::batch`]; None at the end of the stream. After an error there is nothing more.
    pub fn next_batch(&mut self) -> Result<Option<RecordBatch>, Stop> {
        loop {
            self.messages += 1;
            let Some(metadata) = self.metadata()? else { return self.end() };
            let message = ipc::root_as_message(&metadata)
                .map_err(|_| self.fault("its metadata is not a valid Arrow message"))?;
            match message.header_type() {
                MessageHeader::Schema => {
                    self.take_schema(&message)?;
                    self.body(&message)?;
                }
                MessageHeader::RecordBatch => return self.batch(&message).map(Some),
                MessageHeader::DictionaryBatch => {
                    return Err(self.fault("dictionaries are not accepted; send plain columns"));
                }
                _ => return Err(self.fault("only a schema and record batches are accepted")),
            }
        }
    }

    fn end(&self) -> Result<Option<RecordBatch>, Stop> {
        match self.schema {
            Some(_) => Ok(None),
            None => Err(self.fault("the stream ends before its schema")),
        }
    }

    fn fault(&self, fault: impl std::fmt::Display) -> Stop {
        let message = self.messages;
        self.checker.malformed(&format!("message {message} of the Arrow stream: {fault}")).into()
    }

    /// The metadata of the next message; None at the end mark or the end of the bytes.
    fn metadata(&mut self) -> Result<Option<Vec<u8>>, Stop> {
        let Some(first) = self.word(true)? else { return Ok(None) };
        let length = if first == CONTINUATION { self.word(false)?.unwrap_or(0) } else { first };
        if length == 0 {
            return Ok(None);
        }
        let length = length as usize;
        if length > METADATA_MAX {
            return Err(self
                .fault(format!("its metadata claims {length} bytes; at most {METADATA_MAX} are accepted")));
        }
        self.bytes(length).map(Some)
    }

    fn word(&mut self, may_end: bool) -> Result<Option<u32>, Stop> {
        let mut word = Vec::with_capacity(4);
        match Read::by_ref(&mut self.input).take(4).read_to_end(&mut word)? {
            0 if may_end => return Ok(None),
            _ => {}
        }
        match <[u8; 4]>::try_from(word) {
            Ok(word) => Ok(Some(u32::from_le_bytes(word))),
            Err(_) => Err(self.fault("the stream is cut in the middle of a length")),
        }
    }

    fn body(&mut self, message: &ipc::Message<'_>) -> Result<Vec<u8>, Stop> {
        let length = self.body_length(message)?;
        self.bytes(length)
    }

    fn body_length(&self, message: &ipc::Message<'_>) -> Result<usize, Stop> {
        let length = message.bodyLength();
        let most = self.body_max;
        match usize::try_from(length) {
            Ok(length) if length <= most => Ok(length),
            _ => Err(self.fault(format!("its body claims {length} bytes; at most {most} are accepted"))),
        }
    }

    /// Exactly `length` bytes; memory grows with what arrives, not with what was claimed.
    fn bytes(&mut self, length: usize) -> Result<Vec<u8>, Stop> {
        // A forged length makes no room for itself; an honest one spares most copies.
        let mut bytes = Vec::with_capacity(length.min(RESERVED_BYTES));
        let read = Read::by_ref(&mut self.input).take(length as u64).read_to_end(&mut bytes)?;
        if read == length {
            return Ok(bytes);
        }
        Err(self.fault(format!("it claims {length} bytes and only {read} are there")))
    }

    fn take_schema(&mut self, message: &ipc::Message<'_>) -> Result<(), Stop> {
        if self.schema.is_some() {
            return Err(self.fault("a second schema; a payload has one"));
        }
        let schema = message.header_as_schema().ok_or_else(|| self.fault("its schema is empty"))?;
        if schema.endianness() != ipc::Endianness::Little {
            return Err(self.fault("big-endian data is not accepted"));
        }
        let fields = schema.fields().ok_or_else(|| self.fault("its schema has no fields"))?;
        if fields.len() > COLUMNS_MAX {
            return Err(self.fault(format!("{} columns; at most {COLUMNS_MAX} are accepted", fields.len())));
        }
        let fields: Result<Vec<Field>, String> =
            fields.iter().map(|field| claims::flat_field(&field)).collect();
        let schema = Schema::new(fields.map_err(|fault| self.fault(fault))?);
        match &self.columns {
            Columns::OfPattern => self.checker.fits(&schema)?,
            Columns::Exactly(wanted) if same(&schema, wanted) => {}
            Columns::Exactly(_) => return Err(self.fault("another schema than was agreed")),
        }
        self.schema = Some(Arc::new(schema));
        Ok(())
    }

    fn batch(&mut self, message: &ipc::Message<'_>) -> Result<RecordBatch, Stop> {
        let schema = self.schema.clone().ok_or_else(|| self.fault("a record batch before the schema"))?;
        let batch = message.header_as_record_batch().ok_or_else(|| self.fault("its batch is empty"))?;
        claims::check_lengths(&batch, &schema, self.body_length(message)?)
            .map_err(|fault| self.fault(fault))?;
        let body = Buffer::from_vec(self.body(message)?);
        let version = message.version();
        // The library still panics on some malformed buffers; a panic here is the sender's fault, not ours.
        let decoded = catch_unwind(AssertUnwindSafe(|| {
            ipc::reader::read_record_batch(&body, batch, schema, &HashMap::new(), None, &version)
        }));
        match decoded {
            Ok(Ok(batch)) => Ok(batch),
            Ok(Err(error)) => Err(self.fault(format!("its buffers do not fit its schema: {error}"))),
            Err(_) => Err(self.fault("its buffers do not fit its schema")),
        }
    }
}

/// True when two schemas name the same columns of the same types.
fn same(have: &Schema, wanted: &Schema) -> bool {
    have.fields().len() == wanted.fields().len()
        && have
            .fields()
            .iter()
            .zip(wanted.fields())
            .all(|(have, wanted)| have.name() == wanted.name() && have.data_type() == wanted.data_type())
}
