//! What is written down while a plan is walked: the tables that it uses, and which values follow from which.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use arrow::record_batch::RecordBatch;
use datafusion::common::Column;
use datafusion::common::tree_node::TreeNode as _;
use datafusion::logical_expr::Expr;

use super::domain::{self, Evaluator, PERIOD, Tells, VALID_FROM, VALID_TO};
use super::facts::{Attr, Facts, Rule, Use, follow};
use crate::query::lineage::{Lineage, Totals};
use crate::query::visible::{PERIOD_END, PUBLISHER};

/// One use of a table in a statement.
#[derive(Debug)]
pub(super) struct Used<'a> {
    /// As the statement knows the table.
    pub(super) name: String,
    pub(super) kind: Kind<'a>,
    pub(super) row: Attr,
    pub(super) columns: BTreeMap<String, Attr>,
    /// Which period its row is of, and which of its year.
    pub(super) period: Attr,
    pub(super) season: Attr,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Kind<'a> {
    /// With the dataset's id.
    Dataset(&'a str, &'a Lineage),
    /// A small table that is there whole.
    Reference(&'a RecordBatch),
    Other,
}

pub(super) struct Book<'a> {
    pub(super) with: Evaluator<'a>,
    pub(super) uses: Vec<Used<'a>>,
    /// Rules that hold wherever the attributes are.
    rules: Vec<Rule>,
    next: Attr,
    /// Expressions that attributes stand for …
    forms: HashMap<Attr, (Use, Expr)>,
    /// … and the other way round.
    attrs: HashMap<(Use, Expr), Attr>,
    periods: HashMap<String, Option<RecordBatch>>,
}

impl<'a> Book<'a> {
    pub(super) fn new(with: Evaluator<'a>) -> Self {
        Self {
            with,
            uses: Vec::new(),
            rules: Vec::new(),
            next: 0,
            forms: HashMap::new(),
            attrs: HashMap::new(),
            periods: HashMap::new(),
        }
    }

    pub(super) fn attr(&mut self) -> Attr {
        self.next += 1;
        self.next
    }

    pub(super) fn rule(&mut self, from: Vec<Attr>, to: Attr) {
        self.rules.push((from, to));
    }

