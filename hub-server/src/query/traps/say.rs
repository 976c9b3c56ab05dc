//! What is said of a trap, in both languages, with the statement to write instead.

use serde::{Deserialize, Serialize};

use crate::query::lineage::{Added, Totals};

/// Periods or values were added that are not to be added.
const CUMULATIVE_SUM: &str = "CUMULATIVE_SUM";
/// Rows were added more than once.
const DOUBLE_COUNT: &str = "DOUBLE_COUNT";

/// What is wrong with a sum of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Warning {
    /// `CUMULATIVE_SUM` or `DOUBLE_COUNT`.
    pub(crate) code: String,
    /// Id of the dataset whose column is added.
    pub(crate) dataset: String,
    /// `*` where rows are counted.
    pub(crate) column: String,
    pub(crate) message: Said,
    /// What to write instead.
    pub(crate) hint: Said,
}

/// A text in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Said {
    pub(crate) pl: String,
    pub(crate) en: String,
}

impl Warning {
    /// Is it of the same thing?
    pub(super) fn is_like(&self, other: &Self) -> bool {
        (&self.code, &self.dataset, &self.column) == (&other.code, &other.dataset, &other.column)
    }
}

#[derive(Debug)]
pub(super) enum Trap {
    Cumulative,
    State,
    Never,
    Totals(Totals),
    /// A list has several rows for one of the dataset's.
    List(String),
    /// A dataset has; its name is empty for rows of a subquery.
    Rows(String),
}

/// The trap that a sum over several periods is.
pub(super) fn periods(added: Added) -> Trap {
    match added {
        Added::State => Trap::State,
        Added::Never => Trap::Never,
        Added::Cumulative | Added::Freely => Trap::Cumulative,
    }
}

fn both(pl: String, en: String) -> Said {
    Said { pl, en }
}

/// `call`: the function; `table`: how the statement names the dataset's table.
pub(super) fn warning(call: &str, dataset: &str, table: &str, column: &str, trap: &Trap) -> Warning {
    let sum = format!("{call}({column})");
    let (code, message, hint) = match trap {
        Trap::Cumulative => (CUMULATIVE_SUM, cumulative(&sum, dataset), one_period(&sum, table)),
        Trap::State => (CUMULATIVE_SUM, state(&sum, column), one_period(&sum, table)),
        Trap::Never => (CUMULATIVE_SUM, never(&sum, column), mean(column, table)),
        Trap::Totals(totals) => (DOUBLE_COUNT, totals_told(&sum, totals), one_total(&sum, table, totals)),
        Trap::List(list) => (DOUBLE_COUNT, repeated(&sum, dataset, list), joined(list, table)),
        Trap::Rows(other) => (DOUBLE_COUNT, repeated(&sum, dataset, other), summed_first(&sum, table)),
    };
    Warning { code: code.to_owned(), dataset: dataset.to_owned(), column: column.to_owned(), message, hint }
}

fn cumulative(sum: &str, dataset: &str) -> Said {
    both(
        format!(
            "{sum} dodaje kilka okresów zbioru {dataset}, a jego kwoty narastają od 1 stycznia: każdy okres zawiera poprzednie okresy roku"
        ),
        format!(
            "{sum} adds several periods of {dataset}, whose amounts run from 1 January: each period holds those before it in the year"
        ),
    )
}

fn state(sum: &str, column: &str) -> Said {
    both(
        format!("{sum} dodaje kilka okresów, a {column} to stan na dzień: w każdym okresie to ci sami"),
        format!(
            "{sum} adds several periods, and {column} is a state on a day: the same are counted in each period"
        ),
    )
}

fn one_period(sum: &str, table: &str) -> Said {
    both(
        format!(
            "wybierz jeden okres: SELECT {sum} FROM {table} WHERE _period_end = (SELECT max(_period_end) FROM {table}); albo pokaż każdy osobno: GROUP BY _period_end"
        ),
        format!(
            "choose one period: SELECT {sum} FROM {table} WHERE _period_end = (SELECT max(_period_end) FROM {table}); or show each by itself: GROUP BY _period_end"
        ),
    )
}

