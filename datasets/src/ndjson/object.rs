//! One line of NDJSON as the members of a flat object, found by their places.

use memchr::memchr2;

/// Why a line is no row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is not JSON.
    #[error("byte {at}: {expected} expected")]
    Syntax {
        /// Place in the line, from 1.
        at: usize,
        /// What would be right there.
        expected: &'static str,
    },
    /// A list or an object where a value belongs.
    #[error("a list or an object; a row is flat")]
    Nested,
    /// The same key again.
    #[error("the key occurs twice")]
    Repeated,
    /// A key that the pattern does not know.
    #[error("the pattern has no such column")]
    Unknown,
    /// More keys than any pattern has.
    #[error("too many keys")]
    TooMany,
    /// An escape that stands for no character, or for NUL.
    #[error("an escape that stands for no character")]
    Escape,
}

/// A run of bytes of the line: a string without its quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// True when it holds escapes.
    pub(crate) escaped: bool,
}

/// What a key stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
    /// A string, or the text of a number, `true` or `false`.
    Text(Text),
    Null,
    Nested,
}

/// Walks over the members of one object. It holds no borrow, so that values may be unescaped in place.
#[derive(Debug)]
pub(super) struct Members {
    scan: Scan,
    begun: bool,
}

/// Steps over the marks and values of a JSON text.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) at: usize,
}

impl Members {
    pub(super) fn open(line: &[u8]) -> Result<Self, Fault> {
        let mut scan = Scan::default();
        scan.blanks(line);
        scan.expect(line, b'{', "`{`")?;
        Ok(Self { scan, begun: false })
    }

    /// The next key and its value; None at the end of the object, after which only blanks may follow. After a
    /// nested value there is nothing more.
    pub(super) fn next(&mut self, line: &[u8]) -> Result<Option<(Text, Value)>, Fault> {
        let scan = &mut self.scan;
        scan.blanks(line);
        match line.get(scan.at) {
            Some(b'}') => return self.close(line),
            Some(b',') if self.begun => scan.at += 1,
            _ if self.begun => return Err(scan.fault("`,` or `}`")),
            _ => {}
        }
        self.begun = true;
        let key = scan.key(line)?;
        Ok(Some((key, scan.value(line)?)))
    }

    fn close(&mut self, line: &[u8]) -> Result<Option<(Text, Value)>, Fault> {
        self.scan.at += 1;
        self.scan.blanks(line);
        if self.scan.at < line.len() { Err(self.scan.fault("the end of the line")) } else { Ok(None) }
    }
}

impl Scan {
    /// A key, and the mark behind it.
    pub(crate) fn key(&mut self, line: &[u8]) -> Result<Text, Fault> {
        self.blanks(line);
        let key = self.string(line, "a key in quotes")?;
        self.blanks(line);
        self.expect(line, b':', "`:`")?;
        self.blanks(line);
        Ok(key)
    }

    pub(crate) fn value(&mut self, line: &[u8]) -> Result<Value, Fault> {
        match line.get(self.at) {
            Some(b'"') => Ok(Value::Text(self.string(line, "a value")?)),
            Some(b'-' | b'0'..=b'9') => self.number(line).map(Value::Text),
            Some(b't') => self.word(line, "true").map(Value::Text),
            Some(b'f') => self.word(line, "false").map(Value::Text),
            Some(b'n') => self.word(line, "null").map(|_| Value::Null),
            Some(b'{' | b'[') => Ok(Value::Nested),
            _ => Err(self.fault("a value")),
        }
    }

