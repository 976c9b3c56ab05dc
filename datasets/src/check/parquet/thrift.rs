//! The compact protocol of Thrift, walked without believing any length: a list is never longer than the
//! bytes behind it, and nothing goes deeper than a few levels.

/// Types of fields and of list elements.
pub(super) const TRUE: u8 = 1;
pub(super) const FALSE: u8 = 2;
pub(super) const BYTE: u8 = 3;
pub(super) const I16: u8 = 4;
pub(super) const I32: u8 = 5;
pub(super) const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
pub(super) const LIST: u8 = 9;
const SET: u8 = 10;
pub(super) const STRUCT: u8 = 12;

/// Deepest nesting; Parquet's own structures need six levels.
const DEPTH_MAX: usize = 16;

/// The bytes are not of this protocol, or they end early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// A field's number and type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) id: i16,
    pub(super) kind: u8,
}

/// A place in the bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bytes walked over.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The next field of a structure after the one with this number; None at its end.
    pub(super) fn field(&mut self, last: &mut i16) -> Result<Option<Field>, Malformed> {
        let head = self.byte()?;
        if head == 0 {
            return Ok(None);
        }
        let id = match head >> 4 {
            0 => i16::try_from(self.int()?).map_err(|_| Malformed)?,
            step => last.checked_add(i16::from(step)).ok_or(Malformed)?,
        };
        *last = id;
        Ok(Some(Field { id, kind: head & 0x0f }))
    }

    /// Length and type of the elements of a list.
    pub(super) fn list(&mut self) -> Result<(usize, u8), Malformed> {
        let head = self.byte()?;
        let length = match head >> 4 {
            15 => usize::try_from(self.varint()?).map_err(|_| Malformed)?,
            short => usize::from(short),
        };
        // Each element takes a byte at least.
        if length > self.bytes.len() - self.at {
            return Err(Malformed);
        }
        Ok((length, head & 0x0f))
    }

    /// An integer of any width.
    pub(super) fn int(&mut self) -> Result<i64, Malformed> {
        let raw = self.varint()?;
        Ok((raw >> 1) as i64 ^ -((raw & 1) as i64))
    }

    /// Walks over a value of this type.
    pub(super) fn skip(&mut self, kind: u8) -> Result<(), Malformed> {
        self.skip_within(kind, DEPTH_MAX)
    }

    fn skip_within(&mut self, kind: u8, depth: usize) -> Result<(), Malformed> {
        let depth = depth.checked_sub(1).ok_or(Malformed)?;
        match kind {
            TRUE | FALSE => Ok(()),
            BYTE => self.pass(1),
            I16 | I32 | I64 => self.varint().map(|_| ()),
            DOUBLE => self.pass(8),
            BINARY => {
                let length = usize::try_from(self.varint()?).map_err(|_| Malformed)?;
                self.pass(length)
            }
            LIST | SET => {
                let (length, kind) = self.list()?;
                for _ in 0..length {
                    // In a list a truth value is a byte of its own.
                    let kind = if matches!(kind, TRUE | FALSE) { BYTE } else { kind };
                    self.skip_within(kind, depth)?;
                }
                Ok(())
            }
            STRUCT => {
                let mut last = 0;
                while let Some(field) = self.field(&mut last)? {
                    self.skip_within(field.kind, depth)?;
                }
                Ok(())
            }
            _ => Err(Malformed),
        }
    }

    fn pass(&mut self, length: usize) -> Result<(), Malformed> {
        if length > self.bytes.len() - self.at {
            return Err(Malformed);
        }
        self.at += length;
        Ok(())
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        let byte = *self.bytes.get(self.at).ok_or(Malformed)?;
        self.at += 1;
        Ok(byte)
    }

    fn varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Malformed)
    }
}
