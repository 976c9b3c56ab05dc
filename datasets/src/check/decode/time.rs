//! Dates and times of day, in ISO 8601.

use chrono::{DateTime, FixedOffset, NaiveDate, Offset, TimeZone};
use chrono_tz::Tz;

use super::super::breach::Kind;
use super::{Cell, trimmed};

const DAY_SECONDS: i64 = 86_400;
const MICROS: i64 = 1_000_000;

/// Zone in which times without an offset are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Zone {
    /// Seconds east of UTC.
    Fixed(i32),
    Named(Tz),
}

impl Zone {
    pub(crate) const UTC: Self = Self::Fixed(0);

    /// Reads `+01:00`, `Z` or an IANA name.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match offset(text.as_bytes()) {
            Some(seconds) => Some(Self::Fixed(seconds)),
            None => text.parse().ok().map(Self::Named),
        }
    }

    /// Seconds since 1970 in UTC of a day's first moment.
    pub(crate) fn midnight(self, day: NaiveDate) -> i64 {
        let local = i64::from(days(day)) * DAY_SECONDS;
        match self.offset(local) {
            Ok(offset) => local - i64::from(offset),
            // Zones that skip or repeat midnight: the standard offset before that day serves.
            Err(_) => self.offset(local - DAY_SECONDS).map_or(local, |offset| local - i64::from(offset)),
        }
    }

    /// Offset from UTC of a local second.
    fn offset(self, local: i64) -> Result<i32, Kind> {
        match self {
            Self::Fixed(offset) => Ok(offset),
            Self::Named(zone) => {
                let time = DateTime::from_timestamp(local, 0).ok_or(Kind::Type)?.naive_utc();
                match zone.offset_from_local_datetime(&time) {
                    chrono::LocalResult::Single(offset) => Ok(offset.fix().local_minus_utc()),
                    chrono::LocalResult::Ambiguous(..) => Err(Kind::TimeAmbiguous),
                    chrono::LocalResult::None => Err(Kind::TimeSkipped),
                }
            }
        }
    }
}

/// Days since 1970 of a date.
pub(crate) fn days(date: NaiveDate) -> i32 {
    date.signed_duration_since(NaiveDate::default()).num_days() as i32
}

/// A date as `2022-12-31`, in days since 1970.
#[inline]
pub(crate) fn date(cell: &[u8]) -> Cell<i32> {
    match day(cell) {
        Some(day) => Cell::Value(day),
        None => match trimmed(cell) {
            [] => Cell::Empty,
            // Sheets have no days, only moments: a day is its midnight.
            cell => day(cell.strip_suffix(b"T00:00:00").unwrap_or(cell))
                .map_or(Cell::Fault(Kind::Type), Cell::Value),
        },
    }
}

#[inline]
fn day(cell: &[u8]) -> Option<i32> {
    let cell: &[u8; 10] = cell.try_into().ok()?;
    if cell[4] != b'-' || cell[7] != b'-' {
        return None;
    }
    let year = two(cell[0], cell[1])? * 100 + two(cell[2], cell[3])?;
    let (month, day) = (two(cell[5], cell[6])?, two(cell[8], cell[9])?);
    if month == 0 || month > 12 || day == 0 || day > month_days(year, month) {
        return None;
    }
    Some(civil(year as i32, month as i32, day as i32))
}

#[inline]
fn two(tens: u8, ones: u8) -> Option<u32> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| u32::from(tens) * 10 + u32::from(ones))
}

fn month_days(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970 of a date of the Gregorian calendar; the year begins in March, so that the leap
/// day is its last.
#[inline]
fn civil(year: i32, month: i32, day: i32) -> i32 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719_468
}

/// Reads times of a column; keeps the offset of the last day, since neighbours mostly share it.
#[derive(Debug)]
pub(crate) struct Clock {
    zone: Zone,
    /// A day on which the offset does not change, and that offset.
    steady: Option<(i64, i32)>,
}

impl Clock {
    pub(crate) fn new(zone: Zone) -> Self {
        Self { zone, steady: None }
    }

