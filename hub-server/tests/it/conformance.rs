//! The promises of the contract, kept by this server.

use hub_conformance::{Hub, Keys, run_all};
use tonic::transport::Endpoint;

use crate::harness::{Server, lasting};

#[tokio::test(flavor = "multi_thread")]
async fn all_promises_of_the_contract_are_kept() {
    let server = Server::start();
    let keys = Keys {
        publisher: server.key("publisher"),
        other: server.key("publisher2"),
        ministry: server.key("ministry"),
    };
    let endpoint = Endpoint::from_shared(format!("http://{}", server.grpc)).expect("an address");
    let channel = endpoint.connect().await.expect("the gRPC listener");
    let results = run_all(&Hub::new(channel, keys)).await;
    assert!(results.len() >= 30, "{} promises", results.len());
    let broken: Vec<String> =
        results.iter().filter_map(|(name, kept)| Some(format!("{name}: {}", kept.as_ref().err()?))).collect();
    assert!(
        broken.is_empty(),
        "{} of {}:\n{}\n{}",
        broken.len(),
        results.len(),
        broken.join("\n"),
        server.log()
    );
    assert_eq!(lasting(server.root()), Vec::<std::path::PathBuf>::new());
}
