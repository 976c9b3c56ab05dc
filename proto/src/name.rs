//! Resource names (AIP-122): `datasets/rb28s`, `submissions/0192…`. Ids are checked here, so that no
//! name can reach a path or a statement with anything but plain letters.

/// A collection of resources, the first part of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Collection {
    Patterns,
    CodeLists,
    Organisations,
    Datasets,
    Submissions,
    ReadSessions,
    Notices,
    Subscriptions,
}

/// Longest id of patterns, organisations and the like.
const ID_CHARS_MAX: usize = 63;
/// Longest token of a read session.
const TOKEN_CHARS_MAX: usize = 64 * 1024;

impl Collection {
    /// As it is written in names.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Patterns => "patterns",
            Self::CodeLists => "codeLists",
            Self::Organisations => "organisations",
            Self::Datasets => "datasets",
            Self::Submissions => "submissions",
            Self::ReadSessions => "readSessions",
            Self::Notices => "notices",
            Self::Subscriptions => "subscriptions",
        }
    }

    /// `datasets` + `rb28s` → `datasets/rb28s`.
    pub fn name(self, id: &str) -> String {
        format!("{}/{id}", self.as_str())
    }

    /// The id in a name; refuses other collections and malformed ids.
    pub fn id(self, name: &str) -> Result<&str, NameError> {
        name.split_once('/')
            .filter(|(collection, id)| *collection == self.as_str() && self.is_id(id))
            .map(|(_, id)| id)
            .ok_or_else(|| NameError { given: shown(name), form: self.form() })
    }

    fn is_id(self, id: &str) -> bool {
        match self {
            Self::Submissions | Self::Notices | Self::Subscriptions => is_uuid(id),
            Self::ReadSessions => is_token(id),
            _ => is_id(id),
        }
    }

    fn form(self) -> &'static str {
        match self {
            Self::Patterns => "patterns/{id}, for example patterns/rb28s",
            Self::CodeLists => "codeLists/{id}, for example codeLists/terc",
            Self::Organisations => "organisations/{id}, for example organisations/gmina-100201",
            Self::Datasets => "datasets/{id}, for example datasets/rb28s",
            Self::Submissions => "submissions/{uuid}",
            Self::ReadSessions => "readSessions/{token} as CreateReadSession gave it",
            Self::Notices => "notices/{uuid} as ListNotices names it",
            Self::Subscriptions => "subscriptions/{uuid} as ListSubscriptions names it",
        }
    }
}

/// A name that does not have the form of its collection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not a name of the form {form}")]
pub struct NameError {
    given: String,
    form: &'static str,
}

/// `datasets/rb28s/versions/7`.
pub fn dataset_version(dataset: &str, version: u64) -> String {
    format!("{}/versions/{version}", Collection::Datasets.name(dataset))
}

/// `^[a-z][a-z0-9_-]{0,62}$`.
pub fn is_id(text: &str) -> bool {
    text.len() <= ID_CHARS_MAX
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
}

/// A UUID in its one canonical form, lower case with hyphens.
pub fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_digit() || (b'a'..=b'f').contains(&b),
        })
}

/// A sealed token: base64url parts, with single dots between them.
fn is_token(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'=');
    text.len() <= TOKEN_CHARS_MAX && text.split('.').all(|part| !part.is_empty() && part.bytes().all(plain))
}

/// What a refused name looks like in the message: short and free of control characters.
fn shown(name: &str) -> String {
    name.chars().take(80).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests;
