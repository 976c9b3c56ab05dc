//! What there is, as JSON: patterns, datasets, organisations.

use super::convert::{id, moment, name, time};
use super::shape::shapes;
use crate::TypeConversionError;
use crate::name::{Collection, dataset_version};
use crate::v1;

shapes! {
    /// A text in both languages.
    answer LocalizedText {
        /// In Polish.
        pl: String,
        /// In English.
        en: String,
    }

    /// A version of a pattern.
    answer Pattern {
        /// As `rb28s`.
        id: String,
        /// SemVer.
        version: String,
        /// What it is about.
        title: LocalizedText,
        /// The organisation that answers for it.
        owner: String,
        /// Acts of law.
        legal_basis: Vec<String>,
        /// Patterns that make one report with it; empty: none.
        family: String,
        /// Columns by which a row is told from others.
        key: Vec<String>,
        /// Column whose values are corrected on their own; empty: the whole submission.
        slice: String,
        /// Columns, in order.
        columns: Vec<Column>,
        /// Rules and comparisons.
        rules: Vec<Rule>,
        /// SHA-256 in hex of pattern and code lists together.
        bundle_sha256: String,
        /// A, S, Q, M or D: for which periods it is sent.
        frequencies: Vec<String>,
        /// Numbers count from the beginning of the year.
        cumulative: bool,
        /// Not everything of it is open.
        restricted: bool,
    }

    /// A column of a pattern.
    answer Column {
        /// Its name.
        name: String,
        /// As `decimal(18,2)`.
        r#type: String,
        /// It may not be empty.
        required: bool,
        /// What it holds.
        title: LocalizedText,
        /// dimension, measure or attribute.
        role: String,
        /// Unit of its numbers; empty: none.
        unit: String,
        /// public, restricted or personal.
        sensitivity: String,
        /// sum, last, weighted or none.
        aggregation: String,
        /// What open data have of it: keep, generalise, drop or suppress.
        open_rule: String,
        /// Code list that its values must be in; empty: none.
        code_list: String,
    }

    /// A rule of a pattern.
    answer Rule {
        /// As reports name it.
        id: String,
        /// check or compare.
        kind: String,
        /// INFO, WARN, MUST_EXPLAIN or ERROR.
        severity: String,
        /// What must hold.
        expression: String,
        /// What is said of a row for which it does not.
        message: LocalizedText,
    }

    /// A page of patterns: every version of each.
    answer Patterns {
        /// The patterns.
        patterns: Vec<Pattern>,
        /// For `page_token` of the next page; empty: this is the last.
        next_page_token: String,
    }

    /// The newest version of a pattern.
    answer WholePattern {
        /// The pattern.
        pattern: Option<Pattern>,
        /// Its Frictionless Table Schema, which is JSON, as a text.
        table_schema: String,
    }

    /// A dataset, as far as the caller may read it.
    answer Dataset {
        /// As `rb28s`.
        id: String,
        /// Its pattern, as `rb28s`.
        pattern: String,
        /// Number of its newest version; 0 while there is none.
        latest_version: u64,
        /// When that was committed.
        update_time: Option<String>,
        /// Rows that the caller may read.
        rows: u64,
        /// Publishers of these rows.
        publishers: u64,
        /// Anyone may download the whole as an extract.
        open: bool,
        /// How long old versions stay readable: `all`, or a number of days such as `3650 days`.
        history: String,
        /// The oldest version that can be asked for; 0 while there is none.
        oldest_version: u64,
        /// When that was committed.
        oldest_time: Option<String>,
    }

    /// A page of datasets.
    answer Datasets {
        /// The datasets.
        datasets: Vec<Dataset>,
        /// For `page_token` of the next page; empty: this is the last.
        next_page_token: String,
    }

    /// A version of a dataset, as far as the caller may read it.
    answer CommittedVersion {
        /// As `rb28s`.
        dataset: String,
        /// Its number.
        version: u64,
        /// When it was committed.
        commit_time: Option<String>,
        /// Rows that the caller may read.
        rows: u64,
        /// Submissions that it added.
        submissions: Vec<String>,
    }

    /// A page of versions of a dataset, the newest first.
    answer CommittedVersions {
        /// The versions.
        versions: Vec<CommittedVersion>,
        /// For `page_token` of the next page; empty: this is the last.
        next_page_token: String,
    }

    /// A publisher, a consumer or both.
    answer Organisation {
        /// As `gmina-100201`.
        id: String,
        /// Its name.
        display_name: String,
        /// gmina, powiat, wojewodztwo, ministry or other.
        kind: String,
        /// Its numbers, those of the past too.
        identifiers: Vec<Identifier>,
    }

    /// A TERC, REGON or NIP, and between which days it was valid.
    answer Identifier {
        /// terc6, regon or nip.
        scheme: String,
        /// The number.
        value: String,
        /// YYYY-MM-DD; empty: open.
        valid_from: String,
        /// YYYY-MM-DD; empty: open.
        valid_to: String,
    }

    /// A page of organisations.
    answer Organisations {
        /// The organisations.
        organisations: Vec<Organisation>,
        /// For `page_token` of the next page; empty: this is the last.
        next_page_token: String,
    }
}

