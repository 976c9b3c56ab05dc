//! An aggregate over rows: is what it adds to be added?

use std::collections::BTreeSet;

use datafusion::common::DFSchema;
use datafusion::logical_expr::expr::{AggregateFunction, WindowFunction};
use datafusion::logical_expr::{Expr, WindowFunctionDefinition};

use super::Walker;
use super::book::Kind;
use super::facts::{Attr, Facts, Use};
use super::relation::{Branch, Form, Measure, Of, Relation, Row, Term, Value};
use super::say::{self, Trap};
use super::values::{Place, bare};
use crate::query::lineage::Added;

/// A call of an aggregate.
struct Call<'e> {
    name: &'e str,
    argument: Option<&'e Expr>,
    distinct: bool,
    filter: Option<&'e Expr>,
    /// It is divided by a number of rows.
    is_mean: bool,
}

impl Call<'_> {
    fn adds(&self) -> bool {
        matches!(self.name, "sum" | "avg") && !self.distinct
    }

    /// Does it give one of the amounts as they are?
    fn picks(&self) -> bool {
        matches!(self.name, "min" | "max" | "first_value" | "last_value" | "nth_value")
    }
}

/// The amounts of an output, by branch.
type Outputs = Vec<Option<Vec<Term>>>;

impl Walker<'_> {
    pub(super) fn judge(
        &mut self,
        expr: &Expr,
        rows: &Relation,
        keys: &[Vec<Value>],
        schema: &DFSchema,
    ) -> Outputs {
        let Expr::AggregateFunction(AggregateFunction { func, params }) = bare(expr) else {
            return vec![None; rows.len()];
        };
        let name = bare(expr).schema_name().to_string();
        let call = Call {
            name: func.name(),
            argument: params.args.first(),
            distinct: params.distinct,
            filter: params.filter.as_deref(),
            is_mean: self.means.last().is_some_and(|means| means.contains(&name)),
        };
        self.judge_call(&call, rows, keys, schema)
    }

    pub(super) fn judge_window(&mut self, expr: &Expr, rows: &Relation, schema: &DFSchema) {
        let Expr::WindowFunction(call) = bare(expr) else { return };
        let WindowFunction { fun: WindowFunctionDefinition::AggregateUDF(function), params } = call.as_ref()
        else {
            return;
        };
        let within = |walker: &mut Self, branch: &Branch| {
            let at = Place { branch, schema };
            params.partition_by.iter().map(|expr| walker.value(expr, at)).collect::<Vec<_>>()
        };
        let keys: Vec<Vec<Value>> = rows.iter().map(|branch| within(self, branch)).collect();
        let call = Call {
            name: function.name(),
            argument: params.args.first(),
            distinct: params.distinct,
            filter: params.filter.as_deref(),
            is_mean: false,
        };
        self.judge_call(&call, rows, &keys, schema);
    }

    fn judge_call(
        &mut self,
        call: &Call<'_>,
        rows: &Relation,
        keys: &[Vec<Value>],
        schema: &DFSchema,
    ) -> Outputs {
        let mut outputs = Vec::new();
        let mut added: Vec<(usize, Term)> = Vec::new();
        let before = self.found.len();
        for (at, (branch, keys)) in rows.iter().zip(keys).enumerate() {
            let place = Place { branch, schema };
            let filter = call.filter.map(|filter| self.said(filter, place)).unwrap_or_default();
            let facts = branch.facts.with(&filter);
            let terms = call.argument.and_then(|argument| self.terms(argument, place));
            if call.name == "count" && !call.distinct {
                self.judge_count(call, place, keys, &facts);
            }
            let terms = terms.filter(|_| call.adds() || call.picks());
            for term in terms.iter().flatten().filter(|_| call.adds()) {
                let all = facts.with(&term.facts);
                self.judge_periods(call, &term.measure, keys, &all);
                self.judge_totals(call, &term.measure, keys, &all);
                self.judge_repeats(call, &term.measure, branch, keys, &all);
                added.push((at, Term { measure: term.measure.clone(), facts: all }));
            }
            outputs.push((terms, facts));
        }
        self.judge_branches(call, &added, keys);
        let is_sound = self.found.len() == before;
        let outputs = outputs.into_iter().zip(keys);
        outputs
            .map(|((terms, facts), keys)| self.output(call, terms.filter(|_| is_sound)?, keys, &facts))
            .collect()
    }

    /// What comes of amounts that were put together: amounts again, where a group has one period.
    fn output(
        &mut self,
        call: &Call<'_>,
        terms: Vec<Term>,
        keys: &[Value],
        facts: &Facts,
    ) -> Option<Vec<Term>> {
        if call.adds() {
            return Some(terms);
        }
        let known = self.book.follows(attrs(keys), facts);
        let is_one =
            |term: &Term| self.book.used(term.measure.of).is_some_and(|used| known.contains(&used.period));
        terms.iter().all(is_one).then_some(terms)
    }

    /// Amounts that cumulate, states and rates.
    fn judge_periods(&mut self, call: &Call<'_>, measure: &Measure, keys: &[Value], facts: &Facts) {
        let Some((period, season)) = self.book.used(measure.of).map(|used| (used.period, used.season)) else {
            return;
        };
        let units = self.book.units(measure.of);
        let wanted = match measure.added {
            Added::Freely => return,
            Added::Never if call.name == "avg" || call.is_mean => return,
            Added::State if call.name == "avg" || call.is_mean => return,
            Added::Never => measure.row,
            Added::State => period,
            Added::Cumulative => season,
        };
        let start = if measure.added == Added::Never { Vec::new() } else { units };
        let known = self.book.follows(attrs(keys).chain(start), facts);
        if !known.contains(&wanted) {
            self.trap(call, measure, say::periods(measure.added));
        }
    }

    /// Rows of totals beside rows of their parts.
    fn judge_totals(&mut self, call: &Call<'_>, measure: &Measure, keys: &[Value], facts: &Facts) {
        let Some(totals) = self.book.lineage(measure.of).and_then(|lineage| lineage.totals.as_ref()) else {
            return;
        };
        let Some(column) = self.book.used(measure.of).and_then(|used| used.columns.get(&totals.column))
        else {
            return;
        };
        let column = *column;
        if call.name == "avg" || self.book.follows(attrs(keys), facts).contains(&column) {
            return;
        }
        if self.book.leaves_totals(measure.of, totals, facts) {
            self.trap(call, measure, Trap::Totals(totals.clone()));
        }
    }

    /// Rows that a join repeats.
    fn judge_repeats(
        &mut self,
        call: &Call<'_>,
        measure: &Measure,
        branch: &Branch,
        keys: &[Value],
        facts: &Facts,
    ) {
        let known = self.book.follows(attrs(keys).chain([measure.row]), facts);
        let own = self.book.follows([measure.row], facts);
        for row in branch.rows.iter().filter(|row| !known.contains(&row.attr)) {
            match self.repeater(*row) {
                Some(name) if self.is_list(*row) => self.trap(call, measure, Trap::List(name)),
                Some(name) => {
                    // Shown by what the other row says, a row belongs to each of them.
                    let theirs = self.book.follows([row.attr], &Facts::default());
                    let by_theirs = attrs(keys).any(|key| theirs.contains(&key) && !own.contains(&key));
                    if !by_theirs {
                        self.trap(call, measure, Trap::Rows(name));
                    }
                }
                None => {}
            }
        }
    }

    /// Rows of a dataset that a list repeats are counted several times.
    fn judge_count(&mut self, call: &Call<'_>, at: Place<'_>, keys: &[Value], facts: &Facts) {
        let counted: Vec<Use> = match call.argument.map(|argument| self.form(argument, at)) {
            Some(Form::Of(of, _)) => vec![of],
            Some(Form::Constant(_)) => at.branch.rows.iter().filter_map(|row| table(*row)).collect(),
            _ => return,
        };
        let datasets: Vec<Use> = counted.into_iter().filter(|of| self.book.lineage(*of).is_some()).collect();
        let [of] = datasets.as_slice() else { return };
        let Some(row) = at.branch.rows.iter().find(|row| table(**row) == Some(*of)).map(|row| row.attr)
        else {
            return;
        };
        let known = self.book.follows(attrs(keys).chain([row]), facts);
        for other in at.branch.rows.iter().filter(|other| !known.contains(&other.attr)) {
            if let Some(name) = self.repeater(*other).filter(|_| self.is_list(*other)) {
                let measure = Measure { of: *of, column: "*".to_owned(), added: Added::Freely, row };
                self.trap(call, &measure, Trap::List(name));
            }
        }
    }

    /// Amounts of one dataset out of several branches of a union: of several periods of a year?
    fn judge_branches(&mut self, call: &Call<'_>, added: &[(usize, Term)], keys: &[Vec<Value>]) {
        for (at, (one, term)) in added.iter().enumerate() {
            for (other, next) in added.iter().skip(at + 1).filter(|(other, _)| other != one) {
                let same = self.dataset(term.measure.of) == self.dataset(next.measure.of)
                    && term.measure.column == next.measure.column;
                let minds = match term.measure.added {
                    Added::Cumulative => true,
                    Added::State => call.name == "sum",
                    _ => false,
                };
                let (Some(ours), Some(theirs)) = (keys.get(*one), keys.get(*other)) else { continue };
                if !same || !minds || are_apart(ours, theirs) {
                    continue;
                }
                let ends = self.book.ends_left(term.measure.of, &term.facts);
                let others = self.book.ends_left(next.measure.of, &next.facts);
                if let (Some(ends), Some(others)) = (ends, others) {
                    let all: BTreeSet<i32> = ends.union(&others).copied().collect();
                    let one_each = ends.len() == 1 && others.len() == 1;
                    let grouped = self.is_shown(term, ours) && self.is_shown(next, theirs);
                    let are_several = match term.measure.added {
                        Added::Cumulative => !super::domain::one_a_year(&all),
                        _ => all.len() > 1,
                    };
                    if one_each && are_several && !grouped {
                        self.trap(call, &term.measure, say::periods(term.measure.added));
                    }
                }
            }
        }
    }

    /// Is the period among the keys of a group, as rows have it?
    fn is_shown(&self, term: &Term, keys: &[Value]) -> bool {
        keys.iter().any(|key| self.book.is_period(key.attr) == Some(term.measure.of))
    }

    fn dataset(&self, of: Use) -> Option<&str> {
        match self.book.used(of)?.kind {
            Kind::Dataset(id, _) => Some(id),
            _ => None,
        }
    }

    fn is_list(&self, row: Row) -> bool {
        let used = table(row).and_then(|of| self.book.used(of));
        used.is_some_and(|used| matches!(used.kind, Kind::Reference(_)))
    }

    /// The name of what a row is of, unless nothing is known of how its rows are told apart.
    fn repeater(&self, row: Row) -> Option<String> {
        match row.of {
            Of::Unknown => None,
            Of::Groups => Some(String::new()),
            Of::Table(of) => {
                let used = self.book.used(of)?;
                let is_told = match used.kind {
                    Kind::Dataset(_, lineage) => lineage.key.is_some(),
                    Kind::Reference(_) => true,
                    Kind::Other => false,
                };
                is_told.then(|| used.name.clone())
            }
        }
    }

    fn trap(&mut self, call: &Call<'_>, measure: &Measure, trap: Trap) {
        let Some(used) = self.book.used(measure.of) else { return };
        let Kind::Dataset(dataset, _) = used.kind else { return };
        let warning = say::warning(call.name, dataset, &used.name, &measure.column, &trap);
        if !self.found.iter().any(|known| known.is_like(&warning)) {
            self.found.push(warning);
        }
    }
}

fn attrs(values: &[Value]) -> impl Iterator<Item = Attr> {
    values.iter().map(|value| value.attr)
}

fn table(row: Row) -> Option<Use> {
    match row.of {
        Of::Table(of) => Some(of),
        _ => None,
    }
}

/// Do two branches have different constants in a key, so that they never share a group?
fn are_apart(ours: &[Value], theirs: &[Value]) -> bool {
    ours.iter().zip(theirs).any(|pair| match (&pair.0.form, &pair.1.form) {
        (Form::Constant(one), Form::Constant(other)) => one != other,
        _ => false,
    })
}
