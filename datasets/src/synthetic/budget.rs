//! Rb-28S and Rb-27S: units with valid made-up REGON numbers, lines from the real classification.

use std::collections::BTreeMap;
use std::io::{Result, Write};

use arrow::array::{Array, StringArray};
use arrow::record_batch::RecordBatch;
use chrono::Datelike;

use super::draw::Draw;
use super::{Order, invalid};
use crate::period::Frequency;

/// Sections that units work in; repeated ones are more frequent.
const SECTIONS: [&str; 12] =
    ["801", "801", "801", "801", "854", "852", "852", "855", "750", "900", "921", "926"];
const CHAPTERS_A_UNIT: usize = 3;

/// Paragraph and fourth digit as real units use them.
const EXPENDITURE: [(&str, &str); 44] = [
    ("240", "0"),
    ("302", "0"),
    ("311", "0"),
    ("324", "0"),
    ("326", "0"),
    ("401", "0"),
    ("401", "7"),
    ("401", "9"),
    ("404", "0"),
    ("411", "0"),
    ("411", "7"),
    ("411", "9"),
    ("412", "0"),
    ("412", "7"),
    ("412", "9"),
    ("414", "0"),
    ("417", "0"),
    ("417", "7"),
    ("421", "0"),
    ("421", "7"),
    ("421", "9"),
    ("422", "0"),
    ("424", "0"),
    ("426", "0"),
    ("427", "0"),
    ("428", "0"),
    ("430", "0"),
    ("430", "7"),
    ("430", "9"),
    ("433", "0"),
    ("436", "0"),
    ("438", "0"),
    ("440", "0"),
    ("441", "0"),
    ("442", "0"),
    ("443", "0"),
    ("444", "0"),
    ("448", "0"),
    ("452", "0"),
    ("470", "0"),
    ("471", "0"),
    ("479", "0"),
    ("480", "0"),
    ("605", "0"),
];
const INCOME: [&str; 20] = [
    "031", "032", "033", "034", "048", "050", "055", "064", "066", "067", "069", "075", "083", "090", "092",
    "094", "095", "096", "097", "201",
];

/// Quantiles of `plan` in złoty in 634 real lines.
const PLAN: [(f64, f64); 7] = [
    (0.0, 50.0),
    (0.05, 600.0),
    (0.25, 4_600.0),
    (0.5, 15_500.0),
    (0.75, 93_000.0),
    (0.95, 670_000.0),
    (1.0, 5_200_000.0),
];

/// Eight-digit serials of units; the ninth digit is the checksum.
const SERIAL_FIRST: u64 = 10_000_000;
const SERIALS_A_START: u64 = 50_000_000;
const SERIAL_LAST: u64 = 99_999_999;

/// One classification line: chapter, group, paragraph, fourth digit.
type Line<'a> = (&'a str, &'a str, &'a str, &'a str);

pub(super) fn expenditure(order: &Order<'_>, out: &mut dyn Write) -> Result<()> {
    writeln!(
        out,
        "jednostka_regon,dzial,rozdzial,grupa,paragraf,p4,plan,zaangazowanie,wykonanie,zobowiazania"
    )?;
    let groups = table(order, "grupy_wydatkow")?;
    let (paragraphs, digits) = (column(&groups, "paragraf")?, column(&groups, "p4")?);
    let names = column(&groups, "grupa")?;
    let group_of: BTreeMap<(&str, &str), &str> =
        (0..groups.num_rows()).map(|i| ((paragraphs.value(i), digits.value(i)), names.value(i))).collect();
    let codes: Vec<(&str, &str, &str)> =
        EXPENDITURE.iter().filter_map(|(p, d)| Some((*group_of.get(&(*p, *d))?, *p, *d))).collect();
    let full = order.period.ends_a(Frequency::Quarter);
    let share = f64::from(order.period.last_day().month()) / 12.0 * 0.95;
    units(order, &codes, 34..=56, &mut |regon, (chapter, group, paragraph, digit), draw| {
        write!(out, "{regon},{},{chapter},{group},{paragraph},{digit},", &chapter[..3])?;
        amounts_of_expenditure(draw, full, share, out)
    })
}

pub(super) fn income(order: &Order<'_>, out: &mut dyn Write) -> Result<()> {
    writeln!(
        out,
        "jednostka_regon,dzial,rozdzial,paragraf,p4,plan,naleznosci,wykonane,naleznosci_pozostale,zaleglosci,nadplaty"
    )?;
    let list = table(order, "paragrafy_dochodow")?;
    let known = column(&list, "paragraf")?;
    let codes: Vec<(&str, &str, &str)> =
        INCOME.iter().filter(|p| known.iter().any(|k| k == Some(**p))).map(|p| ("", *p, "0")).collect();
    let full = order.period.ends_a(Frequency::Quarter);
    let share = f64::from(order.period.last_day().month()) / 12.0;
    units(order, &codes, 4..=9, &mut |regon, (chapter, _, paragraph, digit), draw| {
        write!(out, "{regon},{},{chapter},{paragraph},{digit},", &chapter[..3])?;
        amounts_of_income(draw, full, share, out)
    })
}

