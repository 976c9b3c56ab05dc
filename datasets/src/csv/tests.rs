//! The cutter and the splitter against a naive reader, byte by byte.

use bytes::Bytes;
use proptest::prelude::*;

use super::{Cells, Chunk, CutError, Cutter, separator};

type Record = (u64, Vec<Vec<u8>>);

/// Reads the data records of a file the slow and obvious way.
fn naive(data: &[u8], separator: u8, first_line: u64) -> Vec<Record> {
    let mut records = Vec::new();
    let (mut line, mut begun) = (first_line, first_line);
    let mut cells: Vec<Vec<u8>> = Vec::new();
    let mut cell: Vec<u8> = Vec::new();
    let (mut quoted, mut fresh, mut any) = (false, true, false);
    let mut at = 0;
    while at < data.len() {
        let byte = data[at];
        let next = data.get(at + 1).copied();
        if quoted {
            match byte {
                b'"' if next == Some(b'"') => {
                    cell.push(b'"');
                    at += 1;
                }
                b'"' => quoted = false,
                b'\n' => {
                    line += 1;
                    cell.push(byte);
                }
                _ => cell.push(byte),
            }
        } else if byte == b'"' && fresh {
            (quoted, fresh, any) = (true, false, true);
        } else if byte == separator {
            cells.push(std::mem::take(&mut cell));
            (fresh, any) = (true, true);
        } else if byte == b'\n' {
            if any {
                cells.push(std::mem::take(&mut cell));
                records.push((begun, std::mem::take(&mut cells)));
            }
            line += 1;
            (begun, fresh, any) = (line, true, false);
        } else if byte != b'\r' || next != Some(b'\n') {
            cell.push(byte);
            (fresh, any) = (false, true);
        }
        at += 1;
    }
    if any {
        cells.push(cell);
        records.push((begun, cells));
    }
    records
}

fn cut(parts: &[&[u8]], target: usize) -> Result<(Vec<u8>, Vec<Chunk>), CutError> {
    let mut cutter = Cutter::new(target, 1 << 16);
    let mut chunks = Vec::new();
    for part in parts {
        chunks.extend(cutter.push(Bytes::copy_from_slice(part))?);
    }
    chunks.extend(cutter.finish()?);
    Ok((cutter.header().unwrap_or_default().to_vec(), chunks))
}

/// Records of `width` cells out of chunks; others as line and number of cells.
fn records(chunks: &[Chunk], separator: u8, width: usize) -> (Vec<Record>, Vec<(u64, usize)>) {
    let (mut fitting, mut misfits) = (Vec::new(), Vec::new());
    for chunk in chunks {
        let cells = Cells::split(&chunk.data, separator, width, chunk.first_line);
        for row in 0..cells.rows() {
            let texts = (0..width).map(|column| cells.text(row, column).into_owned()).collect();
            fitting.push((cells.lines()[row], texts));
        }
        misfits.extend(cells.misfits().iter().map(|m| (m.line, m.cells)));
    }
    (fitting, misfits)
}

fn file() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(&b"a"[..]),
        Just(&b"12.5"[..]),
        Just(&b","[..]),
        Just(&b","[..]),
        Just(&b"\n"[..]),
        Just(&b"\r\n"[..]),
        Just(&b"\r"[..]),
        Just(&b"\""[..]),
        Just(&b"\"x,\ny\"\"z\""[..]),
        Just("łódź".as_bytes()),
        Just(&b"long cell of text"[..]),
    ];
    prop::collection::vec(piece, 0..80).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_split_gives_the_records_of_the_naive_reader(
        body in file(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        target in 1_usize..64,
        width in 1_usize..4,
        marked in any::<bool>(),
    ) {
        let mut whole = if marked { vec![0xEF, 0xBB, 0xBF] } else { Vec::new() };
        whole.extend_from_slice(b"a,b,c\n");
        whole.extend_from_slice(&body);
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(whole.len())).collect();
        places.extend([0, whole.len()]);
        places.sort_unstable();
        let parts: Vec<&[u8]> = places.windows(2).map(|pair| &whole[pair[0]..pair[1]]).collect();
        match cut(&parts, target) {
            Ok((header, chunks)) => {
                prop_assert_eq!(header, b"a,b,c".to_vec());
                prop_assert_eq!(chunks.iter().map(|c| c.data.len()).sum::<usize>(), body.len());
                let mut expected = naive(&body, b',', 2);
                // Cells behind the last column are left out when nothing stands in them.
                let nothing = |cell: &Vec<u8>| cell.iter().all(|b| b", \t\"".contains(b));
                for (_, cells) in &mut expected {
                    if cells.len() > width && cells[width..].iter().all(nothing) {
                        cells.truncate(width);
                    }
                }
                let (fitting, misfits) = records(&chunks, b',', width);
                let (good, bad): (Vec<Record>, Vec<Record>) =
                    expected.into_iter().partition(|(_, cells)| cells.len() == width);
                prop_assert_eq!(fitting, good);
                let bad: Vec<(u64, usize)> = bad.into_iter().map(|(line, cells)| (line, cells.len())).collect();
                prop_assert_eq!(misfits, bad);
            }
            Err(fault) => {
                // The only fault that these files can have; every split finds it.
                let unclosed = matches!(fault, CutError::QuoteUnclosed { .. });
                prop_assert!(unclosed);
                let whole_fault = cut(&[&whole], 1 << 20).map(|_| ());
                prop_assert_eq!(whole_fault, Err(fault));
            }
        }
    }

    #[test]
    fn splitting_any_bytes_does_not_panic(data in prop::collection::vec(any::<u8>(), 0..200), width in 1_usize..5) {
        let cells = Cells::split(&data, b';', width, 1);
        for row in 0..cells.rows() {
            for column in 0..width {
                prop_assert!(cells.text(row, column).len() <= data.len());
            }
        }
    }
}

