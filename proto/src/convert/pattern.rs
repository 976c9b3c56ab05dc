//! Patterns and code lists, from the domain to messages. The way back does not exist: a client that
//! checks holds the pattern's own files, not this view of them.

use hub_datasets::codelist::CodeList;
use hub_datasets::pattern::{
    Aggregation, Column, ColumnType, Compare, OpenRule, Pattern, Role, Rule, Sensitivity, Text, Version,
};
use hub_datasets::period::Frequency;

use crate::name::Collection;
use crate::v1;

impl From<&Text> for v1::LocalizedText {
    fn from(text: &Text) -> Self {
        Self { pl: text.pl.clone(), en: text.en.clone() }
    }
}

impl From<&Pattern> for v1::Pattern {
    fn from(p: &Pattern) -> Self {
        Self {
            name: Collection::Patterns.name(&p.id),
            version: version_text(p.version),
            title: Some((&p.title).into()),
            owner: p.owner.clone(),
            legal_basis: p.legal_basis.clone(),
            family: p.family.clone().unwrap_or_default(),
            key: p.key.clone(),
            slice: p.slice.clone().unwrap_or_default(),
            columns: p.columns.iter().map(|column| column_to_wire(p, column)).collect(),
            rules: p.rules.iter().map(Into::into).chain(p.compares.iter().map(Into::into)).collect(),
            bundle_sha256: p.bundle_sha256.clone(),
            frequencies: p.period.frequencies.iter().map(|f| frequency_text(*f).to_owned()).collect(),
            cumulative: p.period.cumulative,
            restricted: p.sensitivity != Sensitivity::Public,
        }
    }
}

impl From<&Rule> for v1::Rule {
    fn from(rule: &Rule) -> Self {
        Self {
            id: rule.id.clone(),
            kind: "check".to_owned(),
            severity: v1::Severity::from(rule.severity).into(),
            expression: rule.expression.clone(),
            message: Some((&rule.message).into()),
        }
    }
}

impl From<&Compare> for v1::Rule {
    fn from(compare: &Compare) -> Self {
        Self {
            id: compare.id.clone(),
            kind: "compare".to_owned(),
            severity: v1::Severity::from(compare.severity).into(),
            expression: compare.expression.clone(),
            message: Some((&compare.message).into()),
        }
    }
}

impl From<&CodeList> for v1::CodeList {
    fn from(list: &CodeList) -> Self {
        let newest = list.versions.last().map_or(0, |v| v.table.num_rows());
        Self {
            name: Collection::CodeLists.name(&list.id),
            title: Some((&list.title).into()),
            valid_from: list.versions.iter().map(|v| super::date_text(Some(v.valid_from))).collect(),
            codes: u64::try_from(newest).unwrap_or(u64::MAX),
            source: list.source.clone(),
        }
    }
}

fn column_to_wire(pattern: &Pattern, column: &Column) -> v1::Column {
    let list = pattern.references.iter().find(|r| r.columns.contains(&column.name));
    v1::Column {
        name: column.name.clone(),
        r#type: type_text(column.kind),
        required: column.required,
        title: Some((&column.title).into()),
        role: role_text(column.role).to_owned(),
        unit: column.unit.clone().unwrap_or_default(),
        sensitivity: sensitivity_text(column.sensitivity).to_owned(),
        aggregation: aggregation_text(column.aggregation).to_owned(),
        open_rule: open_rule_text(column.open_rule),
        code_list: list.map(|r| Collection::CodeLists.name(&r.list)).unwrap_or_default(),
    }
}

fn version_text(version: Version) -> String {
    format!("{}.{}.{}", version.major, version.minor, version.patch)
}

fn type_text(kind: ColumnType) -> String {
    match kind {
        ColumnType::String => "string".to_owned(),
        ColumnType::Integer => "integer".to_owned(),
        ColumnType::Decimal(precision, scale) => format!("decimal({precision},{scale})"),
        ColumnType::Number => "number".to_owned(),
        ColumnType::Boolean => "boolean".to_owned(),
        ColumnType::Date => "date".to_owned(),
        ColumnType::Datetime => "datetime".to_owned(),
    }
}

fn role_text(role: Role) -> &'static str {
    match role {
        Role::Dimension => "dimension",
        Role::Measure => "measure",
        Role::Attribute => "attribute",
    }
}

fn sensitivity_text(sensitivity: Sensitivity) -> &'static str {
    match sensitivity {
        Sensitivity::Public => "public",
        Sensitivity::Restricted => "restricted",
        Sensitivity::Personal => "personal",
    }
}

fn aggregation_text(aggregation: Aggregation) -> &'static str {
    match aggregation {
        Aggregation::Sum => "sum",
        Aggregation::Last => "last",
        Aggregation::Weighted => "weighted",
        Aggregation::None => "none",
    }
}

fn open_rule_text(rule: OpenRule) -> String {
    match rule {
        OpenRule::Keep => "keep".to_owned(),
        OpenRule::Generalise => "generalise".to_owned(),
        OpenRule::Drop => "drop".to_owned(),
        OpenRule::Suppress(k) => format!("suppress {k}"),
    }
}

fn frequency_text(frequency: Frequency) -> &'static str {
    match frequency {
        Frequency::Annual => "A",
        Frequency::HalfYear => "S",
        Frequency::Quarter => "Q",
        Frequency::Month => "M",
        Frequency::Day => "D",
    }
}
