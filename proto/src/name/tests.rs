use super::*;

#[test]
fn names_and_ids_go_there_and_back() {
    let uuid = "01920000-0000-7000-8000-0000000000ab";
    for (collection, id) in [
        (Collection::Patterns, "rb28s"),
        (Collection::CodeLists, "terc"),
        (Collection::Organisations, "gmina-100201"),
        (Collection::Datasets, "jakosc_powietrza"),
        (Collection::Submissions, uuid),
        (Collection::ReadSessions, "AbC-_9.x="),
    ] {
        assert_eq!(collection.id(&collection.name(id)), Ok(id));
    }
    assert_eq!(dataset_version("rb28s", 7), "datasets/rb28s/versions/7");
}

#[test]
fn path_tricks_and_strangers_are_refused() {
    for name in [
        "",
        "/",
        "datasets",
        "datasets/",
        "rb28s",
        "patterns/rb28s",
        "datasets//rb28s",
        "datasets/..",
        "datasets/../x",
        "datasets/rb28s/",
        "datasets/rb28s/versions/7",
        "datasets/a\\b",
        "datasets/a%2fb",
        "datasets/RB28S",
        "datasets/1a",
        "datasets/-a",
        "datasets/ą",
        "datasets/a b",
        "datasets/a\0",
        "Datasets/rb28s",
        "datasets/a\u{202e}b",
    ] {
        assert!(Collection::Datasets.id(name).is_err(), "{name:?}");
    }
    assert!(Collection::Datasets.id(&format!("datasets/{}", "a".repeat(63))).is_ok());
    assert!(Collection::Datasets.id(&format!("datasets/{}", "a".repeat(64))).is_err());
    for id in
        ["", "..", "0192", "01920000-0000-7000-8000-0000000000AB", "01920000x0000-7000-8000-0000000000ab"]
    {
        assert!(Collection::Submissions.id(&Collection::Submissions.name(id)).is_err(), "{id:?}");
    }
    for token in ["", ".", "..", "a..b", ".a", "a/b", "a b"] {
        assert!(Collection::ReadSessions.id(&Collection::ReadSessions.name(token)).is_err(), "{token:?}");
    }
}

#[test]
fn a_refused_name_is_shown_short_and_clean() {
    let error = Collection::Patterns.id(&format!("x\u{7}{}", "y".repeat(500))).unwrap_err().to_string();
    assert!(error.len() < 200, "{error}");
    assert!(!error.contains('\u{7}'));
    assert!(error.contains("patterns/rb28s"), "{error}");
}