#[test]
fn separator_is_the_one_used_most_outside_quotes() {
    assert_eq!(separator(b"a;b;c"), b';');
    assert_eq!(separator(b"a\tb"), b'\t');
    assert_eq!(separator(b"a,b,c"), b',');
    assert_eq!(separator(b"\"x,y,z\";b"), b';');
    assert_eq!(separator(b"single"), b',');
}

#[test]
fn header_stands_apart_and_blank_lines_count() {
    let (header, chunks) = cut(&[b"\xEF\xBB", b"\xBF\r\n\na;b\r", b"\n1;2\r\n\r\n3;4"], 1 << 20).unwrap();
    assert_eq!(header, b"a;b");
    let (rows, misfits) = records(&chunks, b';', 2);
    let lines: Vec<u64> = rows.iter().map(|(line, _)| *line).collect();
    assert_eq!((lines, misfits.len()), (vec![4, 6], 0));
    assert_eq!(rows[1].1, vec![b"3".to_vec(), b"4".to_vec()]);
}

#[test]
fn header_without_a_line_end_is_still_a_header() {
    let (header, chunks) = cut(&[b"a,b"], 16).unwrap();
    assert_eq!((header, chunks), (b"a,b".to_vec(), Vec::new()));
}

#[test]
fn faults_name_their_line() {
    let nul = cut(&[b"a,b\n1,2\n3,", b"\0\n"], 1 << 20).unwrap_err();
    assert_eq!(nul, CutError::NulByte { line: 3 });
    let unclosed = cut(&[b"a,b\n1,2\n3,\"x\ny"], 1 << 20).unwrap_err();
    assert_eq!(unclosed, CutError::QuoteUnclosed { line: 3 });
}

#[test]
fn a_record_longer_than_the_limit_is_refused_wherever_it_lies() {
    for (before, after) in [(0, 0), (1, 0), (3, 5), (200, 1)] {
        let mut body = b"1,2\n".repeat(before);
        body.extend(vec![b'x'; 101]);
        body.push(b'\n');
        body.extend(b"1,2\n".repeat(after));
        for step in [1, 7, 64, 10_000] {
            let mut cutter = Cutter::new(50, 100);
            let mut outcome = cutter.push(Bytes::from_static(b"a,b\n")).map(|_| ());
            for part in body.chunks(step) {
                outcome = outcome.and_then(|()| cutter.push(Bytes::copy_from_slice(part)).map(|_| ()));
            }
            assert_eq!(outcome, Err(CutError::LineTooLong { line: before as u64 + 2, limit: 100 }));
        }
    }
    let mut cutter = Cutter::new(50, 100);
    let mut fits = b"a,b\n".to_vec();
    fits.extend(vec![b'x'; 100]);
    fits.push(b'\n');
    assert!(cutter.push(Bytes::from(fits)).is_ok());
}

#[test]
fn a_chunk_inside_one_input_is_not_copied() {
    let mut cutter = Cutter::new(1_000, 100);
    cutter.push(Bytes::from_static(b"a,b\n")).unwrap();
    let input = Bytes::from(b"1234,5678\n".repeat(1_000));
    let chunks = cutter.push(input.clone()).unwrap();
    assert!(chunks.len() >= 8);
    for chunk in chunks {
        assert!(input.as_ptr_range().contains(&chunk.data.as_ptr()));
    }
}
