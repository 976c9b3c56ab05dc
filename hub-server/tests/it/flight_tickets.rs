//! What tickets of Flight SQL hold: whose they are, which state they are of, which part of a table; and how a flight is
//! stopped.

use std::time::Duration;

use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::client::FlightSqlServiceClient;
use arrow_flight::sql::{
    CommandGetExportedKeys, CommandGetPrimaryKeys, CommandGetTables, CommandGetXdbcTypeInfo, SqlInfo,
    TicketStatementQuery,
};
use arrow_flight::{
    Action, CancelFlightInfoRequest, CancelFlightInfoResult, CancelStatus, FlightInfo, Ticket,
};
use futures::{StreamExt as _, TryStreamExt as _};
use hub_proto::{Reason, reason_of};
use prost::Message as _;
use serde_json::Value;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status, Streaming};

use crate::harness::{PERIOD, Server, kutno_sample, synthetic, wait_for};
use crate::memory::peak;

type Flights = FlightSqlServiceClient<Channel>;
type Data = arrow_flight::FlightData;

/// Longer than all that these tests wait for takes.
const LONG: Duration = Duration::from_secs(60);
/// A statement that would run for days.
const ENDLESS: &str =
    "SELECT sum(length(a.nazwa || b.nazwa || c.nazwa)) FROM terc a CROSS JOIN terc b CROSS JOIN terc c";
/// Rows without end.
const BOUNDLESS: &str = "SELECT a.nazwa, b.nazwa AS druga FROM terc a CROSS JOIN terc b";
/// Most that a reader who takes nothing may cost the hub.
const GROWTH_MAX: u64 = 48 << 20;
/// Most bytes of a message.
const MESSAGE: usize = 4 << 20;
/// Rows of each of two long reports: enough for a part each.
const ROWS: u64 = 70_000;

async fn channel(server: &Server) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{}", server.grpc)).expect("an address");
    endpoint.connect().await.expect("the gRPC listener")
}

async fn flights(server: &Server, profile: &str) -> Flights {
    let mut flights = FlightSqlServiceClient::new(channel(server).await);
    flights.set_token(server.key(profile));
    flights
}

/// A call of Flight itself, which gives the status as it came.
fn request<T>(server: &Server, profile: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let bearer = format!("Bearer {}", server.key(profile));
    request.metadata_mut().insert("authorization", bearer.parse().expect("a key"));
    request
}

async fn get(server: &Server, profile: &str, ticket: Ticket) -> Result<Streaming<Data>, Status> {
    let mut calls = FlightServiceClient::new(channel(server).await);
    Ok(calls.do_get(request(server, profile, ticket)).await?.into_inner())
}

async fn cancel(server: &Server, profile: &str, info: &FlightInfo) -> Result<CancelStatus, Status> {
    let body = CancelFlightInfoRequest { info: Some(info.clone()) }.encode_to_vec();
    let action = Action::new("CancelFlightInfo", body);
    let mut calls = FlightServiceClient::new(channel(server).await);
    let results = calls.do_action(request(server, profile, action)).await?.into_inner();
    let results: Vec<_> = results.try_collect().await?;
    Ok(CancelFlightInfoResult::decode(&results[0].body[..]).expect("a result").status())
}

fn tickets(info: &FlightInfo) -> Vec<Ticket> {
    info.endpoint.iter().map(|endpoint| endpoint.ticket.clone().expect("a ticket")).collect()
}

/// Rows of a ticket as text, sorted by none but the hub.
async fn rows(flights: &mut Flights, ticket: Ticket) -> Vec<String> {
    let batches: Vec<_> =
        flights.do_get(ticket).await.expect("a flight").try_collect().await.expect("whole rows");
    let options = arrow::util::display::FormatOptions::default();
    let mut rows = Vec::new();
    for batch in &batches {
        let text = |column| arrow::util::display::ArrayFormatter::try_new(column, &options).expect("text");
        let columns: Vec<_> = batch.columns().iter().map(|column| text(column.as_ref())).collect();
        let cells =
            |row| columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join(",");
        rows.extend((0..batch.num_rows()).map(cells));
    }
    rows
}

fn reason(status: &Status) -> Option<Reason> {
    reason_of(status)
}

