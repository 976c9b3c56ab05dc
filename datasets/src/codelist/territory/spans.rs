//! Units with the days on which they are as they are.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::changes::Change;
use super::{Register, Unit};

/// From which day to which a unit was as it is told; the last day is the first on which it was not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) unit: Unit,
    pub(super) from: NaiveDate,
    pub(super) to: Option<NaiveDate>,
    /// The day of the register that tells it; None: only a change does.
    pub(super) register: Option<NaiveDate>,
}

/// Today's division of the country began on this day.
fn beginning() -> NaiveDate {
    NaiveDate::from_ymd_opt(1999, 1, 1).unwrap_or_default()
}

pub(super) fn spans(registers: &[Register], announced: &[Change]) -> Vec<Span> {
    let mut spans: BTreeMap<String, Vec<Span>> = BTreeMap::new();
    for (at, register) in registers.iter().enumerate() {
        let from = if at == 0 { beginning() } else { register.from };
        let next = registers.get(at + 1);
        for unit in register.units.values() {
            let span = Span {
                unit: unit.clone(),
                from,
                to: next.map(|next| next.from),
                register: Some(register.from),
            };
            let of = spans.entry(unit.terc6.clone()).or_default();
            let renamed = announced.iter().find(|change| {
                change.kind == "renamed"
                    && change.old_code() == unit.terc6
                    && change.day > from
                    && next.is_some_and(|next| change.day < next.from)
            });
            let new_name = next.and_then(|next| next.unit(&unit.terc6)).map(|unit| unit.name.clone());
            match (renamed, new_name) {
                (Some(change), Some(name)) => {
                    push(of, Span { to: Some(change.day), ..span.clone() });
                    push(of, Span { from: change.day, unit: Unit { name, ..unit.clone() }, ..span });
                }
                _ => push(of, span),
            }
        }
    }
    for change in announced.iter().filter(|change| change.kind == "merged") {
        let known = spans.contains_key(change.old_code());
        if let Some(span) = gone(change, registers).filter(|_| !known) {
            spans.insert(change.old_code().to_owned(), vec![span]);
        }
    }
    spans.into_values().flatten().collect()
}

/// Adds a span; one that tells the same as the one before it makes that longer.
fn push(spans: &mut Vec<Span>, span: Span) {
    match spans.last_mut() {
        Some(last) if last.unit == span.unit && last.to == Some(span.from) => last.to = span.to,
        _ => spans.push(span),
    }
}

/// A unit that was gone before the oldest register.
fn gone(change: &Change, registers: &[Register]) -> Option<Span> {
    let (old, heir) = (change.old.as_ref()?, registers.first()?.unit(change.new_code())?);
    let unit = Unit {
        terc6: old.terc6.clone(),
        level: heir.level.clone(),
        rodz: old.rodz.clone(),
        name: old.name.clone(),
        powiat: heir.powiat.clone().filter(|(code, _)| old.terc6.starts_with(code.as_str())),
        voivodeship: heir.voivodeship.clone(),
    };
    Some(Span { unit, from: beginning(), to: Some(change.day), register: None })
}
