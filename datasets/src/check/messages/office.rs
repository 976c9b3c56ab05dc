//! What is said of files as offices export them.

use super::{Told, of_file};
use crate::check::lenient::rows::Aside;
use crate::pattern::Text;
use crate::report::{Code, Severity, Violation};

/// Detail of an unclear encoding: the letters fit no page.
pub(in crate::check) const NEITHER_PAGE: &str = "neither";

/// What is told in place of a format where lines end with CR alone.
pub(in crate::check) const BARE_RETURNS: &str = "CR";

/// Texts of a finding about the file as a whole; None for kinds that other files have too.
pub(super) fn told(code: Code, detail: &str) -> Option<Told> {
    let told = match code {
        Code::EncodingAmbiguous if detail == NEITHER_PAGE => Told::new(
            "nie wiadomo, w jakim kodowaniu jest plik: jego litery nie są polskie ani w Windows-1250, ani w ISO-8859-2",
            "the file's encoding is unclear: its letters are no Polish ones, neither in Windows-1250 nor in ISO-8859-2",
        )
        .hint(
            "Zapisz plik jako CSV UTF-8; tak, jak jest, program, z którego pochodzi, pisze inaczej, np. po dosowemu.",
            "Save the file as CSV UTF-8; as it is, the program that it comes from writes otherwise, as for DOS.",
        )
        .expected("UTF-8"),
        Code::EncodingAmbiguous => Told::new(
            "nie wiadomo, w jakim kodowaniu jest plik: polskie litery pasują do Windows-1250 i do ISO-8859-2",
            "the file's encoding is unclear: its letters fit both Windows-1250 and ISO-8859-2",
        )
        .hint("Zapisz plik jako CSV UTF-8.", "Save the file as CSV UTF-8.")
        .expected("UTF-8"),
        Code::FormatMismatch => format_mismatch(detail),
        Code::SheetAmbiguous => Told::new(
            format!("do wzoru pasuje więcej niż jeden arkusz: {detail}"),
            format!("more than one sheet fits the pattern: {detail}"),
        )
        .hint(
            "Zostaw w skoroszycie jeden arkusz z danymi albo zapisz każdy jako osobny plik.",
            "Leave one sheet of data in the workbook, or save each as a file of its own.",
        ),
        Code::FormulaUnresolved => Told::new(
            format!("plik nie zawiera wyników formuł (jest ich {detail}, pierwsza w tym wierszu)"),
            format!("the file lacks the results of formulas ({detail} of them, the first in this row)"),
        )
        .hint(
            "Otwórz skoroszyt w programie do arkuszy, przelicz go i zapisz ponownie.",
            "Open the workbook in a spreadsheet program, recalculate it and save it again.",
        ),
        _ => return None,
    };
    Some(told)
}

/// The bytes are not what the file's name says.
fn format_mismatch(format: &str) -> Told {
    if format == BARE_RETURNS {
        return Told::new(
            "wiersze kończą się samym znakiem CR, jak w dawnych plikach Macintosha, i nie da się ich rozdzielić",
            "the lines end with CR alone, as Macintosh files did, and cannot be told apart",
        )
        .hint(
            "Zapisz plik jako CSV UTF-8 (w Excelu: Zapisz jako, „CSV UTF-8”).",
            "Save the file as CSV UTF-8 (in Excel: Save As, “CSV UTF-8”).",
        )
        .expected("LF | CR LF");
    }
    let told = Told::new(
        format!("to nie jest plik podanego rodzaju: jego treść to {format}"),
        format!("this is no file of its declared kind: its content is {format}"),
    );
    match format {
        "HTML" => told.hint(
            "To strona internetowa, być może z komunikatem o błędzie. Otwórz ją, a dane zapisz jako CSV UTF-8 albo XLSX.",
            "This is a web page, perhaps an error message. Open it, and save the data as CSV UTF-8 or XLSX.",
        ),
        "gzip" | "ZIP" => told.hint(
            "Plik jest spakowany: rozpakuj go i wyślij to, co jest w środku.",
            "The file is packed: unpack it and send what is inside.",
        ),
        _ => told.hint(
            "Nadaj plikowi właściwe rozszerzenie albo zapisz dane jako CSV UTF-8 lub XLSX.",
            "Give the file its true extension, or save the data as CSV UTF-8 or XLSX.",
        ),
    }
}

