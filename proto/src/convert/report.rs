//! Reports and violations, both ways.

use hub_datasets::report::{Change, Code, Count, Example, Explanation, Later, Normalised};
use hub_datasets::{Report, Severity, Violation};

use super::TypeConversionError;
use crate::v1;

impl From<Severity> for v1::Severity {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Info => Self::Info,
            Severity::Warn => Self::Warn,
            Severity::MustExplain => Self::MustExplain,
            Severity::Block => Self::Block,
        }
    }
}

impl From<Violation> for v1::Violation {
    fn from(v: Violation) -> Self {
        Self {
            code: code_text(v.code),
            severity: v1::Severity::from(v.severity).into(),
            rule: v.rule,
            row: v.row,
            key: v.key,
            column: v.column,
            value: v.value,
            expected: v.expected,
            message: Some(v1::LocalizedText { pl: v.message_pl, en: v.message_en }),
            hint: Some(v1::LocalizedText { pl: v.hint_pl, en: v.hint_en }),
            explanation: v.explanation,
        }
    }
}

impl TryFrom<v1::Violation> for Violation {
    type Error = TypeConversionError;

    fn try_from(v: v1::Violation) -> Result<Self, TypeConversionError> {
        let severity = severity_from_wire("Violation", v.severity)?;
        let message = v.message.ok_or_else(|| TypeConversionError::missing("Violation", "message"))?;
        let hint = v.hint.unwrap_or_default();
        Ok(Self {
            code: code_from_wire("Violation", &v.code)?,
            severity,
            rule: v.rule,
            row: v.row,
            key: v.key,
            column: v.column,
            value: v.value,
            expected: v.expected,
            message_pl: message.pl,
            message_en: message.en,
            hint_pl: hint.pl,
            hint_en: hint.en,
            explanation: v.explanation,
        })
    }
}

impl From<Count> for v1::ViolationCount {
    fn from(c: Count) -> Self {
        Self {
            code: code_text(c.code),
            severity: v1::Severity::from(c.severity).into(),
            rule: c.rule,
            count: c.count,
            explained: c.explained,
        }
    }
}

impl TryFrom<v1::ViolationCount> for Count {
    type Error = TypeConversionError;

    fn try_from(c: v1::ViolationCount) -> Result<Self, TypeConversionError> {
        let severity = severity_from_wire("ViolationCount", c.severity)?;
        let code = code_from_wire("ViolationCount", &c.code)?;
        Ok(Self { code, severity, rule: c.rule, count: c.count, explained: c.explained })
    }
}

impl From<Report> for v1::Report {
    fn from(r: Report) -> Self {
        Self {
            pattern: r.pattern,
            bundle_sha256: r.bundle_sha256,
            rows_read: r.rows_read,
            rows_refused: r.rows_refused,
            rows_set_aside: r.rows_set_aside,
            counts: r.counts.into_iter().map(Into::into).collect(),
            violations: r.violations.into_iter().map(Into::into).collect(),
            not_evaluated: r.not_evaluated,
            normalised: r.normalised.into_iter().map(Into::into).collect(),
            pending: r.pending,
            explanations: r.explanations.into_iter().map(Into::into).collect(),
            later: r.later.map(Into::into),
        }
    }
}

impl From<Later> for v1::Later {
    fn from(later: Later) -> Self {
        Self {
            counts: later.counts.into_iter().map(Into::into).collect(),
            violations: later.violations.into_iter().map(Into::into).collect(),
            pending: later.pending,
        }
    }
}

impl TryFrom<v1::Later> for Later {
    type Error = TypeConversionError;

    fn try_from(later: v1::Later) -> Result<Self, TypeConversionError> {
        Ok(Self {
            counts: later.counts.into_iter().map(Count::try_from).collect::<Result<_, _>>()?,
            violations: later.violations.into_iter().map(Violation::try_from).collect::<Result<_, _>>()?,
            pending: later.pending,
        })
    }
}

impl From<Normalised> for v1::Normalised {
    fn from(n: Normalised) -> Self {
        let examples = n.examples.into_iter();
        let examples =
            examples.map(|Example { row, from, to }| v1::NormalisedExample { row, from, to }).collect();
        Self { change: n.change.as_str().to_owned(), column: n.column, count: n.count, examples }
    }
}

impl TryFrom<v1::Normalised> for Normalised {
    type Error = TypeConversionError;

    fn try_from(n: v1::Normalised) -> Result<Self, TypeConversionError> {
        let change = Change::ALL.into_iter().find(|change| change.as_str() == n.change);
        let change = change.ok_or_else(|| {
            let text = format!("`{}` is unknown to this version of the contract", n.change);
            TypeConversionError::invalid("Normalised", "change", text)
        })?;
        let examples = n.examples.into_iter();
        let examples =
            examples.map(|v1::NormalisedExample { row, from, to }| Example { row, from, to }).collect();
        Ok(Self { change, column: n.column, count: n.count, examples })
    }
}

impl TryFrom<v1::Report> for Report {
    type Error = TypeConversionError;

    fn try_from(r: v1::Report) -> Result<Self, TypeConversionError> {
        if r.pattern.is_empty() {
            return Err(TypeConversionError::missing("Report", "pattern"));
        }
        Ok(Self {
            pattern: r.pattern,
            bundle_sha256: r.bundle_sha256,
            rows_read: r.rows_read,
            rows_refused: r.rows_refused,
            rows_set_aside: r.rows_set_aside,
            counts: r.counts.into_iter().map(Count::try_from).collect::<Result<_, _>>()?,
            violations: r.violations.into_iter().map(Violation::try_from).collect::<Result<_, _>>()?,
            not_evaluated: r.not_evaluated,
            pending: r.pending,
            explanations: r.explanations.into_iter().map(Into::into).collect(),
            later: r.later.map(Later::try_from).transpose()?,
            normalised: r.normalised.into_iter().map(Normalised::try_from).collect::<Result<_, _>>()?,
        })
    }
}

impl From<Explanation> for v1::Explanation {
    fn from(Explanation { rule, text }: Explanation) -> Self {
        Self { rule, text }
    }
}

impl From<v1::Explanation> for Explanation {
    fn from(v1::Explanation { rule, text }: v1::Explanation) -> Self {
        Self { rule, text }
    }
}

/// UPPER_SNAKE, the same text as in JSON reports.
fn code_text(code: Code) -> String {
    match serde_json::to_value(code) {
        Ok(serde_json::Value::String(text)) => text,
        // A unit variant always serialises to a string.
        Ok(_) | Err(_) => String::new(),
    }
}

fn code_from_wire(message: &'static str, text: &str) -> Result<Code, TypeConversionError> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).map_err(|_| {
        TypeConversionError::invalid(
            message,
            "code",
            format!("`{text}` is unknown to this version of the contract"),
        )
    })
}

fn severity_from_wire(message: &'static str, severity: i32) -> Result<Severity, TypeConversionError> {
    match v1::Severity::try_from(severity) {
        Ok(v1::Severity::Info) => Ok(Severity::Info),
        Ok(v1::Severity::Warn) => Ok(Severity::Warn),
        Ok(v1::Severity::MustExplain) => Ok(Severity::MustExplain),
        Ok(v1::Severity::Block) => Ok(Severity::Block),
        Ok(v1::Severity::Unspecified) => Err(TypeConversionError::missing(message, "severity")),
        Err(_) => Err(TypeConversionError::invalid(message, "severity", format!("{severity} is unknown"))),
    }
}
