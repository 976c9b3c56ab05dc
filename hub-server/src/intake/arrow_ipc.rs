//! Arrow IPC streams from outside, decoded without trusting them.
//!
//! The client's schema is never handed to the library's converter: its fields are read one by one
//! against a short list of flat types, and only what is on the list is decoded. Every length is
//! compared with the bytes that are there before anything is allocated. Compressed buffers and
//! dictionaries are refused, because both let eight forged bytes ask for any amount of memory.

use std::collections::HashMap;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::ipc::{self, MessageHeader, Type};
use arrow::record_batch::RecordBatch;

use crate::config::limits::{ARROW_BODY_BYTES, ARROW_COLUMNS, ARROW_METADATA_BYTES, ARROW_ROWS_PER_BATCH};

const CONTINUATION: u32 = 0xFFFF_FFFF;

/// Why a stream cannot be read on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("message {message} of the Arrow stream: {fault}")]
pub(super) struct Unreadable {
    /// Number of the message, the schema being 1.
    message: u64,
    fault: String,
}

/// Reads record batches off an untrusted IPC stream.
pub(super) struct StreamDecoder<R> {
    input: R,
    schema: Option<SchemaRef>,
    messages: u64,
}

impl<R: Read> StreamDecoder<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, schema: None, messages: 0 }
    }

    /// The next batch; None at the end of the stream.
    pub(super) fn next_batch(&mut self) -> Result<Option<RecordBatch>, Unreadable> {
        loop {
            let Some(metadata) = self.metadata()? else { return self.end() };
            self.messages += 1;
            let message = ipc::root_as_message(&metadata)
                .map_err(|_| self.fault("its metadata is not a valid Arrow message"))?;
            let body = self.body(message.bodyLength())?;
            match message.header_type() {
                MessageHeader::Schema => self.take_schema(&message)?,
                MessageHeader::RecordBatch => {
                    return self.decode(&message, &Buffer::from_vec(body)).map(Some);
                }
                MessageHeader::DictionaryBatch => {
                    return Err(self.fault("dictionaries are not accepted; send plain columns"));
                }
                _ => return Err(self.fault("only a schema and record batches are accepted")),
            }
        }
    }

    fn end(&self) -> Result<Option<RecordBatch>, Unreadable> {
        match self.schema {
            Some(_) => Ok(None),
            None => Err(self.fault("the stream ends before its schema")),
        }
    }

    fn fault(&self, fault: impl Into<String>) -> Unreadable {
        Unreadable { message: self.messages.max(1), fault: fault.into() }
    }

    /// The metadata of the next message; None at the end mark or the end of the bytes.
    fn metadata(&mut self) -> Result<Option<Vec<u8>>, Unreadable> {
        let Some(first) = self.word(true)? else { return Ok(None) };
        let length = if first == CONTINUATION { self.word(false)?.unwrap_or(0) } else { first };
        if length == 0 {
            return Ok(None);
        }
        let length = length as usize;
        if length > ARROW_METADATA_BYTES {
            return Err(self.fault(format!(
                "its metadata claims {length} bytes; at most {ARROW_METADATA_BYTES} are accepted"
            )));
        }
        self.bytes(length).map(Some)
    }

    fn word(&mut self, may_end: bool) -> Result<Option<u32>, Unreadable> {
        let mut word = [0_u8; 4];
        let mut filled = 0;
        while filled < word.len() {
            match self.input.read(&mut word[filled..]) {
                Ok(0) if filled == 0 && may_end => return Ok(None),
                Ok(0) => return Err(self.fault("the stream is cut in the middle of a length")),
                Ok(read) => filled += read,
                Err(error) => return Err(self.fault(format!("the payload cannot be read: {error}"))),
            }
        }
        Ok(Some(u32::from_le_bytes(word)))
    }

    fn body(&mut self, length: i64) -> Result<Vec<u8>, Unreadable> {
        match usize::try_from(length) {
            Ok(length) if length <= ARROW_BODY_BYTES => self.bytes(length),
            _ => Err(self
                .fault(format!("its body claims {length} bytes; at most {ARROW_BODY_BYTES} are accepted"))),
        }
    }

    /// Exactly `length` bytes; memory grows with what arrives, not with what was claimed.
    fn bytes(&mut self, length: usize) -> Result<Vec<u8>, Unreadable> {
        let mut bytes = Vec::new();
        let read = Read::by_ref(&mut self.input).take(length as u64).read_to_end(&mut bytes);
        match read {
            Ok(read) if read == length => Ok(bytes),
            Ok(read) => Err(self.fault(format!("it claims {length} bytes and only {read} are there"))),
            Err(error) => Err(self.fault(format!("the payload cannot be read: {error}"))),
        }
    }

    fn take_schema(&mut self, message: &ipc::Message<'_>) -> Result<(), Unreadable> {
        if self.schema.is_some() {
            return Err(self.fault("a second schema; a payload has one"));
        }
        let schema = message.header_as_schema().ok_or_else(|| self.fault("its schema is empty"))?;
        if schema.endianness() != ipc::Endianness::Little {
            return Err(self.fault("big-endian data is not accepted"));
        }
        let fields = schema.fields().ok_or_else(|| self.fault("its schema has no fields"))?;
        if fields.len() > ARROW_COLUMNS {
            return Err(self.fault(format!("{} columns; at most {ARROW_COLUMNS} are accepted", fields.len())));
        }
        let fields: Result<Vec<Field>, String> = fields.iter().map(|field| flat_field(&field)).collect();
        self.schema = Some(Arc::new(Schema::new(fields.map_err(|fault| self.fault(fault))?)));
        Ok(())
    }

    fn decode(&self, message: &ipc::Message<'_>, body: &Buffer) -> Result<RecordBatch, Unreadable> {
        let schema = self.schema.as_ref().ok_or_else(|| self.fault("a record batch before the schema"))?;
        let batch = message.header_as_record_batch().ok_or_else(|| self.fault("its batch is empty"))?;
        check_lengths(&batch, schema, body.len()).map_err(|fault| self.fault(fault))?;
        let version = message.version();
        // The library still panics on some malformed buffers; a panic here is the sender's fault, not ours.
        let decoded = catch_unwind(AssertUnwindSafe(|| {
            ipc::reader::read_record_batch(body, batch, Arc::clone(schema), &HashMap::new(), None, &version)
        }));
        match decoded {
            Ok(Ok(batch)) => Ok(batch),
            Ok(Err(error)) => Err(self.fault(format!("its buffers do not fit its schema: {error}"))),
            Err(_) => Err(self.fault("its buffers do not fit its schema")),
        }
    }
}

