use clap::CommandFactory as _;

use super::*;

fn parse(line: &str) -> Result<Args, clap::Error> {
    Args::try_parse_from(std::iter::once("hub").chain(line.split(' ')))
}

#[test]
fn the_command_line_is_well_formed() {
    Args::command().debug_assert();
}

#[test]
fn the_promised_lines_parse() {
    for line in [
        "check a.csv b.csv --pattern rb28s --period 2022-Q4",
        "check a.csv --pattern rb28s --strict --patterns-dir p",
        "--profile publisher push k.csv --pattern rb28s --period 2022-Q4 --publisher gmina-100201",
        "push k.csv --pattern rb28s --period 2022-Q4 --dry-run --replace-all --confirm-deletions --parent-revision 3",
        "push --nothing-to-report --pattern rb28s --period 2022-Q4",
        "pull rb28s --where dzial='801' --columns a,b --as-of 7 --out edu.parquet",
        "pull rb28s --since --out kopia.parquet",
        "pull rb28s --since 17.4f2a --out zmiany.csv",
        "watch rb28s rb27s --state cursor --count 2",
        "watch --since rb28s:0",
        "query SELECT --format json",
        "submissions receipt 0192",
        "submissions receipt 0192 --out upo.html",
        "submissions payload 0192 --out k.csv",
        "push k.csv --pattern rb28s --period 2022-Q4 --receipt upo.json",
        "receipt verify upo.html upo.json --keys keys.json",
        "receipt verify upo.html --payload k.csv",
        "receipt keys",
        "organisations list --filter Kutno",
        "patterns list --filter rb",
        "patterns template rb28s --out rb28s.xlsx",
        "patterns page rb28s --lang en --out rb28s.html",
        "patterns kit rb28s --out kit.zip --from-hub",
        "completions bash",
    ] {
        assert!(parse(line).is_ok(), "{line}");
    }
}

#[test]
fn wrong_usage_is_code_two() {
    for line in [
        "push --pattern rb28s --period 2022-Q4",
        "push a.csv --nothing-to-report --pattern rb28s --period 2022-Q4",
        "push a.csv --pattern rb28s --period 2022Q4",
        "pull rb28s",
        "receipt verify",
        "submissions payload 0192",
        "push k.csv --pattern rb28s --period 2022-Q4 --dry-run --receipt upo.json",
        "patterns kit rb28s",
        "patterns page rb28s --lang de --out a.html",
        "patterns kit rb28s --out kit.zip --from-hub --patterns-dir p",
        "pull rb28s --as-of yesterday --out a.csv",
        "pull rb28s --as-of 3 --since --out a.parquet",
        "watch --since rb28s:0 --state cursor",
        "fetch",
    ] {
        assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
    }
}
