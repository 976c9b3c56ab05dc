//! Mappings: where the documents of other systems hold a pattern's columns. One declaration serves both ways,
//! for reading such a document and for writing it.

use serde::Deserialize;

use super::file::{TextFile, yaml_file};
use super::{Absent, Pattern, PatternError, Text};
use crate::period::Frequency;

/// How the documents of another system hold a pattern's rows.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// As the file is named: `bestia`.
    pub id: String,
    /// Name of the document, for people.
    pub title: Text,
    /// How the document is written.
    pub form: DocumentForm,
    /// Names of the elements from the root to a row; the row's own may be one of several: `procurers|contractors`.
    pub rows: Vec<String>,
    /// Where columns are; a column that the document repeats stands here more than once.
    pub fields: Vec<MappedField>,
    /// What a document says the same each time.
    pub constants: Vec<Constant>,
    /// The name of a slice, which only findings show.
    pub slice_label: Option<Place>,
    /// Elements that no column takes, with all below them.
    pub set_aside: Vec<Place>,
}

/// How documents are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DocumentForm {
    /// Elements and attributes.
    #[default]
    Xml,
    /// Objects and lists; the document itself is named `$`, an item of a list without a name `[]`.
    Json,
}

/// A column in the document.
#[derive(Debug, Clone)]
pub struct MappedField {
    /// The pattern's column, by its place.
    pub column: usize,
    /// What makes its value.
    pub from: Source,
    /// A zero is left out when a document is written.
    pub omit_zero: bool,
    /// How the document writes a date.
    pub date: Option<DateForm>,
}

/// A way of writing a day, as `DD.MM.YYYY`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateForm(String);

impl DateForm {
    fn parse(text: &str) -> Option<Self> {
        let once = |token: &str| text.matches(token).count() == 1;
        let rest = text.replace("DD", "").replace("MM", "").replace("YYYY", "");
        let plain = rest.chars().all(|letter| letter.is_ascii() && !letter.is_ascii_alphanumeric());
        (once("DD") && once("MM") && once("YYYY") && plain).then(|| Self(text.to_owned()))
    }

    /// `2026-07-30` of `30.07.2026`; None for what is not written so.
    pub fn to_iso(&self, text: &str) -> Option<String> {
        let Self(form) = self;
        let part = |token: &str| {
            let at = form.find(token)?;
            text.get(at..at + token.len()).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let iso = format!("{}-{}-{}", part("YYYY")?, part("MM")?, part("DD")?);
        (self.of_iso(&iso)? == text).then_some(iso)
    }

    /// `30.07.2026` of `2026-07-30`; None for what is no day.
    pub fn of_iso(&self, iso: &str) -> Option<String> {
        let mut parts = iso.split('-');
        let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
        let whole = (year.len(), month.len(), day.len(), parts.next()) == (4, 2, 2, None);
        whole.then(|| self.0.replace("YYYY", year).replace("MM", month).replace("DD", day))
    }
}

/// What makes a column's value.
#[derive(Debug, Clone)]
pub enum Source {
    /// The text of one element.
    Element(Place),
    /// The texts of several, each of its length in characters.
    Joined(Vec<(Place, usize)>),
    /// A period of which the document writes year, kind and number apart.
    Period {
        /// Four digits.
        year: Place,
        /// How the document names a frequency.
        kind: Place,
        /// Which of the year's periods.
        number: Place,
        /// The names of frequencies.
        kinds: Vec<(String, Frequency)>,
    },
    /// Which of its names the row has, and the value that each stands for.
    RowName(Vec<(String, String)>),
    /// The row's place among those of its name in one element, from 1.
    Ordinal,
}

/// What a document says the same each time.
#[derive(Debug, Clone)]
pub struct Constant {
    /// Where.
    pub place: Place,
    /// What.
    pub value: String,
}

/// An element, or an attribute (`@Id`), as it is seen from a row: below the row itself or below an element
/// that the row stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Which of the names from the root to a row it is below.
    pub level: usize,
    /// Names from there on.
    pub below: Vec<String>,
}

