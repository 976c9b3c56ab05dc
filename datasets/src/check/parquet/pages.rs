//! The headers of a row group's pages, walked before a page is decoded: the library allocates what they claim.

use std::sync::Arc;

use parquet::basic::Type;
use parquet::column::page::{Page, PageReader as _};
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use parquet::file::serialized_reader::SerializedPageReader;

use super::footer::range;
use super::guarded;
use super::place::Place;
use super::thrift::{I32, Malformed, STRUCT, Walk};

/// Longest header of a page: it may hold the least and the greatest value.
const HEADER_MAX: usize = 64 << 10;
/// Bytes in which a header is looked for at first.
const HEADER_GUESS: usize = 1 << 10;
/// Longest page, packed and unpacked.
const PAGE_MAX: u64 = 64 << 20;
/// Unpacked bytes of the pages of one row group that are open at once, one of each column and its dictionary.
const OPEN_MAX: u64 = 256 << 20;
/// Longest row, as of every format.
const ROW_MAX: u64 = 1 << 20;
/// Bytes of a batch of rows.
const BATCH_BYTES: u64 = 4 << 20;
/// Most rows of a batch.
const BATCH_ROWS: u64 = 16_384;
/// Unpacked bytes that a file may claim beyond [`UNPACKED_RATIO`] times its own length.
const UNPACKED_FREE: u64 = 256 << 20;
/// Honest tables reach about twenty, for what repeats goes into dictionaries before it is packed.
const UNPACKED_RATIO: u64 = 200;

/// Encodings of values by their number: plain, dictionaries, run lengths, differences of integers, split streams.
/// Those of differences of texts are left out: their lists of lengths are as long as eight bytes claim.
const ENCODINGS: [i64; 6] = [0, 2, 3, 5, 8, 9];

/// Unpacked bytes that all pages of a file may claim together.
pub(super) fn unpacked_max(file: u64) -> u64 {
    file.saturating_mul(UNPACKED_RATIO).saturating_add(UNPACKED_FREE)
}

/// What the pages of a row group claim, after it was found to fit together.
#[derive(Debug)]
pub(super) struct Claims {
    /// Rows of a batch, so that it stays within its bytes.
    pub(super) batch_rows: usize,
    /// Unpacked bytes of all pages.
    pub(super) unpacked: u64,
}

/// What a page's header says.
#[derive(Debug, Default)]
struct Header {
    /// 0 data, 1 index, 2 dictionary, 3 data of the second version.
    kind: Option<i64>,
    packed: Option<u64>,
    unpacked: Option<u64>,
    values: Option<u64>,
    encoding: Option<i64>,
    length: usize,
}

/// Walks over all pages of a row group.
pub(super) fn walk(group: &RowGroupMetaData, place: &Place) -> Result<Claims, String> {
    let rows = u64::try_from(group.num_rows()).unwrap_or(0);
    let (mut unpacked, mut open, mut row) = (0_u64, 0_u64, 0_u64);
    for column in group.columns() {
        let fault = |what: String| format!("column `{}`: {what}", column.column_descr().name());
        let claims = chunk(place, column, rows).map_err(fault)?;
        unpacked = unpacked.saturating_add(claims.unpacked);
        open = open.saturating_add(claims.open);
        row = row.saturating_add(claims.row);
    }
    if open > OPEN_MAX {
        return Err(format!("its pages claim {open} bytes at once; at most {OPEN_MAX} are accepted"));
    }
    if row > ROW_MAX {
        return Err(format!("rows of {row} bytes; at most {ROW_MAX} are accepted"));
    }
    let batch_rows = (BATCH_BYTES / row.max(1)).clamp(1, BATCH_ROWS);
    Ok(Claims { batch_rows: batch_rows as usize, unpacked })
}

/// Claims of one column chunk.
#[derive(Debug, Default)]
struct ColumnClaims {
    unpacked: u64,
    open: u64,
    /// Bytes that one value takes at most, on an average of its page.
    row: u64,
}

