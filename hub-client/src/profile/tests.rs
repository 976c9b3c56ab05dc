use super::*;

fn environment(dir: &Path, endpoint: Option<&str>) -> Environment {
    Environment { config_dir: dir.to_owned(), endpoint: endpoint.map(str::to_owned), polish: false }
}

#[test]
fn a_written_profile_is_read_back_and_hides_its_token() {
    let dir = tempfile::tempdir().unwrap();
    let profile = Profile {
        name: "publisher".into(),
        endpoint: "http://127.0.0.1:50051".into(),
        http_endpoint: Some("http://127.0.0.1:8080".into()),
        token: Some(Secret::new("hub_verysecret")),
        ca: None,
        organisation: Some("gmina-100201".into()),
    };
    profile.write(dir.path()).unwrap();
    let read = Profile::load(Some("publisher"), &environment(dir.path(), None)).unwrap();
    assert_eq!(read, profile);
    assert!(!format!("{read:?}").contains("verysecret"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(dir.path().join("publisher.toml")).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "others may read the token");
    }
}

#[test]
fn the_variable_goes_before_the_profile_and_is_enough_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("default.toml"), "endpoint = \"http://127.0.0.1:1\"\nca = \"ca.pem\"").unwrap();
    let read = Profile::load(None, &environment(dir.path(), Some("http://127.0.0.1:2"))).unwrap();
    assert_eq!(read.endpoint, "http://127.0.0.1:2");
    assert_eq!(read.ca, Some(dir.path().join("ca.pem")));

    let empty = tempfile::tempdir().unwrap();
    assert_eq!(
        Profile::load(None, &environment(empty.path(), Some("http://127.0.0.1:2"))).unwrap(),
        Profile::anonymous("http://127.0.0.1:2")
    );
    assert!(Profile::load(Some("ministry"), &environment(empty.path(), Some("http://127.0.0.1:2"))).is_err());
    assert!(Profile::load(None, &environment(empty.path(), None)).is_err());
}

#[test]
fn a_faulty_profile_is_named_without_its_secrets() {
    let text = "endpoint = \"http://127.0.0.1:1\"\ntoken = \"hub_verysecret\"\ntokn = \"hub_verysecret\"";
    let message = Profile::parse("clerk", text, Path::new("/c")).unwrap_err().to_string();
    assert!(message.contains("clerk") && message.contains("tokn"), "{message}");
    assert!(!message.contains("verysecret"), "{message}");
    for unterminated in ["endpoint = \"a\"\ntoken = \"hub_verysecret", "token = hub_verysecret"] {
        let message = Profile::parse("clerk", unterminated, Path::new("/c")).unwrap_err().to_string();
        assert!(!message.contains("verysecret"), "{message}");
    }
}

#[test]
fn the_http_door_is_declared_or_beside_the_other() {
    let read = |text: &str| Profile::parse("clerk", text, Path::new("/c")).unwrap().http_address();
    assert_eq!(read("endpoint = \"https://hub.example:50051\""), "https://hub.example:8080");
    assert_eq!(read("endpoint = \"http://127.0.0.1:1\""), "http://127.0.0.1:8080");
    let declared = "endpoint = \"https://hub.example\"\nhttp_endpoint = \"https://www.hub.example\"";
    assert_eq!(read(declared), "https://www.hub.example");
    // The variable names another hub, whose door the profile does not know.
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("default.toml"), declared).unwrap();
    let other = Profile::load(None, &environment(dir.path(), Some("http://127.0.0.1:2"))).unwrap();
    assert_eq!(other.http_address(), "http://127.0.0.1:8080");
}

#[test]
fn a_profile_name_cannot_leave_the_folder() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["../x", "a/b", "", ".hidden", "a\\b"] {
        assert!(Profile::load(Some(name), &environment(dir.path(), None)).is_err(), "{name}");
    }
}
