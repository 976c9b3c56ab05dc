//! What a sender says of a file that the file does not say itself: the day, the post, the state of its rows.

use std::collections::BTreeMap;

use crate::MediaType;

/// Values by name. They travel as parameters of the media type, so that they stand wherever it does: in the order
/// of a submission, in its receipt, in the comparison with what was sent before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings(BTreeMap<String, String>);

/// What a parameter of the media type begins with that holds one.
const PREFIX: &str = "set.";

impl Settings {
    /// Most of them.
    pub const MOST: usize = 16;
    /// Longest value, in bytes.
    pub const VALUE_BYTES: usize = 64;

    /// Sets a value; false for one that cannot be said: longer than the bound, not of visible ASCII letters and
    /// blanks, or with quotes or backslashes; and for one too many.
    pub fn set(&mut self, name: &str, value: &str) -> bool {
        let named = !name.is_empty() && name.len() <= Self::VALUE_BYTES;
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let sayable = |byte: u8| (b' '..=b'~').contains(&byte) && !matches!(byte, b'"' | b'\\');
        let good = named
            && name.bytes().all(plain)
            && (1..=Self::VALUE_BYTES).contains(&value.len())
            && value.bytes().all(sayable)
            && (self.0.len() < Self::MOST || self.0.contains_key(name));
        if good {
            self.0.insert(name.to_owned(), value.to_owned());
        }
        good
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Those that a declared media type holds, as `text/csv; set.data="2017-02-15"`; what cannot be one is no
    /// setting, as other parameters are none.
    pub fn of_media_type(text: &str) -> Self {
        let mut settings = Self::default();
        let mut quoted = false;
        let parts = text.split(|letter| {
            quoted ^= letter == '"';
            letter == ';' && !quoted
        });
        for part in parts.skip(1) {
            let Some((name, value)) = part.split_once('=') else { continue };
            let value = value.trim();
            let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
            if let Some(name) = name.trim().strip_prefix(PREFIX) {
                settings.set(name, value);
            }
        }
        settings
    }

    /// The media type with them.
    pub fn on(&self, media: MediaType) -> String {
        let parameters = self.0.iter().map(|(name, value)| format!("; {PREFIX}{name}=\"{value}\""));
        std::iter::once(media.as_str().to_owned()).chain(parameters).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_travel_on_the_media_type() {
        let mut settings = Settings::default();
        assert_eq!(settings.on(MediaType::Csv), "text/csv");
        assert!(settings.set("data", "2017-02-15") && settings.set("uwaga", "a; set.x=1"));
        let text = settings.on(MediaType::Csv);
        assert_eq!(text, "text/csv; set.data=\"2017-02-15\"; set.uwaga=\"a; set.x=1\"");
        assert_eq!(
            (MediaType::named(&text), Settings::of_media_type(&text)),
            (Some(MediaType::Csv), settings)
        );
        let others = Settings::of_media_type("text/csv;charset=utf-8; set.data=2017-02-15 ;set.=1;set.A=2");
        assert_eq!(others.iter().collect::<Vec<_>>(), [("data", "2017-02-15")]);
    }

    #[test]
    fn what_cannot_be_said_is_no_setting() {
        let mut settings = Settings::default();
        for (name, value) in
            [("", "x"), ("data", ""), ("data", "a\"b"), ("data", "ż"), ("da ta", "x"), ("Data", "x")]
        {
            assert!(!settings.set(name, value), "{name}={value}");
        }
        assert!(!settings.set("data", &"x".repeat(Settings::VALUE_BYTES + 1)));
        (0..Settings::MOST).for_each(|at| assert!(settings.set(&format!("s{at}"), "x")));
        assert!(!settings.set("one_more", "x") && settings.set("s0", "y"));
    }
}