fn chunk(place: &Place, column: &ColumnChunkMetaData, rows: u64) -> Result<ColumnClaims, String> {
    let (start, length) = range(column).ok_or("a negative place")?;
    let mut claims = ColumnClaims::default();
    let (mut at, mut values) = (0, 0_u64);
    let (mut longest, mut dictionary) = (0, 0);
    while at < length {
        let header = header(place, start + at, length - at)?;
        let packed = sized("packed", header.packed)?;
        let unpacked = sized("unpacked", header.unpacked)?;
        let claimed = header.values.ok_or("a page without a number of values")?;
        at += header.length as u64 + packed;
        if at > length {
            return Err("a page that goes on behind its column".into());
        }
        if !header.encoding.is_some_and(|encoding| ENCODINGS.contains(&encoding)) {
            return Err("an encoding that is not accepted; write plain pages or dictionaries".into());
        }
        claims.unpacked = claims.unpacked.saturating_add(unpacked);
        match header.kind {
            Some(0 | 3) => {
                values = values.saturating_add(claimed);
                longest = longest.max(unpacked);
                claims.row = claims.row.max(unpacked / claimed.max(1));
            }
            Some(2) if at == header.length as u64 + packed => {
                // Each value of a dictionary takes a byte at least.
                if claimed > unpacked {
                    return Err(format!("a dictionary that claims {claimed} values in {unpacked} bytes"));
                }
                dictionary = unpacked;
            }
            Some(2) => return Err("a dictionary that is not its first page".into()),
            _ => return Err("a page that holds no values".into()),
        }
    }
    if values != rows {
        return Err(format!("its pages hold {values} values and the row group {rows} rows"));
    }
    claims.open = longest + dictionary;
    if column.column_type() == Type::BYTE_ARRAY && dictionary > 0 {
        // Eight bytes of a page can repeat the longest text of a dictionary many times.
        claims.row = claims.row.max(longest_text(place, column, rows)?);
    }
    Ok(claims)
}

/// Bytes of the longest text of a column's dictionary, which was found to be its first page.
fn longest_text(place: &Place, column: &ColumnChunkMetaData, rows: u64) -> Result<u64, String> {
    let page = guarded(|| {
        let place = Arc::new(place.clone());
        SerializedPageReader::new(place, column, rows as usize, None)?.get_next_page()
    })?;
    let Some(Page::DictionaryPage { buf, .. }) = page else {
        return Err("its dictionary is not where it was found".into());
    };
    let (mut rest, mut longest) = (&buf[..], 0);
    while let Some((length, texts)) = rest.split_first_chunk::<4>() {
        let length = u32::from_le_bytes(*length);
        longest = longest.max(u64::from(length));
        rest = texts.get(length as usize..).ok_or("a dictionary whose texts do not fit it")?;
    }
    Ok(longest)
}

fn sized(what: &str, claimed: Option<u64>) -> Result<u64, String> {
    match claimed {
        Some(bytes) if bytes <= PAGE_MAX => Ok(bytes),
        Some(bytes) => {
            Err(format!("a page that claims {bytes} bytes {what}; at most {PAGE_MAX} are accepted"))
        }
        None => Err("a page without a length".into()),
    }
}

fn header(place: &Place, at: u64, left: u64) -> Result<Header, String> {
    let longest = HEADER_MAX.min(usize::try_from(left).unwrap_or(HEADER_MAX));
    let mut length = HEADER_GUESS.min(longest);
    loop {
        let bytes = place.read(at, length)?;
        match parse(&bytes) {
            Ok(header) => return Ok(header),
            Err(Malformed) if length < longest => length = (length * 8).min(longest),
            Err(Malformed) => return Err("a page whose header is not valid".into()),
        }
    }
}

fn parse(bytes: &[u8]) -> Result<Header, Malformed> {
    let mut walk = Walk::new(bytes);
    let mut header = Header::default();
    let mut last = 0;
    let once = |slot: &mut Option<i64>, value: i64| match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Malformed),
    };
    let (mut packed, mut unpacked) = (None, None);
    let mut details = 0;
    while let Some(field) = walk.field(&mut last)? {
        match (field.id, field.kind) {
            (1, I32) => once(&mut header.kind, walk.int()?)?,
            (2, I32) => once(&mut unpacked, walk.int()?)?,
            (3, I32) => once(&mut packed, walk.int()?)?,
            (5 | 7 | 8, STRUCT) => {
                details += 1;
                let encoding = if field.id == 8 { 4 } else { 2 };
                detail(&mut walk, encoding, &mut header)?;
            }
            (1..=3 | 5 | 7 | 8, _) => return Err(Malformed),
            (_, kind) => walk.skip(kind)?,
        }
    }
    if details != 1 {
        return Err(Malformed);
    }
    header.packed = packed.and_then(|bytes| u64::try_from(bytes).ok());
    header.unpacked = unpacked.and_then(|bytes| u64::try_from(bytes).ok());
    header.length = walk.at();
    Ok(header)
}

/// What a header says of its values; `encoding` is the number of the field that names their encoding.
fn detail(walk: &mut Walk<'_>, encoding: i16, header: &mut Header) -> Result<(), Malformed> {
    let mut last = 0;
    while let Some(field) = walk.field(&mut last)? {
        match (field.id, field.kind) {
            (1, I32) if header.values.is_none() => {
                header.values = Some(u64::try_from(walk.int()?).map_err(|_| Malformed)?);
            }
            (id, I32) if id == encoding && header.encoding.is_none() => header.encoding = Some(walk.int()?),
            (1, _) => return Err(Malformed),
            (id, _) if id == encoding => return Err(Malformed),
            (_, kind) => walk.skip(kind)?,
        }
    }
    Ok(())
}
