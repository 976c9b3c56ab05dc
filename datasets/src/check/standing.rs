//! What a payload does to what stands: rows that slices lose, and versions of the sender's that go back.

use serde::{Deserialize, Serialize};

use crate::Pattern;
use crate::report::{Code, Findings, Severity, Violation};

use super::messages::{Told, of_file};

/// A slice that loses more percent of its rows than this draws a warning.
pub const LOSS_TOLD_PERCENT: u64 = 20;
/// A slice that loses more percent of its rows than this is replaced only when its sender confirms it.
pub const LOSS_CONFIRMED_PERCENT: u64 = 80;

/// What is known of a slice without its rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SliceFacts {
    /// Number of its rows.
    pub rows: u64,
    /// The largest `wersja` that its rows name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
}

impl SliceFacts {
    /// True when rows of another state of the slice leave it with more than `percent` fewer rows.
    pub fn loses_over(&self, percent: u64, next: &Self) -> bool {
        let lost = u128::from(self.rows.saturating_sub(next.rows));
        lost * 100 > u128::from(self.rows) * u128::from(percent)
    }
}

/// What is to be told of slices that are replaced: name, as it stands, as it is sent.
pub fn of_replaced<'a>(
    pattern: &Pattern,
    slices: impl Iterator<Item = (&'a str, SliceFacts, SliceFacts)>,
) -> Findings {
    let mut findings = Findings::default();
    let column = pattern.slice.as_deref().unwrap_or_default();
    for (slice, stands, sent) in slices {
        let of_slice = |code, severity, value, told| Violation {
            key: if column.is_empty() { String::new() } else { format!("{column}={slice}") },
            ..of_file(code, severity, 0, column, value, told)
        };
        if stands.loses_over(LOSS_TOLD_PERCENT, &sent) {
            let (rows, held) = (sent.rows, stands.rows);
            findings.add(of_slice(Code::RowsLost, Severity::Warn, rows.to_string(), lost(rows, held)));
        }
        if let (Some(now), Some(next)) = (stands.version, sent.version)
            && next < now
        {
            let told = older(next, now);
            findings.add(of_slice(Code::VersionOlder, Severity::MustExplain, next.to_string(), told));
        }
    }
    findings
}

fn lost(rows: u64, held: u64) -> Told {
    let percent = 100 * u128::from(held.saturating_sub(rows)) / u128::from(held.max(1));
    Told::new(
        format!("wierszy jest {rows}, a w obowiązującej wersji {held} (ubywa {percent} %)"),
        format!("there are {rows} rows, while {held} are current ({percent} % are lost)"),
    )
    .hint(
        "Sprawdź, czy plik jest cały. `hub submissions diff` pokazuje, które wiersze ubędą.",
        "Check that the file is whole. `hub submissions diff` shows which rows go.",
    )
    .expected(held.to_string())
}

fn older(next: i64, now: i64) -> Told {
    Told::new(
        format!("wersja {next} jest starsza niż {now}, którą przyjęto wcześniej"),
        format!("version {next} is older than {now}, which was accepted before"),
    )
    .hint(
        "Wyślij nowszą wersję albo wyjaśnij, dlaczego wraca starsza (--explain VERSION_OLDER=…).",
        "Send the newer version, or explain why the older one comes back (--explain VERSION_OLDER=…).",
    )
    .expected(format!(">= {now}"))
}

/// What is to be told of bytes that were accepted before, for another period or another publisher.
pub fn of_known_bytes(period: &str, publisher: Option<&str>) -> Findings {
    let (pl, en) = match publisher {
        None => (
            format!("te same bajty przyjęto już za okres {period}"),
            format!("the same bytes were accepted for period {period}"),
        ),
        Some(publisher) => (
            format!("te same bajty przyjęto już od jednostki {publisher} za okres {period}"),
            format!("the same bytes were accepted of {publisher} for period {period}"),
        ),
    };
    let told = Told::new(pl, en).hint(
        "Sprawdź, czy to właściwy plik, okres i jednostka.",
        "Check that file, period and publisher are those that you mean.",
    );
    let mut findings = Findings::default();
    findings.add(of_file(Code::PayloadKnown, Severity::Warn, 0, "", String::new(), told));
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(rows: u64, version: Option<i64>) -> SliceFacts {
        SliceFacts { rows, version }
    }

    #[test]
    fn a_loss_is_counted_in_percent_of_what_stands() {
        let of_ten = facts(10, None);
        let over = |percent, rows| of_ten.loses_over(percent, &facts(rows, None));
        assert_eq!([over(20, 8), over(20, 7)], [false, true]);
        assert_eq!([over(80, 2), over(80, 1)], [false, true]);
        assert!(!over(0, 10) && !over(0, 11), "nothing is lost");
        assert!(!facts(0, None).loses_over(0, &facts(0, None)));
        assert!(facts(u64::MAX, None).loses_over(99, &facts(1, None)));
    }

    #[test]
    fn each_slice_that_loses_rows_or_goes_back_is_told_by_its_key() {
        let patterns = crate::Patterns::embedded().unwrap();
        let pattern = patterns.get("rb28s").unwrap();
        let slices = [
            ("000000001", facts(10, Some(2)), facts(7, Some(2))),
            ("000000002", facts(10, Some(2)), facts(8, Some(1))),
            ("000000003", facts(10, Some(2)), facts(10, None)),
            ("000000004", facts(10, None), facts(10, Some(0))),
        ];
        let findings = of_replaced(&pattern, slices.into_iter());
        let told: Vec<_> = findings.listed.iter().map(|v| (v.code, v.severity, v.key.as_str())).collect();
        assert_eq!(
            told,
            [
                (Code::RowsLost, Severity::Warn, "jednostka_regon=000000001"),
                (Code::VersionOlder, Severity::MustExplain, "jednostka_regon=000000002"),
            ]
        );
        assert!(findings.listed[0].message_en.contains("30 %"), "{}", findings.listed[0].message_en);
    }

    #[test]
    fn facts_are_short_in_the_log() {
        assert_eq!(serde_json::to_string(&facts(3, None)).unwrap(), r#"{"rows":3}"#);
        assert_eq!(
            serde_json::from_str::<SliceFacts>(r#"{"rows":3,"version":2}"#).unwrap(),
            facts(3, Some(2))
        );
    }
}
