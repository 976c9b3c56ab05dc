//! What a new version of a pattern changes, and how large a step of its number that needs: compared by machine, so that
//! nobody has to promise that files which were accepted still are.

use std::fmt;

use super::{Pattern, Version};

mod columns;
mod rules;
#[cfg(test)]
mod tests;
mod whole;

/// How large a step of the version a difference needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Texts for people only.
    Patch,
    /// All that was accepted still is; more may be.
    Minor,
    /// What was accepted may be refused now, or means something else.
    Major,
}

/// What kind of difference it is; the names stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the message of each difference says it")]
pub enum Change {
    ColumnAdded,
    ColumnRemoved,
    TypeChanged,
    RequiredAdded,
    RequiredDropped,
    EmptyMeansOther,
    MeaningChanged,
    OpennessChanged,
    ValuesNarrowed,
    ValuesWidened,
    NameDropped,
    NameAdded,
    KeyChanged,
    SliceChanged,
    PeriodsNarrowed,
    PeriodsWidened,
    PeriodChanged,
    RuleAdded,
    RuleDropped,
    RuleChanged,
    SeverityRaised,
    SeverityLowered,
    DocumentAdded,
    DocumentDropped,
    DocumentChanged,
    MarkerAdded,
    MarkerDropped,
    TermsChanged,
    TextChanged,
}

/// One difference between two versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The step that it needs.
    pub step: Step,
    /// What kind it is.
    pub change: Change,
    /// Where: `columns: plan`, `rules: wykonanie_do_planu`.
    pub place: String,
    /// What was before and what is now.
    pub message: String,
}

/// What a draft is beside the newest known version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evolution {
    /// What was found, the largest steps first.
    pub differences: Vec<Difference>,
    /// The step that all of them need together; None: the two are the same to the byte.
    pub step: Option<Step>,
}

impl Evolution {
    /// Compares a draft with the version before it.
    pub fn between(old: &Pattern, new: &Pattern) -> Self {
        let mut found = Found::default();
        whole::compare(old, new, &mut found);
        columns::compare(old, new, &mut found);
        rules::compare(old, new, &mut found);
        let mut differences = found.0;
        differences.sort_by_key(|difference| std::cmp::Reverse(difference.step));
        let step = differences.first().map(|first| first.step);
        // Comments, and the order of what has none.
        let step = step.or((old.bundle_sha256 != new.bundle_sha256).then_some(Step::Patch));
        Self { differences, step }
    }

    /// The least version that may hold the draft.
    pub fn least(&self, known: Version) -> Version {
        let Version { major, minor, patch } = known;
        match self.step {
            None => known,
            Some(Step::Patch) => Version { major, minor, patch: patch + 1 },
            Some(Step::Minor) => Version { major, minor: minor + 1, patch: 0 },
            Some(Step::Major) => Version { major: major + 1, minor: 0, patch: 0 },
        }
    }
}

impl Step {
    /// `major`, `minor`, `patch`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Patch => "patch",
            Self::Minor => "minor",
            Self::Major => "major",
        }
    }
}

impl Change {
    /// Its name, `COLUMN_ADDED`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ColumnAdded => "COLUMN_ADDED",
            Self::ColumnRemoved => "COLUMN_REMOVED",
            Self::TypeChanged => "TYPE_CHANGED",
            Self::RequiredAdded => "REQUIRED_ADDED",
            Self::RequiredDropped => "REQUIRED_DROPPED",
            Self::EmptyMeansOther => "EMPTY_MEANS_OTHER",
            Self::MeaningChanged => "MEANING_CHANGED",
            Self::OpennessChanged => "OPENNESS_CHANGED",
            Self::ValuesNarrowed => "VALUES_NARROWED",
            Self::ValuesWidened => "VALUES_WIDENED",
            Self::NameDropped => "NAME_DROPPED",
            Self::NameAdded => "NAME_ADDED",
            Self::KeyChanged => "KEY_CHANGED",
            Self::SliceChanged => "SLICE_CHANGED",
            Self::PeriodsNarrowed => "PERIODS_NARROWED",
            Self::PeriodsWidened => "PERIODS_WIDENED",
            Self::PeriodChanged => "PERIOD_CHANGED",
            Self::RuleAdded => "RULE_ADDED",
            Self::RuleDropped => "RULE_DROPPED",
            Self::RuleChanged => "RULE_CHANGED",
            Self::SeverityRaised => "SEVERITY_RAISED",
            Self::SeverityLowered => "SEVERITY_LOWERED",
            Self::DocumentAdded => "DOCUMENT_ADDED",
            Self::DocumentDropped => "DOCUMENT_DROPPED",
            Self::DocumentChanged => "DOCUMENT_CHANGED",
            Self::MarkerAdded => "MARKER_ADDED",
            Self::MarkerDropped => "MARKER_DROPPED",
            Self::TermsChanged => "TERMS_CHANGED",
            Self::TextChanged => "TEXT_CHANGED",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Differences as they are found.
#[derive(Debug, Default)]
struct Found(Vec<Difference>);

impl Found {
    fn add(&mut self, step: Step, change: Change, place: impl Into<String>, message: impl Into<String>) {
        let (place, message) = (place.into(), message.into());
        self.0.push(Difference { step, change, place, message });
    }

    /// Tells of a value that is another one now.
    fn other<T: PartialEq + fmt::Debug>(
        &mut self,
        (step, change): (Step, Change),
        place: &str,
        what: &str,
        (old, new): (&T, &T),
    ) {
        if old != new {
            self.add(step, change, place, format!("{what} was {old:?} and is {new:?}"));
        }
    }
}
