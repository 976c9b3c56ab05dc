//! What a violation says, in Polish and in English, and what to do about it.

use crate::Period;
use crate::csv::Misfit;
use crate::pattern::ColumnType;
use crate::report::{Code, Severity, Violation};

use super::Checker;
use super::breach::Kind;

#[cfg(feature = "check")]
pub(super) mod document;
pub(super) mod office;
mod value;

/// The texts of a violation.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) pl: String,
    pub(super) en: String,
    pub(super) hint_pl: String,
    pub(super) hint_en: String,
    pub(super) expected: String,
}

impl Told {
    pub(super) fn new(pl: impl Into<String>, en: impl Into<String>) -> Self {
        Self { pl: pl.into(), en: en.into(), ..Self::default() }
    }

    pub(super) fn hint(mut self, pl: impl Into<String>, en: impl Into<String>) -> Self {
        (self.hint_pl, self.hint_en) = (pl.into(), en.into());
        self
    }

    pub(super) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = expected.into();
        self
    }
}

/// Texts of a breach in a row.
pub(super) fn of(checker: &Checker, kind: Kind, column: usize, value: &str) -> Told {
    let told = breach(checker, kind, column, value);
    if value::looks_empty(value) { value::unseen(told) } else { told }
}

fn breach(checker: &Checker, kind: Kind, column: usize, value: &str) -> Told {
    let pattern = &checker.context.pattern;
    let declared = &pattern.columns[column];
    match kind {
        Kind::Type | Kind::DecimalsExcess | Kind::TwoReadings | Kind::FloatNoise | Kind::TooLarge => {
            number(checker, kind, column)
        }
        Kind::TimeAmbiguous | Kind::TimeSkipped | Kind::Period | Kind::OutsidePeriod | Kind::Publisher => {
            moment(checker, kind, value)
        }
        Kind::Required => Told::new("brak wartości wymaganej", "a required value is missing")
            .hint("Uzupełnij komórkę.", "Fill the cell in.")
            .expected(type_name(declared.kind)),
        Kind::Allowed => {
            let allowed = match (&declared.allowed, &declared.status_of) {
                (Some(allowed), _) => allowed.join(" | "),
                (None, _) => "A | M | L | Z".to_owned(),
            };
            Told::new("wartość spoza listy dozwolonych", "the value is not one of those allowed")
                .hint(format!("Wpisz jedną z: {allowed}."), format!("Write one of: {allowed}."))
                .expected(allowed)
        }
        Kind::Minimum => value::minimum(declared),
        Kind::Maximum => value::maximum(declared),
        Kind::Length => length(checker, column),
        Kind::Form => value::form(declared),
        Kind::Checksum => {
            let name = declared.checksum.as_deref().unwrap_or_default().to_uppercase();
            Told::new(
                format!("błędna cyfra kontrolna {name}"),
                format!("the check digit of the {name} is wrong"),
            )
            .hint(format!("Sprawdź {name} w rejestrze."), format!("Look the {name} up in its register."))
            .expected(name)
        }
        Kind::PersonalNumber => personal_number(),
        Kind::BrokenLetter => broken_letter(),
        Kind::Reference(index) | Kind::OtherRegister(index) => reference(checker, kind, index),
        Kind::Rule(index) | Kind::RuleFailed(index) => rule(checker, kind, index),
        Kind::Status => {
            let measure = declared.status_of.as_deref().unwrap_or_default();
            Told::new(
                format!("status „{value}” nie zgadza się z kolumną {measure}"),
                format!("status “{value}” does not agree with column {measure}"),
            )
            .hint(
                "A: jest wartość; M, L, Z: komórka wartości jest pusta.",
                "A: there is a value; M, L, Z: the value's cell is empty.",
            )
        }
    }
}

