//! What the hub can do, as drivers ask for it (SqlInfo).

use arrow_flight::error::FlightError;
use arrow_flight::sql::metadata::{SqlInfoData, SqlInfoDataBuilder};
use arrow_flight::sql::{
    SqlInfo, SqlNullOrdering, SqlSupportedCaseSensitivity, SqlSupportedTransaction, SqlSupportedUnions,
};

use crate::query::FUNCTIONS;

/// Version of the Arrow format that the hub writes.
const ARROW: &str = "1.4";

/// Words of statements beyond those of SQL-92.
const KEYWORDS: [&str; 7] = ["ILIKE", "LIMIT", "NULLS", "OFFSET", "OVER", "PARTITION", "ROWS"];

/// All that is told.
pub(super) fn data() -> Result<SqlInfoData, FlightError> {
    let mut builder = SqlInfoDataBuilder::new();
    of_server(&mut builder);
    of_names(&mut builder);
    of_statements(&mut builder);
    builder.build()
}

fn of_server(builder: &mut SqlInfoDataBuilder) {
    builder.append(SqlInfo::FlightSqlServerName, "Hub");
    builder.append(SqlInfo::FlightSqlServerVersion, env!("CARGO_PKG_VERSION"));
    builder.append(SqlInfo::FlightSqlServerArrowVersion, ARROW);
    builder.append(SqlInfo::FlightSqlServerReadOnly, true);
    builder.append(SqlInfo::FlightSqlServerSql, true);
    builder.append(SqlInfo::FlightSqlServerSubstrait, false);
    builder.append(SqlInfo::FlightSqlServerTransaction, SqlSupportedTransaction::None as i32);
    builder.append(SqlInfo::FlightSqlServerCancel, true);
    builder.append(SqlInfo::FlightSqlServerBulkIngestion, false);
    builder.append(SqlInfo::FlightSqlServerIngestTransactionsSupported, false);
    builder.append(SqlInfo::FlightSqlServerStatementTimeout, 0);
    builder.append(SqlInfo::FlightSqlServerTransactionTimeout, 0);
}

fn of_names(builder: &mut SqlInfoDataBuilder) {
    for change in [SqlInfo::SqlDdlCatalog, SqlInfo::SqlDdlSchema, SqlInfo::SqlDdlTable] {
        builder.append(change, false);
    }
    let folded = SqlSupportedCaseSensitivity::SqlCaseSensitivityLowercase as i64;
    builder.append(SqlInfo::SqlIdentifierCase, folded);
    builder.append(SqlInfo::SqlIdentifierQuoteChar, "\"");
    let kept = SqlSupportedCaseSensitivity::SqlCaseSensitivityCaseInsensitive as i64;
    builder.append(SqlInfo::SqlQuotedIdentifierCase, kept);
    builder.append(SqlInfo::SqlAllTablesAreSelectable, true);
    builder.append(SqlInfo::SqlSchemaTerm, "schema");
    builder.append(SqlInfo::SqlCatalogTerm, "catalog");
    builder.append(SqlInfo::SqlProcedureTerm, "");
    builder.append(SqlInfo::SqlCatalogAtStart, true);
    builder.append(SqlInfo::SqlSearchStringEscape, "\\");
    builder.append(SqlInfo::SqlExtraNameCharacters, "");
    let sorted_at_the_end = SqlNullOrdering::SqlNullsSortedHigh as i64;
    builder.append(SqlInfo::SqlNullOrdering, sorted_at_the_end);
}

fn of_statements(builder: &mut SqlInfoDataBuilder) {
    builder.append(SqlInfo::SqlKeywords, &KEYWORDS[..]);
    let [numeric, text, moments] = FUNCTIONS;
    builder.append(SqlInfo::SqlNumericFunctions, numeric);
    builder.append(SqlInfo::SqlStringFunctions, text);
    builder.append(SqlInfo::SqlDatetimeFunctions, moments);
    builder.append(SqlInfo::SqlSystemFunctions, &[][..]);
    for can in [
        SqlInfo::SqlSupportsColumnAliasing,
        SqlInfo::SqlNullPlusNullIsNull,
        SqlInfo::SqlSupportsTableCorrelationNames,
        SqlInfo::SqlSupportsExpressionsInOrderBy,
        SqlInfo::SqlSupportsOrderByUnrelated,
        SqlInfo::SqlSupportsLikeEscapeClause,
        SqlInfo::SqlSupportsNonNullableColumns,
        SqlInfo::SqlCorrelatedSubqueriesSupported,
    ] {
        builder.append(can, true);
    }
    for cannot in [
        SqlInfo::SqlSupportsDifferentTableCorrelationNames,
        SqlInfo::SqlSupportsIntegrityEnhancementFacility,
        SqlInfo::SqlSelectForUpdateSupported,
        SqlInfo::SqlStoredProceduresSupported,
    ] {
        builder.append(cannot, false);
    }
    let unions = bits(&[SqlSupportedUnions::SqlUnion as i32, SqlSupportedUnions::SqlUnionAll as i32]);
    builder.append(SqlInfo::SqlSupportedUnions, unions);
    // GROUP BY columns that are not selected, and beyond those that are.
    builder.append(SqlInfo::SqlSupportedGroupBy, bits(&[0, 1]));
    // Minimum, core and extended grammar of ODBC are not told apart here.
    builder.append(SqlInfo::SqlSupportedGrammar, bits(&[0]));
    // Subqueries in comparisons, EXISTS, IN and with quantifiers.
    builder.append(SqlInfo::SqlSupportedSubqueries, bits(&[0, 1, 2, 3]));
    // Limited and full outer joins.
    builder.append(SqlInfo::SqlOuterJoinsSupportLevel, bits(&[1, 2]));
    builder.append(SqlInfo::SqlSupportedPositionedCommands, 0);
    builder.append(SqlInfo::SqlSchemasSupportedActions, 0);
    builder.append(SqlInfo::SqlCatalogsSupportedActions, 0);
    builder.append(SqlInfo::SqlSupportsConvert, std::collections::BTreeMap::<i32, Vec<i32>>::new());
}

fn bits(places: &[i32]) -> i32 {
    places.iter().fold(0, |bits, place| bits | 1 << place)
}
