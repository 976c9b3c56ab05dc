use clap::CommandFactory as _;

use super::*;

fn parse(arguments: &[&str]) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(std::iter::once(&"hub-server").chain(arguments))
}

#[test]
fn the_command_line_is_well_formed_and_explains_itself() {
    let command = Cli::command();
    command.clone().debug_assert();
    fn explained(command: &clap::Command) {
        assert!(command.get_about().is_some(), "{}", command.get_name());
        command.get_subcommands().for_each(explained);
    }
    explained(&command);
}

#[test]
fn flags_become_options_of_the_same_name() {
    let cli =
        parse(&["serve", "--data-dir", "d", "--tls-cert", "c", "--shutdown-grace-seconds", "5"]).unwrap();
    let Command::Serve(serving) = cli.command else { panic!("serve") };
    let expected = "data_dir = 'd'\nshutdown_grace_seconds = 5\n[tls]\ncert = 'c'";
    assert_eq!(serving.flags(), expected.parse().unwrap());
}

#[test]
fn organisations_need_all_or_the_register() {
    assert!(parse(&["org", "add", "mf", "--name", "MF", "--kind", "ministry", "--data-dir", "d"]).is_ok());
    assert!(parse(&["org", "add", "--from-terc"]).is_ok());
    for wrong in [
        &["org", "add", "mf", "--name", "MF"][..],
        &["org", "add", "mf", "--from-terc"],
        &["credential", "create", "--organisation", "mf"],
        &["credential", "create", "--organisation", "mf", "--scope", "write"],
    ] {
        assert_eq!(parse(wrong).unwrap_err().exit_code(), 2, "{wrong:?}");
    }
}

#[test]
fn exit_codes_tell_a_bad_configuration_from_a_failed_deed() {
    assert_eq!(Failure::Config(ConfigError::NoDataDir).exit_code(), 64);
    assert_eq!(Failure::Refused(String::new()).exit_code(), 1);
}

/// Runs a command on a data folder; gives what it wrote to stdout.
async fn run_on(dir: &std::path::Path, arguments: &[&str]) -> Result<String, Failure> {
    let mut all = arguments.to_vec();
    all.extend(["--data-dir", dir.to_str().unwrap()]);
    let mut out = Vec::new();
    command(parse(&all).unwrap().command, &mut out).await?;
    Ok(String::from_utf8(out).unwrap())
}

#[tokio::test]
async fn an_operator_makes_an_organisation_and_a_key() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    run_on(dir, &["org", "add", "mf", "--name", "Finanse", "--kind", "ministry", "--regon", "000002217"])
        .await
        .unwrap();
    let again = run_on(dir, &["org", "add", "mf", "--name", "Finanse", "--kind", "ministry"]).await;
    assert!(again.unwrap_err().to_string().contains("is there already"));
    run_on(dir, &["org", "set-identifier", "mf", "regon", "000331501", "--valid-from", "2020-01-01"])
        .await
        .unwrap();
    let shown = run_on(dir, &["org", "show", "mf"]).await.unwrap();
    let expected = "mf\tministry\tFinanse\nregon\t000002217\t\t2019-12-31\nregon\t000331501\t2020-01-01\t\n";
    assert_eq!(shown, expected);
    assert_eq!(run_on(dir, &["org", "list"]).await.unwrap(), "mf\tministry\tFinanse\n");
    assert_eq!(run_on(dir, &["org", "list", "--filter", "gmina"]).await.unwrap(), "");

    let key =
        ["credential", "create", "--organisation", "mf", "--scope", "read,push", "--expires", "2999-12-31"];
    let key = run_on(dir, &key).await.unwrap();
    assert!(key.trim().parse::<crate::identity::ApiKey>().is_ok());
    let listed = run_on(dir, &["credential", "list", "--organisation", "mf"]).await.unwrap();
    assert!(listed.contains("\tpush,read\t") && listed.contains("\t3000-01-01T00:00:00Z\t"), "{listed}");
    assert!(!listed.contains(key.trim()));
    let id = listed.split('\t').next().unwrap();
    run_on(dir, &["credential", "revoke", id]).await.unwrap();
    assert!(run_on(dir, &["credential", "revoke", id]).await.is_err());
}

