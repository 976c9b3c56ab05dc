//! Findings of a part of a payload, joined part by part.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Change, Code, Count, Normalised, Severity, Violation};

/// Mergeable findings of a part of a payload: exact counts, bounded list in row order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Written", try_from = "Written")]
pub struct Findings {
    /// How often each kind was found; the text is the id of a declared rule, else empty.
    pub counts: BTreeMap<(Code, Severity, String), u64>,
    /// The gravest, at most [`Findings::LISTED_MAX`] of them.
    pub listed: Vec<Violation>,
    /// Rows with at least one blocking finding.
    pub rows_refused: u64,
    /// Rows that are no data; each has a finding that says why.
    pub rows_set_aside: u64,
    /// What the sender says to rows, which few do.
    explained: Option<Box<Explained>>,
    /// What was read in another form, by column and kind.
    normalised: BTreeMap<(String, Change), Normalised>,
    refused_lines: LineSet,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Explained {
    /// How many findings their rows explain.
    counts: BTreeMap<(Code, Severity, String), u64>,
    /// By line.
    rows: BTreeMap<u64, String>,
}

impl Findings {
    /// Most violations that are listed one by one.
    pub const LISTED_MAX: usize = 1_000;

    /// Counts a finding and lists it while there is room; a graver one takes the place of a lesser one.
    pub fn add(&mut self, violation: Violation) {
        self.count(violation.code, violation.severity, &violation.rule, 1);
        if violation.severity == Severity::Block && violation.row > 0 {
            self.refuse(violation.row);
        }
        self.list(violation);
    }

    /// Counts findings that are not listed one by one.
    pub fn count(&mut self, code: Code, severity: Severity, rule: &str, number: u64) {
        *self.counts.entry((code, severity, rule.to_owned())).or_default() += number;
    }

    /// Rows whose explanations are kept; those behind them count as not explained by comparisons.
    pub const EXPLANATIONS_MAX: usize = 10_000;

    /// Takes what the sender says to a row.
    pub fn explain(&mut self, line: u64, text: String) {
        let rows = &mut self.explained.get_or_insert_default().rows;
        if rows.len() < Self::EXPLANATIONS_MAX {
            rows.insert(line, text);
        }
    }

    /// What the sender says to a row.
    pub fn explanation(&self, line: u64) -> Option<&str> {
        self.explained.as_ref()?.rows.get(&line).map(String::as_str)
    }

    /// Counts a finding that its row explains; it is counted as a finding besides.
    pub fn count_explained(&mut self, code: Code, severity: Severity, rule: &str, number: u64) {
        let counts = &mut self.explained.get_or_insert_default().counts;
        *counts.entry((code, severity, rule.to_owned())).or_default() += number;
    }

    /// The counts of all kinds.
    pub(crate) fn take_counts(&mut self) -> impl Iterator<Item = Count> {
        let mut explained = self
            .explained
            .as_mut()
            .map(|explained| std::mem::take(&mut explained.counts))
            .unwrap_or_default();
        std::mem::take(&mut self.counts).into_iter().map(move |(key, count)| {
            let explained = explained.remove(&key).unwrap_or(0);
            let (code, severity, rule) = key;
            Count { code, severity, rule, count, explained }
        })
    }

    /// Tells of a row that is no data.
    pub fn set_aside(&mut self, violation: Violation) {
        self.rows_set_aside += 1;
        self.add(violation);
    }

    /// Tells of cells that were read in another form.
    pub fn normalise(&mut self, normalised: Normalised) {
        let key = (normalised.column.clone(), normalised.change);
        match self.normalised.get_mut(&key) {
            Some(before) => before.join(normalised),
            None => {
                self.normalised.insert(key, normalised);
            }
        }
    }

    /// What was read in another form, by column and kind.
    pub fn into_normalised(self) -> impl Iterator<Item = Normalised> {
        self.normalised.into_values()
    }

    /// Marks a line as refused; a line counts once, however many findings it has.
    pub fn refuse(&mut self, line: u64) {
        self.rows_refused += u64::from(self.refused_lines.insert(line));
    }

    /// True when a line holds a blocking finding.
    pub fn is_refused(&self, line: u64) -> bool {
        self.refused_lines.contains(line)
    }

    /// Lists a finding that was counted already.
    pub(crate) fn list(&mut self, violation: Violation) {
        if self.listed.len() >= Self::LISTED_MAX {
            let least = self.listed.iter().map(rank).min();
            let Some(least) = least.filter(|least| *least < rank(&violation)) else { return };
            if let Some(at) = self.listed.iter().rposition(|v| rank(v) == least) {
                self.listed.remove(at);
            }
        }
        self.listed.push(violation);
    }

