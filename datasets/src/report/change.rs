//! What was read in another form than the pattern's: told by column and kind, with examples.

use serde::{Deserialize, Serialize};

use super::Language;

/// How a cell, or the file, was written; stable, never renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Change {
    /// The file is not UTF-8; it was read from another encoding.
    Encoding,
    /// The name of a column stands in two rows.
    HeaderJoined,
    /// A column without a name and without values was left out.
    EmptyColumn,
    /// Empty cells behind the last column were left out.
    TrailingCells,
    /// Blanks around a text.
    BlanksAround,
    /// A line break inside a cell of a sheet became a blank.
    LineBreak,
    /// A comma before the decimals.
    DecimalComma,
    /// Blanks, points or commas between thousands.
    Thousands,
    /// A date that is not written as `YYYY-MM-DD`.
    DateForm,
    /// An hour of one digit.
    HourForm,
    /// A yes or no that is not written as `true` or `false`.
    BooleanForm,
    /// A dash that stands for no value.
    NoValueMark,
    /// Leading zeros of a code that were lost; the code list proves the only reading.
    LeadingZeros,
}

impl Change {
    /// All kinds.
    pub const ALL: [Self; 13] = [
        Self::Encoding,
        Self::HeaderJoined,
        Self::EmptyColumn,
        Self::TrailingCells,
        Self::BlanksAround,
        Self::LineBreak,
        Self::DecimalComma,
        Self::Thousands,
        Self::DateForm,
        Self::HourForm,
        Self::BooleanForm,
        Self::NoValueMark,
        Self::LeadingZeros,
    ];

    /// UPPER_SNAKE, as it stands in a report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Encoding => "ENCODING",
            Self::HeaderJoined => "HEADER_JOINED",
            Self::EmptyColumn => "EMPTY_COLUMN",
            Self::TrailingCells => "TRAILING_CELLS",
            Self::BlanksAround => "BLANKS_AROUND",
            Self::LineBreak => "LINE_BREAK",
            Self::DecimalComma => "DECIMAL_COMMA",
            Self::Thousands => "THOUSANDS",
            Self::DateForm => "DATE_FORM",
            Self::HourForm => "HOUR_FORM",
            Self::BooleanForm => "BOOLEAN_FORM",
            Self::NoValueMark => "NO_VALUE_MARK",
            Self::LeadingZeros => "LEADING_ZEROS",
        }
    }

    /// What was done, for people.
    pub fn text(self, language: Language) -> &'static str {
        let (pl, en) = match self {
            Self::Encoding => ("odczytano z innego kodowania", "read from another encoding"),
            Self::HeaderJoined => ("nazwa kolumny w dwóch wierszach", "column name in two rows"),
            Self::EmptyColumn => {
                ("pominięto pustą kolumnę bez nazwy", "empty column without a name left out")
            }
            Self::TrailingCells => {
                ("pominięto puste komórki za ostatnią kolumną", "empty cells behind the last column left out")
            }
            Self::BlanksAround => ("usunięto odstępy wokół tekstu", "blanks around the text taken off"),
            Self::LineBreak => ("koniec wiersza w komórce zamieniono na odstęp", "line break became a blank"),
            Self::DecimalComma => ("przecinek dziesiętny", "decimal comma"),
            Self::Thousands => ("odstępy między tysiącami", "thousands separators"),
            Self::DateForm => ("inny zapis daty", "another form of the date"),
            Self::HourForm => ("inny zapis godziny", "another form of the hour"),
            Self::BooleanForm => ("inny zapis wartości tak/nie", "another form of yes or no"),
            Self::NoValueMark => ("kreska jako brak wartości", "a dash for no value"),
            Self::LeadingZeros => {
                ("przywrócono zera wiodące według słownika", "leading zeros restored by the code list")
            }
        };
        language.pick(pl, en)
    }
}

/// One cell before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// Line of the file; 0 when not about one row.
    pub row: u64,
    /// As it was written, masked where personal, cut to 80 characters.
    pub from: String,
    /// As it was taken; empty when it means no value.
    pub to: String,
}

/// How often cells of a column were read in another form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Normalised {
    /// The form.
    pub change: Change,
    /// The pattern's column; empty when it is about the file or its rows.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub column: String,
    /// Exact.
    pub count: u64,
    /// The first, at most [`Normalised::EXAMPLES_MAX`].
    pub examples: Vec<Example>,
}

impl Normalised {
    /// Most examples of one column and kind.
    pub const EXAMPLES_MAX: usize = 3;

    /// Joins the same change in a later part of the file.
    pub(super) fn join(&mut self, later: Self) {
        self.count += later.count;
        let room = Self::EXAMPLES_MAX.saturating_sub(self.examples.len());
        self.examples.extend(later.examples.into_iter().take(room));
    }
}
