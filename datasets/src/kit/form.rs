//! The form of a pattern: an empty table that is accepted as it is once it is filled in.

use std::collections::BTreeMap;

use rust_xlsxwriter::{
    Color, DataValidation, DataValidationErrorStyle, DocProperties, ExcelDateTime, Format, FormatAlign,
    Formula, Note, Workbook, Worksheet, XlsxError,
};

use super::facts::Facts;
use crate::pattern::{Column, ColumnType};
use crate::report::Language;
use crate::{CodeLists, Pattern};

/// The sheet that is read. The others hold no header, so that the check tells them apart.
const DATA: &str = "Dane";
const ABOUT: &str = "Opis";
const LISTS: &str = "Słowniki";
/// Last row of a sheet, from 0.
const LAST_ROW: u32 = 1_048_575;
/// Longest list of values that a cell offers.
const OFFERED_MAX: usize = 1_000;
/// Characters that the message of a cell takes.
const MESSAGE_CHARS: usize = 250;

/// Why there is no form: a name or a text that a workbook cannot hold.
#[derive(Debug, thiserror::Error)]
#[error("the form cannot be written: {0}")]
pub struct FormError(#[from] XlsxError);

/// The form as CSV: the header alone, in UTF-8 with a mark and semicolons, as spreadsheets in Poland open it.
pub fn csv_form(pattern: &Pattern) -> Vec<u8> {
    let names: Vec<&str> = pattern.columns.iter().map(|column| column.name.as_str()).collect();
    format!("\u{feff}{}\r\n", names.join(";")).into_bytes()
}

/// The form as a workbook: the header, with notes, formats and lists of values below it, and a sheet that explains
/// the columns in Polish and English.
pub fn xlsx_form(pattern: &Pattern, lists: &CodeLists) -> Result<Vec<u8>, FormError> {
    let mut workbook = Workbook::new();
    // The same form each time, whenever it is made.
    let made = ExcelDateTime::from_ymd(2020, 1, 1)?;
    let properties = DocProperties::new().set_creation_datetime(&made).set_title(&pattern.title.pl);
    workbook.set_properties(&properties.set_comment(pattern.reference()));
    let facts: Vec<Facts<'_>> =
        pattern.columns.iter().map(|column| Facts { pattern, column, lists, examples: None }).collect();
    let offered = Offered::of(&facts);
    data(workbook.add_worksheet().set_name(DATA)?, &facts, &offered)?;
    about(workbook.add_worksheet().set_name(ABOUT)?, &facts)?;
    if !offered.0.is_empty() {
        offered.write(workbook.add_worksheet().set_name(LISTS)?)?;
    }
    Ok(workbook.save_to_buffer()?)
}

/// Values that a column's cells offer, by the column's place.
struct Offered(BTreeMap<usize, Values>);

struct Values {
    title: String,
    /// Codes with their names.
    codes: Vec<(String, String)>,
    /// Others than these are wrong in every period.
    is_closed: bool,
}

impl Offered {
    fn of(facts: &[Facts<'_>]) -> Self {
        let offered = facts.iter().enumerate().filter_map(|(at, facts)| Some((at, Values::of(*facts)?)));
        Self(offered.filter(|(_, values)| values.codes.len() <= OFFERED_MAX).collect())
    }

    /// Two columns for each list: codes and names.
    fn write(&self, sheet: &mut Worksheet) -> Result<(), FormError> {
        let (bold, text) = (Format::new().set_bold(), Format::new().set_num_format("@"));
        for (place, values) in self.0.values().enumerate() {
            let column = 2 * place as u16;
            sheet.write_string_with_format(0, column, &values.title, &bold)?;
            sheet.set_column_width(column, 16)?.set_column_width(column + 1, 48)?;
            for (row, (code, name)) in (1..).zip(&values.codes) {
                sheet.write_string_with_format(row, column, code, &text)?;
                if !name.is_empty() {
                    sheet.write_string(row, column + 1, name)?;
                }
            }
        }
        sheet.set_freeze_panes(1, 0)?;
        Ok(())
    }

    /// What the cells of a column offer.
    fn validation(&self, column: usize) -> Result<Option<DataValidation>, FormError> {
        let Some(values) = self.0.get(&column) else { return Ok(None) };
        let place = self.0.range(..column).count();
        let (letters, last) = (column_letters(2 * place), values.codes.len() + 1);
        let list = Formula::new(format!("='{LISTS}'!${letters}$2:${letters}${last}"));
        // A list of codes changes by amendment; the period's own version decides, in the check.
        let (style, said) = if values.is_closed {
            (DataValidationErrorStyle::Stop, "Wybierz wartość z listy. / Choose a value of the list.")
        } else {
            let said = "Tej wartości nie ma w słowniku. / The code list lacks this value.";
            (DataValidationErrorStyle::Warning, said)
        };
        let validation = DataValidation::new().allow_list_formula(list).set_error_style(style);
        Ok(Some(validation.set_error_message(said)?))
    }
}

impl Values {
    fn of(facts: Facts<'_>) -> Option<Self> {
        let column = facts.column;
        if let Some(allowed) = &column.allowed {
            let codes = allowed.iter().map(|value| (value.clone(), String::new())).collect();
            return Some(Self { title: title(column), codes, is_closed: true });
        }
        if column.kind == ColumnType::Boolean {
            let codes = ["true", "false"].map(|value| (value.to_owned(), String::new())).into();
            return Some(Self { title: title(column), codes, is_closed: true });
        }
        let (list, codes) = facts.codes()?;
        Some(Self { title: format!("{} / {}", list.title.pl, list.title.en), codes, is_closed: false })
    }
}

fn title(column: &Column) -> String {
    format!("{} / {}", column.title.pl, column.title.en)
}

/// `A` of 0, `AA` of 26.
fn column_letters(mut column: usize) -> String {
    let mut letters = String::new();
    loop {
        letters.insert(0, char::from(b'A' + (column % 26) as u8));
        match (column / 26).checked_sub(1) {
            Some(rest) => column = rest,
            None => return letters,
        }
    }
}

/// How cells of a column look. Codes are texts, so that no zero of theirs is lost.
fn format(kind: ColumnType) -> Format {
    match kind {
        ColumnType::String | ColumnType::Boolean => Format::new().set_num_format("@"),
        ColumnType::Integer => Format::new().set_num_format("0"),
        ColumnType::Decimal(_, 0) => Format::new().set_num_format("0"),
        ColumnType::Decimal(_, scale) => {
            Format::new().set_num_format(format!("0.{}", "0".repeat(usize::from(scale.unsigned_abs()))))
        }
        ColumnType::Number => Format::new(),
        ColumnType::Date => Format::new().set_num_format("yyyy-mm-dd"),
        ColumnType::Datetime => Format::new().set_num_format("yyyy-mm-dd hh:mm:ss"),
    }
}

fn data(sheet: &mut Worksheet, facts: &[Facts<'_>], offered: &Offered) -> Result<(), FormError> {
    let plain = Format::new().set_bold().set_background_color(Color::RGB(0xE7_E6E6));
    let needed = Format::new().set_bold().set_background_color(Color::RGB(0xFF_E699));
    for (at, facts) in facts.iter().enumerate() {
        let (column, place) = (facts.column, at as u16);
        let width = column.name.chars().count().max(12) + 2;
        sheet.set_column_width(place, width as f64)?;
        sheet.set_column_format(place, &format(column.kind))?;
        let head = if facts.required(Language::English) == "yes" { &needed } else { &plain };
        sheet.write_string_with_format(0, place, &column.name, head)?;
        let note = Note::new(note(*facts)).add_author_prefix(false).set_width(320).set_height(200);
        sheet.insert_note(0, place, &note)?;
        if let Some(validation) = offered.validation(at)? {
            let said = message(column);
            sheet.add_data_validation(1, place, LAST_ROW, place, &validation.set_input_message(said)?)?;
        }
    }
    sheet.set_freeze_panes(1, 0)?;
    Ok(())
}

fn message(column: &Column) -> String {
    title(column).chars().take(MESSAGE_CHARS).collect()
}

/// What stands beside the name of a column.
fn note(facts: Facts<'_>) -> String {
    let said = |language: Language| {
        let title = language.pick(&facts.column.title.pl, &facts.column.title.en);
        let unit = facts.column.unit.as_ref().map(|unit| format!(" [{unit}]")).unwrap_or_default();
        let required = format!("{}: {}", language.pick("wymagana", "required"), facts.required(language));
        let bounds = facts.bounds(language).into_iter();
        let lines = [format!("{title}{unit}"), facts.kind(language), required].into_iter().chain(bounds);
        lines.collect::<Vec<_>>().join("\n")
    };
    format!("{}\n\n{}", said(Language::Polish), said(Language::English))
}

/// The columns of the form, one a row.
fn about(sheet: &mut Worksheet, facts: &[Facts<'_>]) -> Result<(), FormError> {
    const HEADS: [(&str, f64); 11] = [
        ("Kolumna (column)", 24.0),
        ("Co to jest", 36.0),
        ("Więcej", 40.0),
        ("What it is", 36.0),
        ("Jednostka (unit)", 10.0),
        ("Wymagana", 22.0),
        ("Required", 22.0),
        ("Jak pisać", 34.0),
        ("How to write it", 34.0),
        ("Słownik (code list)", 26.0),
        ("Przykład (example)", 20.0),
    ];
    let bold = Format::new().set_bold().set_background_color(Color::RGB(0xE7_E6E6));
    let text = Format::new().set_num_format("@").set_text_wrap().set_align(FormatAlign::Top);
    for (column, (head, width)) in (0..).zip(HEADS) {
        sheet.set_column_width(column, width)?;
        sheet.write_string_with_format(0, column, head, &bold)?;
    }
    for (row, facts) in (1..).zip(facts) {
        let column = facts.column;
        let written = |language: Language| {
            let lines = std::iter::once(facts.kind(language)).chain(facts.bounds(language));
            lines.collect::<Vec<_>>().join("\n")
        };
        let lists = facts.references().filter_map(|(_, list)| Some(list?.title.pl.as_str()));
        let cells = [
            column.name.clone(),
            column.title.pl.clone(),
            column.description.clone(),
            column.title.en.clone(),
            column.unit.clone().unwrap_or_default(),
            facts.required(Language::Polish).to_owned(),
            facts.required(Language::English).to_owned(),
            written(Language::Polish),
            written(Language::English),
            lists.collect::<Vec<_>>().join("\n"),
            facts.example(),
        ];
        for (place, cell) in (0..).zip(&cells).filter(|(_, cell)| !cell.is_empty()) {
            sheet.write_string_with_format(row, place, cell, &text)?;
        }
    }
    sheet.set_freeze_panes(1, 1)?;
    Ok(())
}