/// A field of one of the flat types that patterns know.
fn flat_field(field: &ipc::Field<'_>) -> Result<Field, String> {
    let name = field.name().ok_or("a field without a name")?;
    if field.dictionary().is_some() {
        return Err(format!("column `{name}` is dictionary-encoded; send plain values"));
    }
    if field.children().is_some_and(|children| !children.is_empty()) {
        return Err(format!("column `{name}` is nested; patterns are flat tables"));
    }
    let data_type =
        flat_type(field).ok_or_else(|| format!("column `{name}` has a type that no pattern uses"))?;
    Ok(Field::new(name, data_type, true))
}

fn flat_type(field: &ipc::Field<'_>) -> Option<DataType> {
    match field.type_type() {
        Type::Utf8 => Some(DataType::Utf8),
        Type::LargeUtf8 => Some(DataType::LargeUtf8),
        Type::Bool => Some(DataType::Boolean),
        Type::Int => integer(&field.type_as_int()?),
        Type::FloatingPoint => match field.type_as_floating_point()?.precision() {
            ipc::Precision::DOUBLE => Some(DataType::Float64),
            ipc::Precision::SINGLE => Some(DataType::Float32),
            _ => None,
        },
        Type::Decimal => decimal(&field.type_as_decimal()?),
        Type::Date => match field.type_as_date()?.unit() {
            ipc::DateUnit::DAY => Some(DataType::Date32),
            _ => None,
        },
        Type::Timestamp => timestamp(&field.type_as_timestamp()?),
        _ => None,
    }
}

fn integer(int: &ipc::Int<'_>) -> Option<DataType> {
    match (int.is_signed(), int.bitWidth()) {
        (true, 64) => Some(DataType::Int64),
        (true, 32) => Some(DataType::Int32),
        (true, 16) => Some(DataType::Int16),
        _ => None,
    }
}

fn decimal(decimal: &ipc::Decimal<'_>) -> Option<DataType> {
    let precision = u8::try_from(decimal.precision()).ok().filter(|p| (1..=38).contains(p))?;
    let scale = i8::try_from(decimal.scale()).ok().filter(|s| (0..=38).contains(s))?;
    (decimal.bitWidth() == 128).then_some(DataType::Decimal128(precision, scale))
}

fn timestamp(timestamp: &ipc::Timestamp<'_>) -> Option<DataType> {
    let unit = match timestamp.unit() {
        ipc::TimeUnit::SECOND => TimeUnit::Second,
        ipc::TimeUnit::MILLISECOND => TimeUnit::Millisecond,
        ipc::TimeUnit::MICROSECOND => TimeUnit::Microsecond,
        ipc::TimeUnit::NANOSECOND => TimeUnit::Nanosecond,
        _ => return None,
    };
    let zone = timestamp.timezone().filter(|zone| zone.len() <= 64).map(Arc::from);
    Some(DataType::Timestamp(unit, zone))
}

/// Compares all claimed lengths with each other and with the bytes that are there.
fn check_lengths(batch: &ipc::RecordBatch<'_>, schema: &Schema, body: usize) -> Result<(), String> {
    if batch.compression().is_some() {
        return Err("compressed buffers are not accepted; compress the transport instead".into());
    }
    let rows = usize::try_from(batch.length()).ok().filter(|rows| *rows <= ARROW_ROWS_PER_BATCH);
    let Some(rows) = rows else {
        return Err(format!(
            "it claims {} rows; at most {ARROW_ROWS_PER_BATCH} a batch are accepted",
            batch.length()
        ));
    };
    let nodes = batch.nodes().map_or(0, |nodes| nodes.len());
    if nodes != schema.fields().len() {
        return Err(format!("{nodes} columns, while the schema has {}", schema.fields().len()));
    }
    for node in batch.nodes().iter().flatten() {
        if usize::try_from(node.length()).ok() != Some(rows)
            || !(0..=node.length()).contains(&node.null_count())
        {
            return Err("a column whose length differs from the batch's".into());
        }
    }
    let wanted: usize = schema
        .fields()
        .iter()
        .map(|f| if matches!(f.data_type(), DataType::Utf8 | DataType::LargeUtf8) { 3 } else { 2 })
        .sum();
    let buffers = batch.buffers().map_or(0, |buffers| buffers.len());
    if buffers != wanted {
        return Err(format!("{buffers} buffers, while the schema needs {wanted}"));
    }
    for buffer in batch.buffers().iter().flatten() {
        let end = buffer.offset().checked_add(buffer.length());
        let inside = buffer.offset() >= 0
            && buffer.length() >= 0
            && end.and_then(|end| usize::try_from(end).ok()).is_some_and(|end| end <= body);
        if !inside {
            return Err("a buffer that lies outside the message's body".into());
        }
    }
    Ok(())
}
