//! Breaches as the checks find them: small, without text, turned into violations at the end.

use std::collections::BTreeMap;

use crate::report::{Code, Findings, Severity, Violation};

use super::Checker;
use super::messages::{self, Told};
use super::source::Source;

/// One breach in one row; texts are made only for those that are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Breach {
    pub(super) row: u32,
    /// Index of the pattern's column.
    pub(super) column: u16,
    pub(super) kind: Kind,
}

/// What is wrong; numbers are indexes into the pattern's references and rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Type,
    DecimalsExcess,
    TwoReadings,
    FloatNoise,
    TooLarge,
    TimeAmbiguous,
    TimeSkipped,
    Required,
    Allowed,
    Minimum,
    Maximum,
    Length,
    Form,
    Checksum,
    PersonalNumber,
    BrokenLetter,
    Reference(u16),
    OtherRegister(u16),
    Rule(u16),
    RuleFailed(u16),
    Period,
    OutsidePeriod,
    Publisher,
    Status,
}

/// Id under which the agreement of a status with its measure is reported.
const STATUS_RULE: &str = "status";

impl Kind {
    pub(super) fn code(self) -> Code {
        match self {
            Self::Type | Self::TimeSkipped => Code::TypeInvalid,
            Self::DecimalsExcess | Self::TwoReadings => Code::DecimalsExcess,
            Self::FloatNoise => Code::FloatNoise,
            Self::TooLarge | Self::Minimum | Self::Maximum => Code::RangeExceeded,
            Self::TimeAmbiguous => Code::TimeAmbiguous,
            Self::Required => Code::RequiredMissing,
            Self::Allowed => Code::EnumInvalid,
            Self::Length => Code::LengthInvalid,
            Self::Form | Self::BrokenLetter => Code::FormInvalid,
            Self::Checksum => Code::ChecksumInvalid,
            Self::PersonalNumber => Code::PersonalNumber,
            Self::Reference(_) => Code::ReferenceMissing,
            Self::OtherRegister(_) => Code::ReferenceOtherRegister,
            Self::Rule(_) | Self::Status => Code::RuleBroken,
            Self::RuleFailed(_) => Code::RuleFailed,
            Self::Period | Self::OutsidePeriod => Code::PeriodMismatch,
            Self::Publisher => Code::PublisherMismatch,
        }
    }

    pub(super) fn severity(self, checker: &Checker) -> Severity {
        let pattern = &checker.context.pattern;
        match self {
            Self::FloatNoise | Self::OtherRegister(_) => Severity::Info,
            Self::Reference(index) => pattern.references[usize::from(index)].severity,
            Self::Rule(index) => pattern.rules[usize::from(index)].severity,
            _ => Severity::Block,
        }
    }

    fn rule(self, checker: &Checker) -> &str {
        match self {
            Self::Rule(index) | Self::RuleFailed(index) => {
                &checker.context.pattern.rules[usize::from(index)].id
            }
            Self::Status => STATUS_RULE,
            _ => "",
        }
    }
}

/// Turns the breaches of a part into findings: all are counted, the first and gravest are told.
pub(super) fn findings(
    checker: &Checker,
    mut breaches: Vec<Breach>,
    source: &Source<'_>,
    lines: &[u64],
) -> Findings {
    let mut findings = Findings::default();
    if breaches.is_empty() {
        return findings;
    }
    breaches.sort_unstable();
    breaches.dedup();
    let mut counts: BTreeMap<Kind, u64> = BTreeMap::new();
    let mut graded: Vec<(Severity, Breach)> = Vec::with_capacity(breaches.len());
    for breach in breaches {
        *counts.entry(breach.kind).or_default() += 1;
        let severity = breach.kind.severity(checker);
        if severity == Severity::Block {
            findings.refuse(lines[breach.row as usize]);
        }
        if severity == Severity::MustExplain && !source.explanation(breach.row as usize).is_empty() {
            findings.count_explained(breach.kind.code(), severity, breach.kind.rule(checker), 1);
        }
        graded.push((severity, breach));
    }
    for (kind, number) in counts {
        findings.count(kind.code(), kind.severity(checker), kind.rule(checker), number);
    }
    if graded.len() > Findings::LISTED_MAX {
        // The sort is stable: among equals the earlier rows stay.
        graded.sort_by_key(|(severity, _)| std::cmp::Reverse(*severity));
        graded.truncate(Findings::LISTED_MAX);
        graded.sort_unstable_by_key(|(_, breach)| *breach);
    }
    for (severity, breach) in graded {
        findings.list(violation(checker, breach, severity, source, lines[breach.row as usize]));
    }
    findings
}

fn violation(
    checker: &Checker,
    breach: Breach,
    severity: Severity,
    source: &Source<'_>,
    line: u64,
) -> Violation {
    let row = breach.row as usize;
    let column = usize::from(breach.column);
    let value = checker.shown(column, source.text(row, column));
    let told: Told = messages::of(checker, breach.kind, column, &value);
    Violation {
        code: breach.kind.code(),
        severity,
        rule: breach.kind.rule(checker).to_owned(),
        row: line,
        key: checker.key_text(row, source),
        column: checker.context.pattern.columns[column].name.clone(),
        value,
        expected: told.expected,
        message_pl: told.pl,
        message_en: told.en,
        hint_pl: told.hint_pl,
        hint_en: told.hint_en,
        explanation: String::new(),
    }
}