    /// Joins the findings of the next part of the payload.
    pub fn merge(&mut self, later: Findings) {
        for (key, count) in later.counts {
            *self.counts.entry(key).or_default() += count;
        }
        self.rows_refused += self.refused_lines.join(&later.refused_lines);
        self.rows_set_aside += later.rows_set_aside;
        if let Some(explained) = later.explained {
            explained.rows.into_iter().for_each(|(line, text)| self.explain(line, text));
            for ((code, severity, rule), count) in explained.counts {
                self.count_explained(code, severity, &rule, count);
            }
        }
        later.normalised.into_values().for_each(|normalised| self.normalise(normalised));
        self.listed.extend(later.listed);
        if self.listed.len() > Self::LISTED_MAX {
            let mut order: Vec<usize> = (0..self.listed.len()).collect();
            order.sort_by_key(|at| std::cmp::Reverse(rank(&self.listed[*at])));
            let mut kept = vec![false; order.len()];
            order.iter().take(Self::LISTED_MAX).for_each(|at| kept[*at] = true);
            let mut kept = kept.into_iter();
            self.listed.retain(|_| kept.next().unwrap_or(false));
        }
    }

    /// The worst severity found.
    pub fn worst(&self) -> Option<Severity> {
        self.counts.keys().map(|(_, severity, _)| *severity).max()
    }
}

/// Findings as they are written.
#[derive(Serialize, Deserialize)]
struct Written {
    counts: Vec<Count>,
    listed: Vec<Violation>,
    /// Lines with a blocking finding, as the pages of their set.
    refused: Vec<(u64, Vec<u64>)>,
    set_aside: u64,
    normalised: Vec<Normalised>,
    explanations: Vec<(u64, String)>,
}

impl From<Findings> for Written {
    fn from(mut findings: Findings) -> Self {
        let counts = findings.take_counts().collect();
        let pages = findings.refused_lines.pages.into_iter();
        Self {
            counts,
            listed: findings.listed,
            refused: pages.map(|(number, page)| (number, page.to_vec())).collect(),
            set_aside: findings.rows_set_aside,
            normalised: findings.normalised.into_values().collect(),
            explanations: findings.explained.map(|said| said.rows.into_iter().collect()).unwrap_or_default(),
        }
    }
}

impl TryFrom<Written> for Findings {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        if written.listed.len() > Self::LISTED_MAX {
            return Err("more findings than are ever listed");
        }
        if written.explanations.len() > Self::EXPLANATIONS_MAX {
            return Err("more explanations than are ever kept");
        }
        let mut findings =
            Self { listed: written.listed, rows_set_aside: written.set_aside, ..Self::default() };
        for Count { code, severity, rule, count, explained } in written.counts {
            if explained > 0 {
                findings.count_explained(code, severity, &rule, explained);
            }
            findings.counts.insert((code, severity, rule), count);
        }
        written.explanations.into_iter().for_each(|(line, text)| findings.explain(line, text));
        for normalised in written.normalised {
            if normalised.examples.len() > Normalised::EXAMPLES_MAX {
                return Err("more examples than are ever listed");
            }
            findings.normalise(normalised);
        }
        for (number, page) in written.refused {
            let page: Box<[u64; PAGE_WORDS]> = page.try_into().map_err(|_| "a page of another length")?;
            findings.rows_refused += page.iter().map(|word| u64::from(word.count_ones())).sum::<u64>();
            findings.refused_lines.pages.insert(number, page);
        }
        Ok(findings)
    }
}

/// What stays listed when there is no room for all: a broken structure before all else, for it takes
/// the place of every other finding at the end.
fn rank(violation: &Violation) -> (Severity, bool) {
    (violation.severity, violation.code.is_structural())
}

const PAGE_LINES: u64 = 4_096;
const PAGE_WORDS: usize = 64;

/// A set of line numbers: at most a bit for each line of the file, so that rows are counted once
/// even when a file of many million lines is refused line by line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineSet {
    pages: BTreeMap<u64, Box<[u64; PAGE_WORDS]>>,
}

impl LineSet {
    /// Adds a line; false when it was there.
    pub fn insert(&mut self, line: u64) -> bool {
        let page = self.pages.entry(line / PAGE_LINES).or_insert_with(|| Box::new([0; PAGE_WORDS]));
        let (word, bit) = Self::place(line);
        let fresh = page[word] & bit == 0;
        page[word] |= bit;
        fresh
    }

    /// True when a line is in the set.
    pub fn contains(&self, line: u64) -> bool {
        let (word, bit) = Self::place(line);
        self.pages.get(&(line / PAGE_LINES)).is_some_and(|page| page[word] & bit != 0)
    }

    /// Adds the lines of another set; gives how many are new.
    fn join(&mut self, other: &Self) -> u64 {
        let mut fresh = 0;
        for (number, theirs) in &other.pages {
            let ours = self.pages.entry(*number).or_insert_with(|| Box::new([0; PAGE_WORDS]));
            for (our, their) in ours.iter_mut().zip(theirs.iter()) {
                fresh += u64::from((their & !*our).count_ones());
                *our |= their;
            }
        }
        fresh
    }

    fn place(line: u64) -> (usize, u64) {
        let within = line % PAGE_LINES;
        ((within / 64) as usize, 1 << (within % 64))
    }
}
