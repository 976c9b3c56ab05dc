use super::*;

fn with(pairs: &[(&str, &str)]) -> Environment {
    Environment::from_lookup(|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
}

#[test]
fn the_first_locale_variable_decides() {
    assert!(with(&[("LC_ALL", "pl_PL.UTF-8"), ("LANG", "en_GB.UTF-8")]).polish);
    assert!(!with(&[("LC_ALL", "C"), ("LANG", "pl_PL.UTF-8")]).polish);
    assert!(with(&[("LC_MESSAGES", "pl"), ("LANG", "C")]).polish);
    assert!(with(&[("LANG", "pl-PL")]).polish);
    assert!(!with(&[("LANG", "plt_MG.UTF-8")]).polish, "Malagasy begins with pl too");
    assert!(!with(&[]).polish);
}

#[test]
fn the_config_folder_has_an_order_of_sources() {
    assert_eq!(with(&[("HUB_CONFIG_DIR", "/c"), ("HOME", "/h")]).config_dir, PathBuf::from("/c"));
    assert_eq!(with(&[("XDG_CONFIG_HOME", "/x"), ("HOME", "/h")]).config_dir, PathBuf::from("/x/hub"));
    assert_eq!(with(&[("HOME", "/h")]).config_dir, PathBuf::from("/h/.config/hub"));
}