const SEVERITY_PREFIX: &str = "SEVERITY_";

/// Conversions there and back of shapes whose members are those of the message, each converted for itself.
macro_rules! alike {
    ($($shape:ident { $($member:ident),+ $(,)? })+) => {$(
        impl From<v1::$shape> for $shape {
            fn from(from: v1::$shape) -> Self {
                Self { $($member: from.$member),+ }
            }
        }

        impl From<$shape> for v1::$shape {
            fn from(from: $shape) -> Self {
                Self { $($member: from.$member),+ }
            }
        }
    )+};
}

alike! {
    LocalizedText { pl, en }
    Identifier { scheme, value, valid_from, valid_to }
}

fn all<A, B: From<A>>(these: Vec<A>) -> Vec<B> {
    these.into_iter().map(Into::into).collect()
}

fn tried<A, B: TryFrom<A, Error = TypeConversionError>>(
    these: Vec<A>,
) -> Result<Vec<B>, TypeConversionError> {
    these.into_iter().map(TryInto::try_into).collect()
}

impl From<v1::Column> for Column {
    fn from(c: v1::Column) -> Self {
        Self {
            name: c.name,
            r#type: c.r#type,
            required: c.required,
            title: c.title.unwrap_or_default().into(),
            role: c.role,
            unit: c.unit,
            sensitivity: c.sensitivity,
            aggregation: c.aggregation,
            open_rule: c.open_rule,
            code_list: id(&c.code_list),
        }
    }
}

impl From<Column> for v1::Column {
    fn from(c: Column) -> Self {
        Self {
            name: c.name,
            r#type: c.r#type,
            required: c.required,
            title: Some(c.title.into()),
            role: c.role,
            unit: c.unit,
            sensitivity: c.sensitivity,
            aggregation: c.aggregation,
            open_rule: c.open_rule,
            code_list: name(Collection::CodeLists, &c.code_list),
        }
    }
}

impl From<v1::Rule> for Rule {
    fn from(rule: v1::Rule) -> Self {
        Self {
            severity: rule.severity().as_str_name().trim_start_matches(SEVERITY_PREFIX).to_owned(),
            id: rule.id,
            kind: rule.kind,
            expression: rule.expression,
            message: rule.message.unwrap_or_default().into(),
        }
    }
}

impl From<Rule> for v1::Rule {
    fn from(rule: Rule) -> Self {
        let severity = v1::Severity::from_str_name(&format!("{SEVERITY_PREFIX}{}", rule.severity));
        Self {
            id: rule.id,
            kind: rule.kind,
            // One that is newer than this contract is none that it knows.
            severity: severity.unwrap_or_default().into(),
            expression: rule.expression,
            message: Some(rule.message.into()),
        }
    }
}

impl From<v1::Pattern> for Pattern {
    fn from(p: v1::Pattern) -> Self {
        Self {
            id: id(&p.name),
            version: p.version,
            title: p.title.unwrap_or_default().into(),
            owner: p.owner,
            legal_basis: p.legal_basis,
            family: p.family,
            key: p.key,
            slice: p.slice,
            columns: all(p.columns),
            rules: all(p.rules),
            bundle_sha256: p.bundle_sha256,
            frequencies: p.frequencies,
            cumulative: p.cumulative,
            restricted: p.restricted,
        }
    }
}

impl From<Pattern> for v1::Pattern {
    fn from(p: Pattern) -> Self {
        Self {
            name: name(Collection::Patterns, &p.id),
            version: p.version,
            title: Some(p.title.into()),
            owner: p.owner,
            legal_basis: p.legal_basis,
            family: p.family,
            key: p.key,
            slice: p.slice,
            columns: all(p.columns),
            rules: all(p.rules),
            bundle_sha256: p.bundle_sha256,
            frequencies: p.frequencies,
            cumulative: p.cumulative,
            restricted: p.restricted,
        }
    }
}

impl From<v1::ListPatternsResponse> for Patterns {
    fn from(list: v1::ListPatternsResponse) -> Self {
        Self { patterns: all(list.patterns), next_page_token: list.next_page_token }
    }
}

impl From<Patterns> for v1::ListPatternsResponse {
    fn from(list: Patterns) -> Self {
        Self { patterns: all(list.patterns), next_page_token: list.next_page_token }
    }
}