    pub(super) fn used(&self, of: Use) -> Option<&Used<'a>> {
        self.uses.get(of)
    }

    pub(super) fn lineage(&self, of: Use) -> Option<&'a Lineage> {
        match self.used(of)?.kind {
            Kind::Dataset(_, lineage) => Some(lineage),
            _ => None,
        }
    }

    /// Writes down a use of a table.
    pub(super) fn open(&mut self, name: &str, kind: Kind<'a>, columns: impl Iterator<Item = String>) -> Use {
        let of = self.uses.len();
        let (row, period, season) = (self.attr(), self.attr(), self.attr());
        let mut named = BTreeMap::new();
        for column in columns {
            let attr = self.attr();
            let form = Expr::Column(Column::new_unqualified(column.clone()));
            self.forms.insert(attr, (of, form.clone()));
            self.attrs.insert((of, form), attr);
            self.rule(vec![row], attr);
            named.insert(column, attr);
        }
        self.uses.push(Used { name: name.to_owned(), kind, row, columns: named, period, season });
        if let Kind::Dataset(_, lineage) = kind {
            self.open_dataset(of, lineage);
        }
        of
    }

    fn open_dataset(&mut self, of: Use, lineage: &Lineage) {
        let Some(used) = self.uses.get(of) else { return };
        let (row, period, season) = (used.row, used.period, used.season);
        let column = |name: &str| used.columns.get(name).copied();
        let mut rules = vec![(vec![row], period), (vec![period], season)];
        for name in [PERIOD, PERIOD_END, "_submission"] {
            rules.extend(column(name).map(|attr| (vec![attr], period)));
        }
        rules.extend(column(PERIOD_END).map(|end| (vec![period], end)));
        if lineage.frequencies == "A" {
            rules.push((Vec::new(), season));
        }
        let publisher = column(PUBLISHER);
        if let (Some(publisher), Some(submission)) = (publisher, column("_submission")) {
            rules.push((vec![submission], publisher));
        }
        // A unit has one publisher in a period, and a publisher one unit.
        if let (Some(publisher), Some(unit)) = (publisher, column("jst_terc6")) {
            rules.extend([(vec![unit, period], publisher), (vec![publisher, period], unit)]);
        }
        if let (Some(key), Some(publisher)) = (&lineage.key, publisher) {
            let key: Option<Vec<Attr>> = key.iter().map(|name| column(name)).collect();
            rules.extend(key.map(|mut key| {
                key.extend([publisher, period]);
                (key, row)
            }));
        }
        self.rules.extend(rules);
    }

    /// What tells a dataset's amounts apart beside their period.
    pub(super) fn units(&self, of: Use) -> Vec<Attr> {
        let Some(used) = self.used(of) else { return Vec::new() };
        let key = self.lineage(of).and_then(|lineage| lineage.key.as_deref()).unwrap_or_default();
        let names = key.iter().map(String::as_str).chain([PUBLISHER]);
        names.filter_map(|name| used.columns.get(name).copied()).collect()
    }

    /// The attribute that an expression over one use of a table is.
    pub(super) fn attr_of(&mut self, of: Use, expr: &Expr) -> Attr {
        if let Some(attr) = self.attrs.get(&(of, expr.clone())) {
            return *attr;
        }
        let attr = self.attr();
        self.attrs.insert((of, expr.clone()), attr);
        self.forms.insert(attr, (of, expr.clone()));
        let Some(used) = self.uses.get(of) else { return attr };
        let from: Vec<Attr> =
            expr.column_refs().iter().filter_map(|column| used.columns.get(&column.name).copied()).collect();
        let (period, season) = (used.period, used.season);
        if is_of_period(expr) && self.lineage(of).is_some_and(Lineage::minds_periods) {
            // What cannot be tried is taken to tell all.
            match self.periods_of(of).and_then(|periods| domain::tells(expr, &periods, self.with)) {
                Some(Tells::Little) => {}
                Some(Tells::Season) => self.rule(vec![attr], season),
                Some(Tells::Period) | None => self.rule(vec![attr], period),
            }
        }
        self.rule(from, attr);
        attr
    }

    /// All periods of a dataset.
    pub(super) fn periods_of(&mut self, of: Use) -> Option<RecordBatch> {
        let frequencies = &self.lineage(of)?.frequencies;
        self.periods.entry(frequencies.clone()).or_insert_with(|| domain::periods(frequencies)).clone()
    }

    /// Last days of the periods that conditions leave of a dataset; None: they leave more than can be told.
    pub(super) fn ends_left(&mut self, of: Use, facts: &Facts) -> Option<BTreeSet<i32>> {
        let conditions: Vec<&Expr> = facts
            .conditions
            .iter()
            .filter(|(on, expr)| *on == of && is_of_period(expr))
            .map(|(_, e)| e)
            .collect();
        if conditions.is_empty() {
            return None;
        }
        let periods = self.periods_of(of)?;
        domain::rows_left(&periods, &conditions, self.with).map(|left| domain::ends(&left))
    }

    /// All that follows from what is the same in two rows.
    pub(super) fn follows(&mut self, start: impl IntoIterator<Item = Attr>, facts: &Facts) -> BTreeSet<Attr> {
        let mut known: BTreeSet<Attr> = start.into_iter().collect();
        known.extend(self.fixed_periods(facts));
        let references: Vec<Use> =
            (0..self.uses.len()).filter(|of| matches!(self.uses[*of].kind, Kind::Reference(_))).collect();
        loop {
            follow(&mut known, self.rules.iter().chain(&facts.rules));
            let new = references.iter().filter(|of| !known.contains(&self.uses[**of].row));
            let new: Vec<Attr> =
                new.filter(|of| self.is_told(**of, &known, facts)).map(|of| self.uses[*of].row).collect();
            if new.is_empty() {
                return known;
            }
            known.extend(new);
        }
    }

    /// Is the row of a reference table the only one with what is known of it?
    fn is_told(&self, of: Use, known: &BTreeSet<Attr>, facts: &Facts) -> bool {
        let Some(Used { kind: Kind::Reference(table), .. }) = self.used(of) else { return false };
        let forms = known.iter().filter_map(|attr| self.forms.get(attr));
        let by: Vec<&Expr> = forms.filter(|(on, _)| *on == of).map(|(_, expr)| expr).collect();
        let conditions: Vec<&Expr> =
            facts.conditions.iter().filter(|(on, _)| *on == of).map(|(_, expr)| expr).collect();
        let has_spans = [VALID_FROM, VALID_TO].iter().all(|name| table.column_by_name(name).is_some());
        let on_a_day = has_spans && facts.begun.contains(&of) && facts.unended.contains(&of);
        domain::is_unique(table, &conditions, &by, on_a_day, self.with)
    }

    /// Periods that filters choose.
    fn fixed_periods(&mut self, facts: &Facts) -> Vec<Attr> {
        let uses: BTreeSet<Use> = facts.conditions.iter().map(|(of, _)| *of).collect();
        let mut fixed = Vec::new();
        for of in uses {
            if !self.lineage(of).is_some_and(Lineage::minds_periods) {
                continue;
            }
            let Some((period, season)) = self.used(of).map(|used| (used.period, used.season)) else {
                continue;
            };
            let unclear = facts.conditions.iter().any(|(on, expr)| {
                *on == of && !is_of_period(expr) && names_period(expr) && !compares_order_only(expr)
            });
            let tried = facts.conditions.iter().any(|(on, expr)| *on == of && is_of_period(expr));
            match self.ends_left(of, facts) {
                _ if unclear => fixed.push(period),
                Some(ends) if ends.len() <= 1 => fixed.push(period),
                Some(ends) if domain::one_a_year(&ends) => fixed.push(season),
                // A filter that cannot be tried may choose one.
                None if tried => fixed.push(period),
                _ => {}
            }
        }
        fixed
    }

    /// Do filters leave rows of totals beside rows of their parts? Those that cannot be tried leave none.
    pub(super) fn leaves_totals(&self, of: Use, totals: &Totals, facts: &Facts) -> bool {
        let names = |expr: &Expr| expr.column_refs().iter().any(|column| column.name == totals.column);
        let said: Vec<&Expr> = facts
            .conditions
            .iter()
            .filter(|(on, expr)| *on == of && names(expr))
            .map(|(_, expr)| expr)
            .collect();
        let contains = totals.contains.iter();
        let values: BTreeSet<&str> =
            contains.flat_map(|(of, parts)| parts.iter().chain([of])).map(String::as_str).collect();
        let Some(table) = domain::texts(&totals.column, &values) else { return false };
        let Some(left) = domain::rows_left(&table, &said, self.with) else { return false };
        let left: BTreeSet<&str> = domain::texts_of(&left).into_iter().collect();
        left.iter().any(|value| totals.within(value).iter().any(|part| left.contains(part)))
    }

    /// The column that an attribute is.
    pub(super) fn base(&self, attr: Attr) -> Option<(Use, String)> {
        match self.forms.get(&attr)? {
            (of, Expr::Column(column)) => Some((*of, column.name.clone())),
            _ => None,
        }
    }

    /// The dataset whose periods an attribute names.
    pub(super) fn is_period(&self, attr: Attr) -> Option<Use> {
        let (of, expr) = self.forms.get(&attr)?;
        (names_period(expr) && self.lineage(*of).is_some()).then_some(*of)
    }
}

