//! Formats, moments and dataset versions between messages and the read room's types.

use chrono::{DateTime, Utc};
use hub_proto::convert::{Timestamp, time_from_wire, time_to_wire};
use hub_proto::name::Collection;
use hub_proto::{TypeConversionError, v1};

use crate::error::HubError;
use crate::query::{RowFormat, Said, Warning};
use crate::read::{ReadError, TableState, VersionRef};
use crate::store::AsOf;

/// ARROW if unspecified.
pub(crate) fn format_from_wire(message: &'static str, format: i32) -> Result<RowFormat, TypeConversionError> {
    match v1::RowFormat::try_from(format) {
        Ok(v1::RowFormat::Unspecified | v1::RowFormat::Arrow) => Ok(RowFormat::Arrow),
        Ok(v1::RowFormat::Csv) => Ok(RowFormat::Csv),
        Ok(v1::RowFormat::Ndjson) => Ok(RowFormat::Ndjson),
        Ok(v1::RowFormat::Parquet) => Ok(RowFormat::Parquet),
        Err(_) => {
            let text = format!("{format} is no format that this hub knows");
            Err(TypeConversionError::invalid(message, "format", text))
        }
    }
}

pub(crate) fn format_to_wire(format: RowFormat) -> v1::RowFormat {
    match format {
        RowFormat::Arrow => v1::RowFormat::Arrow,
        RowFormat::Csv => v1::RowFormat::Csv,
        RowFormat::Ndjson => v1::RowFormat::Ndjson,
        RowFormat::Parquet => v1::RowFormat::Parquet,
    }
}

/// The two choices of `as_of`, of which at most one is set; neither: the latest.
pub(crate) fn as_of(
    message: &'static str,
    version: Option<u64>,
    time: Option<&Timestamp>,
) -> Result<AsOf, TypeConversionError> {
    match (version, time) {
        (Some(version), _) => Ok(AsOf::Version(version)),
        (None, Some(time)) => Ok(AsOf::Time(time_from_wire(message, "time", time)?)),
        (None, None) => Ok(AsOf::Latest),
    }
}

/// States of tables, as `rb28s@7`.
pub(crate) fn states(at: &[String]) -> Result<Vec<TableState>, HubError> {
    Ok(at.iter().map(|state| state.parse()).collect::<Result<_, ReadError>>()?)
}

pub(crate) fn version_ref(version: VersionRef) -> v1::DatasetVersionRef {
    v1::DatasetVersionRef {
        dataset: Collection::Datasets.name(&version.dataset),
        version: version.version,
        commit_time: version.committed_at.map(time_to_wire),
        coverage: Some(v1::Coverage {
            units_reporting: version.coverage.units_reporting,
            units_expected: version.coverage.units_expected,
            expected_source: version.coverage.expected_source.to_owned(),
        }),
    }
}

pub(crate) fn warning(of: Warning) -> v1::Warning {
    let text = |said: Said| Some(v1::LocalizedText { pl: said.pl, en: said.en });
    v1::Warning {
        code: of.code,
        dataset: Collection::Datasets.name(&of.dataset),
        column: of.column,
        message: text(of.message),
        hint: text(of.hint),
    }
}

/// A dataset version of which only the number and the moment are known.
pub(crate) fn version_ref_of(
    dataset: &str,
    version: u64,
    committed_at: Option<DateTime<Utc>>,
) -> v1::DatasetVersionRef {
    v1::DatasetVersionRef {
        dataset: Collection::Datasets.name(dataset),
        version,
        commit_time: committed_at.map(time_to_wire),
        coverage: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_go_there_and_back_and_default_to_arrow() {
        for format in [RowFormat::Arrow, RowFormat::Csv, RowFormat::Ndjson, RowFormat::Parquet] {
            assert_eq!(format_from_wire("M", format_to_wire(format).into()), Ok(format));
        }
        assert_eq!(format_from_wire("M", 0), Ok(RowFormat::Arrow));
        let error = format_from_wire("M", 99).unwrap_err();
        assert_eq!((error.message(), error.field()), ("M", "format"));
    }

    #[test]
    fn as_of_is_a_version_a_moment_or_the_latest() {
        let time = |seconds, nanos| Timestamp { seconds, nanos };
        assert_eq!(as_of("M", None, None), Ok(AsOf::Latest));
        assert_eq!(as_of("M", Some(7), None), Ok(AsOf::Version(7)));
        let moment = chrono::DateTime::from_timestamp(5, 0).unwrap();
        assert_eq!(as_of("M", None, Some(&time(5, 0))), Ok(AsOf::Time(moment)));
        assert_eq!(as_of("M", None, Some(&time(5, -1))).unwrap_err().field(), "time");
    }
}