fn broken_letter() -> Told {
    let told = Told::new(
        "w tekście jest znak, który nie jest literą: zniekształcona litera (\u{FFFD}) albo znak sterujący",
        "the text holds what is no letter: one that was damaged (\u{FFFD}), or a control character",
    );
    told.hint(
        "Wpisz tekst od nowa albo zapisz plik w programie, z którego pochodzi, jako CSV UTF-8.",
        "Write the text anew, or save the file as CSV UTF-8 in the program that it comes from.",
    )
}

fn personal_number() -> Told {
    let told = Told::new(
        "numer PESEL, którego ten wzór nie przyjmuje",
        "a PESEL number, which this pattern does not take",
    );
    told.hint(
        "Usuń numer albo zastąp go pseudonimem. Jeśli to inny numer, rozdziel jego cyfry, np. kreską.",
        "Take the number out, or put a pseudonym in its place. If it is another number, part its digits, as by a dash.",
    )
}

fn number(checker: &Checker, kind: Kind, column: usize) -> Told {
    let declared = &checker.context.pattern.columns[column];
    let told = match kind {
        Kind::DecimalsExcess => Told::new("za dużo miejsc po przecinku", "too many decimals").hint(
            "Zaokrąglij liczbę w źródle i wyślij ponownie.",
            "Round the number at its source and send it again.",
        ),
        Kind::TwoReadings => Told::new(
            "trzy cyfry za jedynym separatorem: ułamek czy tysiące?",
            "three digits behind the only separator: a fraction, or thousands?",
        )
        .hint(
            "Zapisz tysiące bez separatora, a ułamek krócej: 17900 albo 17,90.",
            "Write thousands without a separator, and a fraction shorter: 17900 or 17.90.",
        ),
        Kind::FloatNoise => Told::new(
            "liczba z szumem obliczeń zmiennoprzecinkowych, przyjęto zaokrągloną",
            "the number carries floating-point noise; it was taken rounded",
        ),
        Kind::TooLarge => value::too_large(declared.kind),
        _ => {
            let (pl, en) = match declared.kind {
                ColumnType::Integer => ("to nie jest liczba całkowita", "this is not a whole number"),
                ColumnType::Decimal(..) | ColumnType::Number => {
                    ("to nie jest liczba", "this is not a number")
                }
                ColumnType::Boolean => ("to nie jest wartość tak/nie", "this is not a yes/no value"),
                ColumnType::Date => ("to nie jest data", "this is not a date"),
                ColumnType::Datetime => ("to nie jest data z godziną", "this is not a date and time"),
                ColumnType::String => ("to nie jest tekst", "this is not text"),
            };
            type_hint(Told::new(pl, en), declared.kind)
        }
    };
    told.expected(type_name(declared.kind))
}

fn type_hint(told: Told, kind: ColumnType) -> Told {
    match kind {
        ColumnType::Integer => told.hint("Wpisz same cyfry, np. 125.", "Write digits only, such as 125."),
        ColumnType::Decimal(..) | ColumnType::Number => told.hint(
            "Wpisz liczbę z kropką dziesiętną, bez spacji i znaków waluty, np. 1234.50.",
            "Write a number with a decimal point, without blanks and currency signs, such as 1234.50.",
        ),
        ColumnType::Boolean => told.hint("Wpisz true albo false.", "Write true or false."),
        ColumnType::Date => told.hint("Wpisz datę jak 2022-12-31.", "Write the date as 2022-12-31."),
        ColumnType::Datetime => {
            told.hint("Wpisz czas jak 2022-12-31T23:00.", "Write the time as 2022-12-31T23:00.")
        }
        ColumnType::String => told,
    }
}

/// `decimal(18,2)`, `YYYY-MM-DD`: the same in every language.
pub(super) fn type_name(kind: ColumnType) -> String {
    match kind {
        ColumnType::String => "string".to_owned(),
        ColumnType::Integer => "integer".to_owned(),
        ColumnType::Decimal(precision, scale) => format!("decimal({precision},{scale})"),
        ColumnType::Number => "number".to_owned(),
        ColumnType::Boolean => "true | false".to_owned(),
        ColumnType::Date => "YYYY-MM-DD".to_owned(),
        ColumnType::Datetime => "YYYY-MM-DDThh:mm[:ss][±hh:mm]".to_owned(),
    }
}

