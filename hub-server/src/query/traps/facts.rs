//! What is known of the rows of a plan: which values follow from which others. Attributes are numbers; each stands for a
//! column of one use of a table, an expression over it, or for which row of it is meant.

use std::collections::BTreeSet;

use datafusion::logical_expr::Expr;

/// A value that each row of a plan has one of.
pub(super) type Attr = usize;
/// One use of a table.
pub(super) type Use = usize;

/// When `from` are the same in two rows, so is `to`; without any `from` it is the same in all.
pub(super) type Rule = (Vec<Attr>, Attr);

/// What filters and joins say.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    pub(super) rules: Vec<Rule>,
    /// True of the rows of one use of a table; over its own columns.
    pub(super) conditions: Vec<(Use, Expr)>,
    /// Uses of tables of which the row valid on a day is taken: that they begin before it, …
    pub(super) begun: BTreeSet<Use>,
    /// … and that they end behind it.
    pub(super) unended: BTreeSet<Use>,
}

impl Facts {
    pub(super) fn equal(&mut self, one: Attr, other: Attr) {
        self.rules.push((vec![one], other));
        self.rules.push((vec![other], one));
    }

    /// It is the same in all rows.
    pub(super) fn fixed(&mut self, attr: Attr) {
        self.rules.push((Vec::new(), attr));
    }

    pub(super) fn add(&mut self, more: &Self) {
        self.rules.extend(more.rules.iter().cloned());
        self.conditions.extend(more.conditions.iter().cloned());
        self.begun.extend(&more.begun);
        self.unended.extend(&more.unended);
    }

    pub(super) fn with(&self, more: &Self) -> Self {
        let mut both = self.clone();
        both.add(more);
        both
    }

    /// Of the side of an outer join that may be missing: what a condition says of the other side chooses no rows of it.
    pub(super) fn only(mut self, uses: &BTreeSet<Use>, is_of: impl Fn(Attr) -> bool) -> Self {
        self.rules.retain(|(_, to)| is_of(*to));
        self.conditions.retain(|(of, _)| uses.contains(of));
        self
    }
}

/// All that follows from what is known, by rules alone.
pub(super) fn follow<'a>(known: &mut BTreeSet<Attr>, rules: impl Iterator<Item = &'a Rule> + Clone) {
    loop {
        let before = known.len();
        for (from, to) in rules.clone() {
            if from.iter().all(|attr| known.contains(attr)) {
                known.insert(*to);
            }
        }
        if known.len() == before {
            return;
        }
    }
}