/// Goes through units until `rows` lines are written, each unit's lines sorted by key.
fn units(
    order: &Order<'_>,
    codes: &[(&str, &str, &str)],
    lines_a_unit: std::ops::RangeInclusive<u64>,
    line: &mut dyn FnMut(&str, Line<'_>, &mut Draw) -> Result<()>,
) -> Result<()> {
    let chapters = chapters(order)?;
    let mut draw = Draw::new(order.seed, &[order.publisher_terc6, order.period.label()]);
    // The units of a publisher are the same in every period and for every seed.
    let mut serial = SERIAL_FIRST + Draw::new(0, &[order.publisher_terc6]).below(SERIALS_A_START);
    let mut left = order.rows;
    while left > 0 {
        if serial > SERIAL_LAST {
            return Err(invalid(format!("{} rows need more units than there are REGON numbers", order.rows)));
        }
        let regon = regon(serial);
        serial += 1;
        let mut own = Draw::new(0, &[&regon]);
        let own_chapters =
            own.pick(&SECTIONS).and_then(|section| chapters.get(*section)).ok_or_else(|| {
                invalid("the list of chapters lacks a section that synthetic units use".to_owned())
            })?;
        let places = own.positions(own_chapters.len(), CHAPTERS_A_UNIT);
        let room = places.len() * codes.len();
        let spread = lines_a_unit.end() - lines_a_unit.start() + 1;
        let wanted = (lines_a_unit.start() + own.below(spread)).min(left) as usize;
        let chosen = own.positions(room, wanted);
        if chosen.is_empty() {
            return Err(invalid("the code lists of this period hold none of the synthetic lines".to_owned()));
        }
        left -= chosen.len() as u64;
        for position in chosen {
            let chapter = &own_chapters[places[position / codes.len()]];
            let (group, paragraph, digit) = codes[position % codes.len()];
            line(&regon, (chapter, group, paragraph, digit), &mut draw)?;
        }
    }
    Ok(())
}

/// Chapters in force by section, sorted.
fn chapters(order: &Order<'_>) -> Result<BTreeMap<String, Vec<String>>> {
    let list = table(order, "rozdzialy")?;
    let (codes, repealed) = (column(&list, "rozdzial")?, column(&list, "uchylony")?);
    let mut by_section: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (code, repealed) in codes.iter().zip(repealed) {
        if let Some(code) = code.filter(|c| c.len() == 5 && repealed == Some("0")) {
            by_section.entry(code[..3].to_owned()).or_default().push(code.to_owned());
        }
    }
    by_section.values_mut().for_each(|c| c.sort_unstable());
    Ok(by_section)
}

fn table(order: &Order<'_>, list: &str) -> Result<RecordBatch> {
    let list = order.lists.get(list).ok_or_else(|| invalid(format!("there is no code list `{list}`")))?;
    Ok(list.as_of(order.period.last_day()).table.clone())
}

fn column<'a>(table: &'a RecordBatch, name: &str) -> Result<&'a StringArray> {
    let column = table.column_by_name(name).and_then(|c| c.as_any().downcast_ref());
    column.ok_or_else(|| invalid(format!("a code list has no column `{name}`")))
}

/// Plan, commitments, executed, liabilities: executed ≤ commitments ≤ plan, as in every real line.
fn amounts_of_expenditure(draw: &mut Draw, full: bool, share: f64, out: &mut dyn Write) -> Result<()> {
    let plan = plan(draw);
    // 3 of 1,000 real lines have no plan and then nothing else; 7 of 100 nothing but the plan.
    if draw.chance(3) {
        return writeln!(out, ",,,");
    }
    money(plan, out)?;
    if draw.chance(70) {
        return writeln!(out, ",,,");
    }
    let executed = part(plan, (share * (0.8 + 0.25 * draw.unit())).min(1.0));
    let committed = executed + part(plan - executed, draw.unit() * draw.unit());
    out.write_all(b",")?;
    if full {
        money(committed, out)?;
    }
    out.write_all(b",")?;
    money(executed, out)?;
    out.write_all(b",")?;
    if full && draw.chance(340) {
        money(part(plan, 0.15 * draw.unit()), out)?;
    }
    writeln!(out)
}

/// Plan, dues, executed, outstanding, arrears, overpayments: dues = executed + outstanding − overpayments.
fn amounts_of_income(draw: &mut Draw, full: bool, share: f64, out: &mut dyn Write) -> Result<()> {
    let plan = plan(draw);
    money(plan, out)?;
    let executed = part(plan, share * (0.7 + 0.5 * draw.unit()));
    if !full {
        write!(out, ",,")?;
        money(executed, out)?;
        return writeln!(out, ",,,");
    }
    let outstanding = if draw.chance(170) { part(plan, 0.2 * draw.unit()) } else { 0 };
    let arrears = if draw.chance(700) { part(outstanding, draw.unit()) } else { 0 };
    let overpaid = if draw.chance(25) { part(executed, 0.05 * draw.unit()) } else { 0 };
    for amount in [executed + outstanding - overpaid, executed, outstanding, arrears, overpaid] {
        out.write_all(b",")?;
        if amount != 0 {
            money(amount, out)?;
        }
    }
    writeln!(out)
}

/// A plan in grosze; 98 % of real plans are whole złoty.
fn plan(draw: &mut Draw) -> i64 {
    let plan = draw.quantile(&PLAN);
    if draw.chance(980) { plan.round() as i64 * 100 } else { (plan * 100.0).round() as i64 }
}

fn part(amount: i64, share: f64) -> i64 {
    (amount as f64 * share) as i64
}

fn money(grosze: i64, out: &mut dyn Write) -> Result<()> {
    write!(out, "{}.{:02}", grosze / 100, grosze % 100)
}

/// Nine digits: the serial and its checksum (weights 8 9 2 3 4 5 6 7, modulo 11, 10 is written 0).
pub(super) fn regon(serial: u64) -> String {
    let digits = format!("{serial:08}");
    let sum: u64 = digits.bytes().zip([8, 9, 2, 3, 4, 5, 6, 7]).map(|(d, w)| u64::from(d - b'0') * w).sum();
    format!("{digits}{}", sum % 11 % 10)
}