fn moment(checker: &Checker, kind: Kind, value: &str) -> Told {
    let context = &checker.context;
    let period = context.period.as_ref().map(|p| p.label().to_owned()).unwrap_or_default();
    match kind {
        Kind::TimeAmbiguous => Told::new(
            "godzina występuje dwa razy (zmiana czasu)",
            "this hour occurs twice (the clock is put back)",
        )
        .hint(
            "Dopisz przesunięcie strefy, np. +02:00 albo +01:00.",
            "Add the offset of the zone, such as +02:00 or +01:00.",
        )
        .expected(type_name(ColumnType::Datetime)),
        Kind::TimeSkipped => Told::new(
            "takiej godziny nie było (zmiana czasu)",
            "there was no such hour (the clock is put forward)",
        )
        .hint(
            "Popraw godzinę albo dopisz przesunięcie strefy.",
            "Correct the hour or add the offset of the zone.",
        )
        .expected(type_name(ColumnType::Datetime)),
        Kind::Publisher => {
            let unit = context.publisher.as_ref().and_then(|p| p.terc6.clone()).unwrap_or_default();
            Told::new("kod jednostki inny niż nadawcy", "the unit's code is not the publisher's")
                .hint(
                    "Wyślij plik w imieniu właściwej jednostki albo popraw kod.",
                    "Send the file for the right unit, or correct the code.",
                )
                .expected(unit)
        }
        Kind::OutsidePeriod => {
            let days = context.period.as_ref().map(|p| format!("{} … {}", p.first_day(), p.last_day()));
            Told::new(
                format!("czas spoza okresu {period}"),
                format!("the time lies outside the period {period}"),
            )
            .hint(
                "Wyślij ten wiersz z plikiem właściwego okresu.",
                "Send this row with the file of its own period.",
            )
            .expected(days.unwrap_or_default())
        }
        _ if value.parse::<Period>().is_err() => Told::new(
            format!("to nie jest zapis okresu {period}"),
            format!("this does not write the period {period}"),
        )
        .hint(
            format!("Napisz okres tak: {period}. Albo usuń kolumnę, hub uzupełni ją sam."),
            format!("Write the period as {period}. Or remove the column, the hub fills it in."),
        )
        .expected(period),
        _ => Told::new(
            format!("okres w pliku inny niż okres wysyłki {period}"),
            format!("the period in the file is not that of the submission, {period}"),
        )
        .hint(
            "Wyślij plik z jego okresem albo popraw kolumnę.",
            "Send the file under its own period, or correct the column.",
        )
        .expected(period),
    }
}

fn length(checker: &Checker, column: usize) -> Told {
    let declared = &checker.context.pattern.columns[column];
    let expected = match (declared.min_length, declared.max_length) {
        (Some(least), Some(most)) if least == most => least.to_string(),
        (Some(least), Some(most)) => format!("{least}–{most}"),
        (Some(least), None) => format!("≥ {least}"),
        (None, most) => format!("≤ {}", most.unwrap_or_default()),
    };
    Told::new(
        format!("zła liczba znaków, powinno być {expected}"),
        format!("wrong number of characters, it should be {expected}"),
    )
    .hint(
        "Sprawdź, czy arkusz nie obciął zer wiodących.",
        "Check whether a spreadsheet took leading zeros off.",
    )
    .expected(expected)
}

fn reference(checker: &Checker, kind: Kind, index: u16) -> Told {
    let reference = &checker.context.pattern.references[usize::from(index)];
    let columns = reference.columns.join(" + ");
    let list = &reference.list;
    let told = if matches!(kind, Kind::OtherRegister(_)) {
        Told::new(
            format!("kod {columns} z innego wydania rejestru {list}, przyjęto"),
            format!("the code {columns} is of another version of the register {list}; it was taken"),
        )
    } else {
        Told::new(
            format!("nie ma takiej wartości {columns} na liście {list}"),
            format!("no such value of {columns} in the code list {list}"),
        )
        .hint(
            format!("Sprawdź kod na liście {list} ważnej w okresie sprawozdania."),
            format!("Look the code up in the list {list} valid in the period."),
        )
    };
    told.expected(format!("{list}({})", reference.list_columns.join(", ")))
}

