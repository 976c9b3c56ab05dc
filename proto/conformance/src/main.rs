//! Runs all promises against a server: `hub-conformance ENDPOINT PUBLISHER_KEY OTHER_KEY MINISTRY_KEY`.

use std::process::ExitCode;

use hub_conformance::{Hub, Keys, run_all};
use tonic::transport::Endpoint;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [endpoint, publisher, other, ministry] = arguments.as_slice() else {
        eprintln!("usage: hub-conformance ENDPOINT PUBLISHER_KEY OTHER_KEY MINISTRY_KEY");
        return ExitCode::from(2);
    };
    let keys = Keys { publisher: publisher.clone(), other: other.clone(), ministry: ministry.clone() };
    let channel = match Endpoint::from_shared(endpoint.clone()) {
        Ok(endpoint) => endpoint.connect().await,
        Err(error) => Err(error),
    };
    let channel = match channel {
        Ok(channel) => channel,
        Err(error) => {
            eprintln!("{endpoint} is not reached: {error}");
            return ExitCode::from(4);
        }
    };
    let results = run_all(&Hub::new(channel, keys)).await;
    let mut broken = 0;
    for (name, result) in &results {
        match result {
            Ok(()) => println!("kept    {name}"),
            Err(why) => {
                broken += 1;
                println!("BROKEN  {name}: {why}");
            }
        }
    }
    println!("{} promises, {broken} broken", results.len());
    if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
