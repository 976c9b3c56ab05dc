//! What must hold in a pattern before anything is checked against it.

use std::collections::BTreeSet;

use chrono::{FixedOffset, NaiveDate};

use super::{Absent, Column, ColumnType, HEADER_COLUMNS, Pattern, Reference, Role, Rule, Text, compare};
use crate::CodeLists;

/// Longest name of a column or rule: what PostgreSQL and most tools keep.
const NAME_MAX: usize = 63;

/// Statuses that a report may carry (SDMX OBS_STATUS); S is given in releases only.
const STATUSES: [&str; 4] = ["A", "M", "L", "Z"];

const UNIT_LEVELS: [&str; 4] = ["gmina", "powiat", "wojewodztwo", "jednostka"];

/// All that does not hold, each with its field and what to write.
pub(super) fn faults(pattern: &Pattern, lists: &CodeLists) -> Vec<String> {
    let mut faults = Vec::new();
    let mut note = |checked: Result<(), String>| faults.extend(checked.err());
    note(name("id", &pattern.id));
    note(text("title", &pattern.title));
    note(text("description", &pattern.description));
    for (field, value) in [("owner", &pattern.owner), ("licence", &pattern.licence)] {
        if value.trim().is_empty() {
            note(Err(format!("{field}: is empty; say it")));
        }
    }
    if !UNIT_LEVELS.contains(&pattern.unit_level.as_str()) {
        note(Err(format!("unit_level: `{}`; write one of {UNIT_LEVELS:?}", pattern.unit_level)));
    }
    if !pattern.missing_values.iter().any(String::is_empty) {
        note(Err(
            "missingValues of schema.json lacks \"\"; the empty cell always means a missing value".to_owned()
        ));
    }
    for c in &pattern.columns {
        note(column(c, pattern).map_err(|e| format!("columns: `{}`: {e}", c.name)));
    }
    note(names_are_unique(pattern));
    note(key_and_slice(pattern));
    note(period(pattern));
    pattern.references.iter().for_each(|one| note(reference(one, pattern, lists)));
    note(totals(pattern));
    let mut seen = BTreeSet::new();
    pattern.rules.iter().for_each(|one| note(rule(one, pattern, &mut seen)));
    note(compare::validate(pattern));
    faults
}

fn name(field: &str, name: &str) -> Result<(), String> {
    let mut bytes = name.bytes();
    let good = bytes.next().is_some_and(|b| b.is_ascii_lowercase())
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && name.len() <= NAME_MAX;
    if good {
        return Ok(());
    }
    Err(format!(
        "{field}: `{name}`; write ASCII lower snake case that starts with a letter, {NAME_MAX} characters at most"
    ))
}

fn text(field: &str, text: &Text) -> Result<(), String> {
    if text.pl.trim().is_empty() || text.en.trim().is_empty() {
        return Err(format!("{field}: write both pl and en"));
    }
    Ok(())
}

fn totals(pattern: &Pattern) -> Result<(), String> {
    let Some(totals) = &pattern.totals else { return Ok(()) };
    if !pattern.key.contains(&totals.column) {
        return Err(format!("totals: column `{}`; write a column of the key", totals.column));
    }
    match totals.contains.iter().find(|(of, parts)| parts.is_empty() || parts.contains(of)) {
        None if totals.contains.is_empty() => Err("totals: contains: is empty; name a total".to_owned()),
        None => Ok(()),
        Some((of, _)) => {
            Err(format!("totals: contains: `{of}`; write the values of its parts, without its own"))
        }
    }
}

