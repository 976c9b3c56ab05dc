//! Tables of other systems that hold a pattern's rows under other names, over several columns, or without what is
//! the same in all of them.

use std::collections::BTreeMap;

use regex::Regex;
use serde::Deserialize;

use super::file::{TextFile, yaml_file};
use super::{Absent, Pattern, PatternError, Text};
use crate::Settings;

/// How a table of another system holds a pattern's rows.
#[derive(Debug, Clone)]
pub struct TableMapping {
    /// As the file is named: `wios_wroclaw`.
    pub id: String,
    /// Name of the table, for people.
    pub title: Text,
    /// Names of columns, all of which such a table has.
    pub columns: Vec<String>,
    /// Columns that make a row each.
    pub unpivot: Option<Unpivot>,
    /// What the table does not say.
    pub settings: Vec<Setting>,
    /// Where settings stand in a file's name.
    pub file_name: Option<Regex>,
    /// What makes each column.
    pub fields: Vec<TableField>,
    /// Columns that are left out by name.
    pub set_aside: Vec<String>,
    /// Rows of other periods than the submission's are set aside, not refused.
    pub other_periods_aside: bool,
}

/// Columns of a table that make a row each.
#[derive(Debug, Clone)]
pub struct Unpivot {
    /// Their names; what its groups catch are parts of a row's texts.
    pub column: Regex,
    /// Names among them that are left out.
    pub set_aside: Option<Regex>,
}

/// What a table does not say, and its file's name or the sender does.
#[derive(Debug, Clone)]
pub struct Setting {
    /// By which it is set.
    pub name: String,
    /// What it is, for people.
    pub title: Text,
    /// What stands for some values.
    pub values: BTreeMap<String, String>,
    /// The value when nobody says one.
    pub default: Option<String>,
}

/// What makes a column.
#[derive(Debug, Clone)]
pub struct TableField {
    /// The pattern's column, by its place.
    pub column: usize,
    /// Texts and parts, in their order.
    pub parts: Vec<Part>,
    /// Of what the parts make, what its group catches.
    pub take: Option<Regex>,
    /// What stands for some values.
    pub values: BTreeMap<String, String>,
}

/// A part of a column's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// As it stands.
    Text(String),
    /// A cell of the row, by the name of its column.
    Cell(String),
    /// A setting, or what a group of the unpivoted column's name caught.
    Named(String),
    /// The cell of the unpivoted column.
    Value,
    /// The line of the file.
    Line,
}

