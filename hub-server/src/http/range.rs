//! Conditions and ranges of a download (RFC 9110, 13 and 14): one range at most; what is malformed or
//! asks for several is answered with the whole file.

/// The part of a file that is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Whole,
    /// First and last byte, both sent.
    Bytes(u64, u64),
    /// The range begins beyond the end.
    Unsatisfiable,
}

/// Reads `Range` in the light of `If-Range`, for a file of `length` bytes with this ETag.
pub(super) fn part(range: Option<&str>, if_range: Option<&str>, etag: &str, length: u64) -> Part {
    let Some(range) = range else { return Part::Whole };
    // A weak tag or a date never proves that the bytes are the same.
    if if_range.is_some_and(|tag| tag.trim() != etag) {
        return Part::Whole;
    }
    parse(range, length).unwrap_or(Part::Whole)
}

fn parse(range: &str, length: u64) -> Option<Part> {
    let (unit, spec) = range.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") || spec.contains(',') {
        return None;
    }
    let (first, last) = spec.trim().split_once('-')?;
    let part = match (first, last) {
        ("", suffix) => {
            let suffix = number(suffix)?;
            match suffix.min(length) {
                0 => Part::Unsatisfiable,
                tail => Part::Bytes(length - tail, length - 1),
            }
        }
        (first, last) => {
            let first = number(first)?;
            let last = if last.is_empty() { u64::MAX } else { number(last)? };
            if last < first {
                return None;
            }
            match first < length {
                true => Part::Bytes(first, last.min(length - 1)),
                false => Part::Unsatisfiable,
            }
        }
    };
    Some(part)
}

/// Digits only (`parse` alone would let `+5` through); numbers beyond u64 mean "to the end".
fn number(text: &str) -> Option<u64> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().unwrap_or(u64::MAX))
}

/// True when `If-None-Match` names this ETag, so that nothing needs to be sent.
pub(super) fn is_known(if_none_match: Option<&str>, etag: &str) -> bool {
    let plain = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    if_none_match
        .is_some_and(|tags| tags.trim() == "*" || tags.split(',').any(|tag| plain(tag) == plain(etag)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: &str = "\"abc\"";

    fn of(range: &str, length: u64) -> Part {
        part(Some(range), None, TAG, length)
    }

    #[test]
    fn single_ranges_are_cut_to_the_file() {
        assert_eq!(of("bytes=0-0", 10), Part::Bytes(0, 0));
        assert_eq!(of("bytes=2-5", 10), Part::Bytes(2, 5));
        assert_eq!(of("bytes=2-", 10), Part::Bytes(2, 9));
        assert_eq!(of("Bytes=2-500", 10), Part::Bytes(2, 9));
        assert_eq!(of("bytes=-3", 10), Part::Bytes(7, 9));
        assert_eq!(of("bytes=-99", 10), Part::Bytes(0, 9));
        assert_eq!(of("bytes=0-99999999999999999999999", 10), Part::Bytes(0, 9));
    }

    #[test]
    fn what_begins_beyond_the_end_is_unsatisfiable() {
        for range in ["bytes=10-", "bytes=10-11", "bytes=99999999999999999999999-", "bytes=-0"] {
            assert_eq!(of(range, 10), Part::Unsatisfiable, "{range}");
        }
        for range in ["bytes=0-", "bytes=-1"] {
            assert_eq!(of(range, 0), Part::Unsatisfiable, "an empty file has no byte, {range}");
        }
    }

    #[test]
    fn malformed_and_several_ranges_get_the_whole() {
        for range in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=5-2",
            "bytes=+1-2",
            "lines=1-2",
            "bytes=0-1,3-4",
        ] {
            assert_eq!(of(range, 10), Part::Whole, "{range}");
        }
        assert_eq!(part(None, None, TAG, 10), Part::Whole);
    }

    #[test]
    fn if_range_holds_only_for_the_same_strong_tag() {
        assert_eq!(part(Some("bytes=1-2"), Some(TAG), TAG, 10), Part::Bytes(1, 2));
        for other in ["\"abd\"", "W/\"abc\"", "Wed, 21 Oct 2015 07:28:00 GMT"] {
            assert_eq!(part(Some("bytes=1-2"), Some(other), TAG, 10), Part::Whole, "{other}");
        }
    }

    #[test]
    fn a_known_tag_needs_no_bytes() {
        for tags in ["\"abc\"", "W/\"abc\"", "*", "\"x\", \"abc\""] {
            assert!(is_known(Some(tags), TAG), "{tags}");
        }
        for tags in ["\"x\"", "abc", ""] {
            assert!(!is_known(Some(tags), TAG), "{tags}");
        }
        assert!(!is_known(None, TAG));
    }
}
