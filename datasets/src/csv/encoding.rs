//! Which encoding a text file is in: by its byte order mark, by being valid UTF-8, else by the letters that tell
//! the two Polish code pages apart. The same bytes always give the same answer.

use encoding_rs::{ISO_8859_2, UTF_16BE, UTF_16LE, WINDOWS_1250};

/// An encoding that offices export in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// As patterns say.
    Utf8,
    /// "Unicode text" of a spreadsheet.
    Utf16Le,
    /// The same from another machine.
    Utf16Be,
    /// Windows in Polish.
    Windows1250,
    /// Latin-2, of older systems.
    Iso8859_2,
}

impl Encoding {
    /// As it is registered with IANA.
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16Le => "UTF-16LE",
            Self::Utf16Be => "UTF-16BE",
            Self::Windows1250 => "windows-1250",
            Self::Iso8859_2 => "ISO-8859-2",
        }
    }

    /// Turns its bytes into UTF-8, block by block; None for UTF-8 itself.
    pub fn decoder(self) -> Option<encoding_rs::Decoder> {
        let encoding = match self {
            Self::Utf8 => return None,
            Self::Utf16Le => UTF_16LE,
            Self::Utf16Be => UTF_16BE,
            Self::Windows1250 => WINDOWS_1250,
            Self::Iso8859_2 => ISO_8859_2,
        };
        Some(encoding.new_decoder_without_bom_handling())
    }

    /// What the first bytes say: a byte order mark and its length, or the zeros of UTF-16 without one.
    pub fn marked(first: &[u8]) -> Option<(Self, usize)> {
        match first {
            [0xEF, 0xBB, 0xBF, ..] => Some((Self::Utf8, 3)),
            [0xFF, 0xFE, rest @ ..] if !rest.starts_with(&[0xFF, 0xFF]) => Some((Self::Utf16Le, 2)),
            [0xFE, 0xFF, ..] => Some((Self::Utf16Be, 2)),
            [a, 0, b, 0, ..] if text(*a) && text(*b) => Some((Self::Utf16Le, 0)),
            [0, a, 0, b, ..] if text(*a) && text(*b) => Some((Self::Utf16Be, 0)),
            _ => None,
        }
    }
}

