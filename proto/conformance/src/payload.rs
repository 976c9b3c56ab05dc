//! Tiny payloads of pattern rb28s.

use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

/// The pattern that all promises push.
pub(crate) const PATTERN: &str = "patterns/rb28s";
pub(crate) const DATASET: &str = "datasets/rb28s";
pub(crate) const MEDIA_TYPE: &str = "text/csv";
pub(crate) const NDJSON: &str = "application/x-ndjson";

/// REGON numbers with right check digits that belong to nobody's budget unit here: each is a slice.
pub(crate) const UNITS: [&str; 3] = ["100000008", "100000014", "100000020"];

const HEADER: &str =
    "jednostka_regon,dzial,rozdzial,grupa,paragraf,p4,plan,zaangazowanie,wykonanie,zobowiazania";

/// Three classification lines of a primary school.
const LINES: [&str; 3] = ["801,80101,1400,401,0", "801,80101,1400,411,0", "801,80101,1100,421,0"];

/// Rows of each unit in a payload.
pub(crate) const ROWS_PER_UNIT: u64 = 3;

/// A valid payload for these units. Amounts differ from call to call, so that no two payloads are equal.
pub(crate) fn valid(units: &[&str]) -> Vec<u8> {
    let amount = fresh_amount();
    let mut text = format!("{HEADER}\n");
    for unit in units {
        for line in LINES {
            text.push_str(&format!("{unit},{line},{amount}.00,{amount}.00,{amount}.00,0.00\n"));
        }
    }
    text.into_bytes()
}

/// The same payload as NDJSON: an object a line, every value the text of its cell.
pub(crate) fn ndjson(csv: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(csv);
    let mut lines = text.lines().map(|line| line.split(','));
    let names: Vec<&str> = lines.next().into_iter().flatten().collect();
    let object = |cells: Vec<&str>| {
        let members: Vec<String> =
            names.iter().zip(cells).map(|(name, cell)| format!("\"{name}\":\"{cell}\"")).collect();
        format!("{{{}}}\n", members.join(","))
    };
    lines.map(|cells| object(cells.collect())).collect::<String>().into_bytes()
}

/// A payload whose second row does not hold an amount.
pub(crate) fn blocked() -> Vec<u8> {
    let text = String::from_utf8_lossy(&valid(&UNITS[..1])).into_owned();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines[2] = format!("{},{},plenty,1.00,1.00,0.00", UNITS[0], LINES[1]);
    let mut text = lines.join("\n");
    text.push('\n');
    text.into_bytes()
}

/// Differs in each call and each run.
fn fresh_amount() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let start = u64::from(Uuid::new_v4().as_fields().0) % 1_000_000_000;
    1_000 + start * 1_000 + NEXT.fetch_add(1, Ordering::Relaxed) % 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_have_right_check_digits() {
        for unit in UNITS {
            let digits: Vec<u32> = unit.chars().filter_map(|c| c.to_digit(10)).collect();
            let sum: u32 = digits.iter().zip([8, 9, 2, 3, 4, 5, 6, 7]).map(|(d, w)| d * w).sum();
            assert_eq!(sum % 11 % 10, digits[8], "{unit}");
        }
    }

    #[test]
    fn payloads_differ_from_call_to_call() {
        assert_ne!(valid(&UNITS), valid(&UNITS));
        assert_eq!(String::from_utf8(valid(&UNITS)).unwrap().lines().count(), 10);
        assert!(String::from_utf8(blocked()).unwrap().contains("plenty"));
        let lines = String::from_utf8(ndjson(&valid(&UNITS))).unwrap();
        assert_eq!(lines.lines().count(), 9);
        assert!(lines.starts_with("{\"jednostka_regon\":\"100000008\",\"dzial\":\"801\","), "{lines}");
    }
}
