//! Columns beside those of the version before.

use super::{Change, Found, Step};
use crate::pattern::{Absent, Column, ColumnType, Pattern};

pub(super) fn compare(old: &Pattern, new: &Pattern, found: &mut Found) {
    for before in &old.columns {
        let place = format!("columns: {}", before.name);
        match new.column(&before.name) {
            Some(now) => column(&place, before, now, found),
            None => {
                found.add(Step::Major, Change::ColumnRemoved, place, "files that hold it would be refused")
            }
        }
    }
    for now in new.columns.iter().filter(|now| old.column(&now.name).is_none()) {
        let place = format!("columns: {}", now.name);
        let may_lack = !now.required || now.header || now.absent == Absent::Zero || now.status_of.is_some();
        match may_lack {
            true => found.add(Step::Minor, Change::ColumnAdded, place, "a new column that a file may lack"),
            false => {
                let message = "a new column that a file must hold; make it optional, or take a major step";
                found.add(Step::Major, Change::ColumnAdded, place, message);
            }
        }
    }
}

fn column(place: &str, old: &Column, new: &Column, found: &mut Found) {
    let major = |change| (Step::Major, change);
    found.other(major(Change::TypeChanged), place, "the type", (&old.kind, &new.kind));
    match (old.required, new.required) {
        (false, true) => {
            found.add(Step::Major, Change::RequiredAdded, place, "a cell could be empty and may not be")
        }
        (true, false) => found.add(Step::Minor, Change::RequiredDropped, place, "a cell may be empty now"),
        _ => {}
    }
    found.other(
        major(Change::EmptyMeansOther),
        place,
        "what an empty cell means",
        (&old.absent, &new.absent),
    );
    found.other(major(Change::MeaningChanged), place, "the role", (&old.role, &new.role));
    found.other(major(Change::MeaningChanged), place, "the unit", (&old.unit, &new.unit));
    found.other(
        major(Change::MeaningChanged),
        place,
        "the aggregation",
        (&old.aggregation, &new.aggregation),
    );
    found.other(major(Change::MeaningChanged), place, "the zone", (&old.zone, &new.zone));
    found.other(
        major(Change::MeaningChanged),
        place,
        "the measure of the status",
        (&old.status_of, &new.status_of),
    );
    found.other(
        major(Change::OpennessChanged),
        place,
        "who may see it",
        (&old.sensitivity, &new.sensitivity),
    );
    let open = (&old.open_rule, &new.open_rule);
    found.other(major(Change::OpennessChanged), place, "what the open extract does with it", open);
    values(place, old, new, found);
    let text = (Step::Patch, Change::TextChanged);
    found.other(text, place, "the title", (&old.title, &new.title));
    found.other(text, place, "the description", (&old.description, &new.description));
    found.other(text, place, "the example", (&old.example, &new.example));
}

/// Which values a column takes.
fn values(place: &str, old: &Column, new: &Column, found: &mut Found) {
    allowed(place, old, new, found);
    let kind = old.kind;
    bound(place, "the least value", (number(&old.minimum, kind), number(&new.minimum, kind)), true, found);
    bound(
        place,
        "the greatest value",
        (number(&old.maximum, kind), number(&new.maximum, kind)),
        false,
        found,
    );
    let length = |length: Option<usize>| length.map(|length| (length as f64, length.to_string()));
    bound(place, "the least length", (length(old.min_length), length(new.min_length)), true, found);
    bound(place, "the greatest length", (length(old.max_length), length(new.max_length)), false, found);
    for (what, old, new) in [("form", &old.form, &new.form), ("checksum", &old.checksum, &new.checksum)] {
        match (old, new) {
            (Some(old), None) => {
                let message = format!("the {what} {old} is not asked for any more");
                found.add(Step::Minor, Change::ValuesWidened, place, message);
            }
            // Whether one expression takes all that another does no machine tells.
            (old, Some(new)) if old.as_ref() != Some(new) => {
                let message =
                    format!("the {what} must be {new}, it was {}", old.as_deref().unwrap_or("free"));
                found.add(Step::Major, Change::ValuesNarrowed, place, message);
            }
            _ => {}
        }
    }
}

fn allowed(place: &str, old: &Column, new: &Column, found: &mut Found) {
    match (&old.allowed, &new.allowed) {
        (None, Some(new)) => {
            let message = format!("any value was taken, now only {}", new.join(", "));
            found.add(Step::Major, Change::ValuesNarrowed, place, message);
        }
        (Some(_), None) => found.add(Step::Minor, Change::ValuesWidened, place, "any value is taken now"),
        (Some(old), Some(new)) => {
            let lacks = |in_one: &[String], other: &[String]| {
                in_one.iter().filter(|value| !other.contains(value)).cloned().collect::<Vec<_>>().join(", ")
            };
            let (gone, more) = (lacks(old, new), lacks(new, old));
            if !gone.is_empty() {
                found.add(Step::Major, Change::ValuesNarrowed, place, format!("not taken any more: {gone}"));
            }
            if !more.is_empty() {
                found.add(Step::Minor, Change::ValuesWidened, place, format!("taken now: {more}"));
            }
        }
        (None, None) => {}
    }
}

/// A bound as a number by which it is compared, and as it is written.
type Bound = Option<(f64, String)>;

/// A bound as it is compared: dates by their digits, which keeps their order.
fn number(bound: &Option<String>, kind: ColumnType) -> Bound {
    let text = bound.as_ref()?;
    let digits = if kind == ColumnType::Date { text.replace('-', "") } else { text.clone() };
    Some((digits.parse().unwrap_or(f64::NAN), text.clone()))
}

fn bound(place: &str, what: &str, (old, new): (Bound, Bound), is_least: bool, found: &mut Found) {
    let said = |bound: &Bound| bound.as_ref().map_or("none", |(_, text)| text.as_str()).to_owned();
    if said(&old) == said(&new) {
        return;
    }
    let is_wider = match (&old, &new) {
        (_, None) => true,
        (Some((old, _)), Some((new, _))) => {
            if is_least {
                new <= old
            } else {
                new >= old
            }
        }
        (None, Some(_)) => false,
    };
    let message = format!("{what} was {} and is {}", said(&old), said(&new));
    match is_wider {
        true => found.add(Step::Minor, Change::ValuesWidened, place, message),
        false => found.add(Step::Major, Change::ValuesNarrowed, place, message),
    }
}
