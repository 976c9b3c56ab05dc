//! What may go wrong in a statement, and what of it the caller is told.

use std::error::Error;
use std::io;
use std::sync::Arc;

use datafusion::arrow::error::ArrowError;
use datafusion::common::{Column, DataFusionError, SchemaError};
use hub_proto::Reason;
use serde::{Deserialize, Serialize};

use crate::store::StoreError;

/// Longest message that goes back to a caller.
const MESSAGE_MAX: usize = 600;

/// Why a statement gave no (more) rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub(crate) enum QueryError {
    /// It does not parse, plan or compute; the message names visible things only.
    #[error("{0}")]
    Invalid(String),
    #[error("{0}")]
    NotAllowed(String),
    #[error("{0}")]
    TooComplex(String),
    #[error("{0}")]
    Limit(String),
    #[error("all query slots are taken; try again in a moment")]
    Busy,
    /// The process that ran the statement was ended, and not by the statement.
    #[error("the process that ran the statement was ended from outside; try again in a moment")]
    Interrupted,
    /// A file is not what was committed; the detail is for the log, doors do not show it.
    #[error("{0}")]
    Damaged(String),
    /// A fault of the hub; the detail is for the log, doors do not show it.
    #[error("{0}")]
    Internal(String),
}

impl QueryError {
    pub(crate) fn reason(&self) -> Reason {
        match self {
            Self::Invalid(_) => Reason::QueryInvalid,
            Self::NotAllowed(_) => Reason::QueryNotAllowed,
            Self::TooComplex(_) => Reason::QueryTooComplex,
            Self::Limit(_) => Reason::QueryLimit,
            Self::Busy => Reason::Busy,
            Self::Interrupted => Reason::Unavailable,
            Self::Damaged(_) => Reason::StorageCorrupt,
            Self::Internal(_) => Reason::Internal,
        }
    }

    pub(crate) fn internal(detail: &dyn std::fmt::Display) -> Self {
        Self::Internal(detail.to_string())
    }

    fn out_of_resources() -> Self {
        Self::Limit(
            "the statement needs more memory or spill space than one statement may use; \
             filter, aggregate or select fewer columns"
                .to_owned(),
        )
    }

    /// The statement brought down the process that ran it.
    pub(super) fn outgrown(bytes: u64) -> Self {
        Self::Limit(format!(
            "the statement ended the process that ran it, which may hold {} MiB and has a bounded stack; \
             filter, aggregate or write it more simply",
            bytes >> 20
        ))
    }

    /// An error of the plan's making: what it says of operators and files is not the caller's.
    pub(super) fn of_planning(error: DataFusionError) -> Self {
        match error {
            DataFusionError::Plan(message) => Self::Internal(message),
            other => other.into(),
        }
    }

    pub(crate) fn invalid(message: impl AsRef<str>) -> Self {
        Self::Invalid(bounded(message.as_ref()))
    }
}

impl From<DataFusionError> for QueryError {
    fn from(error: DataFusionError) -> Self {
        if exhausted(&error) {
            return Self::out_of_resources();
        }
        if let Some(told) = damage(&error) {
            return Self::Damaged(told);
        }
        match error {
            DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => (*inner).into(),
            DataFusionError::Shared(inner) => from_shared(&inner),
            DataFusionError::Collection(errors) => errors
                .into_iter()
                .next()
                .map_or_else(|| Self::internal(&"an empty collection of errors"), Self::from),
            DataFusionError::SQL(parser, _) => from_parser(&parser.to_string()),
            DataFusionError::SchemaError(schema, _) => Self::Invalid(bounded(&schema_message(&schema))),
            DataFusionError::Plan(message) => Self::Invalid(bounded(&message)),
            DataFusionError::NotImplemented(message) => {
                Self::NotAllowed(bounded(&format!("this form of statement is not allowed: {message}")))
            }
            DataFusionError::ArrowError(arrow, _) => from_arrow(&arrow),
            DataFusionError::External(inner) => match inner.downcast::<QueryError>() {
                Ok(own) => *own,
                Err(other) => Self::internal(&other),
            },
            // Messages of execution errors may quote values, so they stay in the log.
            other => Self::internal(&other),
        }
    }
}

