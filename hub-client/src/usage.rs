//! What is said of a command line that cannot be understood: in Polish to who reads Polish; otherwise the parser's
//! own words stand.

use std::error::Error as _;
use std::num::ParseIntError;

use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use hub_client::AsOfError;
use hub_datasets::period::PeriodError;

use crate::args::Misspelt;
use crate::text::{self, Language, Text};

/// The whole message; None for what is no mistake: help and version.
pub(crate) fn polish(error: &Error) -> Option<String> {
    let argument = said(error, ContextKind::InvalidArg);
    let value = said(error, ContextKind::InvalidValue);
    let prior = said(error, ContextKind::PriorArg);
    let command = said(error, ContextKind::InvalidSubcommand);
    let known = said(error, ContextKind::ValidValue);
    let facts = [("arg", argument.as_str()), ("value", &value), ("prior", &prior), ("command", &command)];
    let text = match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        | ErrorKind::DisplayVersion => return None,
        ErrorKind::InvalidValue if value.is_empty() => text::USAGE_NO_VALUE,
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => text::USAGE_VALUE,
        ErrorKind::UnknownArgument => text::USAGE_ARGUMENT,
        ErrorKind::InvalidSubcommand => text::USAGE_COMMAND,
        ErrorKind::MissingSubcommand => text::USAGE_COMMAND_MISSING,
        ErrorKind::MissingRequiredArgument => text::USAGE_MISSING,
        ErrorKind::ArgumentConflict if prior.is_empty() || prior == argument => text::USAGE_TWICE,
        ErrorKind::ArgumentConflict => text::USAGE_CONFLICT,
        ErrorKind::TooManyValues
        | ErrorKind::TooFewValues
        | ErrorKind::WrongNumberOfValues
        | ErrorKind::NoEquals => text::USAGE_NUMBER,
        _ => text::USAGE_OTHER,
    };
    let mut lines = vec![format!("hub: {}", text.with(Language::Polish, &facts))];
    lines.extend(cause(error).map(|cause| format!("  {cause}")));
    let of = |text: Text, name: &str, what: &str| text.with(Language::Polish, &[(name, what)]);
    if !known.is_empty() {
        lines.push(of(text::USAGE_KNOWN, "known", &known));
    }
    let alike = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue];
    let alike = alike.map(|kind| said(error, kind)).into_iter().find(|alike| !alike.is_empty());
    lines.extend(alike.map(|alike| of(text::USAGE_ALIKE, "alike", &alike)));
    let usage = said(error, ContextKind::Usage);
    if !usage.is_empty() {
        let usage = usage.trim_start_matches("Usage:").trim();
        lines.push(String::new());
        lines.push(of(text::USAGE_FORM, "usage", usage));
    }
    lines.push(text::USAGE_HELP.get(Language::Polish).to_owned());
    Some(lines.join("\n"))
}

/// What is wrong with a value of our own kinds.
fn cause(error: &Error) -> Option<String> {
    let source = error.source()?;
    let text = if source.is::<PeriodError>() {
        text::USAGE_PERIOD
    } else if source.is::<AsOfError>() {
        text::USAGE_AS_OF
    } else if source.is::<ParseIntError>() {
        text::USAGE_INTEGER
    } else {
        return Some(match source.downcast_ref::<Misspelt>() {
            Some(Misspelt(text)) => text.get(Language::Polish).to_owned(),
            None => source.to_string(),
        });
    };
    Some(text.get(Language::Polish).to_owned())
}

/// A fact of the error in plain text; empty where it lacks.
fn said(error: &Error, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        Some(ContextValue::StyledStr(text)) => text.to_string(),
        Some(ContextValue::StyledStrs(texts)) => {
            texts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        }
        Some(ContextValue::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::Args;

    fn told(line: &str) -> String {
        let error = Args::try_parse_from(std::iter::once("hub").chain(line.split(' '))).unwrap_err();
        polish(&error).unwrap()
    }

    #[test]
    fn mistakes_of_usage_are_told_in_polish() {
        for (line, parts) in [
            ("push a.csv --pattern rb28s --period 2022-4", vec!["2022-4", "--period", "2022-Q4"]),
            ("pull rb28s --as-of wczoraj --out a.csv", vec!["wczoraj", "2026-01-31"]),
            ("check a.csv --explain nic", vec!["--explain", "REGUŁA=TEKST"]),
            ("check a.csv --with nic", vec!["--with", "WZÓR=PLIK"]),
            ("push a.csv --parent-revision x", vec!["--parent-revision", "liczba całkowita"]),
            ("--format xml push a.csv", vec!["xml", "table, json, csv"]),
            ("pull rb28s", vec!["--out", "Użycie: hub pull"]),
            ("push a.csv --diff", vec!["--dry-run"]),
            ("push a.csv --preiod 2022", vec!["--preiod", "--period"]),
            ("psh a.csv", vec!["psh", "push"]),
            ("push a.csv --dry-run --receipt upo.json", vec!["--dry-run", "--receipt"]),
            ("push a.csv --period 2022 --period 2023", vec!["--period"]),
            ("push a.csv --pattern", vec!["--pattern"]),
        ] {
            let told = told(line);
            assert!(parts.iter().all(|part| told.contains(part)), "{line}: {told}");
            assert!(told.contains("hub help"), "{told}");
            let english = ["error:", "invalid", "Usage", "required", "unexpected", "tip", "write "];
            assert!(!english.iter().any(|word| told.contains(word)), "{line}: {told}");
        }
    }

    #[test]
    fn help_and_version_are_no_mistakes() {
        for line in ["--help", "--version", "push --help"] {
            let error = Args::try_parse_from(std::iter::once("hub").chain(line.split(' '))).unwrap_err();
            assert_eq!(polish(&error), None);
        }
    }
}