fn column(column: &Column, pattern: &Pattern) -> Result<(), String> {
    name("name", &column.name)?;
    text("title (schema.json) and title_en", &column.title)?;
    header(column)?;
    if let Some(form) = &column.form {
        regex::Regex::new(form).map_err(|e| format!("pattern of schema.json: {e}"))?;
    }
    for (field, limit) in [("minimum", &column.minimum), ("maximum", &column.maximum)] {
        if let Some(limit) = limit {
            is_value(column.kind, limit).map_err(|e| format!("{field}: {e}"))?;
        }
    }
    let is_string = column.kind == ColumnType::String;
    let textual = column.allowed.is_some() || column.form.is_some() || column.checksum.is_some();
    if !is_string && (textual || column.min_length.is_some() || column.max_length.is_some()) {
        return Err("enum, pattern, checksum and lengths are for strings; make it a string or take them out"
            .to_owned());
    }
    if column.allowed.as_ref().is_some_and(Vec::is_empty) {
        return Err("enum: is empty; name the allowed values or take it out".to_owned());
    }
    if let Some(rule) = column.checksum.as_deref().filter(|c| !["regon", "nip"].contains(c)) {
        return Err(format!("checksum: `{rule}`; write regon or nip"));
    }
    match (&column.zone, column.kind) {
        (Some(z), ColumnType::Datetime) => zone(z)?,
        (None, ColumnType::Datetime) => return Err("zone: say it, as +01:00 or Europe/Warsaw".to_owned()),
        (Some(_), _) => return Err("zone: is for datetime columns; take it out".to_owned()),
        (None, _) => {}
    }
    let numeric = matches!(column.kind, ColumnType::Integer | ColumnType::Decimal(..) | ColumnType::Number);
    if column.absent == Absent::Zero && !(numeric && column.role == Role::Measure) {
        return Err("absent: zero is for measures that are numbers; take it out".to_owned());
    }
    status(column, pattern)
}

/// A header column is one that the hub can fill in, and only that.
fn header(column: &Column) -> Result<(), String> {
    let known = HEADER_COLUMNS.iter().find(|(name, _)| *name == column.name);
    match (known, column.header) {
        (None, false) => Ok(()),
        (None, true) => {
            Err(format!("header: the hub can fill in only {:?}; take it out", HEADER_COLUMNS.map(|h| h.0)))
        }
        (Some(_), false) => {
            Err("is the name of a header column; write `header: true` or rename it".to_owned())
        }
        (Some((_, kind)), true) if *kind != column.kind => {
            Err(format!("type: a header column of this name is {kind:?}"))
        }
        (Some(_), true) if column.required => {
            Err("required: a header column is optional; take it out".to_owned())
        }
        (Some(_), true) => Ok(()),
    }
}

fn status(column: &Column, pattern: &Pattern) -> Result<(), String> {
    let Some(measure) = &column.status_of else {
        if column.name.ends_with("__status") {
            return Err("status_of: a name that ends with `__status` needs it; name the measure".to_owned());
        }
        return Ok(());
    };
    if !pattern.columns.iter().any(|c| c.name == *measure && c.role == Role::Measure) {
        return Err(format!("status_of: `{measure}` is no measure of this pattern"));
    }
    if column.name != format!("{measure}__status") {
        return Err(format!("status_of: the column must be named `{measure}__status`"));
    }
    let known = |allowed: &Vec<String>| allowed.iter().all(|v| STATUSES.contains(&v.as_str()));
    if column.allowed.as_ref().is_some_and(known) {
        return Ok(());
    }
    Err(format!("enum of schema.json: a status column allows values among {STATUSES:?}"))
}

/// True when text is a value of a type that has an order.
fn is_value(kind: ColumnType, text: &str) -> Result<(), String> {
    let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    let good = match kind {
        ColumnType::Integer => text.parse::<i64>().is_ok(),
        ColumnType::Decimal(precision, scale) => {
            let (whole, part) = text
                .strip_prefix('-')
                .unwrap_or(text)
                .split_once('.')
                .unwrap_or((text.trim_start_matches('-'), "0"));
            digits(whole)
                && digits(part)
                && (part == "0" || part.len() <= usize::from(scale.unsigned_abs()))
                && whole.len() <= usize::from(precision - scale.unsigned_abs())
        }
        ColumnType::Number => text.parse::<f64>().is_ok_and(f64::is_finite),
        ColumnType::Date => text.parse::<NaiveDate>().is_ok(),
        ColumnType::Datetime | ColumnType::String | ColumnType::Boolean => {
            return Err(format!("limits are not for {kind:?}; take it out"));
        }
    };
    if good { Ok(()) } else { Err(format!("`{text}` is no value of {kind:?}; write one")) }
}

fn zone(zone: &str) -> Result<(), String> {
    let offset = zone.parse::<FixedOffset>().is_ok() && zone.len() == 6;
    if offset || zone.parse::<chrono_tz::Tz>().is_ok() {
        return Ok(());
    }
    Err(format!("zone: `{zone}`; write +01:00 or a name such as Europe/Warsaw"))
}

