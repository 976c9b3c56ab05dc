//! Views that each dataset has: its rows with names beside their codes, and which units have rows of which period. They
//! are statements over what the reader sees of the dataset, so that nothing is in them that is not there.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use hub_datasets::Pattern;
use hub_datasets::codelist::territory::UNITS;
use serde::{Deserialize, Serialize};

use super::visible::{PERIOD_END, PUBLISHER};

const NAMED: &str = "_named";
const COVERAGE: &str = "_coverage";
/// The table of organisations, which comes with a statement.
const ORGANISATIONS: &str = "organisations";
/// The unit of a row, and the list of units.
const UNIT: &str = "jst_terc6";
const REGISTER: &str = "terc";
const NAME: &str = "nazwa";

/// What a pattern says of its codes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Codes {
    /// Columns whose values are in a list: column, list, column of the list.
    lists: Vec<(String, String, String)>,
    /// Level of the units that report.
    unit_level: String,
}

impl Codes {
    pub(super) fn of(pattern: &Pattern) -> Self {
        let list = |reference: &hub_datasets::pattern::Reference| match (
            reference.columns.as_slice(),
            reference.list_columns.as_slice(),
        ) {
            ([column], [of_list]) => Some((column.clone(), reference.list.clone(), of_list.clone())),
            _ => None,
        };
        Self {
            lists: pattern.references.iter().filter_map(list).collect(),
            unit_level: pattern.unit_level.clone(),
        }
    }
}

/// A view of a dataset.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct View {
    pub(super) name: String,
    pub(super) sql: String,
    /// Tables that its statement names beside the dataset.
    pub(super) tables: Vec<String>,
    pub(super) schema: SchemaRef,
}

/// Is it the name of a view of a dataset? And does the view name organisations?
pub(crate) fn is_view_of(table: &str, dataset: &str) -> bool {
    table.strip_prefix(dataset).is_some_and(|rest| rest == NAMED || rest == COVERAGE)
}

/// Does a table come with the names of organisations?
pub(crate) fn names_organisations(table: &str) -> bool {
    table.ends_with(NAMED)
}

/// The views of a dataset. `shown`: the columns that its reader sees; `all`: of all publishers; `is_named`: is there a list
/// with names?
pub(super) fn views(
    dataset: &str,
    shown: &Schema,
    codes: &Codes,
    all: bool,
    is_named: impl Fn(&str) -> bool,
) -> Vec<View> {
    let mut views = vec![named(dataset, shown, codes, is_named)];
    let is_counted = all && codes.unit_level != "jednostka";
    views.extend(is_counted.then(|| coverage(dataset, shown, codes)).flatten());
    views
}

/// Columns, and the tables from which their names come.
#[derive(Default)]
struct Beside {
    columns: Vec<String>,
    fields: Vec<Arc<Field>>,
    joins: String,
    tables: Vec<String>,
}

impl Beside {
    fn name(&mut self, of: &str, what: &str, from: &str) {
        let name = format!("{of}__{what}");
        self.columns.push(format!("{from}.{what} AS \"{name}\""));
        self.fields.push(Arc::new(Field::new(name, DataType::Utf8, true)));
    }
}

fn named(dataset: &str, shown: &Schema, codes: &Codes, is_named: impl Fn(&str) -> bool) -> View {
    let mut beside = Beside::default();
    let has_day = shown.index_of(PERIOD_END).is_ok();
    for field in shown.fields() {
        let column = field.name().as_str();
        beside.columns.push(format!("d.\"{column}\""));
        beside.fields.push(Arc::clone(field));
        let list =
            codes.lists.iter().find(|(of, list, _)| of == column && list != REGISTER && is_named(list));
        if let Some((_, list, of_list)) = list {
            let alias = format!("n{}", beside.tables.len());
            beside.joins += &format!(" LEFT JOIN {list} {alias} ON {alias}.{of_list} = d.\"{column}\"");
            beside.tables.push(list.clone());
            beside.name(column, NAME, &alias);
        }
        if column == UNIT && has_day {
            beside.joins += &format!(
                " LEFT JOIN {UNITS} t ON t.terc6 = d.{UNIT} AND t.valid_from <= d.{PERIOD_END} AND (t.valid_to IS NULL OR d.{PERIOD_END} < t.valid_to)"
            );
            beside.tables.push(UNITS.to_owned());
            ["nazwa", "powiat", "wojewodztwo"].into_iter().for_each(|what| beside.name(UNIT, what, "t"));
        }
        if column == PUBLISHER && has_day {
            beside.joins += &format!(
                " LEFT JOIN {ORGANISATIONS} o ON o.id = d.{PUBLISHER} AND (o.valid_from IS NULL OR o.valid_from <= d.{PERIOD_END}) AND (o.valid_to IS NULL OR d.{PERIOD_END} <= o.valid_to)"
            );
            beside.tables.push(ORGANISATIONS.to_owned());
            beside.name(PUBLISHER, NAME, "o");
        }
    }
    let Beside { columns, fields, joins, tables } = beside;
    View {
        name: format!("{dataset}{NAMED}"),
        sql: format!("SELECT {} FROM {dataset} d{joins}", columns.join(", ")),
        tables,
        schema: Arc::new(Schema::new(fields)),
    }
}

/// Each unit that the register has on the last day of each period that is there. Who sees the rows of one publisher
/// only has no such view, for it would tell of the others that they have none.
fn coverage(dataset: &str, shown: &Schema, codes: &Codes) -> Option<View> {
    let end = shown.field_with_name(PERIOD_END).ok()?;
    shown.index_of(UNIT).ok()?;
    let level = &codes.unit_level;
    let sql = format!(
        "SELECT p.{PERIOD_END}, t.terc6, t.nazwa, t.powiat, t.wojewodztwo, t.series, r.{PUBLISHER}, r.terc6 IS NOT NULL AS has_rows \
         FROM (SELECT DISTINCT {PERIOD_END} FROM {dataset}) p \
         JOIN {UNITS} t ON t.level = '{level}' AND t.valid_from <= p.{PERIOD_END} AND (t.valid_to IS NULL OR p.{PERIOD_END} < t.valid_to) \
         LEFT JOIN (SELECT DISTINCT {PERIOD_END}, {UNIT} AS terc6, {PUBLISHER} FROM {dataset}) r \
         ON r.terc6 = t.terc6 AND r.{PERIOD_END} = p.{PERIOD_END}"
    );
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let mut fields = vec![end.clone()];
    fields.extend(["terc6", "nazwa", "powiat", "wojewodztwo", "series", PUBLISHER].map(text));
    fields.push(Field::new("has_rows", DataType::Boolean, false));
    Some(View {
        name: format!("{dataset}{COVERAGE}"),
        sql,
        tables: vec![UNITS.to_owned()],
        schema: Arc::new(Schema::new(fields)),
    })
}
