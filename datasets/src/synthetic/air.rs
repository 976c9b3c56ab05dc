//! Air quality: as many made-up stations as the rows need, every pollutant, every hour of the period.

use std::io::{Result, Write};

use super::draw::Draw;
use super::{Order, invalid};

/// Pollutants in the order of their measuring posts' codes, with the median of real hours in µg/m3.
const POLLUTANTS: [(&str, f64); 9] = [
    ("C6H6", 1.5),
    ("CO", 450.0),
    ("NO", 8.0),
    ("NO2", 24.0),
    ("NOx", 36.0),
    ("O3", 40.0),
    ("PM10", 32.0),
    ("PM2.5", 24.0),
    ("SO2", 6.0),
];

/// Hours without a value, of a thousand; real stations lack more, mostly in long failures.
const MISSING_PER_MILLE: u64 = 30;

/// Stations have five digits in their code.
const STATIONS_MAX: u64 = 100_000;

pub(super) fn measurements(order: &Order<'_>, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "stanowisko_kod,wskaznik,czas,wartosc,wartosc__status,zatwierdzenie")?;
    let mut draw = Draw::new(order.seed, &[order.publisher_terc6, order.period.label()]);
    let mut left = order.rows;
    for station in 0..STATIONS_MAX {
        for (pollutant, median) in POLLUTANTS {
            if left == 0 {
                return Ok(());
            }
            let post = format!("Syn{}x{station:05}-{pollutant}-1g", order.publisher_terc6);
            left -= hours(order, &post, (pollutant, median), left, &mut draw, out)?;
        }
    }
    if left == 0 {
        return Ok(());
    }
    Err(invalid(format!(
        "{} rows need more than {STATIONS_MAX} stations; choose a longer period",
        order.rows
    )))
}

/// One measuring post, at most `left` hours; gives the number of rows.
fn hours(
    order: &Order<'_>,
    post: &str,
    (pollutant, median): (&str, f64),
    left: u64,
    draw: &mut Draw,
    out: &mut dyn Write,
) -> Result<u64> {
    let mut rows = 0;
    let mut level = 1.0;
    for day in order.period.first_day().iter_days().take_while(|d| order.period.contains(*d)) {
        // A time names the end of its hour, so a day ends with 24:00.
        for hour in 1..=24 {
            if rows == left {
                return Ok(rows);
            }
            // Each hour resembles the one before and drifts back to the median.
            level = f64::powf(level, 0.9) * (0.8 + 0.45 * draw.unit());
            write!(out, "{post},{pollutant},{day} {hour:02}:00,")?;
            if draw.chance(MISSING_PER_MILLE) {
                writeln!(out, ",M,V")?;
            } else {
                writeln!(out, "{:.1},A,V", (median * level).min(9_000.0))?;
            }
            rows += 1;
        }
    }
    Ok(rows)
}