impl Pattern {
    /// What was set, and what a file's name says besides, for the tables of this pattern.
    pub fn settings_of(&self, file: &str, set: &Settings) -> Settings {
        let mut settings = set.clone();
        for table in &self.tables {
            let Some(form) = &table.file_name else { continue };
            let Some(found) = form.captures(file) else { continue };
            for name in form.capture_names().flatten().filter(|name| set.get(name).is_none()) {
                if let Some(value) = found.name(name) {
                    settings.set(name, value.as_str());
                }
            }
        }
        settings
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TableFile {
    id: String,
    title: TextFile,
    columns: Vec<String>,
    unpivot: Option<UnpivotFile>,
    #[serde(default)]
    settings: Vec<SettingFile>,
    file_name: Option<String>,
    fields: Vec<FieldFile>,
    #[serde(default)]
    set_aside: Vec<String>,
    #[serde(default)]
    other_periods_aside: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UnpivotFile {
    column: String,
    set_aside: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SettingFile {
    name: String,
    title: TextFile,
    #[serde(default)]
    values: BTreeMap<String, String>,
    default: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldFile {
    column: String,
    text: String,
    take: Option<String>,
    #[serde(default)]
    values: BTreeMap<String, String>,
}

/// The id of a table by its file within the pattern's folder: `wios_wroclaw` of `tables/wios_wroclaw.yaml`.
pub(super) fn table_id(name: &str) -> Option<&str> {
    name.strip_prefix("tables/")?.strip_suffix(".yaml").filter(|id| !id.contains('/'))
}

/// Reads and validates one table of a pattern.
pub(super) fn table(path: &str, bytes: &[u8], pattern: &Pattern) -> Result<TableMapping, PatternError> {
    let file: TableFile = yaml_file(path, bytes)?;
    if !path.ends_with(&format!("/{}.yaml", file.id)) {
        return Err(PatternError::new(path, format!("id: `{}`; write as the file is named", file.id)));
    }
    assemble(file, pattern).map_err(|message| PatternError::new(path, message))
}

fn regex(field: &str, text: &str) -> Result<Regex, String> {
    Regex::new(text).map_err(|e| format!("{field}: {e}"))
}

fn assemble(file: TableFile, pattern: &Pattern) -> Result<TableMapping, String> {
    if file.columns.is_empty() {
        return Err("columns: is empty; name the columns by which such a table is known".to_owned());
    }
    let unpivot = file.unpivot.map(|unpivot| {
        let set_aside = unpivot.set_aside.as_deref().map(|text| regex("unpivot: set_aside", text));
        Ok::<_, String>(Unpivot {
            column: regex("unpivot: column", &unpivot.column)?,
            set_aside: set_aside.transpose()?,
        })
    });
    let unpivot = unpivot.transpose()?;
    let caught = |of: Option<&Regex>| -> Vec<String> {
        of.map(|regex| regex.capture_names().flatten().map(str::to_owned).collect()).unwrap_or_default()
    };
    let settings: Vec<Setting> = file
        .settings
        .into_iter()
        .map(|setting| Setting {
            name: setting.name,
            title: setting.title.into(),
            values: setting.values,
            default: setting.default,
        })
        .collect();
    let is_setting = |name: &str| settings.iter().any(|setting| setting.name == name);
    let file_name = file.file_name.as_deref().map(|text| regex("file_name", text)).transpose()?;
    if let Some(name) = caught(file_name.as_ref()).iter().find(|name| !is_setting(name)) {
        return Err(format!("file_name: `{name}` is no setting; name one of settings"));
    }
    let groups = caught(unpivot.as_ref().map(|unpivot| &unpivot.column));
    let part = |name: &str| match name {
        "value" if unpivot.is_some() => Ok(Part::Value),
        "line" => Ok(Part::Line),
        name if file.columns.iter().any(|column| column == name) => Ok(Part::Cell(name.to_owned())),
        name if is_setting(name) || groups.iter().any(|group| group == name) => {
            Ok(Part::Named(name.to_owned()))
        }
        name => Err(format!("`{{{name}}}` is neither a column, a setting nor a group of unpivot")),
    };
    let mut fields = Vec::with_capacity(file.fields.len());
    for field in file.fields {
        let place = format!("fields: `{}`", field.column);
        let column = pattern.columns.iter().position(|column| column.name == field.column);
        let column = column.ok_or_else(|| format!("{place}: is no column of the pattern"))?;
        let parts = parts(&field.text, &part).map_err(|e| format!("{place}: {e}"))?;
        let take = field.take.as_deref().map(|text| regex(&format!("{place}: take"), text)).transpose()?;
        fields.push(TableField { column, parts, take, values: field.values });
    }
    for (at, column) in pattern.columns.iter().enumerate() {
        let may_lack =
            !column.required || column.header || column.absent == Absent::Zero || column.status_of.is_some();
        if !may_lack && !fields.iter().any(|field| field.column == at) {
            return Err(format!("fields: the required column `{}` is not among them", column.name));
        }
    }
    Ok(TableMapping {
        id: file.id,
        title: file.title.into(),
        columns: file.columns,
        unpivot,
        settings,
        file_name,
        fields,
        set_aside: file.set_aside,
        other_periods_aside: file.other_periods_aside,
    })
}

/// `{data} {CZAS}`: texts, and names in braces.
fn parts(text: &str, named: &dyn Fn(&str) -> Result<Part, String>) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or("a brace is not closed")?;
        if !before.is_empty() {
            parts.push(Part::Text(before.to_owned()));
        }
        parts.push(named(name)?);
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Ok(parts)
}