    /// A time as `2022-12-31T23:59:59.5+01:00`; `T` may be a blank, seconds and offset may lack,
    /// `24:00` is the next day's beginning. Gives microseconds since 1970 in UTC.
    pub(crate) fn parse(&mut self, cell: &[u8]) -> Cell<i64> {
        let cell = trimmed(cell);
        if cell.is_empty() {
            return Cell::Empty;
        }
        let local = match local(cell) {
            Ok(local) => local,
            Err(kind) => return Cell::Fault(kind),
        };
        let offset = match local.offset.map_or_else(|| self.offset(local.seconds), Ok) {
            Ok(offset) => offset,
            Err(kind) => return Cell::Fault(kind),
        };
        Cell::Value((local.seconds - i64::from(offset)) * MICROS + local.micros)
    }

    fn offset(&mut self, seconds: i64) -> Result<i32, Kind> {
        if let Zone::Fixed(offset) = self.zone {
            return Ok(offset);
        }
        let day = seconds.div_euclid(DAY_SECONDS);
        if let Some((steady, offset)) = self.steady
            && steady == day
        {
            return Ok(offset);
        }
        let offset = self.zone.offset(seconds)?;
        let (first, last) = (day * DAY_SECONDS, (day + 1) * DAY_SECONDS - 1);
        if self.zone.offset(first) == Ok(offset) && self.zone.offset(last) == Ok(offset) {
            self.steady = Some((day, offset));
        }
        Ok(offset)
    }
}

struct Local {
    seconds: i64,
    micros: i64,
    offset: Option<i32>,
}

fn local(cell: &[u8]) -> Result<Local, Kind> {
    let (date, rest) = cell.split_at_checked(10).ok_or(Kind::Type)?;
    let day = day(date).ok_or(Kind::Type)?;
    let [b'T' | b' ', h1, h2, b':', m1, m2, rest @ ..] = rest else { return Err(Kind::Type) };
    let hour = two(*h1, *h2).ok_or(Kind::Type)?;
    let minute = two(*m1, *m2).ok_or(Kind::Type)?;
    let (second, micros, rest) = match rest {
        [b':', s1, s2, rest @ ..] => {
            let second = two(*s1, *s2).ok_or(Kind::Type)?;
            let (micros, rest) = fraction(rest)?;
            (second, micros, rest)
        }
        _ => (0, 0, rest),
    };
    let midnight = hour == 24 && minute == 0 && second == 0 && micros == 0;
    if (hour > 23 && !midnight) || minute > 59 || second > 59 {
        return Err(Kind::Type);
    }
    let offset = match rest {
        [] => None,
        zone => Some(offset(zone).ok_or(Kind::Type)?),
    };
    let seconds = i64::from(day) * DAY_SECONDS + i64::from(hour * 3_600 + minute * 60 + second);
    Ok(Local { seconds, micros, offset })
}

/// Decimals of a second, in microseconds; finer ones must be zero.
fn fraction(rest: &[u8]) -> Result<(i64, &[u8]), Kind> {
    let [b'.', rest @ ..] = rest else { return Ok((0, rest)) };
    let length = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let (digits, rest) = rest.split_at(length);
    if digits.is_empty() {
        return Err(Kind::Type);
    }
    if digits.iter().skip(6).any(|b| *b != b'0') {
        return Err(Kind::DecimalsExcess);
    }
    let micros = (0..6).fold(0, |value, at| value * 10 + i64::from(digits.get(at).map_or(0, |b| b - b'0')));
    Ok((micros, rest))
}

/// `Z`, `+01:00`, `+0100` or `+01`, in seconds east of UTC.
fn offset(zone: &[u8]) -> Option<i32> {
    let (sign, hours, minutes) = match zone {
        [b'Z' | b'z'] => return Some(0),
        [sign @ (b'+' | b'-'), h1, h2] => (sign, two(*h1, *h2)?, 0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] | [sign @ (b'+' | b'-'), h1, h2, m1, m2] => {
            (sign, two(*h1, *h2)?, two(*m1, *m2)?)
        }
        _ => return None,
    };
    let seconds = (hours * 3_600 + minutes * 60) as i32;
    let seconds = if *sign == b'-' { -seconds } else { seconds };
    (minutes < 60).then_some(seconds).filter(|s| FixedOffset::east_opt(*s).is_some())
}
