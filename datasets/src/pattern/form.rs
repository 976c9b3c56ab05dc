//! The form of a column's values in words.

use crate::report::Language;

const UUID: &str = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$";
const UUID_WORDS: (&str, &str) = (
    "UUID: 36 znaków, cyfry i małe litery a–f w grupach 8-4-4-4-12",
    "a UUID: 36 characters, digits and small letters a–f in groups 8-4-4-4-12",
);

/// What a regular expression asks for, in words: when it asks for digits alone, or for a UUID.
pub(crate) fn form_in_words(form: &str, language: Language) -> Option<String> {
    match form == UUID {
        true => Some(language.pick(UUID_WORDS.0, UUID_WORDS.1).to_owned()),
        false => digits(form, language),
    }
}

fn digits(form: &str, language: Language) -> Option<String> {
    let inner = form.strip_prefix('^')?.strip_suffix('$')?;
    let inner = inner.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(inner);
    let mut counts: Vec<String> = Vec::new();
    for one in inner.split('|') {
        let one = match one.strip_suffix(")?") {
            // So many, and so many more or none.
            Some(longer) => {
                let (least, more) = longer.split_once('(')?;
                let (least, more) = (count(least)?.parse::<u32>().ok()?, count(more)?.parse::<u32>().ok()?);
                counts.push(least.to_string());
                (least + more).to_string()
            }
            None => count(one)?,
        };
        counts.push(one);
    }
    let is_one = counts.len() == 1 && counts.first().is_some_and(|only| only == "1");
    let word = match is_one {
        true => language.pick("cyfra", "digit"),
        false => language.pick("cyfr", "digits"),
    };
    Some(format!("{} {word}", counts.join(language.pick(" albo ", " or "))))
}

/// How many digits `[0-9]{4,6}` is: `4–6`.
fn count(form: &str) -> Option<String> {
    let times = form.strip_prefix("[0-9]")?;
    if times.is_empty() {
        return Some("1".to_owned());
    }
    let times = times.strip_prefix('{')?.strip_suffix('}')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match times.split_once(',') {
        Some((least, most)) if is_number(least) && is_number(most) => Some(format!("{least}–{most}")),
        None if is_number(times) => Some(times.to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_told_in_words() {
        let told = |form| digits(form, Language::English);
        for (form, words) in [
            ("^[0-9]$", "1 digit"),
            ("^[0-9]{6}$", "6 digits"),
            ("^[0-9]{4,6}$", "4–6 digits"),
            ("^([0-9]{9}|[0-9]{14})$", "9 or 14 digits"),
            ("^[0-9]{9}([0-9]{5})?$", "9 or 14 digits"),
        ] {
            assert_eq!(told(form).as_deref(), Some(words), "{form}");
        }
        assert_eq!(digits("^[0-9]$", Language::Polish).as_deref(), Some("1 cyfra"));
        let uuid = form_in_words(UUID, Language::Polish).unwrap();
        assert!(uuid.contains("UUID") && uuid.contains("36"), "{uuid}");
        for other in
            ["[0-9]{6}", "^[0-9a-f]{8}$", "^(A|A1)$", "^[0-9]{9}-1$", "^[0-9]{9,}$", "^[0-9]{9}x([0-9]{5})?$"]
        {
            assert_eq!(told(other), None, "{other}");
        }
    }
}
