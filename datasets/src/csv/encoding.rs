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
    /// Bytes by their value, from 0x80 on.
    high: Histogram,
    /// The beginning of a character whose end is in the next block.
    cut: Vec<u8>,
}

/// How often each byte from 0x80 on stands in a file.
#[derive(Debug)]
struct Histogram([u64; 128]);

impl Default for Histogram {
    fn default() -> Self {
        Self([0; 128])
    }
}

/// Why the encoding of a file is unclear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unclear {
    /// Its letters fit two code pages.
    Both,
    /// Its letters are those of Polish in neither: another page, as those of DOS or of a Mac.
    Neither,
}

/// Polish letters of Windows-1250, and signs that print knows: quotes, dashes, § ° ± × ….
const WINDOWS_LETTERS: &[u8] = b"\xA5\xC6\xCA\xA3\xD1\xD3\x8C\x8F\xAF\xB9\xE6\xEA\xB3\xF1\xF3\x9C\x9F\xBF";
const WINDOWS_SIGNS: &[u8] =
    b"\x80\x82\x84\x85\x89\x91\x92\x93\x94\x95\x96\x97\x99\xA0\xA7\xA9\xAB\xAD\xAE\xB0\xB1\xB5\xB7\xBB\xD7\xF7";
/// The same of ISO-8859-2.
const ISO_LETTERS: &[u8] = b"\xA1\xC6\xCA\xA3\xD1\xD3\xA6\xAC\xAF\xB1\xE6\xEA\xB3\xF1\xF3\xB6\xBC\xBF";
const ISO_SIGNS: &[u8] = b"\xA0\xA7\xAD\xB0\xD7\xF7";
/// Bytes that are no character of Windows-1250.
const WINDOWS_NONE: &[u8] = b"\x81\x83\x88\x90\x98";
/// A Polish text has so many Polish letters for each of another language, a name for example.
const POLISH: u64 = 4;

/// The bytes of both, each once.
fn both(one: &[u8], other: &[u8]) -> Vec<u8> {
    let mut both = [one, other].concat();
    both.sort_unstable();
    both.dedup();
    both
}

impl Histogram {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().filter(|byte| !byte.is_ascii()) {
            if let Some(count) = self.0.get_mut(usize::from(byte & 0x7F)) {
                *count += 1;
            }
        }
    }

    fn of(&self, bytes: &[u8]) -> u64 {
        bytes.iter().filter_map(|byte| self.0.get(usize::from(byte & 0x7F))).sum()
    }

    /// True when the letters are those of Polish, but for a few.
    fn is_polish(&self, letters: &[u8], signs: &[u8], none: &[u8]) -> bool {
        let (polish, signs) = (self.of(letters), self.of(signs));
        let others = self.0.iter().sum::<u64>().saturating_sub(polish + signs);
        self.of(none) == 0 && others.saturating_mul(POLISH) <= polish
    }
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
        self.high.add(block);
        for byte in block {
            self.windows += u64::from(matches!(byte, 0x80..=0x9F | 0xA5 | 0xB9));
            self.iso += u64::from(matches!(byte, 0xA1 | 0xA6 | 0xAC | 0xB1 | 0xB6 | 0xBC));
        }
    }

    /// True when nothing but valid UTF-8 was counted; the last character may be cut.
    pub fn is_utf8(&self) -> bool {
        self.stray == 0
    }

    /// The encoding of all that was counted. A file of UTF-8 with a few damaged characters stays UTF-8, so that the
    /// damage is told and not read as other letters.
    ///
    /// # Errors
    /// Its letters fit two code pages, or none.
    pub fn encoding(&self) -> Result<Encoding, Unclear> {
        let stray = self.stray + self.cut.len() as u64;
        if stray == 0 || self.utf8 > stray {
            return Ok(Encoding::Utf8);
        }
        let is_windows = self.high.is_polish(WINDOWS_LETTERS, WINDOWS_SIGNS, WINDOWS_NONE);
        let is_iso = self.high.is_polish(ISO_LETTERS, ISO_SIGNS, &[]);
        match (self.windows, self.iso) {
            // Without a distinguishing letter both pages give the same text.
            (_, 0) if is_windows => Ok(Encoding::Windows1250),
            (0, _) if is_iso => Ok(Encoding::Iso8859_2),
            (windows, iso) if windows >= iso.saturating_mul(CLEAR) && is_windows => Ok(Encoding::Windows1250),
            (windows, iso) if iso >= windows.saturating_mul(CLEAR) && is_iso => Ok(Encoding::Iso8859_2),
            (1.., 1..) if self.high.is_polish(&both(WINDOWS_LETTERS, ISO_LETTERS), WINDOWS_SIGNS, &[]) => {
                Err(Unclear::Both)
            }
            _ => Err(Unclear::Neither),
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

    fn judged(bytes: &[u8]) -> Result<Encoding, Unclear> {
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
            assert_eq!(judged(&bytes), Ok(encoding));
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
        assert_eq!(judged(b"zb\xF3r po\xB3o\xBFony"), Ok(Encoding::Windows1250));
        // Letters of both pages: nobody can say.
        assert_eq!(judged(b"\xB9 \x9C \xEA \xF3 \xB3 \xB1 \xB6 \xE6 x"), Err(Unclear::Both));
        assert_eq!(judged(b"plain"), Ok(Encoding::Utf8));
    }

    #[test]
    fn letters_of_other_pages_are_not_read_as_polish_ones() {
        // SZKOŁA SKŁODOWSKIEJ, zażółć gęślą jaźń: as DOS (852), a Mac and Windows for the Baltic write them.
        for bytes in [
            &b"SZKO\x9DA SK\x9DODOWSKIEJ"[..],
            b"za\xBE\xA2\x88\x86 g\xA9\x98l\xA5 ja\xAB\xE4",
            b"SZKO\xFCA SK\xFCODOWSKIEJ",
            b"za\xFD\x97\xB8\x8D g\xAB\xE6l\x88 ja\x90\xC4",
            b"SZKO\xD9A za\xFD\xF3\xF9\xE3 g\xE6\xF0l\xE0 ja\xEA\xF1",
        ] {
            assert_eq!(judged(bytes), Err(Unclear::Neither), "{bytes:?}");
        }
        // A foreign name in a Polish text is no other page.
        let text = "Zażółć gęślą jaźń: ulica Müllera, zbiór położony w Łodzi";
        assert_eq!(judged(&WINDOWS_1250.encode(text).0), Ok(Encoding::Windows1250));
        assert_eq!(judged(&ISO_8859_2.encode(text).0), Ok(Encoding::Iso8859_2));
    }

    #[test]
    fn damaged_utf8_stays_utf8() {
        let mut bytes = "zażółć gęślą jaźń".as_bytes().to_vec();
        bytes.extend_from_slice(b" \xB9");
        assert_eq!(judged(&bytes), Ok(Encoding::Utf8));
        // Two letters of a code page that happen to be one of UTF-8 do not make the file UTF-8.
        assert_eq!(judged(b"STR\xD3\xAF \xA3\xD3D\x8F, D\xA5B"), Ok(Encoding::Windows1250));
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