impl From<v1::GetPatternResponse> for WholePattern {
    fn from(whole: v1::GetPatternResponse) -> Self {
        Self { pattern: whole.pattern.map(Into::into), table_schema: whole.table_schema }
    }
}

impl From<WholePattern> for v1::GetPatternResponse {
    fn from(whole: WholePattern) -> Self {
        Self { pattern: whole.pattern.map(Into::into), table_schema: whole.table_schema }
    }
}

impl From<v1::Dataset> for Dataset {
    fn from(d: v1::Dataset) -> Self {
        Self {
            id: id(&d.name),
            pattern: id(&d.pattern),
            latest_version: d.latest_version,
            update_time: d.update_time.map(moment),
            rows: d.rows,
            publishers: d.publishers,
            open: d.open,
            history: d.history,
            oldest_version: d.oldest_version,
            oldest_time: d.oldest_time.map(moment),
        }
    }
}

impl TryFrom<Dataset> for v1::Dataset {
    type Error = TypeConversionError;

    fn try_from(d: Dataset) -> Result<Self, TypeConversionError> {
        const MESSAGE: &str = "Dataset";
        Ok(Self {
            name: name(Collection::Datasets, &d.id),
            pattern: name(Collection::Patterns, &d.pattern),
            latest_version: d.latest_version,
            update_time: d.update_time.map(|text| time(MESSAGE, "update_time", &text)).transpose()?,
            rows: d.rows,
            publishers: d.publishers,
            open: d.open,
            history: d.history,
            oldest_version: d.oldest_version,
            oldest_time: d.oldest_time.map(|text| time(MESSAGE, "oldest_time", &text)).transpose()?,
        })
    }
}

impl From<v1::ListDatasetsResponse> for Datasets {
    fn from(list: v1::ListDatasetsResponse) -> Self {
        Self { datasets: all(list.datasets), next_page_token: list.next_page_token }
    }
}

impl TryFrom<Datasets> for v1::ListDatasetsResponse {
    type Error = TypeConversionError;

    fn try_from(list: Datasets) -> Result<Self, TypeConversionError> {
        Ok(Self { datasets: tried(list.datasets)?, next_page_token: list.next_page_token })
    }
}

impl From<v1::DatasetVersion> for CommittedVersion {
    fn from(v: v1::DatasetVersion) -> Self {
        let dataset = id(&v.name);
        Self {
            dataset: dataset.split_once('/').map_or(dataset.as_str(), |(dataset, _)| dataset).to_owned(),
            version: v.version,
            commit_time: v.commit_time.map(moment),
            rows: v.rows,
            submissions: v.submissions.iter().map(|submission| id(submission)).collect(),
        }
    }
}

impl TryFrom<CommittedVersion> for v1::DatasetVersion {
    type Error = TypeConversionError;

    fn try_from(v: CommittedVersion) -> Result<Self, TypeConversionError> {
        const MESSAGE: &str = "DatasetVersion";
        Ok(Self {
            name: dataset_version(&v.dataset, v.version),
            version: v.version,
            commit_time: v.commit_time.map(|text| time(MESSAGE, "commit_time", &text)).transpose()?,
            rows: v.rows,
            submissions: v.submissions.iter().map(|id| name(Collection::Submissions, id)).collect(),
        })
    }
}

impl From<v1::ListDatasetVersionsResponse> for CommittedVersions {
    fn from(list: v1::ListDatasetVersionsResponse) -> Self {
        Self { versions: all(list.versions), next_page_token: list.next_page_token }
    }
}

impl TryFrom<CommittedVersions> for v1::ListDatasetVersionsResponse {
    type Error = TypeConversionError;

    fn try_from(list: CommittedVersions) -> Result<Self, TypeConversionError> {
        Ok(Self { versions: tried(list.versions)?, next_page_token: list.next_page_token })
    }
}

impl From<v1::Organisation> for Organisation {
    fn from(o: v1::Organisation) -> Self {
        Self { id: id(&o.name), display_name: o.display_name, kind: o.kind, identifiers: all(o.identifiers) }
    }
}

impl From<Organisation> for v1::Organisation {
    fn from(o: Organisation) -> Self {
        Self {
            name: name(Collection::Organisations, &o.id),
            display_name: o.display_name,
            kind: o.kind,
            identifiers: all(o.identifiers),
        }
    }
}

impl From<v1::ListOrganisationsResponse> for Organisations {
    fn from(list: v1::ListOrganisationsResponse) -> Self {
        Self { organisations: all(list.organisations), next_page_token: list.next_page_token }
    }
}

impl From<Organisations> for v1::ListOrganisationsResponse {
    fn from(list: Organisations) -> Self {
        Self { organisations: all(list.organisations), next_page_token: list.next_page_token }
    }
}
