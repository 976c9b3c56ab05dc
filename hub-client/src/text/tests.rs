use super::*;

fn places(text: &str) -> Vec<&str> {
    let mut places: Vec<&str> =
        text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(n, _)| n).collect();
    places.sort_unstable();
    places
}

#[test]
fn both_languages_name_the_same_facts() {
    for (name, text) in ALL {
        assert!(!text.pl.is_empty() && !text.en.is_empty(), "{name}");
        assert_eq!(places(text.pl), places(text.en), "{name}");
    }
}

#[test]
fn values_are_put_in_once_and_left_as_they_are() {
    let text = Text { pl: "{a} i {b}", en: "{a} and {b}" };
    assert_eq!(text.with(Language::English, &[("a", "{b}"), ("b", "2")]), "{b} and 2");
    assert_eq!(text.with(Language::Polish, &[("a", "1"), ("b", "2")]), "1 i 2");
}