    fn string(&mut self, line: &[u8], expected: &'static str) -> Result<Text, Fault> {
        self.expect(line, b'"', expected)?;
        let start = self.at;
        let mut escaped = false;
        loop {
            let Some(found) = memchr2(b'"', b'\\', &line[self.at..]) else {
                return Err(Fault::Syntax { at: line.len() + 1, expected: "a closing quote" });
            };
            if let Some(raw) = line[self.at..self.at + found].iter().position(|byte| *byte < b' ') {
                return Err(Fault::Syntax {
                    at: self.at + raw + 1,
                    expected: "an escaped control character",
                });
            }
            self.at += found;
            if line[self.at] == b'"' {
                self.at += 1;
                return Ok(Text { start, end: self.at - 1, escaped });
            }
            // What the escape stands for is asked when the string is wanted.
            escaped = true;
            self.at = (self.at + 2).min(line.len());
        }
    }

    fn number(&mut self, line: &[u8]) -> Result<Text, Fault> {
        let start = self.at;
        self.at += usize::from(line[start] == b'-');
        match line.get(self.at) {
            Some(b'0') => self.at += 1,
            _ => self.digits(line)?,
        }
        if line.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits(line)?;
        }
        if matches!(line.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(line.get(self.at), Some(b'+' | b'-')));
            self.digits(line)?;
        }
        Ok(Text { start, end: self.at, escaped: false })
    }

    fn digits(&mut self, line: &[u8]) -> Result<(), Fault> {
        let digits = line[self.at.min(line.len())..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return Err(self.fault("a digit"));
        }
        self.at += digits;
        Ok(())
    }

    fn word(&mut self, line: &[u8], word: &'static str) -> Result<Text, Fault> {
        if !line[self.at..].starts_with(word.as_bytes()) {
            return Err(self.fault("a value"));
        }
        let start = self.at;
        self.at += word.len();
        Ok(Text { start, end: self.at, escaped: false })
    }

    pub(crate) fn expect(&mut self, line: &[u8], byte: u8, expected: &'static str) -> Result<(), Fault> {
        if line.get(self.at) != Some(&byte) {
            return Err(self.fault(expected));
        }
        self.at += 1;
        Ok(())
    }

    pub(crate) fn blanks(&mut self, line: &[u8]) {
        let blank = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        self.at += line[self.at..].iter().take_while(blank).count();
    }

    pub(crate) fn fault(&self, expected: &'static str) -> Fault {
        Fault::Syntax { at: self.at + 1, expected }
    }
}

/// Replaces the escapes of a string in place, where what they stand for is never longer; gives the new length.
pub(crate) fn unescape(text: &mut [u8]) -> Result<usize, Fault> {
    let (mut from, mut to) = (0, 0);
    while from < text.len() {
        if text[from] != b'\\' {
            text[to] = text[from];
            (from, to) = (from + 1, to + 1);
            continue;
        }
        let (letter, length) = escape(&text[from..]).ok_or(Fault::Escape)?;
        from += length;
        to += letter.encode_utf8(&mut text[to..]).len();
    }
    Ok(to)
}

/// The character that an escape stands for, and the length of the escape.
fn escape(text: &[u8]) -> Option<(char, usize)> {
    let plain = match *text.get(1)? {
        letter @ (b'"' | b'\\' | b'/') => char::from(letter),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unit(text),
        _ => return None,
    };
    Some((plain, 2))
}

/// `\uXXXX`, or two of them for a character beyond the first plane.
fn unit(text: &[u8]) -> Option<(char, usize)> {
    let hex = |digits: &[u8]| {
        let digit = |byte: &u8| char::from(*byte).to_digit(16);
        digits.iter().try_fold(0_u32, |value, byte| Some(value * 16 + digit(byte)?))
    };
    let first = hex(text.get(2..6)?)?;
    if !(0xD800..0xDC00).contains(&first) {
        // No text holds NUL: columns of the store must stay readable for everyone.
        return char::from_u32(first).filter(|letter| *letter != '\0').map(|letter| (letter, 6));
    }
    let second = text.get(6..8).filter(|mark| mark == b"\\u").and_then(|_| hex(text.get(8..12)?))?;
    if !(0xDC00..0xE000).contains(&second) {
        return None;
    }
    let letter = char::from_u32(0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00))?;
    Some((letter, 12))
}
