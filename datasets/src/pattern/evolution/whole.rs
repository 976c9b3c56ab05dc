//! What a pattern says as a whole.

use std::collections::BTreeMap;

use super::{Change, Found, Step};
use crate::pattern::Pattern;

pub(super) fn compare(old: &Pattern, new: &Pattern, found: &mut Found) {
    let major = |change| (Step::Major, change);
    found.other(major(Change::KeyChanged), "key", "the key of a row", (&old.key, &new.key));
    found.other(
        major(Change::SliceChanged),
        "slice",
        "the part that is corrected on its own",
        (&old.slice, &new.slice),
    );
    let openness = (&old.sensitivity, &new.sensitivity);
    found.other(major(Change::OpennessChanged), "sensitivity", "who may see it", openness);
    found.other(major(Change::TermsChanged), "licence", "the licence", (&old.licence, &new.licence));
    let minor = (Step::Minor, Change::TermsChanged);
    found.other(minor, "unit_level", "who is expected to report", (&old.unit_level, &new.unit_level));
    found.other(minor, "owner", "who answers for it", (&old.owner, &new.owner));
    let text = (Step::Patch, Change::TextChanged);
    found.other(text, "family", "the family", (&old.family, &new.family));
    found.other(text, "title", "the title", (&old.title, &new.title));
    found.other(text, "description", "the description", (&old.description, &new.description));
    found.other(text, "totals", "the rows that hold others", (&old.totals, &new.totals));
    found.other(text, "legal_basis", "the legal basis", (&old.legal_basis, &new.legal_basis));
    periods(old, new, found);
    markers(old, new, found);
    names(old, new, found);
    documents(&read_by(old), &read_by(new), found);
}

fn periods(old: &Pattern, new: &Pattern, found: &mut Found) {
    let (old, new) = (&old.period, &new.period);
    for frequency in old.frequencies.iter().filter(|one| !new.frequencies.contains(one)) {
        let message = format!("{} was taken and is not", frequency.letter());
        found.add(Step::Major, Change::PeriodsNarrowed, "period: frequencies", message);
    }
    for frequency in new.frequencies.iter().filter(|one| !old.frequencies.contains(one)) {
        let message = format!("{} is taken now", frequency.letter());
        found.add(Step::Minor, Change::PeriodsWidened, "period: frequencies", message);
    }
    let major = (Step::Major, Change::PeriodChanged);
    found.other(major, "period: cumulative", "whether amounts cumulate", (&old.cumulative, &new.cumulative));
    let of = |rule: &crate::pattern::PeriodRule| rule.period_of.as_ref().map(|of| format!("{of:?}"));
    found.other(major, "period: period_of", "the column of the period", (&of(old), &of(new)));
}

/// Texts that mean an empty cell.
fn markers(old: &Pattern, new: &Pattern, found: &mut Found) {
    for marker in old.missing_values.iter().filter(|one| !new.missing_values.contains(one)) {
        let message = format!("`{marker}` meant an empty cell and does not");
        found.add(Step::Major, Change::MarkerDropped, "missingValues", message);
    }
    for marker in new.missing_values.iter().filter(|one| !old.missing_values.contains(one)) {
        let message = format!("`{marker}` means an empty cell now");
        found.add(Step::Major, Change::MarkerAdded, "missingValues", message);
    }
}

/// Names under which a file may carry columns: own names, aliases, titles, and those that are set aside.
fn names(old: &Pattern, new: &Pattern, found: &mut Found) {
    let (before, now) = (crate::check::names_of(old), crate::check::names_of(new));
    for (name, stands_for) in &before {
        match now.get(name) {
            Some(same) if same == stands_for => {}
            // Told with the column itself.
            None if stands_for.as_ref().is_some_and(|column| new.column(column).is_none()) => {}
            Some(_) | None => {
                let of = stands_for.as_deref().unwrap_or("a column that is set aside");
                let message =
                    format!("a file may name {of} `{name}`, and could not any more; keep it as an alias");
                found.add(Step::Major, Change::NameDropped, "columns, aliases, titles, set_aside", message);
            }
        }
    }
    for (name, stands_for) in now.iter().filter(|(name, _)| !before.contains_key(*name)) {
        let is_new = stands_for.as_ref().is_some_and(|column| old.column(column).is_none());
        if !is_new {
            let of = stands_for.as_deref().unwrap_or("a column that is set aside");
            let message = format!("a file may name {of} `{name}` now");
            found.add(Step::Minor, Change::NameAdded, "columns, aliases, titles, set_aside", message);
        }
    }
}

/// How documents and tables of other systems are read, with columns by their names: places move with new columns.
fn read_by(pattern: &Pattern) -> BTreeMap<String, String> {
    let column = |at: usize| pattern.columns.get(at).map_or("", |column| column.name.as_str());
    let documents = pattern.mappings.iter().map(|of| {
        let fields: Vec<_> = of
            .fields
            .iter()
            .map(|field| (column(field.column), &field.from, field.omit_zero, &field.date))
            .collect();
        let said = (of.form, &of.rows, fields, &of.constants, &of.slice_label, &of.set_aside);
        (format!("mappings: {}", of.id), format!("{said:?}"))
    });
    let tables = pattern.tables.iter().map(|of| {
        let fields: Vec<_> = of
            .fields
            .iter()
            .map(|field| (column(field.column), &field.parts, &field.take, &field.values))
            .collect();
        let said = (&of.columns, &of.unpivot, &of.settings, &of.file_name, fields, &of.set_aside);
        (format!("tables: {}", of.id), format!("{said:?}{}", of.other_periods_aside))
    });
    documents.chain(tables).collect()
}

/// Documents and tables of other systems. What a changed one still reads no machine can tell.
fn documents(old: &BTreeMap<String, String>, new: &BTreeMap<String, String>, found: &mut Found) {
    for (place, before) in old {
        match new.get(place) {
            None => {
                found.add(Step::Major, Change::DocumentDropped, place, "such files were read and are not")
            }
            Some(now) if now != before => {
                let message = "it reads otherwise; files that were read may be refused";
                found.add(Step::Major, Change::DocumentChanged, place, message);
            }
            Some(_) => {}
        }
    }
    for place in new.keys().filter(|place| !old.contains_key(*place)) {
        found.add(Step::Minor, Change::DocumentAdded, place, "such files are read now");
    }
}
