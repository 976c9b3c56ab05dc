//! Lists whose official file is shorter than the table that programs need.

use std::collections::{BTreeMap, BTreeSet};

use super::table::Table;

/// First digits of paragraphs of current expenditure in Dz.U. 2022 poz. 513: grants (2), benefits (3), running costs (4).
const CURRENT: [char; 3] = ['2', '3', '4'];

/// In a group's row: the current paragraphs that no other group takes.
const REST: &str = "*pozostałe bieżące";

/// TERC as published plus `terc7`, `terc6`, `level` and the names of the higher units.
///
/// `terc6` is given once per unit that reports, so that a join by it never doubles a row: parts of a
/// gmina (types 4, 5, 8, 9) and the powiat row of a city with county rights (61–99) have none.
pub(super) fn terc(register: &Table) -> Result<Table, String> {
    let at = |name| register.position(name);
    let (woj, pow, gmi, rodz) = (at("woj")?, at("pow")?, at("gmi")?, at("rodz")?);
    let (name, kind, day) = (at("nazwa")?, at("nazwa_dod")?, at("stan_na")?);
    let mut names: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    for row in register.rows.iter().filter(|r| r[gmi].is_empty()) {
        names.insert((&row[woj], &row[pow]), &row[name]);
    }
    let mut rows = Vec::with_capacity(register.rows.len());
    for row in &register.rows {
        let level = match (row[pow].is_empty(), row[gmi].is_empty(), row[rodz].as_str()) {
            (true, _, _) => "wojewodztwo",
            (_, true, _) => "powiat",
            (_, _, "1" | "2" | "3") => "gmina",
            _ => "czesc",
        };
        let terc6 = match level {
            "wojewodztwo" => format!("{}0000", row[woj]),
            "powiat" if row[pow].as_str() < "61" => format!("{}{}00", row[woj], row[pow]),
            "gmina" => format!("{}{}{}", row[woj], row[pow], row[gmi]),
            _ => String::new(),
        };
        let voivodeship = names
            .get(&(row[woj].as_str(), ""))
            .ok_or_else(|| format!("has no row of voivodeship {}", row[woj]))?;
        let powiat =
            if row[pow].is_empty() { None } else { names.get(&(row[woj].as_str(), row[pow].as_str())) };
        rows.push(vec![
            format!("{}{}{}{}", row[woj], row[pow], row[gmi], row[rodz]),
            terc6,
            row[woj].clone(),
            row[pow].clone(),
            row[gmi].clone(),
            row[rodz].clone(),
            row[name].clone(),
            row[kind].clone(),
            level.to_owned(),
            voivodeship.to_lowercase(),
            powiat.map(|p| (*p).to_owned()).unwrap_or_default(),
            row[day].clone(),
        ]);
    }
    let header = "terc7,terc6,woj,pow,gmi,rodz,nazwa,nazwa_dod,level,wojewodztwo,powiat,stan_na";
    Ok(Table { header: header.split(',').map(str::to_owned).collect(), rows })
}

/// One row per (paragraf, p4, grupa) from the table of groups, sorted.
pub(super) fn expenditure_groups(groups: &Table, paragraphs: &Table) -> Result<Table, String> {
    let at = |name| groups.position(name);
    let (group, title, members, digits) = (at("grupa")?, at("nazwa_skrocona")?, at("paragrafy")?, at("p4")?);
    let known: Vec<&str> = {
        let column = paragraphs.position("paragraf")?;
        paragraphs.rows.iter().map(|r| r[column].as_str()).collect()
    };
    let mut taken: BTreeMap<(String, char), &Vec<String>> = BTreeMap::new();
    for row in groups.rows.iter().filter(|r| r[members] != REST) {
        for paragraph in ranges(&row[members])? {
            for digit in fourth_digits(&row[digits])? {
                if let Some(other) = taken.insert((paragraph.clone(), digit), row) {
                    return Err(format!(
                        "groups {} and {} both take {paragraph}{digit}",
                        other[group], row[group]
                    ));
                }
            }
        }
    }
    let listed: BTreeSet<(String, char)> = taken.keys().cloned().collect();
    for row in groups.rows.iter().filter(|r| r[members] == REST) {
        for paragraph in known.iter().filter(|p| p.starts_with(CURRENT)) {
            for digit in fourth_digits(&row[digits])? {
                let key = ((*paragraph).to_owned(), digit);
                if !listed.contains(&key) {
                    taken.insert(key, row);
                }
            }
        }
    }
    // A range of the act may hold codes that are not in force; only known paragraphs are values.
    let rows = taken
        .into_iter()
        .filter(|((paragraph, _), _)| known.contains(&paragraph.as_str()))
        .map(|((paragraph, digit), row)| {
            vec![paragraph, digit.to_string(), row[group].clone(), row[title].clone()]
        })
        .collect();
    Ok(Table { header: ["paragraf", "p4", "grupa", "nazwa"].map(str::to_owned).to_vec(), rows })
}

/// `401,404-412` as single codes.
fn ranges(text: &str) -> Result<Vec<String>, String> {
    let mut codes = Vec::new();
    for part in text.split(',').map(str::trim) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let number = |code: &str| {
            code.parse::<u16>().ok().filter(|_| code.len() == 3).ok_or_else(|| {
                format!("`{part}` is no paragraph; write three digits or a range such as 404-412")
            })
        };
        codes.extend((number(first)?..=number(last)?).map(|n| format!("{n:03}")));
    }
    Ok(codes)
}

/// `1,5,7,8` or `*`.
fn fourth_digits(text: &str) -> Result<Vec<char>, String> {
    if text == "*" {
        return Ok(('0'..='9').collect());
    }
    text.split(',')
        .map(|d| match d.trim().as_bytes() {
            [digit @ b'0'..=b'9'] => Ok(char::from(*digit)),
            _ => Err(format!("`{d}` is no fourth digit; write digits separated by commas, or *")),
        })
        .collect()
}