fn text(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

/// One page is meant when its letters are so many times those of the other.
const CLEAR: u64 = 10;

/// What the bytes of a file without a mark hold; made block by block.
#[derive(Debug, Default)]
pub struct Letters {
    /// Characters of more than one byte that are valid UTF-8.
    utf8: u64,
    /// Bytes that are no UTF-8.
    stray: u64,
    /// Letters of Windows-1250 that are control or other signs in ISO-8859-2.
    windows: u64,
    /// Ą ą Ś ś Ź ź of ISO-8859-2, which are signs such as ± and ¦ in Windows-1250.
    iso: u64,
    /// The beginning of a character whose end is in the next block.
    cut: Vec<u8>,
}

impl Letters {
    /// Counts the next bytes.
    pub fn count(&mut self, block: &[u8]) {
        let mut carried = std::mem::take(&mut self.cut);
        carried.extend_from_slice(block);
        let mut rest = carried.as_slice();
        loop {
            let (valid, fault) = match std::str::from_utf8(rest) {
                Ok(_) => (rest.len(), None),
                Err(fault) => (fault.valid_up_to(), Some(fault.error_len())),
            };
            let (good, bad) = rest.split_at(valid);
            // Each character begins with one byte that is no continuation.
            self.utf8 += good.iter().filter(|byte| **byte >= 0xC0).count() as u64;
            match fault {
                None => break,
                Some(None) => {
                    self.cut = bad.to_vec();
                    break;
                }
                Some(Some(length)) => {
                    self.stray += length as u64;
                    rest = &bad[length..];
                }
            }
        }
        for byte in block {
            self.windows += u64::from(matches!(byte, 0x80..=0x9F | 0xA5 | 0xB9));
            self.iso += u64::from(matches!(byte, 0xA1 | 0xA6 | 0xAC | 0xB1 | 0xB6 | 0xBC));
        }
    }

    /// True when nothing but valid UTF-8 was counted; the last character may be cut.
    pub fn is_utf8(&self) -> bool {
        self.stray == 0
    }

    /// The encoding of all that was counted; None when its letters fit two code pages. A file of UTF-8 with a few
    /// damaged characters stays UTF-8, so that the damage is told and not read as other letters.
    pub fn encoding(&self) -> Option<Encoding> {
        let stray = self.stray + self.cut.len() as u64;
        if stray == 0 || self.utf8 > stray {
            return Some(Encoding::Utf8);
        }
        match (self.windows, self.iso) {
            // Without a distinguishing letter both pages give the same text.
            (_, 0) => Some(Encoding::Windows1250),
            (0, _) => Some(Encoding::Iso8859_2),
            (windows, iso) if windows >= iso.saturating_mul(CLEAR) => Some(Encoding::Windows1250),
            (windows, iso) if iso >= windows.saturating_mul(CLEAR) => Some(Encoding::Iso8859_2),
            _ => None,
        }
    }
}

/// The format of bytes that are surely no CSV.
pub fn foreign(first: &[u8]) -> Option<&'static str> {
    const ZIP: &[u8] = b"PK\x03\x04";
    const COMPOUND: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";
    // Of an archive that is no workbook the first name tells.
    const WORKBOOK: [&[u8]; 6] =
        [b"[Content_Types]", b"_rels/", b"docProps/", b"customXml/", b"xl/", b"mimetype"];
    if let Some(name) =
        first.strip_prefix(ZIP).and_then(|rest| rest.get(26..)).filter(|name| !name.is_empty())
        && !WORKBOOK.iter().any(|part| name.starts_with(part))
    {
        return Some("ZIP");
    }
    let known: [(&[u8], &str); 8] = [
        (ZIP, "ZIP (XLSX, ODS)"),
        (b"\x1F\x8B", "gzip"),
        (COMPOUND, "XLS"),
        (b"%PDF", "PDF"),
        (b"PAR1", "Parquet"),
        (b"ARROW1", "Arrow"),
        (b"\xFF\xFF\xFF\xFF", "Arrow"),
        (b"{\\rtf", "RTF"),
    ];
    if let Some((_, name)) = known.iter().find(|(magic, _)| first.starts_with(magic)) {
        return Some(name);
    }
    let text = first.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(first).trim_ascii_start();
    let begins =
        |tag: &str| text.get(..tag.len()).is_some_and(|head| head.eq_ignore_ascii_case(tag.as_bytes()));
    if ["<!doctype", "<html", "<head", "<body", "<table", "<meta"].iter().any(|tag| begins(tag)) {
        return Some("HTML");
    }
    match text {
        [b'<', b'?' | b'!' | b'a'..=b'z' | b'A'..=b'Z', ..] => Some("XML"),
        [b'{', ..] => Some("JSON"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(bytes: &[u8]) -> Option<Encoding> {
        // In small blocks, so that characters are cut.
        let mut letters = Letters::default();
        bytes.chunks(3).for_each(|block| letters.count(block));
        letters.encoding()
    }

    #[test]
    fn polish_letters_tell_the_code_page() {
        let text = "Zażółć gęślą jaźń; ŁÓDŹ, STRÓŻ; § 4 pkt 2";
        for (encoding, bytes) in [
            (Encoding::Utf8, text.as_bytes().to_vec()),
            (Encoding::Windows1250, WINDOWS_1250.encode(text).0.into_owned()),
            (Encoding::Iso8859_2, ISO_8859_2.encode(text).0.into_owned()),
        ] {
            assert_eq!(judged(&bytes), Some(encoding));
            let decoded = match encoding.decoder() {
                Some(mut decoder) => {
                    let mut out = String::with_capacity(200);
                    let _ = decoder.decode_to_string(&bytes, &mut out, true);
                    out
                }
                None => text.to_owned(),
            };
            assert_eq!(decoded, text);
        }
        // ó and ł are the same bytes in both pages: either reading is the true one.
        assert_eq!(judged(b"zb\xF3r po\xB3o\xBFony"), Some(Encoding::Windows1250));
        // Letters of both pages: nobody can say.
        assert_eq!(judged(b"\xB9 \x9C \xB1 \xB6 x"), None);
        assert_eq!(judged(b"plain"), Some(Encoding::Utf8));
    }

    #[test]
    fn damaged_utf8_stays_utf8() {
        let mut bytes = "zażółć gęślą jaźń".as_bytes().to_vec();
        bytes.extend_from_slice(b" \xB9");
        assert_eq!(judged(&bytes), Some(Encoding::Utf8));
        // Two letters of a code page that happen to be one of UTF-8 do not make the file UTF-8.
        assert_eq!(judged(b"STR\xD3\xAF \xA3\xD3D\x8F, D\xA5B"), Some(Encoding::Windows1250));
    }

    #[test]
    fn marks_and_zeros_tell_utf_16() {
        assert_eq!(Encoding::marked(b"\xFF\xFEd\0"), Some((Encoding::Utf16Le, 2)));
        assert_eq!(Encoding::marked(b"\xFE\xFF\0d"), Some((Encoding::Utf16Be, 2)));
        assert_eq!(Encoding::marked(b"d\0z\0"), Some((Encoding::Utf16Le, 0)));
        assert_eq!(Encoding::marked(b"\0d\0z"), Some((Encoding::Utf16Be, 0)));
        assert_eq!(Encoding::marked(b"\xEF\xBB\xBFdz"), Some((Encoding::Utf8, 3)));
        assert_eq!(Encoding::marked(b"dzial"), None);
    }

    #[test]
    fn other_formats_are_named() {
        assert_eq!(foreign(b"\r\n <!DOCTYPE html><html>"), Some("HTML"));
        assert_eq!(foreign(b"<TABLE border=1>"), Some("HTML"));
        assert_eq!(foreign(b"<?xml version=\"1.0\"?>"), Some("XML"));
        assert_eq!(foreign(b"PK\x03\x04"), Some("ZIP (XLSX, ODS)"));
        let zip = |name: &[u8]| [b"PK\x03\x04".as_slice(), &[0; 26], name].concat();
        assert_eq!(foreign(&zip(b"[Content_Types].xml")), Some("ZIP (XLSX, ODS)"));
        assert_eq!(foreign(&zip(b"dane.csv")), Some("ZIP"));
        assert_eq!(foreign(b"\x1F\x8B\x08\0"), Some("gzip"));
        assert_eq!(foreign(b"< 5,a\n"), None);
        assert_eq!(foreign(b"dzial;rozdzial"), None);
    }
}
