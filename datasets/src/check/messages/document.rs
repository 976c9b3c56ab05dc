//! What is said of documents of other systems.

use std::sync::Arc;

use super::{Told, of_file};
use crate::check::documents::Misread;
use crate::document::{Fault, Tree};
use crate::pattern::Mapping;
use crate::report::{Code, Severity, Violation};

fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

/// A document that cannot be read.
pub(in crate::check) fn unreadable(fault: &Fault) -> Violation {
    let Fault { pl, en } = fault;
    let told =
        Told::new(format!("pliku nie da się odczytać: {pl}"), format!("the file cannot be read: {en}")).hint(
            "Zapisz plik jeszcze raz w programie, z którego pochodzi.",
            "Save the file once more in the program that it comes from.",
        );
    of_file(Code::PayloadUnreadable, Severity::Block, 0, "", String::new(), told)
}

/// A document that no mapping of the pattern knows, or that holds no rows for it.
pub(in crate::check) fn unknown(tree: &Tree, mappings: &[Arc<Mapping>]) -> Violation {
    let root = tree.root().map(|root| cut(tree.name(root))).unwrap_or_default();
    let rows = mappings.iter().map(|mapping| mapping.rows.join("/")).collect::<Vec<_>>().join(" | ");
    let told = Told::new(
        format!("w dokumencie „{root}” nie ma pozycji tego wzoru"),
        format!("the document “{root}” holds no rows of this pattern"),
    );
    let told = match rows.is_empty() {
        true => told.hint(
            "Wzór nie przyjmuje dokumentów XML ani JSON; zapisz dane jako XLSX albo CSV UTF-8.",
            "The pattern takes no documents (XML, JSON); save the data as XLSX or CSV UTF-8.",
        ),
        false => told
            .hint(
                "Sprawdź, czy to plik tego sprawozdania; inne sprawozdania paczki wysyła się pod ich wzorem.",
                "Look whether this is the file of this report; other reports of a package go under their own pattern.",
            )
            .expected(rows),
    };
    of_file(Code::SchemaMismatch, Severity::Block, 0, "", root, told)
}

/// An element with a text that no column takes and no one set aside.
pub(in crate::check) fn element_unknown(path: &str, is_of_row: bool) -> Violation {
    let severity = if is_of_row { Severity::Block } else { Severity::Warn };
    let told =
        Told::new(format!("nieznany element „{}”", cut(path)), format!("unknown element “{}”", cut(path)));
    let told = match is_of_row {
        true => told.hint(
            "Wzór nie ma kolumny na tę wartość, a nie wolno jej zgubić; zgłoś ją operatorowi huba.",
            "The pattern has no column for this value, and it must not get lost; tell the hub's operator.",
        ),
        false => told.hint("Wartość nie trafi do huba.", "The value does not reach the hub."),
    };
    of_file(
        Code::ColumnUnknown,
        severity,
        0,
        path.rsplit('/').next().unwrap_or_default(),
        String::new(),
        told,
    )
}

/// Elements that were set aside, by name.
pub(in crate::check) fn elements_aside(paths: &[String]) -> Violation {
    let list = paths.join(", ");
    let told = Told::new(
        format!("pominięto elementy, których wzór nie obejmuje: {list}"),
        format!("elements that the pattern leaves out were set aside: {list}"),
    );
    of_file(Code::ColumnSetAside, Severity::Info, 0, "", String::new(), told)
}

/// A document of another make than the one that the mapping was written for.
pub(in crate::check) fn constant(path: &str, found: &str, known: &str) -> Violation {
    let told = Told::new(
        format!("„{path}” jest inne niż znane „{known}”; odczytano plik jak dotąd"),
        format!("“{path}” is other than the known “{known}”; the file was read as before"),
    )
    .expected(known);
    of_file(
        Code::SchemaMismatch,
        Severity::Warn,
        0,
        path.rsplit('/').next().unwrap_or_default(),
        cut(found),
        told,
    )
}

/// Parts of the document that say they are the same slice.
pub(in crate::check) fn slice_repeated(
    column: &str,
    value: &str,
    count: usize,
    labels: &[String],
) -> Violation {
    let names = match labels.is_empty() {
        true => String::new(),
        false => format!(
            ": {}",
            labels.iter().map(|label| format!("„{}”", cut(label))).collect::<Vec<_>>().join(", ")
        ),
    };
    let told = Told::new(
        format!("ten sam {column} {} ma w pliku kilka jednostek ({count}){names}", cut(value)),
        format!("several units of the file ({count}) have the same {column} {}{names}", cut(value)),
    )
    .hint(
        "Popraw identyfikator jednej z nich w programie, z którego pochodzi plik, i utwórz plik jeszcze raz: inaczej jedna zajęłaby miejsce drugiej.",
        "Correct the identifier of one of them in the program that the file comes from, and make the file anew: else one would take the place of the other.",
    );
    of_file(Code::SliceRepeated, Severity::Block, 0, column, cut(value), told)
}

/// Texts of a row that make no value.
pub(in crate::check) fn misread(row: u64, column: &str, misread: &Misread) -> Violation {
    let (told, shown) = match misread {
        Misread::Repeated(element) => (
            Told::new(
                format!("element „{element}” występuje dwa razy tam, gdzie może raz"),
                format!("the element “{element}” stands twice where it may stand once"),
            ),
            String::new(),
        ),
        Misread::TooLong(element) => (
            Told::new(
                format!("tekst elementu „{element}” jest za długi"),
                format!("the text of the element “{element}” is too long"),
            ),
            String::new(),
        ),
        Misread::Length { element, text, length } => (
            Told::new(
                format!("element „{element}” ma mieć znaków: {length}"),
                format!("the element “{element}” must have {length} characters"),
            ),
            cut(text),
        ),
        Misread::Period { text, kinds } => (
            Told::new("to nie jest okres: rok, rodzaj i numer", "this is no period: year, kind and number")
                .expected(kinds.clone()),
            cut(text),
        ),
    };
    let told = told.hint(
        "Popraw to w programie, z którego pochodzi plik, i zapisz go jeszcze raz.",
        "Correct this in the program that the file comes from, and save it once more.",
    );
    of_file(Code::RowInvalid, Severity::Block, row, column, shown, told)
}

/// A column that the document says twice, each time otherwise.
pub(in crate::check) fn contradicted(row: u64, column: &str, texts: &[String; 2]) -> Violation {
    let [first, second] = texts.each_ref().map(|text| cut(text));
    let told = Told::new(
        format!("plik podaje to w dwóch miejscach różnie: „{first}” i „{second}”"),
        format!("the file says this in two places differently: “{first}” and “{second}”"),
    )
    .hint(
        "Popraw to w programie, z którego pochodzi plik, i zapisz go jeszcze raz.",
        "Correct this in the program that the file comes from, and save it once more.",
    );
    of_file(Code::RowInvalid, Severity::Block, row, column, second, told)
}
