//! Arrow Flight SQL: drivers of other makers, unchanged, see what the hub answers.

use std::process::Command;

use serde_json::Value;

use crate::harness::{PERIOD, Server, kutno_sample, run};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/flight.py");
const STATEMENTS: [&str; 4] = [
    "SELECT dzial, sum(plan) AS plan, count(*) AS n FROM rb28s GROUP BY dzial ORDER BY dzial",
    "SELECT jednostka_regon, rozdzial, plan, _period_end, _revision FROM hub.data.rb28s ORDER BY 1, 2, 3",
    "SELECT id, terc6 FROM organisations WHERE id = 'gmina-100201'",
    "SELECT dzial FROM rb28s WHERE dzial = 'none'",
];

fn told(server: &Server) -> Value {
    let python = std::env::var_os("HUB_TEST_PYTHON");
    let python = python.expect("HUB_TEST_PYTHON is not set: run `make test`, which installs the drivers");
    let mut command = Command::new(python);
    command.arg(SCRIPT).arg(server.grpc.to_string()).args(STATEMENTS);
    run(command.env("HUB_KEY", server.key("ministry"))).expect(0).json()
}

/// Rows of `hub query`, cell by cell.
fn queried(server: &Server, sql: &str) -> Value {
    let rows = server.rows("ministry", sql);
    rows.iter().map(|row| Value::from(row.split(',').collect::<Vec<_>>())).collect()
}

#[test]
fn drivers_of_other_makers_see_what_the_hub_answers() {
    let server = Server::start();
    server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    let told = told(&server);
    for (at, sql) in STATEMENTS.iter().enumerate() {
        let expected = queried(&server, sql);
        assert_eq!(expected.as_array().map(Vec::is_empty), Some(at == 3), "{sql}");
        for client in ["adbc", "password", "pandas", "polars", "sqlalchemy"] {
            assert_eq!(told["rows"][client][at], expected, "{client}: {sql}");
        }
    }
    parameters_are_bound(&server, &told["parameters"]);
    the_catalogue_is_told(&told["learned"]);
    for (case, reason) in [
        ("written", "only SELECT is allowed"),
        ("updated", "only SELECT is allowed"),
        ("unknown", "plann"),
        ("unbound", "1 parameters, and no values were bound"),
        ("stranger", "the credential is not valid"),
    ] {
        let refused = told["refused"][case].as_str().unwrap_or_default();
        assert!(refused.contains(reason), "{case}: {refused}");
    }
}

fn parameters_are_bound(server: &Server, told: &Value) {
    let sum = "SELECT count(*), sum(plan) FROM rb28s WHERE dzial = '801' AND plan >= 1 AND _period_end = DATE '2022-12-31'";
    assert_eq!(told["adbc"], queried(server, sum));
    assert_eq!(
        told["numbered"],
        queried(server, "SELECT dzial FROM rb28s WHERE dzial = '801' GROUP BY dzial")
    );
    assert_eq!(told["sqlalchemy"], queried(server, "SELECT count(*) FROM rb28s WHERE dzial = '801'"));
    let many = told["many"].as_str().unwrap_or_default();
    assert!(many.contains("bind one row"), "{many}");
}

fn the_catalogue_is_told(told: &Value) {
    assert_eq!((&told["catalog"], &told["schema"]), (&Value::from("hub"), &Value::from("data")));
    assert_eq!((&told["type"], &told["vendor"]), (&Value::from("TABLE"), &Value::from("Hub")));
    assert_eq!(told["table_types"], Value::from(vec!["TABLE"]));
    let columns = told["columns"].as_array().expect("columns");
    for column in ["dzial", "plan", "_publisher", "_period_end", "_committed_at"] {
        assert!(columns.contains(&Value::from(column)), "{column} is missing: {columns:?}");
    }
    assert_eq!(told["arrow"], told["columns"]);
    assert_eq!(told["inspected_columns"], told["columns"]);
    assert_eq!(told["types"]["plan"], "DECIMAL");
    assert_eq!(told["types"]["_period_end"], "DATE");
    assert_eq!(told["inspected"], true);
}
