//! The plan from its tables up: what each node does to the rows below it.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::common::JoinType;
use datafusion::logical_expr::expr::GroupingSet;
use datafusion::logical_expr::{Aggregate, Distinct, Expr, Filter, Join, LogicalPlan, Projection, Window};

use super::Walker;
use super::book::Kind;
use super::facts::{Attr, Facts, Use};
use super::filters::leaves_one;
use super::relation::{Branch, Form, Of, Relation, Row, Value};
use super::values::{Place, subqueries};

/// Branches of a union that are told apart; of more nothing is known.
const BRANCHES_MAX: usize = 16;

impl Walker<'_> {
    /// The rows of a plan; nothing of those that cannot be traced.
    pub(super) fn walk(&mut self, plan: &Arc<LogicalPlan>) -> Relation {
        let place = Arc::as_ptr(plan) as usize;
        if let Some(known) = self.walked.get(&place) {
            return known.clone();
        }
        let relation = self.rows_of(plan);
        self.walked.insert(place, relation.clone());
        relation
    }

    /// As [`Self::walk`]; subqueries in the node's expressions are looked through too.
    pub(super) fn rows_of(&mut self, plan: &LogicalPlan) -> Relation {
        for subquery in plan.expressions().iter().flat_map(subqueries) {
            self.walk(&subquery);
        }
        let rows = match plan {
            LogicalPlan::TableScan(scan) => {
                let columns = scan.projected_schema.fields().iter().map(|field| field.name().clone());
                vec![self.scanned(scan.table_name.table(), columns.collect())]
            }
            LogicalPlan::Projection(projection) => self.projected(projection),
            LogicalPlan::Filter(filter) => self.filtered(filter),
            LogicalPlan::Aggregate(aggregate) => self.aggregated(aggregate),
            LogicalPlan::Window(window) => self.windowed(window),
            LogicalPlan::Join(join) => self.joined(join),
            LogicalPlan::Sort(sort) => self.walk(&sort.input),
            LogicalPlan::Limit(limit) => self.limited(plan, &limit.input),
            LogicalPlan::SubqueryAlias(alias) => self.walk(&alias.input),
            LogicalPlan::Subquery(subquery) => self.walk(&subquery.subquery),
            LogicalPlan::Union(union) => {
                let mut rows = Vec::new();
                for input in &union.inputs {
                    let below = self.walk(input);
                    let is_told = !below.is_empty();
                    rows.extend(below);
                    if !is_told || rows.len() > BRANCHES_MAX {
                        return Vec::new();
                    }
                }
                rows
            }
            LogicalPlan::Distinct(distinct) => self.distinct(distinct),
            LogicalPlan::EmptyRelation(_) => vec![Branch::default()],
            other => vec![self.unknown(other.schema().fields().len())],
        };
        let columns = plan.schema().fields().len();
        if rows.iter().any(|branch| branch.columns.len() != columns) { Vec::new() } else { rows }
    }

    fn unknown(&mut self, columns: usize) -> Branch {
        let columns = (0..columns).map(|_| self.opaque()).collect();
        let rows = vec![Row { attr: self.book.attr(), of: Of::Unknown }];
        Branch { columns, rows, ..Branch::default() }
    }

    fn scanned(&mut self, table: &str, columns: Vec<String>) -> Branch {
        let kind = self.tables.get(table).copied().unwrap_or(Kind::Other);
        let of = self.book.open(table, kind, columns.iter().cloned());
        let Some(row) = self.book.used(of).map(|used| used.row) else { return Branch::default() };
        let values = columns.iter().map(|name| {
            let expr = Expr::Column(datafusion::common::Column::new_unqualified(name.clone()));
            Value {
                attr: self.book.attr_of(of, &expr),
                terms: self.amounts(of, name, row),
                form: Form::Of(of, expr),
                rank: None,
            }
        });
        let columns = values.collect();
        let is_told = !matches!(kind, Kind::Other);
        let row = Row { attr: row, of: if is_told { Of::Table(of) } else { Of::Unknown } };
        Branch { columns, rows: vec![row], ..Branch::default() }
    }

    fn projected(&mut self, projection: &Projection) -> Relation {
        self.means.push(super::means::of(&projection.expr));
        let mut rows = self.walk(&projection.input);
        self.means.pop();
        for branch in &mut rows {
            let at = Place { branch, schema: projection.input.schema() };
            let columns = projection.expr.iter().map(|expr| self.value(expr, at)).collect();
            branch.columns = columns;
        }
        rows
    }

    fn filtered(&mut self, filter: &Filter) -> Relation {
        let mut rows = self.walk(&filter.input);
        for branch in &mut rows {
            let at = Place { branch, schema: filter.input.schema() };
            let facts = self.said(&filter.predicate, at);
            let missing = self.missing(&filter.predicate, at);
            branch.facts.add(&facts);
            for (of, periods) in missing {
                branch.rows.retain(|row| row.of != Of::Table(of));
                periods.into_iter().for_each(|period| branch.facts.fixed(period));
            }
        }
        rows
    }

    fn limited(&mut self, plan: &LogicalPlan, input: &Arc<LogicalPlan>) -> Relation {
        let mut rows = self.walk(input);
        if leaves_one(plan) {
            for branch in &mut rows {
                let Branch { rows, facts, columns, .. } = branch;
                rows.iter().for_each(|row| facts.fixed(row.attr));
                columns.iter().for_each(|value| facts.fixed(value.attr));
            }
        }
        rows
    }

    fn joined(&mut self, join: &Join) -> Relation {
        let (left, right) = (self.walk(&join.left), self.walk(&join.right));
        match join.join_type {
            JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => return self.kept(left, join),
            JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => return self.kept(right, join),
            JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => {}
        }
        if left.len() * right.len() > BRANCHES_MAX {
            return Vec::new();
        }
        let mut rows = Vec::new();
        for one in &left {
            for other in &right {
                rows.push(self.pair(one, other, join));
            }
        }
        rows
    }

    /// One side of a join that chooses rows of it.
    fn kept(&mut self, side: Relation, join: &Join) -> Relation {
        if side.iter().all(|branch| branch.columns.len() == join.schema.fields().len()) {
            side
        } else {
            Vec::new()
        }
    }

    fn pair(&mut self, one: &Branch, other: &Branch, join: &Join) -> Branch {
        let mut both = Branch {
            columns: one.columns.iter().chain(&other.columns).cloned().collect(),
            rows: one.rows.iter().chain(&other.rows).copied().collect(),
            facts: one.facts.with(&other.facts),
            optional: one.optional.iter().chain(&other.optional).cloned().collect(),
        };
        let mut said = Facts::default();
        let mut periods = Vec::new();
        for (left, right) in &join.on {
            let left = self.value(left, Place { branch: one, schema: join.left.schema() });
            let right = self.value(right, Place { branch: other, schema: join.right.schema() });
            said.equal(left.attr, right.attr);
        }
        if let Some(condition) = &join.filter
            && let Ok(schema) = join.left.schema().join(join.right.schema())
        {
            let at = Place { branch: &both, schema: &schema };
            said.add(&self.said(condition, at));
            periods = self.periods_named(condition, at);
        }
        let optional: &[&Branch] = match join.join_type {
            JoinType::Left => &[other],
            JoinType::Right => &[one],
            JoinType::Full => &[one, other],
            _ => &[],
        };
        if let [side] = optional {
            let uses = uses(side);
            let attrs: BTreeSet<Attr> = self.attrs(side, &uses);
            said = said.only(&uses, |attr| attrs.contains(&attr));
        }
        for of in optional.iter().flat_map(|side| uses(side)) {
            both.optional.push((of, periods.clone()));
        }
        both.facts.add(&said);
        both
    }

    /// Attributes of a side of a join.
    fn attrs(&self, side: &Branch, uses: &BTreeSet<Use>) -> BTreeSet<Attr> {
        let mut attrs: BTreeSet<Attr> = side.columns.iter().map(|value| value.attr).collect();
        attrs.extend(side.rows.iter().map(|row| row.attr));
        for used in uses.iter().filter_map(|of| self.book.used(*of)) {
            attrs.extend([used.period, used.season]);
        }
        attrs
    }

    fn distinct(&mut self, distinct: &Distinct) -> Relation {
        match distinct {
            Distinct::All(input) => {
                let mut rows = self.walk(input);
                for branch in &mut rows {
                    let by = branch.columns.iter().map(|value| value.attr).collect();
                    self.group(branch, by);
                }
                rows
            }
            Distinct::On(on) => {
                let mut rows = self.walk(&on.input);
                for branch in &mut rows {
                    let at = Place { branch, schema: on.input.schema() };
                    let by: Vec<Attr> = on.on_expr.iter().map(|expr| self.value(expr, at).attr).collect();
                    let columns = on.select_expr.iter().map(|expr| self.value(expr, at)).collect();
                    branch.rows.iter().for_each(|row| branch.facts.rules.push((by.clone(), row.attr)));
                    branch.columns = columns;
                }
                rows
            }
        }
    }

    /// The rows of a branch become groups, one for each value of some attributes.
    fn group(&mut self, branch: &mut Branch, by: Vec<Attr>) -> Attr {
        let row = self.book.attr();
        by.iter().for_each(|attr| self.book.rule(vec![row], *attr));
        self.book.rule(by, row);
        branch.rows = vec![Row { attr: row, of: Of::Groups }];
        branch.optional.clear();
        for term in branch.columns.iter_mut().filter_map(|value| value.terms.as_mut()).flatten() {
            term.measure.row = row;
        }
        row
    }

    fn windowed(&mut self, window: &Window) -> Relation {
        let mut rows = self.walk(&window.input);
        for expr in &window.window_expr {
            self.judge_window(expr, &rows, window.input.schema());
        }
        for branch in &mut rows {
            let mut added = Vec::new();
            for expr in &window.window_expr {
                let mut value = self.opaque();
                if let Expr::WindowFunction(call) = super::values::bare(expr) {
                    value.rank = self.rank(call, Place { branch, schema: window.input.schema() });
                }
                added.push(value);
            }
            branch.columns.extend(added);
        }
        rows
    }

    fn aggregated(&mut self, aggregate: &Aggregate) -> Relation {
        let mut rows = self.walk(&aggregate.input);
        let (all, common) = grouped_by(&aggregate.group_expr);
        let schema = aggregate.input.schema();
        let keys: Vec<Vec<Value>> = rows
            .iter()
            .map(|branch| common.iter().map(|expr| self.value(expr, Place { branch, schema })).collect())
            .collect();
        let outputs: Vec<Vec<Option<Vec<super::relation::Term>>>> =
            aggregate.aggr_expr.iter().map(|expr| self.judge(expr, &rows, &keys, schema)).collect();
        let [branch] = rows.as_mut_slice() else {
            // Of groups over several branches no more is known.
            return vec![self.unknown(aggregate.schema.fields().len())];
        };
        let mut columns: Vec<Value> =
            all.iter().map(|expr| self.value(expr, Place { branch, schema })).collect();
        if all.len() != common.len() {
            columns.push(self.opaque());
        }
        branch.columns = columns;
        let by = branch.columns.iter().map(|value| value.attr).collect();
        let row = self.group(branch, by);
        for output in outputs {
            let mut value = self.opaque();
            self.book.rule(vec![row], value.attr);
            value.terms = output.into_iter().next().flatten();
            for term in value.terms.iter_mut().flatten() {
                term.measure.row = row;
            }
            branch.columns.push(value);
        }
        rows
    }
}

/// Uses of tables of which a branch has rows.
pub(super) fn uses(branch: &Branch) -> BTreeSet<Use> {
    let of_rows = branch.rows.iter().filter_map(|row| match row.of {
        Of::Table(of) => Some(of),
        _ => None,
    });
    let of_columns = branch.columns.iter().filter_map(|value| match value.form {
        Form::Of(of, _) => Some(of),
        _ => None,
    });
    of_rows.chain(of_columns).collect()
}

/// All expressions that rows are grouped by, and those by which they always are.
fn grouped_by(group: &[Expr]) -> (Vec<Expr>, Vec<Expr>) {
    let [Expr::GroupingSet(set)] = group else { return (group.to_vec(), group.to_vec()) };
    let all: Vec<Expr> = set.distinct_expr().into_iter().cloned().collect();
    let common = match set {
        GroupingSet::Rollup(_) | GroupingSet::Cube(_) => Vec::new(),
        GroupingSet::GroupingSets(sets) => {
            all.iter().filter(|expr| sets.iter().all(|set| set.contains(expr))).cloned().collect()
        }
    };
    (all, common)
}