fn rule(checker: &Checker, kind: Kind, index: u16) -> Told {
    let rule = &checker.context.pattern.rules[usize::from(index)];
    let told = if matches!(kind, Kind::RuleFailed(_)) {
        Told::new(
            format!("nie można policzyć reguły {} dla tego wiersza", rule.id),
            format!("rule {} cannot be computed for this row", rule.id),
        )
        .hint("Sprawdź, czy liczby nie są zbyt duże.", "Check whether the numbers are too large.")
    } else {
        Told::new(rule.message.pl.clone(), rule.message.en.clone())
            .hint(rule.hint.pl.clone(), rule.hint.en.clone())
    };
    told.expected(rule.expression.clone())
}

/// A finding about the file, or about its header.
pub(super) fn structural(checker: &Checker, code: Code, line: u64, column: &str, detail: &str) -> Violation {
    let known = || {
        let names = checker.context.pattern.columns.iter().filter(|c| !c.header);
        names.map(|c| c.name.as_str()).collect::<Vec<_>>().join(",")
    };
    let told = match code {
        Code::EncodingInvalid => Told::new(
            format!("plik nie jest w UTF-8 (wiersz {line}, bajt {detail})"),
            format!("the file is not UTF-8 (line {line}, byte {detail})"),
        )
        .hint("Zapisz plik jako CSV UTF-8.", "Save the file as CSV UTF-8.")
        .expected("UTF-8"),
        Code::NulByte => Told::new(
            format!("wiersz {line} zawiera bajt zerowy; to nie jest plik tekstowy UTF-8"),
            format!("line {line} holds a NUL byte; this is not a UTF-8 text file"),
        )
        .hint("Zapisz plik jako CSV UTF-8.", "Save the file as CSV UTF-8.")
        .expected("UTF-8"),
        Code::EmptyFile => Told::new("plik nie zawiera wierszy", "the file holds no rows").hint(
            "Jeśli nie ma czego zgłosić, wyślij „brak danych do sprawozdania”: hub push --nothing-to-report.",
            "If there is nothing to report, send “nothing to report”: hub push --nothing-to-report.",
        ),
        Code::HeaderMissing => Told::new(
            "w pierwszych wierszach nie ma nazw kolumn wzoru",
            "the first lines do not name the pattern's columns",
        )
        .hint(
            "Dodaj wiersz nagłówka; separator: przecinek, średnik albo tabulator.",
            "Add a header line; the separator is a comma, a semicolon or a tab.",
        )
        .expected(known()),
        _ => office::told(code, detail).unwrap_or_else(|| header(code, line, column, detail)),
    };
    let severity = if code == Code::ColumnSetAside { Severity::Info } else { Severity::Block };
    let shown = matches!(code, Code::HeaderMissing).then(|| detail.chars().take(80).collect::<String>());
    of_file(code, severity, line, column, shown.unwrap_or_default(), told)
}

