//! Addresses that give the same rows again: a statement, and the states of the tables that it read.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Where the HTTP door answers statements.
const PATH: &str = "/api/v1/query";

/// A statement over tables in one state each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permalink {
    /// One SELECT.
    pub sql: String,
    /// As `rb28s@7` (dataset and version) or `terc@3f9a0c1d2e4b` (code list and the beginning of its SHA-256).
    pub at: Vec<String>,
}

impl Permalink {
    /// Path and query, without the hub's own address in front.
    pub fn address(&self) -> String {
        format!("{PATH}?at={}&sql={}", written(&self.at.join(",")), written(&self.sql))
    }

    /// Reads an address of any hub; None: it is no permalink.
    pub fn read(address: &str) -> Option<Self> {
        let (before, query) = address.split_once('?')?;
        before.ends_with(PATH).then_some(())?;
        let (mut sql, mut at) = (None, Vec::new());
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "sql" => sql = Some(value.into_owned()),
                "at" => at = states(&value),
                _ => {}
            }
        }
        Some(Self { sql: sql?, at })
    }
}

/// States between commas.
pub fn states(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|state| !state.is_empty()).map(str::to_owned).collect()
}

/// What stands in an address as it is (RFC 3986).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A text as addresses have it.
pub fn written(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_can_be_read_by_people() {
        let link = Permalink { sql: "SELECT 1".to_owned(), at: vec!["rb28s@7".to_owned()] };
        assert_eq!(link.address(), "/api/v1/query?at=rb28s%407&sql=SELECT%201");
        for address in [
            "https://hub.example/api/v1/query?sql=SELECT+1&at=rb28s@7",
            "http://127.0.0.1:8080/api/v1/query?format=csv&at=rb28s%407&sql=SELECT%201",
        ] {
            assert_eq!(Permalink::read(address).as_ref(), Some(&link), "{address}");
        }
    }

    #[test]
    fn what_is_no_permalink_is_none() {
        for other in ["", "SELECT 1", "/api/v1/query", "/api/v1/query?at=x@1", "/other?sql=1"] {
            assert_eq!(Permalink::read(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn a_link_gives_back_what_it_was_made_of(sql in any::<String>(), at in prop::collection::vec("[a-z_]{1,9}@[0-9]{1,6}", 0..4)) {
            let link = Permalink { sql, at };
            prop_assert_eq!(Permalink::read(&format!("https://hub.example{}", link.address())), Some(link));
        }
    }
}