#[tokio::test]
async fn a_ticket_is_its_callers_and_of_the_state_that_was_described() {
    let server = Server::start();
    server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    let sql = "SELECT sum(plan) FROM rb28s";
    let before = server.cell("ministry", sql);
    let mut ministry = flights(&server, "ministry").await;
    let info = ministry.execute(sql.to_owned(), None).await.expect("an info");
    let told: Value = serde_json::from_slice(&info.app_metadata).expect("JSON");
    assert_eq!(
        (&told["versions"][0]["dataset"], &told["versions"][0]["version"]),
        (&"rb28s".into(), &1.into())
    );
    assert_eq!(told["versions"][0]["coverage"]["units_reporting"], 1);
    let ticket = tickets(&info).remove(0);

    let more = synthetic("rb28s", "026401", PERIOD, 50, 3);
    server.accepted("publisher2", &server.file("more.csv", &more), "rb28s", PERIOD, &[]);
    assert_ne!(server.cell("ministry", sql), before);
    assert_eq!(rows(&mut ministry, ticket.clone()).await, [before]);

    let refused = get(&server, "publisher", ticket.clone()).await.expect_err("the ticket of another");
    assert_eq!(reason(&refused), Some(Reason::ReadNotPermitted), "{refused}");
    let refused = cancel(&server, "publisher", &info).await.expect_err("the flight of another");
    assert_eq!(reason(&refused), Some(Reason::ReadNotPermitted), "{refused}");
    let forged = TicketStatementQuery { statement_handle: "forged".into() };
    let forged = Ticket::new(arrow_flight::sql::ProstMessageExt::as_any(&forged).encode_to_vec());
    let refused = get(&server, "ministry", forged).await.expect_err("a forged ticket");
    assert_eq!(reason(&refused), Some(Reason::RequestInvalid), "{refused}");
    let refused = get(&server, "ministry", Ticket::new("x")).await.expect_err("no ticket at all");
    assert!(reason(&refused).is_some(), "{refused}");
    assert_eq!(cancel(&server, "ministry", &info).await.expect("an answer"), CancelStatus::NotCancellable);

    let mut nobody = FlightSqlServiceClient::new(channel(&server).await);
    assert!(nobody.handshake("mf", "hub_wrong").await.is_err());
    nobody.handshake("anyone", &server.key("ministry")).await.expect("a key as password");
    assert_eq!(nobody.token(), Some(&server.key("ministry")));
    let refused = nobody.execute_update("DELETE FROM rb28s".to_owned(), None).await.expect_err("an update");
    assert!(refused.to_string().contains("only SELECT is allowed"), "{refused}");
}

#[tokio::test]
async fn a_long_table_comes_in_parts_that_are_the_whole() {
    let server = Server::start();
    for (profile, unit, seed) in [("publisher", "100201", 1), ("publisher2", "026401", 2)] {
        let file = server.file(&format!("{unit}.csv"), &synthetic("rb28s", unit, "2023-Q4", ROWS, seed));
        server.accepted(profile, &file, "rb28s", "2023-Q4", &[]);
    }
    let mut ministry = flights(&server, "ministry").await;
    let info = ministry
        .execute("SELECT dzial, plan, _publisher FROM rb28s".to_owned(), None)
        .await
        .expect("an info");
    assert_eq!((info.endpoint.len(), info.total_records, info.ordered), (2, 2 * ROWS as i64, true));
    let mut parts = Vec::new();
    for ticket in tickets(&info) {
        let part = rows(&mut ministry, ticket.clone()).await;
        assert_eq!(part.len(), ROWS as usize);
        parts.extend(part);
        let messages: Vec<Data> =
            get(&server, "ministry", ticket).await.expect("a flight").try_collect().await.expect("messages");
        assert!(messages.iter().all(|message| message.encoded_len() <= MESSAGE));
        let last: Value =
            serde_json::from_slice(&messages.last().expect("a message").app_metadata).expect("JSON");
        assert_eq!(last["versions"][0]["dataset"], "rb28s");
    }
    let mut whole =
        server.rows("ministry", "SELECT dzial, plan, _publisher FROM rb28s WHERE plan IS NOT NULL");
    whole.sort_unstable();
    parts.sort_unstable();
    assert_eq!(parts, whole);
}

