//! What people are told of a column, in both languages.

use arrow::array::{Array as _, StringArray};

use super::Examples;
use crate::CodeLists;
use crate::codelist::CodeList;
use crate::pattern::{
    Absent, Aggregation, Column, ColumnType, OpenRule, Reference, Sensitivity, form_in_words,
};
use crate::report::Language;
use crate::{Pattern, Severity};

/// A column among those of its pattern.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'a> {
    pub(super) pattern: &'a Pattern,
    pub(super) column: &'a Column,
    pub(super) lists: &'a CodeLists,
    /// What samples have in the columns; none where no samples are at hand.
    pub(super) examples: Option<&'a Examples>,
}

impl<'a> Facts<'a> {
    /// How values are written.
    pub(super) fn kind(self, language: Language) -> String {
        match self.column.kind {
            ColumnType::String => language.pick("tekst", "text").to_owned(),
            ColumnType::Integer => language.pick("liczba całkowita", "whole number").to_owned(),
            ColumnType::Decimal(precision, scale) => match language {
                Language::Polish => {
                    format!("liczba, najwyżej {scale} miejsc po przecinku (decimal({precision},{scale}))")
                }
                Language::English => {
                    format!("number with at most {scale} decimal places (decimal({precision},{scale}))")
                }
            },
            ColumnType::Number => {
                language.pick("liczba zmiennoprzecinkowa", "floating-point number").to_owned()
            }
            ColumnType::Boolean => language.pick("true albo false", "true or false").to_owned(),
            ColumnType::Date => language.pick("data, RRRR-MM-DD", "date, YYYY-MM-DD").to_owned(),
            ColumnType::Datetime => {
                let zone = self.column.zone.as_deref().unwrap_or_default();
                let form =
                    language.pick("data i czas, RRRR-MM-DD GG:MM:SS", "date and time, YYYY-MM-DD HH:MM:SS");
                format!("{form} ({zone})")
            }
        }
    }

