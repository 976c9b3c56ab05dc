//! A wide budget table as cities export it: 30 columns, Polish names, quoted texts, empty cells.
//! Wholly drawn, for measurements only.

use std::f64::consts::TAU;
use std::io::{Result, Write};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

/// Columns of the table: i integer, f money, s text, d date.
pub(crate) const COLUMNS: [(&str, char); 30] = [
    ("teryt", 's'),
    ("gmina", 's'),
    ("powiat", 's'),
    ("wojewodztwo", 's'),
    ("rok", 'i'),
    ("miesiac", 'i'),
    ("data_wiersza", 'd'),
    ("dzial", 's'),
    ("rozdzial", 's'),
    ("paragraf", 's'),
    ("nazwa_paragrafu", 's'),
    ("zrodlo", 's'),
    ("plan", 'f'),
    ("plan_po_zmianach", 'f'),
    ("zaangazowanie", 'f'),
    ("wykonanie", 'f'),
    ("naleznosci", 'f'),
    ("zobowiazania", 'f'),
    ("zobowiazania_wymagalne", 'f'),
    ("wydatki_niewygasajace", 'f'),
    ("dotacje", 'f'),
    ("subwencje", 'f'),
    ("srodki_ue", 'f'),
    ("mieszkancy", 'i'),
    ("korekta", 'i'),
    ("status", 's'),
    ("jednostka", 's'),
    ("regon", 's'),
    ("data_zatwierdzenia", 'd'),
    ("uwagi", 's'),
];

/// How often each of the eleven money columns is empty, per cent.
const EMPTY: [u32; 11] = [0, 0, 10, 0, 30, 30, 80, 80, 50, 50, 70];

const VOIVODESHIPS: [&str; 6] =
    ["łódzkie", "śląskie", "małopolskie", "warmińsko-mazurskie", "wielkopolskie", "podkarpackie"];
const SECTIONS: [&str; 10] = ["010", "600", "700", "750", "801", "852", "855", "900", "921", "926"];
/// As they stand in CSV.
const PARAGRAPHS: [&str; 4] = [
    "\"Wydatki bieżące, \"\"pozostałe\"\"\"",
    "Wynagrodzenia osobowe pracowników",
    "\"Zakup usług pozostałych, remontowych\"",
    "Dotacje celowe z budżetu państwa",
];
const SOURCES: [&str; 4] = ["UE", "budżet", "FIO", ""];
const STATES: [&str; 3] = ["zatwierdzone", "robocze", "korekta"];
const REMARKS: [&str; 5] =
    ["", "", "", "\"Korekta po kontroli RIO, uchwała nr XII/34\"", "\"Zmiana \"\"in plus\"\" wg uchwały\""];

/// Writes the table with its header; the same seed gives the same bytes.
pub(crate) fn csv(rows: u64, seed: u64, out: &mut dyn Write) -> Result<()> {
    let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
    writeln!(out, "{}", names.join(","))?;
    let mut draw = StdRng::seed_from_u64(seed);
    (0..rows).try_for_each(|_| row(&mut draw, out))
}

fn row(draw: &mut StdRng, out: &mut dyn Write) -> Result<()> {
    let unit = draw.random_range(0..2_500_u32);
    let code = u64::from(unit) * 4_001 % 3_299_999;
    let (county, voivodeship) = (unit % 314, pick(draw, &VOIVODESHIPS));
    write!(out, "{code:07},Gmina Świętochłowice-{unit},powiat żywiecki {county},{voivodeship},")?;
    write!(out, "{},{},", draw.random_range(2019..2026), draw.random_range(1..=12))?;
    date(draw, out)?;
    write!(out, ",{},", pick(draw, &SECTIONS))?;
    write!(out, "{:05},{:04},", draw.random_range(1_000..93_000), draw.random_range(10..8_999))?;
    write!(out, "{},{}", pick(draw, &PARAGRAPHS), pick(draw, &SOURCES))?;
    for empty in EMPTY {
        out.write_all(b",")?;
        if draw.random_range(0..100) >= empty {
            write!(out, "{:.2}", money(draw))?;
        }
    }
    write!(out, ",{},{}", draw.random_range(1_200..1_800_000), draw.random_range(0..3))?;
    write!(out, ",{},\"Urząd Gminy, ul. Kościuszki {}\"", pick(draw, &STATES), draw.random_range(1..300))?;
    write!(out, ",{:09},", draw.random_range(0..999_999_999))?;
    date(draw, out)?;
    writeln!(out, ",{}", pick(draw, &REMARKS))
}

fn pick<'a>(draw: &mut StdRng, among: &[&'a str]) -> &'a str {
    among[draw.random_range(0..among.len())]
}

/// Log-normal, mean of the logarithm 9, deviation 2: medians about 8,000 złoty, a few hundred millions.
fn money(draw: &mut StdRng) -> f64 {
    let (radius, angle): (f64, f64) = (draw.random_range(f64::EPSILON..1.0), draw.random());
    let normal = (-2.0 * radius.ln()).sqrt() * (TAU * angle).cos();
    normal.mul_add(2.0, 9.0).exp()
}

fn date(draw: &mut StdRng, out: &mut dyn Write) -> Result<()> {
    let (year, month, day) =
        (draw.random_range(2024..2026), draw.random_range(1..=12), draw.random_range(1..=28));
    write!(out, "{year}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_thirty_cells() {
        let table = |seed| {
            let mut out = Vec::new();
            csv(200, seed, &mut out).unwrap();
            out
        };
        assert_eq!(table(7), table(7));
        assert_ne!(table(7), table(8));
        let bytes = table(7);
        let header = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let cells = hub_datasets::csv::Cells::split(&bytes[header..], b',', COLUMNS.len(), 2);
        assert_eq!((cells.rows(), cells.misfits().len()), (200, 0));
    }
}