impl Mapping {
    /// Names from the root to a place.
    pub fn path<'a>(&'a self, place: &'a Place) -> impl Iterator<Item = &'a str> {
        self.rows[..=place.level].iter().chain(&place.below).map(String::as_str)
    }

    /// Names from the root to an element of a document, each step to a row as the mapping names it; and how many
    /// steps they are.
    pub fn steps<'a>(&'a self, path: &[&'a str]) -> (Vec<&'a str>, usize) {
        let shared = path.iter().zip(&self.rows).take_while(|(name, step)| is_step(step, name)).count();
        let steps = self.rows[..shared].iter().map(String::as_str);
        (steps.chain(path[shared..].iter().copied()).collect(), shared)
    }

    /// The first place of a column.
    pub fn field(&self, column: usize) -> Option<&MappedField> {
        self.fields.iter().find(|field| field.column == column)
    }
}

/// True when an element's name is one of those of a step.
pub(crate) fn is_step(step: &str, name: &str) -> bool {
    step == name || step.split('|').any(|one| one == name)
}

impl Source {
    /// The places that it is made of.
    pub fn places(&self) -> Vec<&Place> {
        match self {
            Self::Element(place) => vec![place],
            Self::Joined(parts) => parts.iter().map(|(place, _)| place).collect(),
            Self::Period { year, kind, number, .. } => vec![year, kind, number],
            Self::RowName(_) | Self::Ordinal => Vec::new(),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MappingFile {
    id: String,
    title: TextFile,
    #[serde(default)]
    form: DocumentForm,
    rows: String,
    fields: Vec<FieldFile>,
    #[serde(default)]
    constants: Vec<ConstantFile>,
    slice_label: Option<String>,
    #[serde(default)]
    set_aside: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldFile {
    column: String,
    element: Option<String>,
    joined: Option<Vec<PartFile>>,
    period: Option<PeriodPlaces>,
    row_name: Option<std::collections::BTreeMap<String, String>>,
    #[serde(default)]
    ordinal: bool,
    #[serde(default)]
    omit_zero: bool,
    date: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PartFile {
    element: String,
    length: usize,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PeriodPlaces {
    year: String,
    kind: String,
    number: String,
    kinds: std::collections::BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConstantFile {
    element: String,
    value: String,
}

/// The id of a mapping by its file within the pattern's folder: `bestia` of `mappings/bestia.yaml`.
pub(super) fn mapping_id(name: &str) -> Option<&str> {
    name.strip_prefix("mappings/")?.strip_suffix(".yaml").filter(|id| !id.contains('/'))
}

/// Reads and validates one mapping of a pattern.
pub(super) fn mapping(path: &str, bytes: &[u8], pattern: &Pattern) -> Result<Mapping, PatternError> {
    let file: MappingFile = yaml_file(path, bytes)?;
    if !path.ends_with(&format!("/{}.yaml", file.id)) {
        return Err(PatternError::new(path, format!("id: `{}`; write as the file is named", file.id)));
    }
    assemble(file, pattern).map_err(|message| PatternError::new(path, message))
}

fn assemble(file: MappingFile, pattern: &Pattern) -> Result<Mapping, String> {
    let rows: Vec<String> = file.rows.split('/').map(str::to_owned).collect();
    if rows.iter().any(String::is_empty) {
        return Err(
            "rows: write the names of elements from the root to a row, with `/` between them".to_owned()
        );
    }
    let place = |text: &str| place(&rows, text);
    let mut fields = Vec::with_capacity(file.fields.len());
    for field in file.fields {
        let name = field.column.clone();
        fields.push(mapped(field, pattern, &place).map_err(|e| format!("fields: `{name}`: {e}"))?);
    }
    let names: Vec<&str> = rows.last().map(|row| row.split('|').collect()).unwrap_or_default();
    for field in &fields {
        if let Source::RowName(values) = &field.from
            && !names.iter().all(|name| values.iter().any(|(known, _)| known == name))
        {
            return Err(format!("row_name: say what each of {names:?} stands for"));
        }
    }
    for (at, column) in pattern.columns.iter().enumerate() {
        let may_lack = !column.required || column.header || column.absent == Absent::Zero;
        if !may_lack && !fields.iter().any(|field| field.column == at) {
            return Err(format!("fields: the required column `{}` is not among them", column.name));
        }
    }
    let constants = file.constants.into_iter().map(|constant| match place(&constant.element)? {
        place if place.level == 0 => Ok(Constant { place, value: constant.value }),
        _ => Err(format!("`{}`: what is always the same stands below the root alone", constant.element)),
    });
    let constants = constants.collect::<Result<_, String>>().map_err(|e| format!("constants: {e}"))?;
    let set_aside = file.set_aside.iter().map(|text| place(text)).collect::<Result<_, _>>();
    let set_aside = set_aside.map_err(|e| format!("set_aside: {e}"))?;
    let slice_label = file.slice_label.as_deref().map(place).transpose();
    let slice_label = slice_label.map_err(|e| format!("slice_label: {e}"))?;
    let (id, title, form) = (file.id, file.title.into(), file.form);
    Ok(Mapping { id, title, form, fields, constants, slice_label, set_aside, rows })
}

fn mapped(
    field: FieldFile,
    pattern: &Pattern,
    place: &dyn Fn(&str) -> Result<Place, String>,
) -> Result<MappedField, String> {
    let column = pattern.columns.iter().position(|column| column.name == field.column);
    let column = column.ok_or("is no column of the pattern")?;
    let from = match (field.element, field.joined, field.period, field.row_name, field.ordinal) {
        (Some(element), None, None, None, false) => Source::Element(place(&element)?),
        (None, Some(parts), None, None, false) => {
            let parts = parts.into_iter().map(|part| Ok((place(&part.element)?, part.length)));
            Source::Joined(parts.collect::<Result<_, String>>()?)
        }
        (None, None, Some(period), None, false) => Source::Period {
            year: place(&period.year)?,
            kind: place(&period.kind)?,
            number: place(&period.number)?,
            kinds: kinds(period.kinds)?,
        },
        (None, None, None, Some(names), false) => Source::RowName(names.into_iter().collect()),
        (None, None, None, None, true) => Source::Ordinal,
        _ => return Err("write one of element, joined, period, row_name and ordinal".to_owned()),
    };
    let date = field.date.as_deref().map(|text| {
        DateForm::parse(text).ok_or_else(|| format!("date: `{text}`; write DD, MM and YYYY once each"))
    });
    Ok(MappedField { column, from, omit_zero: field.omit_zero, date: date.transpose()? })
}

fn kinds(named: std::collections::BTreeMap<String, String>) -> Result<Vec<(String, Frequency)>, String> {
    let kinds = named.into_iter().map(|(name, letter)| match Frequency::from_letter(&letter) {
        Some(frequency) if frequency != Frequency::Day => Ok((name, frequency)),
        _ => Err(format!("kinds: `{letter}`; write A, S, Q or M")),
    });
    kinds.collect()
}

/// `Rb-28s/Naglowek/Wersja`: it begins with an element that the row stands in, or with the row.
fn place(rows: &[String], text: &str) -> Result<Place, String> {
    let mut names = text.split('/').map(str::to_owned);
    let first = names.next().unwrap_or_default();
    let mut levels = rows.iter().enumerate().filter(|(_, name)| **name == first).map(|(level, _)| level);
    let (level, more) = (levels.next(), levels.next());
    let below: Vec<String> = names.collect();
    match (level, more) {
        (Some(level), None) if !below.is_empty() && below.iter().all(|name| !name.is_empty()) => {
            Ok(Place { level, below })
        }
        (Some(_), None) => Err(format!("`{text}`: say which element below `{first}`")),
        (Some(_), Some(_)) => Err(format!("`{text}`: `{first}` stands twice in `rows`")),
        (None, _) => Err(format!("`{text}`: begin with one of the names in `rows`")),
    }
}