fn never(sum: &str, column: &str) -> Said {
    both(
        format!(
            "{sum} nic nie znaczy: wartości kolumny {column} się nie dodaje (wzór mówi: aggregation none)"
        ),
        format!("{sum} means nothing: values of {column} are not added (the pattern says: aggregation none)"),
    )
}

fn mean(column: &str, table: &str) -> Said {
    both(
        format!("weź średnią albo największą: SELECT avg({column}), max({column}) FROM {table}"),
        format!("take the mean or the greatest: SELECT avg({column}), max({column}) FROM {table}"),
    )
}

fn totals_told(sum: &str, totals: &Totals) -> Said {
    let example = totals.contains.first();
    let (of, parts) =
        example.map_or((String::new(), String::new()), |(of, parts)| (of.clone(), parts.join(", ")));
    let column = &totals.column;
    both(
        format!("{sum} dodaje sumy i ich składniki: wiersz {column} = '{of}' zawiera już {parts}"),
        format!("{sum} adds totals and their parts: the row {column} = '{of}' already holds {parts}"),
    )
}

fn one_total(sum: &str, table: &str, totals: &Totals) -> Said {
    let of = totals.contains.first().map(|(of, _)| of.as_str()).unwrap_or_default();
    let column = &totals.column;
    both(
        format!(
            "wybierz wiersze: SELECT {sum} FROM {table} WHERE {column} = '{of}'; albo pokaż każdy osobno: GROUP BY {column}"
        ),
        format!(
            "choose rows: SELECT {sum} FROM {table} WHERE {column} = '{of}'; or show each by itself: GROUP BY {column}"
        ),
    )
}

fn repeated(sum: &str, dataset: &str, other: &str) -> Said {
    let (pl, en) = match other {
        "" => ("podzapytania".to_owned(), "the subquery".to_owned()),
        name => (format!("tabeli {name}"), name.to_owned()),
    };
    both(
        format!("{sum} liczy wiersze zbioru {dataset} wielokrotnie: do jednego pasuje kilka wierszy {pl}"),
        format!("{sum} counts rows of {dataset} more than once: several rows of {en} belong to one of them"),
    )
}

/// How a list is joined so that each row finds one of its rows.
fn joined(list: &str, table: &str) -> Said {
    let on = match list {
        "terc" => format!("JOIN terc ON terc.terc6 = {table}.jst_terc6"),
        "terc_versions" => format!(
            "JOIN terc_versions ON terc_versions.terc6 = {table}.jst_terc6 AND terc_versions.valid_from = DATE '2025-01-01'"
        ),
        "organisations" => format!(
            "JOIN organisations o ON o.id = {table}._publisher AND (o.valid_from IS NULL OR o.valid_from <= {table}._period_end) AND (o.valid_to IS NULL OR {table}._period_end <= o.valid_to)"
        ),
        "territory" => format!(
            "JOIN territory t ON t.terc6 = {table}.jst_terc6 AND t.valid_from <= {table}._period_end AND (t.valid_to IS NULL OR {table}._period_end < t.valid_to)"
        ),
        name => format!("JOIN (SELECT DISTINCT … FROM {name}) …"),
    };
    both(
        format!("łącz tak, aby każdy wiersz znalazł jeden: {on}"),
        format!("join so that each row finds one: {on}"),
    )
}

fn summed_first(sum: &str, table: &str) -> Said {
    both(
        format!(
            "najpierw zsumuj, potem łącz sumy: … JOIN (SELECT _publisher, _period_end, {sum} AS suma FROM {table} GROUP BY _publisher, _period_end) …"
        ),
        format!(
            "sum first and join the sums: … JOIN (SELECT _publisher, _period_end, {sum} AS total FROM {table} GROUP BY _publisher, _period_end) …"
        ),
    )
}