#[tokio::test]
async fn each_organisation_of_a_kind_gets_a_key_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    for (id, kind) in [("b", "ministry"), ("a", "ministry"), ("c", "other")] {
        run_on(dir, &["org", "add", id, "--name", id, "--kind", kind]).await.unwrap();
    }
    let told = run_on(dir, &["credential", "create", "--kind", "ministry", "--scope", "read"]).await.unwrap();
    let keys: Vec<(&str, &str)> = told.lines().map(|line| line.split_once('\t').unwrap()).collect();
    assert_eq!(keys.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ["a", "b"]);
    assert!(keys.iter().all(|(_, key)| key.parse::<crate::identity::ApiKey>().is_ok()));
    assert_ne!(keys[0].1, keys[1].1);
    let wrong = run_on(dir, &["credential", "create", "--kind", "gminy", "--scope", "read"]).await;
    assert!(wrong.unwrap_err().to_string().contains("there are gmina, powiat"));
    let neither = ["credential", "create", "--scope", "read", "--data-dir", "d"];
    assert_eq!(parse(&neither).unwrap_err().exit_code(), 2);
}

#[tokio::test]
async fn keys_of_a_roll_out_go_into_a_file_that_only_its_owner_reads() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("keys.tsv");
    let data = dir.path().join("data");
    run_on(&data, &["org", "add", "--from-terc"]).await.unwrap();
    let create = ["credential", "create", "--kind", "gmina", "--scope", "push", "--out"];
    let create = [&create[..], &[file.to_str().unwrap()]].concat();
    assert_eq!(run_on(&data, &create).await.unwrap(), "", "no secret goes to stdout");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let keys = std::fs::read_to_string(&file).unwrap();
    let keys: Vec<(&str, &str)> = keys.lines().map(|line| line.split_once('\t').unwrap()).collect();
    assert!(keys.len() > 2_400 && keys.is_sorted_by_key(|(id, _)| *id), "{}", keys.len());
    assert!(keys.iter().all(|(_, key)| key.parse::<crate::identity::ApiKey>().is_ok()));
    let listed = run_on(&data, &["credential", "list", "--organisation", keys[0].0]).await.unwrap();
    assert_eq!(listed.lines().count(), 1);

    let again = run_on(&data, &create).await.unwrap_err();
    assert!(again.to_string().contains("cannot be made"), "{again}");
    let late = [&create[..6], &["--expires", "2020-01-01", "--out", "late.tsv"]].concat();
    assert!(run_on(&data, &late).await.is_err() && !std::path::Path::new("late.tsv").exists());
    let listed = run_on(&data, &["credential", "list", "--organisation", keys[0].0]).await.unwrap();
    assert_eq!(listed.lines().count(), 1, "a refusal leaves no key");
}

#[tokio::test]
async fn a_running_server_keeps_the_folder() {
    let dir = tempfile::tempdir().unwrap();
    let disk = std::sync::Arc::new(crate::store::disk::LocalDisk);
    let _server = crate::store::Store::open(disk, dir.path().to_path_buf()).await.unwrap();
    let failure = run_on(dir.path(), &["org", "list"]).await.unwrap_err();
    assert!(failure.to_string().contains("stop it, run this command"), "{failure}");
    assert_eq!(failure.exit_code(), 1);
}

#[tokio::test]
async fn an_operator_exchanges_the_key_of_receipts() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(run_on(dir.path(), &["receipt-key", "list"]).await.unwrap(), "");
    let first = run_on(dir.path(), &["receipt-key", "rotate"]).await.unwrap();
    let second = run_on(dir.path(), &["receipt-key", "rotate", "--compromised"]).await.unwrap();
    assert_eq!(run_on(dir.path(), &["receipt-key", "list"]).await.unwrap(), second);
    let fields = |list: &str| -> Vec<Vec<String>> {
        list.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
    };
    let (first, second) = (fields(&first), fields(&second));
    assert_eq!((first.len(), second.len()), (1, 2));
    assert_eq!(first[0][0], second[1][0], "the old key stays in the list");
    assert!(first[0][2].is_empty() && !second[1][2].is_empty() && !second[1][3].is_empty());
    assert!(second[0][2].is_empty() && second[0][3].is_empty());
}