fn header(code: Code, line: u64, column: &str, detail: &str) -> Told {
    match code {
        Code::ColumnMissing => Told::new(
            format!("brak wymaganej kolumny {column}"),
            format!("the required column {column} is missing"),
        )
        .hint("Dodaj kolumnę do pliku.", "Add the column to the file.")
        .expected(column),
        Code::ColumnUnknown => {
            Told::new(format!("nieznana kolumna „{column}”"), format!("unknown column “{column}”"))
                .hint("Usuń kolumnę albo popraw jej nazwę.", "Remove the column or correct its name.")
        }
        Code::ColumnRepeated => {
            Told::new(format!("kolumna {column} występuje dwa razy"), format!("column {column} occurs twice"))
                .hint("Usuń powtórzoną kolumnę.", "Remove the repeated column.")
        }
        Code::ColumnSetAside => Told::new(
            format!("kolumna {column} nie należy do wzoru, pominięto ją"),
            format!("column {column} is not part of the pattern; it was set aside"),
        ),
        Code::LineTooLong => {
            Told::new(format!("wiersz {line} jest za długi"), format!("line {line} is too long ({detail})"))
                .hint("Sprawdź końce wierszy i cudzysłowy.", "Check line ends and quotes.")
        }
        Code::QuoteUnclosed => Told::new(
            format!("cudzysłów otwarty w wierszu {line} nie jest zamknięty"),
            format!("the quote opened in line {line} is not closed"),
        )
        .hint("Zamknij cudzysłów albo usuń go.", "Close the quote or remove it."),
        Code::PayloadUnreadable => Told::new(
            format!("pliku nie da się odczytać: {detail}"),
            format!("the file cannot be read: {detail}"),
        )
        .hint("Zapisz plik ponownie w podanym formacie.", "Write the file again in its declared format."),
        _ => Told::new(
            format!("dane nie mają schematu wzoru: {detail}"),
            format!("the data do not have the pattern's schema: {detail}"),
        )
        .hint("Porównaj kolumny i ich typy ze wzorem.", "Compare columns and types with the pattern."),
    }
}

/// A finding about a record with too few or too many cells.
pub(super) fn cell_count(width: usize, misfit: &Misfit) -> Violation {
    let found = misfit.cells;
    let told = Told::new(
        format!("wiersz ma {found} {} zamiast {width}", polish_cells(found)),
        format!("the row has {found} {} instead of {width}", if found == 1 { "cell" } else { "cells" }),
    )
    .hint(
        "Sprawdź separatory; tekst z separatorem ujmij w cudzysłów.",
        "Check the separators; put text that holds one in quotes.",
    )
    .expected(width.to_string());
    of_file(Code::CellCount, Severity::Block, misfit.line, "", found.to_string(), told)
}

/// 1 komórkę, 2 komórki, 5 komórek, 12 komórek, 22 komórki.
fn polish_cells(number: usize) -> &'static str {
    match (number, number % 10, number % 100) {
        (1, ..) => "komórkę",
        (_, _, 12..=14) => "komórek",
        (_, 2..=4, _) => "komórki",
        _ => "komórek",
    }
}

/// A finding about a key that was seen before.
pub(super) fn key_repeated(checker: &Checker, key: String, line: u64, first: Option<u64>) -> Violation {
    let (pl, en) = match first {
        Some(first) => (
            format!("klucz powtórzony: ten sam klucz jest w wierszu {first}"),
            format!("the key is repeated: line {first} has the same"),
        ),
        None => ("klucz powtórzony".to_owned(), "the key is repeated".to_owned()),
    };
    let told = Told::new(pl, en).hint(
        "Połącz albo usuń jeden z wierszy; sprawdź, czy jednostki nie mają tego samego identyfikatora.",
        "Join the rows or remove one; check whether two units carry the same identifier.",
    );
    let column = checker.context.pattern.key.join(", ");
    let expected = first.map(|first| format!("≠ {first}")).unwrap_or_default();
    Violation {
        key,
        ..of_file(Code::KeyRepeated, Severity::Block, line, &column, String::new(), told.expected(expected))
    }
}

/// A finding about the file or one of its lines.
pub(super) fn of_file(
    code: Code,
    severity: Severity,
    row: u64,
    column: &str,
    value: String,
    told: Told,
) -> Violation {
    Violation {
        code,
        severity,
        rule: String::new(),
        row,
        key: String::new(),
        column: column.to_owned(),
        value,
        expected: told.expected,
        message_pl: told.pl,
        message_en: told.en,
        hint_pl: told.hint_pl,
        hint_en: told.hint_en,
        explanation: String::new(),
    }
}
