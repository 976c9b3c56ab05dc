//! Lines of JSON as one array, piece by piece.

use bytes::{BufMut as _, Bytes, BytesMut};

/// Where the array stands between two pieces.
#[derive(Debug, Default)]
pub(super) struct Array {
    begun: bool,
    /// A line has ended, and whether another follows is not known.
    ended: bool,
}

impl Array {
    /// The next lines; behind the last of them the array ends.
    pub(super) fn piece(&mut self, lines: &[u8], last: bool) -> Bytes {
        let mut out = BytesMut::with_capacity(lines.len() + 8);
        if !std::mem::replace(&mut self.begun, true) {
            out.put_slice(b"[\n");
        }
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            if std::mem::replace(&mut self.ended, line.ends_with(b"\n")) {
                out.put_slice(b",\n");
            }
            out.put_slice(line.strip_suffix(b"\n").unwrap_or(line));
        }
        if last {
            out.put_slice(b"\n]\n");
        }
        out.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::Array;

    fn of(pieces: &[&str]) -> serde_json::Value {
        let mut array = Array::default();
        let last = pieces.len() - 1;
        let text: Vec<u8> = pieces
            .iter()
            .enumerate()
            .flat_map(|(at, piece)| array.piece(piece.as_bytes(), at == last).to_vec())
            .collect();
        serde_json::from_slice(&text).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&text)))
    }

    #[test]
    fn lines_become_an_array_however_they_are_cut() {
        let whole = serde_json::json!([{"a": 1}, {"a": 2}, {"a": 3}]);
        assert_eq!(of(&["{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n"]), whole);
        assert_eq!(of(&["{\"a\":1}\n", "{\"a\"", ":2}\n", "{\"a\":3}\n", ""]), whole);
        assert_eq!(of(&["{\"a\":1}\n{\"a\":2}", "\n{\"a\":3}"]), whole);
        assert_eq!(of(&[""]), serde_json::json!([]));
    }
}
