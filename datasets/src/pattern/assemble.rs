//! Joins `pattern.yaml` and `schema.json` into a pattern.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::compare::compare;
use super::file::{ColumnFile, PatternFile, PeriodFile, ReferenceFile, RuleFile, yaml_file};
use super::mapping::{mapping, mapping_id};
use super::table::{table, table_id};
use super::table_schema::{FieldSchema, TableSchema, limit_text};
use super::{
    Absent, Aggregation, Column, OpenRule, Pattern, PatternError, PeriodOf, PeriodRule, Reference, Rule,
    Sensitivity, Text, Totals, bundle, validate,
};
use crate::CodeLists;
use crate::period::Frequency;

/// Reads and validates the pattern of one folder; else all that is wrong with it, as far as it can be read.
pub(super) fn pattern(
    folder: &str,
    files: &BTreeMap<&str, &[u8]>,
    lists: &CodeLists,
) -> Result<Pattern, Vec<PatternError>> {
    let bytes = |name: &str| {
        files.get(name).copied().ok_or_else(|| PatternError::new(format!("{folder}/{name}"), "is missing"))
    };
    let (yaml_path, json_path) = (format!("{folder}/pattern.yaml"), format!("{folder}/schema.json"));
    let file = bytes("pattern.yaml").and_then(|bytes| yaml_file::<PatternFile>(&yaml_path, bytes));
    let schema = bytes("schema.json").and_then(|bytes| TableSchema::parse(&json_path, bytes));
    let (file, schema) = match (file, schema) {
        (Ok(file), Ok(schema)) => (file, schema),
        (file, schema) => return Err(file.err().into_iter().chain(schema.err()).collect()),
    };
    let mut faults = Vec::new();
    if file.key.0 != schema.primary_key {
        let (is, ought) = (&schema.primary_key, &file.key.0);
        let message = format!("primaryKey: {is:?}; write the same as `key` of pattern.yaml: {ought:?}");
        faults.push(PatternError::new(json_path, message));
    }
    let verbatim = String::from_utf8_lossy(bytes("schema.json").unwrap_or_default()).into_owned();
    let fault = |message: String| PatternError::new(&yaml_path, message);
    let mut read = match joined(file, schema, verbatim) {
        Ok(read) => read,
        Err(message) => {
            faults.push(fault(message));
            return Err(faults);
        }
    };
    if read.reference() != folder {
        let reference = read.reference();
        faults.push(fault(format!("id, version: `{reference}`; write as the folder is named: `{folder}`")));
    }
    faults.extend(validate::faults(&read, lists).into_iter().map(fault));
    for (name, bytes) in files.iter().filter(|(name, _)| mapping_id(name).is_some()) {
        match mapping(&format!("{folder}/{name}"), bytes, &read) {
            Ok(mapping) => read.mappings.push(Arc::new(mapping)),
            Err(error) => faults.push(error),
        }
    }
    for (name, bytes) in files.iter().filter(|(name, _)| table_id(name).is_some()) {
        match table(&format!("{folder}/{name}"), bytes, &read) {
            Ok(table) => read.tables.push(Arc::new(table)),
            Err(error) => faults.push(error),
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let used = read.references.iter().filter_map(|r| lists.get(&r.list));
    let used = used.map(|l| (l.id.as_str(), l.sha256.as_str()));
    read.bundle_sha256 = bundle::bundle_digest(files.iter().map(|(n, b)| (*n, *b)), used);
    Ok(read)
}

/// What the two files say together, not judged yet.
fn joined(file: PatternFile, schema: TableSchema, table_schema: String) -> Result<Pattern, String> {
    Ok(Pattern {
        columns: columns(file.columns, &schema, file.sensitivity)?,
        version: file.version.parse().map_err(|e| format!("version: {e}"))?,
        id: file.id,
        family: file.family,
        title: file.title.into(),
        description: file.description.into(),
        owner: file.owner,
        legal_basis: file.legal_basis,
        licence: file.licence,
        sensitivity: file.sensitivity,
        unit_level: file.unit_level,
        period: period(file.period)?,
        key: file.key.0,
        slice: file.slice,
        references: file.references.into_iter().map(reference).collect(),
        totals: file.totals.map(|totals| Totals { column: totals.column, contains: totals.contains }),
        rules: file.rules.into_iter().map(rule).collect::<Result<_, _>>()?,
        compares: file.compares.into_iter().map(compare).collect::<Result<_, _>>()?,
        set_aside: file.set_aside,
        mappings: Vec::new(),
        tables: Vec::new(),
        missing_values: schema.missing_values,
        table_schema,
        bundle_sha256: String::new(),
    })
}

/// One column per field of schema.json, in its order.
fn columns(
    declared: Vec<ColumnFile>,
    schema: &TableSchema,
    sensitivity: Sensitivity,
) -> Result<Vec<Column>, String> {
    let mut by_name: BTreeMap<String, ColumnFile> = BTreeMap::new();
    for column in declared {
        if let Some(twice) = by_name.insert(column.name.clone(), column) {
            return Err(format!("columns: `{}` stands twice; keep one", twice.name));
        }
    }
    let mut columns = Vec::with_capacity(schema.fields.len());
    for field in &schema.fields {
        let column = by_name.remove(&field.name).ok_or_else(|| {
            format!(
                "columns: `{}` of schema.json is not described once; add an entry with role and title_en",
                field.name
            )
        })?;
        let name = column.name.clone();
        columns.push(join(column, field, sensitivity).map_err(|e| format!("columns: `{name}`: {e}"))?);
    }
    match by_name.into_keys().next() {
        None => Ok(columns),
        Some(extra) => {
            Err(format!("columns: `{extra}` is no field of schema.json; add it there or take it out"))
        }
    }
}

fn join(column: ColumnFile, field: &FieldSchema, sensitivity: Sensitivity) -> Result<Column, String> {
    let limit = |name: &str, value: &Option<serde_json::Value>| match value {
        None => Ok(None),
        Some(value) => limit_text(value)
            .map(Some)
            .ok_or_else(|| format!("{name}: write a number or a text, not {value}")),
    };
    let sensitivity = column.sensitivity.unwrap_or(sensitivity);
    let open_rule = match column.open.as_deref() {
        Some(text) => open_rule(text)?,
        // What is not public stays closed unless the pattern says how it is opened.
        None if sensitivity == Sensitivity::Public => OpenRule::Keep,
        None => OpenRule::Drop,
    };
    Ok(Column {
        kind: field.column_type(column.kind.as_deref())?,
        name: column.name,
        title: Text { pl: field.title.clone(), en: column.title_en },
        description: field.description.clone(),
        example: limit("example", &field.example)?,
        role: column.role,
        unit: column.unit,
        required: field.constraints.required,
        absent: column.absent.unwrap_or(Absent::Null),
        sensitivity,
        aggregation: column.aggregation.unwrap_or(Aggregation::None),
        open_rule,
        allowed: field.constraints.allowed.clone(),
        minimum: limit("minimum", &field.constraints.minimum)?,
        maximum: limit("maximum", &field.constraints.maximum)?,
        form: field.constraints.pattern.clone(),
        min_length: field.constraints.min_length,
        max_length: field.constraints.max_length,
        checksum: column.checksum,
        header: column.header,
        aliases: column.aliases,
        zone: column.zone,
        status_of: column.status_of,
    })
}

/// `keep`, `generalise`, `drop` or `suppress(k)`.
fn open_rule(text: &str) -> Result<OpenRule, String> {
    match text {
        "keep" => return Ok(OpenRule::Keep),
        "generalise" => return Ok(OpenRule::Generalise),
        "drop" => return Ok(OpenRule::Drop),
        _ => {}
    }
    text.strip_prefix("suppress(")
        .and_then(|k| k.strip_suffix(')')?.parse().ok())
        .filter(|k| *k > 1)
        .map(OpenRule::Suppress)
        .ok_or_else(|| format!("open: `{text}`; write keep, generalise, drop or suppress(k) with k above 1"))
}

pub(super) fn frequencies(field: &str, letters: &[String]) -> Result<Vec<Frequency>, String> {
    letters
        .iter()
        .map(|letter| {
            Frequency::from_letter(letter)
                .ok_or_else(|| format!("{field}: `{letter}`; write A, S, Q, M or D"))
        })
        .collect()
}

fn period(file: PeriodFile) -> Result<PeriodRule, String> {
    let period_of = file.period_of.map(|of| {
        let width = Frequency::from_letter(&of.width)
            .ok_or_else(|| format!("period.period_of.width: `{}`; write A, S, Q, M or D", of.width))?;
        Ok::<_, String>(PeriodOf { column: of.column, width, zone: of.zone, end_inclusive: of.end_inclusive })
    });
    Ok(PeriodRule {
        frequencies: frequencies("period.frequencies", &file.frequencies)?,
        cumulative: file.cumulative,
        period_of: period_of.transpose()?,
    })
}

fn reference(file: ReferenceFile) -> Reference {
    let list_columns = file.list_columns.unwrap_or_else(|| file.columns.clone());
    Reference { columns: file.columns, list: file.list, list_columns, severity: file.severity }
}

fn rule(file: RuleFile) -> Result<Rule, String> {
    Ok(Rule {
        when: frequencies(&format!("rules: `{}`: when", file.id), &file.when)?,
        id: file.id,
        severity: file.severity,
        expression: file.expression,
        columns: file.columns,
        message: file.message.into(),
        hint: file.hint.into(),
    })
}
