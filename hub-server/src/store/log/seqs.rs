//! `_seq` sets as compact text: `1-5,7`.

/// Ascending numbers as ranges.
pub(super) fn write(seqs: &[i64]) -> String {
    let mut parts: Vec<(i64, i64)> = Vec::new();
    for &seq in seqs {
        match parts.last_mut() {
            Some((_, end)) if end.checked_add(1) == Some(seq) => *end = seq,
            _ => parts.push((seq, seq)),
        }
    }
    let texts: Vec<String> =
        parts.iter().map(|(a, b)| if a == b { a.to_string() } else { format!("{a}-{b}") }).collect();
    texts.join(",")
}

/// Numbers of a text that `write` made; None when it is not one.
pub(super) fn parse(text: &str, at_most: usize) -> Option<Vec<i64>> {
    let mut seqs = Vec::new();
    for part in text.split(',').filter(|p| !p.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (i64, i64) = (first.parse().ok()?, last.parse().ok()?);
        if last < first || seqs.last().is_some_and(|previous| *previous >= first) {
            return None;
        }
        let width = usize::try_from(last.checked_sub(first)?).ok()?;
        if seqs.len().checked_add(width)? >= at_most {
            return None;
        }
        seqs.extend(first..=last);
    }
    Some(seqs)
}