/// A finding about a workbook that cannot be read.
#[cfg(feature = "check")]
pub(in crate::check) fn workbook_unreadable(pl: &str, en: &str) -> Violation {
    let told = Told::new(
        format!("pliku nie da się odczytać: {pl}"),
        format!("the file cannot be read: {en}"),
    )
    .hint("Zapisz arkusz ponownie jako XLSX albo CSV UTF-8.", "Save the sheet again as XLSX or CSV UTF-8.");
    of_file(Code::PayloadUnreadable, Severity::Block, 0, "", String::new(), told)
}

/// A finding about a sheet that was not read.
#[cfg(feature = "check")]
pub(in crate::check) fn sheet_aside(taken: &str, name: &str) -> Violation {
    let told = Told::new(
        format!("odczytano arkusz „{taken}”, arkusz „{name}” pominięto"),
        format!("the sheet “{taken}” was read, the sheet “{name}” was set aside"),
    );
    of_file(Code::SheetSetAside, Severity::Info, 0, "", name.chars().take(80).collect(), told)
}

/// A finding about a row that is no data.
pub(in crate::check) fn row_aside(aside: Aside, line: u64, shown: String) -> Violation {
    let (pl, en) = match aside {
        #[cfg(feature = "check")]
        Aside::Title => ("wiersz nad nagłówkiem, pominięto go", "a row above the header; it was set aside"),
        #[cfg(feature = "check")]
        Aside::Numbers => {
            ("wiersz z numerami kolumn, pominięto go", "a row that numbers the columns; it was set aside")
        }
        Aside::Empty => ("pusty wiersz, pominięto go", "an empty row; it was set aside"),
        Aside::Total => ("wiersz podsumowania, pominięto go", "a row of totals; it was set aside"),
        Aside::Signature => (
            "wiersz z informacją, kto sporządził tabelę, pominięto go",
            "a row that says who made the table; it was set aside",
        ),
        Aside::OtherPeriod => {
            ("wiersz z innego okresu, pominięto go", "a row of another period; it was set aside")
        }
        Aside::Header => ("powtórzony nagłówek, pominięto go", "the header once more; it was set aside"),
    };
    let told = of_file(Code::RowSetAside, Severity::Info, line, "", shown, Told::new(pl, en));
    Violation { rule: aside.id().to_owned(), ..told }
}

/// A finding about what a table of another system does not say, and its sender must.
pub(in crate::check) fn setting_missing(table: &str, name: &str, title: &Text) -> Violation {
    let told = Told::new(
        format!("plik nie mówi, czego dotyczy: {} ({name})", title.pl),
        format!("the file does not say what it is about: {} ({name})", title.en),
    )
    .hint(
        format!("Podaj to przy wysyłaniu (--set {name}=…) albo w nazwie pliku, jak opisuje postać {table}."),
        format!(
            "Say it when you send the file (--set {name}=…), or in its name, as the table {table} describes."
        ),
    );
    of_file(Code::SchemaMismatch, Severity::Block, 0, name, String::new(), told)
}

/// A finding about a value in a column without a name.
pub(in crate::check) fn column_unnamed(file: usize, line: u64, shown: String) -> Violation {
    let number = file + 1;
    let told = Told::new(
        format!("wartość w kolumnie {number}, która nie ma nazwy"),
        format!("a value in column {number}, which has no name"),
    )
    .hint("Nazwij kolumnę albo usuń ją z pliku.", "Name the column or remove it from the file.");
    of_file(Code::ColumnUnnamed, Severity::Block, line, "", shown, told)
}