    /// Whether a cell may be empty, and what that means.
    pub(super) fn required(self, language: Language) -> &'static str {
        let column = self.column;
        match () {
            () if column.header => language.pick("nie; hub ją uzupełni", "no; the hub fills it in"),
            () if column.status_of.is_some() => {
                language.pick("nie; wynika z miary", "no; the measure tells it")
            }
            () if column.absent == Absent::Zero => language.pick("nie; pusta znaczy 0", "no; empty means 0"),
            () if column.required => language.pick("tak", "yes"),
            () => language.pick("nie", "no"),
        }
    }

    /// Bounds of values, each a short text.
    pub(super) fn bounds(self, language: Language) -> Vec<String> {
        let column = self.column;
        let mut bounds = Vec::new();
        if let Some(allowed) = &column.allowed {
            bounds.push(format!("{}: {}", language.pick("jedna z wartości", "one of"), allowed.join(", ")));
        }
        let limits = [
            (language.pick("najmniej", "at least"), &column.minimum),
            (language.pick("najwyżej", "at most"), &column.maximum),
        ];
        bounds.extend(limits.iter().filter_map(|(word, limit)| Some(format!("{word} {}", limit.as_ref()?))));
        let characters = language.pick("znaków", "characters");
        match (column.min_length, column.max_length) {
            (Some(least), Some(most)) if least == most => bounds.push(format!("{characters}: {least}")),
            (least, most) => {
                let (at_least, at_most) =
                    (language.pick("najmniej", "at least"), language.pick("najwyżej", "at most"));
                bounds.extend(least.map(|least| format!("{characters}: {at_least} {least}")));
                bounds.extend(most.map(|most| format!("{characters}: {at_most} {most}")));
            }
        }
        bounds.extend(column.form.as_deref().and_then(|form| form_in_words(form, language)));
        if let Some(checksum) = &column.checksum {
            let word = language.pick("suma kontrolna", "checksum of");
            bounds.push(format!("{word} {}", checksum.to_uppercase()));
        }
        bounds
    }

    /// Code lists in which its values must be, with what happens when they are not.
    pub(super) fn references(self) -> impl Iterator<Item = (&'a Reference, Option<&'a CodeList>)> {
        let (name, lists) = (&self.column.name, self.lists);
        let of_column =
            self.pattern.references.iter().filter(move |reference| reference.columns.contains(name));
        of_column.map(move |reference| (reference, lists.get(&reference.list).map(|list| &**list)))
    }

    /// The codes of a list that the column alone is looked up in, and their names, as of its newest version.
    pub(super) fn codes(self) -> Option<(&'a CodeList, Vec<(String, String)>)> {
        let (reference, list) = self.references().find(|(reference, _)| reference.columns.len() == 1)?;
        let (list, table) = (list?, &list?.versions.last()?.table);
        let texts = |name: &str| table.column_by_name(name)?.as_any().downcast_ref::<StringArray>();
        let codes = texts(reference.list_columns.first()?)?;
        let names = texts("nazwa");
        let name =
            |row: usize| names.filter(|names| !names.is_null(row)).map_or("", |names| names.value(row));
        let mut found: Vec<(String, String)> = (0..table.num_rows())
            .filter(|row| !codes.is_null(*row))
            .map(|row| (codes.value(row).to_owned(), name(row).to_owned()))
            .collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found.dedup_by(|later, earlier| later.0 == earlier.0);
        Some((list, found))
    }

    /// A value as it is written in a file: the schema's own, else one that its lists or its type allow.
    pub(super) fn example(self) -> String {
        let column = self.column;
        let first_of = |of: &Option<Vec<String>>| of.as_ref().and_then(|of| of.first().cloned());
        let known = column.example.clone().or_else(|| first_of(&column.allowed));
        let known = known.or_else(|| Some(self.codes()?.1.into_iter().next()?.0));
        let known = known.or_else(|| {
            let names = [&column.name, &column.title.pl, &column.title.en].into_iter().chain(&column.aliases);
            names.into_iter().find_map(|name| self.examples?.get(name).cloned())
        });
        known.unwrap_or_else(|| match column.kind {
            ColumnType::Integer => column.minimum.clone().unwrap_or_else(|| "12".to_owned()),
            ColumnType::Decimal(_, scale) => {
                let part: String = "5"
                    .chars()
                    .chain("0".repeat(38).chars())
                    .take(usize::from(scale.unsigned_abs()))
                    .collect();
                if part.is_empty() { "1234".to_owned() } else { format!("1234.{part}") }
            }
            ColumnType::Number => "12.5".to_owned(),
            ColumnType::Boolean => "true".to_owned(),
            ColumnType::Date => "2026-03-31".to_owned(),
            ColumnType::Datetime => "2026-03-31 14:05:00".to_owned(),
            ColumnType::String => String::new(),
        })
    }
}

/// How values of a column are put together.
pub(super) fn aggregation(aggregation: Aggregation, language: Language) -> &'static str {
    match aggregation {
        Aggregation::Sum => language.pick("suma", "sum"),
        Aggregation::Last => language.pick("ostatnia", "the last"),
        Aggregation::Weighted => language.pick("średnia ważona", "weighted mean"),
        Aggregation::None => language.pick("nie łączy się", "none"),
    }
}

/// Who may see a column.
pub(super) fn sensitivity(sensitivity: Sensitivity, language: Language) -> &'static str {
    match sensitivity {
        Sensitivity::Public => language.pick("jawna", "public"),
        Sensitivity::Restricted => language.pick("ograniczona", "restricted"),
        Sensitivity::Personal => language.pick("dane osobowe", "personal"),
    }
}

/// What the open extract does with a column.
pub(super) fn open_rule(rule: OpenRule, language: Language) -> String {
    match rule {
        OpenRule::Keep => language.pick("zostaje", "kept").to_owned(),
        OpenRule::Generalise => language.pick("tylko zgrubnie", "in coarser groups").to_owned(),
        OpenRule::Drop => language.pick("pomijana", "left out").to_owned(),
        OpenRule::Suppress(k) => {
            format!("{} {k}", language.pick("ukrywane liczby poniżej", "counts hidden below"))
        }
    }
}

/// What a finding of a severity does.
pub(super) fn severity(severity: Severity, language: Language) -> &'static str {
    match severity {
        Severity::Block => language.pick("błąd, zatrzymuje", "error, blocks"),
        Severity::MustExplain => language.pick("wymaga wyjaśnienia", "must be explained"),
        Severity::Warn => language.pick("uwaga", "warning"),
        Severity::Info => language.pick("informacja", "information"),
    }
}
