//! Periods in SDMX notation: `2022`, `2022-S1`, `2022-Q4`, `2022-M11`, `2022-11-05`.

use chrono::{Datelike, Days, Months, NaiveDate};

#[cfg(test)]
mod tests;

/// How long a period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Frequency {
    /// `2022`
    Annual,
    /// `2022-S1`
    HalfYear,
    /// `2022-Q4`
    Quarter,
    /// `2022-M11`
    Month,
    /// `2022-11-05`
    Day,
}

impl Frequency {
    /// From the longest to the shortest.
    pub const ALL: [Self; 5] = [Self::Annual, Self::HalfYear, Self::Quarter, Self::Month, Self::Day];

    /// SDMX letter: A, S, Q, M, D.
    pub fn letter(self) -> char {
        match self {
            Self::Annual => 'A',
            Self::HalfYear => 'S',
            Self::Quarter => 'Q',
            Self::Month => 'M',
            Self::Day => 'D',
        }
    }

    /// How a period of it is written, by an example.
    pub fn example(self) -> &'static str {
        match self {
            Self::Annual => "2022",
            Self::HalfYear => "2022-S1",
            Self::Quarter => "2022-Q4",
            Self::Month => "2022-M11",
            Self::Day => "2022-11-05",
        }
    }

    /// Examples of all of some frequencies, as `2022, 2022-Q4`.
    pub fn examples(of: &[Self]) -> String {
        of.iter().map(|frequency| frequency.example()).collect::<Vec<_>>().join(", ")
    }

    /// The frequency of an SDMX letter.
    pub fn from_letter(letter: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| letter.chars().eq([f.letter()]))
    }

    /// Length in months; None for a day.
    fn months(self) -> Option<u32> {
        match self {
            Self::Annual => Some(12),
            Self::HalfYear => Some(6),
            Self::Quarter => Some(3),
            Self::Month => Some(1),
            Self::Day => None,
        }
    }
}

/// A period with the label that it was written with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Period {
    label: String,
    frequency: Frequency,
    first: NaiveDate,
    last: NaiveDate,
}

/// A text that is no period, cut to 40 characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a period; write 2022, 2022-S1, 2022-Q4, 2022-M11 or 2022-11-05")]
pub struct PeriodError(pub String);

impl std::str::FromStr for Period {
    type Err = PeriodError;
    fn from_str(text: &str) -> Result<Self, PeriodError> {
        parse(text).ok_or_else(|| PeriodError(text.chars().take(40).collect()))
    }
}

impl std::fmt::Display for Period {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.label)
    }
}

impl Period {
    /// The period of a frequency that holds a day.
    pub fn holding(day: NaiveDate, frequency: Frequency) -> Option<Self> {
        let Some(months) = frequency.months() else {
            return Some(Self::new(frequency, day, day));
        };
        let first_month = (day.month0() / months) * months + 1;
        Self::of_months(frequency, NaiveDate::from_ymd_opt(day.year(), first_month, 1)?, months)
    }

    fn of_months(frequency: Frequency, first: NaiveDate, months: u32) -> Option<Self> {
        let last = first.checked_add_months(Months::new(months))?.checked_sub_days(Days::new(1))?;
        Some(Self::new(frequency, first, last))
    }

    fn new(frequency: Frequency, first: NaiveDate, last: NaiveDate) -> Self {
        let year = first.year();
        let label = match frequency {
            Frequency::Annual => format!("{year:04}"),
            Frequency::HalfYear => format!("{year:04}-S{}", first.month0() / 6 + 1),
            Frequency::Quarter => format!("{year:04}-Q{}", first.month0() / 3 + 1),
            Frequency::Month => format!("{year:04}-M{:02}", first.month()),
            Frequency::Day => first.format("%Y-%m-%d").to_string(),
        };
        Self { label, frequency, first, last }
    }

    /// As it was written.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// How long it is.
    pub fn frequency(&self) -> Frequency {
        self.frequency
    }

    /// The day on which it begins.
    pub fn first_day(&self) -> NaiveDate {
        self.first
    }

    /// The day on which it ends; rules and code lists are taken as of it.
    pub fn last_day(&self) -> NaiveDate {
        self.last
    }

    /// True when a day lies in the period; first and last day belong to it.
    pub fn contains(&self, day: NaiveDate) -> bool {
        (self.first..=self.last).contains(&day)
    }

    /// True when the period ends where one of `frequency` ends: M12 and Q4 both end a quarter and a year.
    pub fn ends_a(&self, frequency: Frequency) -> bool {
        Self::holding(self.last, frequency).is_some_and(|p| p.last == self.last)
    }

    /// The storage key, column `_period`: the last day for cumulative patterns, else the label.
    pub fn partition(&self, pattern: &crate::Pattern) -> String {
        if pattern.period.cumulative { self.last.format("%Y-%m-%d").to_string() } else { self.label.clone() }
    }
}

/// One spelling per period: `2022-M1` and `2022-Q04` are refused, so that labels can be compared as text.
fn parse(text: &str) -> Option<Period> {
    let digits = |s: &str, length: usize| -> Option<u32> {
        (s.len() == length && s.bytes().all(|b| b.is_ascii_digit())).then(|| s.parse().ok())?
    };
    let year = i32::try_from(digits(text.get(..4)?, 4)?).ok().filter(|y| *y > 0)?;
    let rest = text.get(4..)?;
    let part = |frequency: Frequency, months: u32, number: u32| -> Option<Period> {
        let first = NaiveDate::from_ymd_opt(year, number.checked_sub(1)?.checked_mul(months)? + 1, 1)?;
        Period::of_months(frequency, first, months)
    };
    match rest.as_bytes() {
        [] => part(Frequency::Annual, 12, 1),
        [b'-', b'S', ..] => part(Frequency::HalfYear, 6, digits(&rest[2..], 1)?),
        [b'-', b'Q', ..] => part(Frequency::Quarter, 3, digits(&rest[2..], 1)?),
        [b'-', b'M', ..] => part(Frequency::Month, 1, digits(&rest[2..], 2)?),
        [b'-', _, _, b'-', _, _] => {
            let day = NaiveDate::from_ymd_opt(year, digits(rest.get(1..3)?, 2)?, digits(rest.get(4..)?, 2)?)?;
            Some(Period::new(Frequency::Day, day, day))
        }
        _ => None,
    }
}