/// Is it over a period's columns and over no others?
pub(super) fn is_of_period(expr: &Expr) -> bool {
    let columns = expr.column_refs();
    !columns.is_empty() && columns.iter().all(|column| is_period_column(&column.name))
}

pub(super) fn names_period(expr: &Expr) -> bool {
    expr.column_refs().iter().any(|column| is_period_column(&column.name))
}

fn is_period_column(name: &str) -> bool {
    name == PERIOD || name == PERIOD_END
}

/// Does it say no more of values than which is earlier? Such a filter leaves many periods.
pub(super) fn compares_order_only(expr: &Expr) -> bool {
    use datafusion::logical_expr::Operator as Op;
    let chooses = |part: &Expr| match part {
        Expr::BinaryExpr(binary) => !matches!(
            binary.op,
            Op::And | Op::Or | Op::Lt | Op::LtEq | Op::Gt | Op::GtEq | Op::NotEq | Op::Plus | Op::Minus
        ),
        Expr::Column(_)
        | Expr::OuterReferenceColumn(..)
        | Expr::Literal(..)
        | Expr::Cast(_)
        | Expr::Between(_)
        | Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::Alias(_) => false,
        Expr::ScalarFunction(call) => call.name() != "coalesce",
        _ => true,
    };
    !expr.exists(|part| Ok(chooses(part))).unwrap_or(true)
}
