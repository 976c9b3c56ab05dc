//! Organisations of the territorial register: each unit that reports gets its opaque id once, and its
//! TERC as a dated attribute.

use std::collections::BTreeMap;

use arrow::array::{Array as _, StringArray};
use chrono::{Days, NaiveDate};
use hub_datasets::CodeLists;
use hub_datasets::codelist::CodeListVersion;

use super::IdentityError;
use crate::catalog::{Catalog, Identifier, Organisation};

/// One version of the register: the day from which it holds, and its units.
#[derive(Debug)]
pub(super) struct Register {
    pub(super) valid_from: NaiveDate,
    pub(super) units: Vec<Unit>,
}

/// A unit that reports. Types 4, 5, 8 and 9 are parts of one and no unit.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    pub(super) id: String,
    pub(super) kind: &'static str,
    pub(super) name: String,
    /// Scheme and value.
    pub(super) codes: Vec<(&'static str, String)>,
}

/// Mints gmina-<terc6>, powiat-<terc4> and wojewodztwo-<terc2> for all units of all versions of the list
/// `terc`, in one transaction; gives their number. A city with county rights is one organisation on two
/// levels, its gmina. What exists keeps its id, its kind and its identifiers of other schemes.
pub(crate) async fn mint_from_terc(catalog: &Catalog, lists: &CodeLists) -> Result<usize, IdentityError> {
    let list = lists.get("terc").ok_or_else(|| no_register("the list `terc` lacks"))?;
    let registers = list.versions.iter().map(read_register).collect::<Result<Vec<_>, _>>()?;
    let mut organisations = organisations(&registers);
    let held = catalog.all_organisations().await?;
    let held: BTreeMap<&str, &Organisation> = held.iter().map(|one| (one.id.as_str(), one)).collect();
    for organisation in &mut organisations {
        if let Some(held) = held.get(organisation.id.as_str()) {
            organisation.kind.clone_from(&held.kind);
            let others = held.identifiers.iter().filter(|one| !one.scheme.starts_with("terc"));
            organisation.identifiers.extend(others.cloned());
        }
    }
    organisations
        .retain(|organisation| held.get(organisation.id.as_str()).is_none_or(|held| *held != organisation));
    catalog.put_organisations(&organisations).await?;
    Ok(organisations.len())
}

/// All units of all registers, each with the days on which its codes hold. The registers are snapshots:
/// a unit that only one of two holds may have begun or ended on any day between them, so its code holds
/// on all of those days.
pub(super) fn organisations(registers: &[Register]) -> Vec<Organisation> {
    let mut found: BTreeMap<&str, (usize, usize, &Unit)> = BTreeMap::new();
    for (at, register) in registers.iter().enumerate() {
        for unit in &register.units {
            let entry = found.entry(&unit.id).or_insert((at, at, unit));
            // Names change; the newest register's is the one that people know.
            (entry.1, entry.2) = (at, unit);
        }
    }
    let dated = |first: usize, last: usize| {
        let before = first.checked_sub(1).and_then(|before| registers.get(before));
        let after = registers.get(last + 1);
        (
            before.map(|register| register.valid_from + Days::new(1)),
            after.map(|register| register.valid_from - Days::new(1)),
        )
    };
    found
        .into_values()
        .map(|(first, last, unit)| {
            let (valid_from, valid_to) = dated(first, last);
            let identifiers = unit.codes.iter().map(|(scheme, value)| Identifier {
                scheme: (*scheme).to_owned(),
                value: value.clone(),
                valid_from,
                valid_to,
            });
            Organisation {
                id: unit.id.clone(),
                name: unit.name.clone(),
                kind: unit.kind.to_owned(),
                identifiers: identifiers.collect(),
            }
        })
        .collect()
}

fn read_register(version: &CodeListVersion) -> Result<Register, IdentityError> {
    let column = |name: &str| {
        let column =
            version.table.column_by_name(name).and_then(|c| c.as_any().downcast_ref::<StringArray>());
        column.ok_or_else(|| no_register(&format!("the list `terc` has no text column `{name}`")))
    };
    let (woj, pow, gmi, rodz) = (column("woj")?, column("pow")?, column("gmi")?, column("rodz")?);
    let (name, kind) = (column("nazwa")?, column("nazwa_dod")?);
    let cell = |column: &'_ StringArray, row: usize| -> String {
        if column.is_null(row) { String::new() } else { column.value(row).to_owned() }
    };
    let units = (0..version.table.num_rows()).filter_map(|row| {
        let code = [cell(woj, row), cell(pow, row), cell(gmi, row), cell(rodz, row)];
        unit(&code, &cell(name, row), &cell(kind, row))
    });
    Ok(Register { valid_from: version.valid_from, units: units.collect() })
}

/// The unit of one line of the register, if it is one that reports.
pub(super) fn unit([woj, pow, gmi, rodz]: &[String; 4], name: &str, kind: &str) -> Option<Unit> {
    let city = pow.as_str() >= "61";
    if pow.is_empty() {
        return Some(Unit {
            id: format!("wojewodztwo-{woj}"),
            kind: "wojewodztwo",
            name: format!("województwo {}", name.to_lowercase()),
            codes: vec![("terc6", format!("{woj}0000")), ("terc2", woj.clone())],
        });
    }
    if gmi.is_empty() {
        return (!city).then(|| Unit {
            id: format!("powiat-{woj}{pow}"),
            kind: "powiat",
            name: format!("powiat {name}"),
            codes: vec![("terc6", format!("{woj}{pow}00")), ("terc4", format!("{woj}{pow}"))],
        });
    }
    if !matches!(rodz.as_str(), "1" | "2" | "3") {
        return None;
    }
    let mut codes = vec![("terc6", format!("{woj}{pow}{gmi}"))];
    if city {
        codes.push(("terc4", format!("{woj}{pow}")));
    }
    Some(Unit {
        id: format!("gmina-{woj}{pow}{gmi}"),
        kind: "gmina",
        name: format!("{name} ({kind})"),
        codes,
    })
}

fn no_register(message: &str) -> IdentityError {
    IdentityError::Refused(format!("the territorial register cannot be read: {message}"))
}
