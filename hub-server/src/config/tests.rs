use std::collections::BTreeSet;

use super::*;

const EXAMPLE: &str = include_str!("../../hub.example.toml");

fn nothing(_: &str) -> Option<String> {
    None
}

fn load(flags: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let variables =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    Config::load(None, &flags.parse().unwrap(), &variables)
}

fn file(text: &str) -> Result<Config, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hub.toml");
    std::fs::write(&path, text).unwrap();
    Config::load(Some(&path), &toml::Table::new(), &nothing)
}

/// The example with its commented options taken in.
fn whole_example() -> String {
    let option = |line: &str| {
        let commented = line.strip_prefix("# ")?;
        let (name, value) = commented.split_once(" = ")?;
        (!name.contains(' ') && value.starts_with('"')).then(|| commented.to_owned())
    };
    EXAMPLE.lines().map(|line| option(line).unwrap_or_else(|| line.to_owned()) + "\n").collect()
}

#[test]
fn the_example_shows_every_option_and_no_other() {
    let shown: toml::Table = whole_example().parse().unwrap();
    let shown: BTreeSet<String> = options::names(&shown).into_iter().collect();
    let known: BTreeSet<String> = OPTIONS.iter().map(|option| option.name.to_owned()).collect();
    assert_eq!(shown, known);
}

#[test]
fn the_example_shows_the_defaults() {
    let defaults = load("data_dir = 'd'", &[]).unwrap();
    let example = file(&format!("data_dir = 'd'\n{EXAMPLE}")).unwrap();
    assert_eq!(example, defaults);
    let mut table = options::defaults();
    options::overlay(&mut table, EXAMPLE.parse().unwrap());
    assert_eq!(table.get("limits"), options::defaults().get("limits"));
}

#[test]
fn every_option_of_the_list_is_one_of_the_form() {
    // A name that the list has and the form has not would be refused as an unknown field.
    let config = file(&whole_example()).unwrap();
    assert_eq!(config.data_dir, PathBuf::from("/var/lib/hub"));
    assert_eq!(config.public_url.as_deref(), Some("https://hub.example.gov.pl"));
    assert_eq!(config.patterns_dir, Some(PathBuf::from("/etc/hub/patterns")));
    assert_eq!(config.tls.unwrap().key, PathBuf::from("/etc/hub/tls/key.pem"));
}

#[test]
fn variables_override_flags_and_flags_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hub.toml");
    std::fs::write(&path, "data_dir = 'file'\nlog.level = 'warn'\n[limits]\nquery_rows = 1\nchecks = 1\n")
        .unwrap();
    let flags = "data_dir = 'flag'\nlimits.query_rows = 2".parse().unwrap();
    let variables = |name: &str| (name == "HUB_LIMITS_QUERY_ROWS").then(|| "3".to_owned());
    let config = Config::load(Some(&path), &flags, &variables).unwrap();
    assert_eq!(config.data_dir, PathBuf::from("flag"));
    assert_eq!(config.log.level, "warn");
    assert_eq!((config.limits.query_rows, config.limits.checks), (3, 1));
    assert_eq!(config.limits.payload_bytes, limits::PAYLOAD_MIB << 20);
}

#[test]
fn every_option_has_a_variable_that_is_read() {
    let seen = std::cell::RefCell::new(BTreeSet::new());
    let note = |name: &str| {
        seen.borrow_mut().insert(name.to_owned());
        None
    };
    options::from_variables(&note).unwrap();
    assert_eq!(seen.borrow().len(), OPTIONS.len());
    assert!(seen.borrow().contains("HUB_TLS_CERT"));
}

#[test]
fn a_listener_off_loopback_needs_a_certificate() {
    for option in ["grpc_addr", "http_addr"] {
        let open = format!("data_dir = 'd'\n{option} = '0.0.0.0:1'");
        let error = load(&open, &[]).unwrap_err();
        assert!(error.to_string().starts_with(option), "{error}");
        let closed = format!("{open}\ntls = {{ cert = 'c', key = 'k' }}");
        assert_eq!(load(&closed, &[]).unwrap().tls.unwrap().cert, PathBuf::from("c"));
    }
    assert!(load("data_dir = 'd'\ngrpc_addr = '[::1]:1'", &[]).is_ok());
    let half = load("data_dir = 'd'\ntls.cert = 'c'", &[]).unwrap_err();
    assert!(matches!(half, ConfigError::TlsHalf { given: "cert", lacking: "key" }), "{half}");
}

#[test]
fn what_is_wrong_is_named() {
    let says = |result: Result<Config, ConfigError>, text: &str| {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    };
    says(load("", &[]), "--data-dir");
    says(load("data_dir = 'd'", &[("HUB_LIMITS_CHECKS", "many")]), "`HUB_LIMITS_CHECKS` is `many`");
    says(load("data_dir = 'd'", &[("HUB_GRPC_ADDR", "localhost")]), "socket address");
    says(load("data_dir = 'd'\nlimits.checks = 0", &[]), "limits.checks is 0");
    says(load("data_dir = 'd'\nlimits.payload_mib = 9007199254740992", &[]), "limits.payload_mib");
    says(load("data_dir = 'd'\npublic_url = 'hub.pl'", &[]), "public_url is `hub.pl`");
    says(load("data_dir = 'd'\nlog.format = 'xml'", &[]), "xml");
    says(load("data_dir = 'd'\nwebhooks.private = 'yes'", &[]), "webhooks.private is `yes`");
    says(load("data_dir = 'd'\nwebhooks.tries = 0", &[]), "webhooks.tries is 0");
    says(file("data_dir = 'd'\n[limits]\nquery_row = 1"), "`limits.query_row`");
    says(file("data_dir = "), "not valid");
    says(Config::load(Some(Path::new("/none/hub.toml")), &toml::Table::new(), &nothing), "/none/hub.toml");
}

#[test]
fn each_dataset_has_a_reach() {
    use history::Reach;
    let of = |text: &str| load(&format!("data_dir = 'd'\n{text}"), &[]);
    let default = of("").unwrap().history;
    assert_eq!((default.of("rb28s"), default.of("rb28s").to_string()), (Reach::All, "all".to_owned()));
    let history = of("history.reach = '30'\nhistory.datasets = 'rb28s = 3650, rb27s=all,'").unwrap().history;
    let reaches = ["rb28s", "rb27s", "rb50"].map(|dataset| history.of(dataset));
    assert_eq!(reaches, [Reach::Days(3650), Reach::All, Reach::Days(30)]);
    assert_eq!(reaches[0].to_string(), "3650 days");
    assert_eq!(history.named().collect::<Vec<_>>(), ["rb27s", "rb28s"]);
    let now = chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::days(31);
    assert_eq!(
        reaches.map(|reach| reach.since(now).map(|since| since.timestamp())),
        [Some(-3619 * 86_400), None, Some(86_400)]
    );
    for wrong in ["history.reach = '-1'", "history.reach = 'ever'", "history.datasets = 'rb28s'"] {
        let error = of(wrong).unwrap_err().to_string();
        assert!(error.contains(&wrong[..13]) && error.contains("all"), "{error}");
    }
}

#[test]
fn the_public_address_ends_without_a_slash() {
    assert_eq!(load("data_dir = 'd'", &[]).unwrap().public_url, None);
    let named = load("data_dir = 'd'\npublic_url = 'https://hub.example/'", &[]).unwrap();
    assert_eq!(named.public_url.as_deref(), Some("https://hub.example"));
}