#[tokio::test]
async fn a_flight_stops_when_it_is_cancelled_or_left() {
    let server = Server::start();
    let mut ministry = flights(&server, "ministry").await;
    let info = ministry.execute(BOUNDLESS.to_owned(), None).await.expect("an info");
    let ticket = tickets(&info).remove(0);
    let mut flight = get(&server, "ministry", ticket.clone()).await.expect("a flight");
    flight.next().await.expect("a message").expect("the schema");
    assert_eq!(cancel(&server, "ministry", &info).await.expect("an answer"), CancelStatus::Cancelled);
    let ended: Result<Vec<Data>, Status> = flight.try_collect().await;
    let status = ended.expect_err("a flight that was cancelled is not whole");
    assert_eq!(reason(&status), Some(Reason::CallCancelled), "{status}");

    // Also before the first row, which would be days in coming.
    let info = ministry.execute(ENDLESS.to_owned(), None).await.expect("an info");
    let waiting = get(&server, "ministry", tickets(&info).remove(0));
    let stopping = async {
        while cancel(&server, "ministry", &info).await.expect("an answer") != CancelStatus::Cancelled {}
    };
    let (stopped, ()) = tokio::join!(waiting, stopping);
    let status = stopped.expect_err("a flight that was cancelled");
    assert_eq!(reason(&status), Some(Reason::CallCancelled), "{status}");

    // Readers who take nothing, all that may run at once, cost little; when they leave, their places are free.
    let before = peak(&server);
    let mut left = Vec::new();
    for _ in 0..4 {
        let mut flight = get(&server, "ministry", ticket.clone()).await.expect("a flight");
        flight.next().await.expect("a message").expect("the schema");
        left.push(flight);
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(peak(&server) - before < GROWTH_MAX, "{} bytes more", peak(&server) - before);
    drop(left);
    let count = || {
        (server.hub("ministry", &["--format", "csv", "query", "SELECT count(*) FROM dzialy"]).code == 0)
            .then_some(())
    };
    wait_for(LONG, count).expect("a place for a statement");
}

#[tokio::test]
async fn what_drivers_ask_for_is_there() {
    let server = Server::start();
    let mut ministry = flights(&server, "ministry").await;
    let infos = [
        ministry.get_catalogs().await.expect("catalogs"),
        ministry.get_table_types().await.expect("table types"),
        ministry.get_sql_info(vec![SqlInfo::FlightSqlServerReadOnly]).await.expect("features"),
        ministry.get_xdbc_type_info(CommandGetXdbcTypeInfo { data_type: Some(3) }).await.expect("types"),
    ];
    for info in infos {
        assert_eq!(rows(&mut ministry, tickets(&info).remove(0)).await.len(), 1);
    }
    let all = ministry.get_sql_info(vec![]).await.expect("features");
    assert!(rows(&mut ministry, tickets(&all).remove(0)).await.len() > 40);
    let key = CommandGetPrimaryKeys { catalog: None, db_schema: None, table: "rb28s".to_owned() };
    let key = ministry.get_primary_keys(key).await.expect("a key");
    let key = rows(&mut ministry, tickets(&key).remove(0)).await;
    assert_eq!(key[..2], ["hub,data,rb28s,_publisher,rb28s_key,1", "hub,data,rb28s,_period_end,rb28s_key,2"]);
    assert!(key.iter().any(|row| row.contains(",rozdzial,")), "{key:?}");
    let all = CommandGetTables { table_types: vec!["TABLE".to_owned()], ..CommandGetTables::default() };
    let all = ministry.get_tables(all).await.expect("tables");
    let all = rows(&mut ministry, tickets(&all).remove(0)).await;
    for table in ["rb28s", "rb28s_v1", "terc", "terc_versions", "organisations"] {
        assert!(all.contains(&format!("hub,data,{table},TABLE")), "{table} is missing: {all:?}");
    }
    let foreign = CommandGetExportedKeys { catalog: None, db_schema: None, table: "rb28s".to_owned() };
    let foreign = ministry.get_exported_keys(foreign).await.expect("keys");
    assert!(rows(&mut ministry, tickets(&foreign).remove(0)).await.is_empty());
    let prepared =
        ministry.prepare("SELECT plan FROM rb28s WHERE dzial = ?".to_owned(), None).await.expect("a handle");
    let parameters = prepared.parameter_schema().expect("a schema");
    assert_eq!(parameters.field(0).data_type(), &arrow::datatypes::DataType::Utf8);
    assert_eq!(prepared.dataset_schema().expect("a schema").field(0).name(), "plan");
}