fn names_are_unique(pattern: &Pattern) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    let names = pattern.columns.iter().flat_map(|c| std::iter::once(&c.name).chain(&c.aliases));
    for name in names.chain(&pattern.set_aside) {
        if !seen.insert(name.to_lowercase()) {
            return Err(format!("columns, aliases, set_aside: `{name}` names two things; keep one"));
        }
    }
    Ok(())
}

fn existing<'a>(pattern: &'a Pattern, field: &str, name: &str) -> Result<&'a Column, String> {
    pattern
        .column(name)
        .ok_or_else(|| format!("{field}: `{name}` is no column; write one of the pattern's columns"))
}

fn key_and_slice(pattern: &Pattern) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for name in &pattern.key {
        let column = existing(pattern, "key", name)?;
        if column.header {
            return Err(format!("key: `{name}` is a header column; it is never part of the key"));
        }
        if !column.required {
            return Err(format!("key: `{name}` may be empty; write `required: true` in schema.json"));
        }
        if !seen.insert(name) {
            return Err(format!("key: `{name}` stands twice; keep one"));
        }
    }
    let Some(slice) = &pattern.slice else { return Ok(()) };
    let column = existing(pattern, "slice", slice)?;
    if column.header || !column.required || column.kind != ColumnType::String {
        return Err(format!("slice: `{slice}` must be a required string that is no header column"));
    }
    if !pattern.key.is_empty() && !pattern.key.contains(slice) {
        return Err(format!("slice: `{slice}` is not in the key; rows of two slices could then share a key"));
    }
    Ok(())
}

fn period(pattern: &Pattern) -> Result<(), String> {
    if pattern.period.frequencies.is_empty() {
        return Err("period.frequencies: is empty; write at least one of A, S, Q, M, D".to_owned());
    }
    let Some(of) = &pattern.period.period_of else { return Ok(()) };
    if pattern.period.cumulative {
        return Err("period: cumulative and period_of exclude each other; keep one".to_owned());
    }
    let column = existing(pattern, "period.period_of.column", &of.column)?;
    if !matches!(column.kind, ColumnType::Date | ColumnType::Datetime) || !column.required {
        return Err(format!("period.period_of.column: `{}` must be a required date or datetime", of.column));
    }
    zone(&of.zone).map_err(|e| format!("period.period_of.{e}"))
}

fn reference(reference: &Reference, pattern: &Pattern, lists: &CodeLists) -> Result<(), String> {
    let place = format!("references: {:?}", reference.columns);
    if reference.columns.is_empty() || reference.columns.len() != reference.list_columns.len() {
        return Err(format!("{place}: write as many columns as list_columns"));
    }
    for name in &reference.columns {
        if existing(pattern, &place, name)?.kind != ColumnType::String {
            return Err(format!("{place}: `{name}` must be a string; codes are text"));
        }
    }
    let list = lists.get(&reference.list).ok_or_else(|| {
        let known: Vec<&str> = lists.iter().map(|l| l.id.as_str()).collect();
        format!("{place}: there is no list `{}`; write one of {known:?}", reference.list)
    })?;
    if let Some(name) = reference.list_columns.iter().find(|c| !list.has_column(c)) {
        return Err(format!("{place}: list `{}` has no column `{name}`", list.id));
    }
    Ok(())
}

fn rule<'a>(rule: &'a Rule, pattern: &Pattern, seen: &mut BTreeSet<&'a str>) -> Result<(), String> {
    let place = format!("rules: `{}`", rule.id);
    rule_texts(&place, &rule.id, [&rule.message, &rule.hint])?;
    if !seen.insert(&rule.id) {
        return Err(format!("{place}: the id stands twice; rename one"));
    }
    if rule.expression.trim().is_empty() {
        return Err(format!("{place}: expression is empty; write an SQL condition over the columns"));
    }
    if rule.columns.is_empty() {
        return Err(format!("{place}: columns is empty; name the columns that the message points to"));
    }
    for column in &rule.columns {
        existing(pattern, &place, column)?;
    }
    Ok(())
}

/// The id of a rule, its message and its hint.
pub(super) fn rule_texts(place: &str, id: &str, [message, hint]: [&Text; 2]) -> Result<(), String> {
    name(&format!("{place}: id"), id)?;
    text(&format!("{place}: message"), message)?;
    text(&format!("{place}: hint"), hint)
}
