//! What is said of a value that is out of bounds, has not its form, or only looks empty.

use super::{Told, type_name};
use crate::pattern::{Column, ColumnType, form_in_words};
use crate::report::Language;

/// The value has not the form that its column asks for.
pub(super) fn form(declared: &Column) -> Told {
    let form = declared.form.as_deref().unwrap_or_default();
    let words =
        |language| form_in_words(form, language).map(|words| format!(": {words}")).unwrap_or_default();
    let told = Told::new(
        format!("zapis niezgodny z wymaganą postacią{}", words(Language::Polish)),
        format!("the value does not have the form asked for{}", words(Language::English)),
    );
    let (mut pl, mut en) = (String::new(), String::new());
    if words(Language::Polish).is_empty() {
        en = format!("The form is {form}. ");
        pl = match (&declared.example, declared.description.trim_end_matches('.')) {
            (Some(example), _) => format!("Napisz jak: {example}. "),
            (None, "") => format!("Postać: {form}. "),
            (None, description) => format!("Postać: {description}. "),
        };
        if let Some(example) = &declared.example {
            en = format!("Write it as {example}. ");
        }
    }
    told.hint(
        format!("{pl}Sprawdź liczbę znaków, zera wiodące i odstępy."),
        format!("{en}Check the number of characters, leading zeros and blanks."),
    )
    .expected(form)
}

/// The number is less than its column takes.
pub(super) fn minimum(declared: &Column) -> Told {
    let least = declared.minimum.as_deref().unwrap_or_default();
    Told::new(format!("wartość mniejsza niż {least}"), format!("the value is less than {least}"))
        .hint(
            format!("Popraw liczbę: może mieć najmniej {least}. Sprawdź znak, kolumnę i jednostkę."),
            format!(
                "Correct the number: it may be {least} at the least. Look at its sign, its column and its unit."
            ),
        )
        .expected(format!("≥ {least}"))
}

/// The number is greater than its column takes.
pub(super) fn maximum(declared: &Column) -> Told {
    let most = declared.maximum.as_deref().unwrap_or_default();
    Told::new(format!("wartość większa niż {most}"), format!("the value is greater than {most}"))
        .hint(
            format!("Popraw liczbę: może mieć najwyżej {most}. Sprawdź przecinek, kolumnę i jednostkę."),
            format!(
                "Correct the number: it may be {most} at the most. Look at its decimal point, its column and its unit."
            ),
        )
        .expected(format!("≤ {most}"))
}

/// The number has more digits than its type holds.
pub(super) fn too_large(kind: ColumnType) -> Told {
    let told = Told::new("liczba ma za dużo cyfr", "the number has too many digits");
    let told = match kind {
        ColumnType::Decimal(precision, scale) => {
            let before = i32::from(precision) - i32::from(scale);
            told.hint(
                format!("Popraw liczbę: przed przecinkiem może mieć najwyżej {before} cyfr. Sprawdź przecinek."),
                format!(
                    "Correct the number: it may have {before} digits before its decimal point at most. Look at the point."
                ),
            )
        }
        _ => told.hint(
            "Popraw liczbę; sprawdź, czy nie skleiły się dwie komórki.",
            "Correct the number; look whether two cells have run together.",
        ),
    };
    told.expected(type_name(kind))
}

/// True for a cell in which a person sees nothing.
pub(super) fn looks_empty(value: &str) -> bool {
    let is_unseen =
        |c: char| c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}');
    !value.is_empty() && value.chars().all(is_unseen)
}

/// The same of a cell in which a person sees nothing.
pub(super) fn unseen(told: Told) -> Told {
    told.hint(
        "Komórka wygląda na pustą, ale jest w niej niewidoczny znak, np. twarda spacja: usuń całą jej zawartość.",
        "The cell looks empty but holds a character that is not seen, such as a no-break space: clear it.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tests::embedded;

    #[test]
    fn each_form_of_the_patterns_is_said() {
        for pattern in crate::Patterns::embedded().unwrap().iter() {
            for column in pattern.columns.iter().filter(|column| column.form.is_some()) {
                let told = form(column);
                let is_said = told.pl.contains(": ") || told.hint_pl.starts_with("Postać: ");
                assert!(is_said, "{} {}: {told:?}", pattern.id, column.name);
            }
        }
        let regon = embedded("rb28s");
        let told = form(regon.columns.iter().find(|column| column.name == "jednostka_regon").unwrap());
        assert_eq!(told.pl, "zapis niezgodny z wymaganą postacią: 9 albo 14 cyfr");
    }

    #[test]
    fn what_nobody_sees_looks_empty() {
        for value in [" ", "\u{a0}", "\u{a0}\u{200b} ", "\u{feff}"] {
            assert!(looks_empty(value), "{value:?}");
        }
        assert!(!looks_empty("") && !looks_empty("0") && !looks_empty("\u{a0}0"));
    }
}