/// True when memory or spill space ran out, however deep the error says so: operators and tasks wrap
/// what they pass on.
fn exhausted(error: &(dyn Error + 'static)) -> bool {
    if let Some(error) = error.downcast_ref::<Arc<DataFusionError>>() {
        return exhausted(error.as_ref());
    }
    if let Some(error) = error.downcast_ref::<DataFusionError>() {
        return match error {
            DataFusionError::ResourcesExhausted(_) => true,
            DataFusionError::Collection(errors) => errors.iter().any(|e| exhausted(e)),
            DataFusionError::Shared(inner) => exhausted(inner.as_ref()),
            DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => {
                exhausted(inner.as_ref())
            }
            DataFusionError::ArrowError(inner, _) => exhausted(inner.as_ref()),
            DataFusionError::External(inner) => exhausted(inner.as_ref()),
            DataFusionError::IoError(inner) => exhausted(inner),
            _ => false,
        };
    }
    if let Some(error) = error.downcast_ref::<ArrowError>() {
        return match error {
            ArrowError::MemoryError(_) => true,
            ArrowError::ExternalError(inner) => exhausted(inner.as_ref()),
            // The engine's cap on spill files reaches the writer of a spill file as a text.
            ArrowError::IoError(text, inner) => text.contains("max_temp_directory_size") || exhausted(inner),
            _ => false,
        };
    }
    if let Some(error) = error.downcast_ref::<io::Error>() {
        let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded, io::ErrorKind::OutOfMemory];
        return full.contains(&error.kind()) || error.get_ref().is_some_and(|inner| exhausted(inner));
    }
    error.source().is_some_and(exhausted)
}

/// What the store says of a damaged file, however deep the error says so.
fn damage(error: &(dyn Error + 'static)) -> Option<String> {
    let told = error.downcast_ref::<StoreError>().filter(|own| own.reason() == Reason::StorageCorrupt);
    if let Some(told) = told {
        return Some(told.to_string());
    }
    // An I/O error passes over what it wraps.
    let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    match wrapped {
        Some(inner) => damage(inner),
        None => error.source().and_then(damage),
    }
}

fn from_shared(error: &DataFusionError) -> QueryError {
    match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => from_shared(inner),
        DataFusionError::Shared(inner) => from_shared(inner),
        DataFusionError::ArrowError(arrow, _) => from_arrow(arrow),
        DataFusionError::External(inner) => match inner.downcast_ref::<QueryError>() {
            Some(own) => own.clone(),
            None => QueryError::internal(inner),
        },
        other => QueryError::internal(other),
    }
}

fn from_parser(message: &str) -> QueryError {
    if message.contains("recursion limit") || message.contains("RecursionLimit") {
        return QueryError::TooComplex("the statement is nested too deeply".to_owned());
    }
    let message = message.strip_prefix("sql parser error: ").unwrap_or(message);
    QueryError::Invalid(bounded(&format!("the statement does not parse: {message}")))
}

/// Faults of computing say what kind they are, never with which value: a value may belong to a row
/// that the statement's author filters away.
fn from_arrow(error: &ArrowError) -> QueryError {
    match error {
        ArrowError::DivideByZero => {
            QueryError::Invalid("division by zero; use NULLIF(divisor, 0)".to_owned())
        }
        ArrowError::ArithmeticOverflow(_) => {
            QueryError::Invalid("a computed value overflows its type".to_owned())
        }
        ArrowError::CastError(_) | ArrowError::ParseError(_) => {
            QueryError::Invalid("a value cannot be cast to the wanted type; use TRY_CAST".to_owned())
        }
        ArrowError::InvalidArgumentError(_) | ArrowError::ComputeError(_) => {
            QueryError::Invalid("a function was given a value that it does not accept".to_owned())
        }
        ArrowError::ExternalError(inner) => {
            if let Some(own) = inner.downcast_ref::<QueryError>() {
                own.clone()
            } else if let Some(shared) = inner.downcast_ref::<DataFusionError>() {
                from_shared(shared)
            } else {
                QueryError::internal(inner)
            }
        }
        other => QueryError::internal(other),
    }
}

fn schema_message(error: &SchemaError) -> String {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => unknown_column(field, valid_fields),
        SchemaError::AmbiguousReference { field } => {
            format!("column `{}` is in several tables; write `table.{}`", field.name, field.name)
        }
        SchemaError::DuplicateQualifiedField { name, .. }
        | SchemaError::DuplicateUnqualifiedField { name } => {
            format!("the result has two columns `{name}`; name one of them with AS")
        }
    }
}

/// The valid fields come from the schema that the reader sees, so naming them gives nothing away.
fn unknown_column(field: &Column, valid: &[Column]) -> String {
    let names = valid.iter().map(|c| c.name.as_str());
    format!("column `{}` is unknown{}", field.name, suggestion(&field.name, names))
}

/// `; did you mean …?` or the list of what there is.
pub(super) fn suggestion<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.dedup();
    let near = names
        .iter()
        .map(|name| (distance(&wanted.to_lowercase(), name), *name))
        .filter(|(d, name)| *d <= 1 + name.len() / 4)
        .min();
    match near {
        Some((_, name)) => format!("; did you mean `{name}`?"),
        None if names.is_empty() => String::new(),
        None => format!("; there are: {}", names.join(", ")),
    }
}

/// Edit distance between two short names.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(64).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let cost = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

fn bounded(message: &str) -> String {
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MESSAGE_MAX) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}
