//! Resource names: people write `rb28s`, the contract `patterns/rb28s`. Both are taken.

fn in_collection(collection: &str, id: &str) -> String {
    if id.is_empty() || id.split_once('/').is_some_and(|(first, _)| first == collection) {
        return id.to_owned();
    }
    format!("{collection}/{id}")
}

pub(crate) fn pattern(id: &str) -> String {
    in_collection("patterns", id)
}

pub(crate) fn dataset(id: &str) -> String {
    in_collection("datasets", id)
}

pub(crate) fn organisation(id: &str) -> String {
    in_collection("organisations", id)
}

pub(crate) fn notice(id: &str) -> String {
    in_collection("notices", id)
}

pub(crate) fn subscription(id: &str) -> String {
    in_collection("subscriptions", id)
}

pub(crate) fn submission(id: &str) -> String {
    in_collection("submissions", id)
}

/// The id alone, for people: `patterns/rb28s` is `rb28s`.
pub fn short(name: &str) -> &str {
    name.split_once('/').map_or(name, |(_, id)| id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_become_names_once() {
        assert_eq!(pattern("rb28s"), "patterns/rb28s");
        assert_eq!(pattern("patterns/rb28s"), "patterns/rb28s");
        assert_eq!(organisation(""), "", "the caller's own organisation stays unnamed");
        assert_eq!(
            dataset("patterns/rb28s"),
            "datasets/patterns/rb28s",
            "the hub refuses a wrong collection"
        );
        assert_eq!(short("organisations/gmina-100201"), "gmina-100201");
        assert_eq!(short("gmina-100201"), "gmina-100201");
    }
}
