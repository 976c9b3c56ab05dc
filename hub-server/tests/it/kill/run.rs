//! One run: publishers push, the server dies, it starts again, everybody repeats what had no verdict.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use hub_client::{Client, ClientError, Profile, Secret, Verdict};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use uuid::Uuid;

use super::oracle::{assert_history, assert_nothing_left, assert_state, read};
use super::script::{Publisher, publishers};
use crate::harness::{Server, run, server_binary};

/// Time in which a server must pass the armed point once all pushes have their verdict.
const LAST_PASS: Duration = Duration::from_secs(20);
/// Patience of senders once the server is back.
const PATIENCE: Duration = Duration::from_secs(60);
/// Logs are kept as short as they go and no earlier state is promised, so that checkpoint, archive and vacuum are
/// always at work.
const KEPT_SHORT: [(&str, &str); 4] = [
    ("HUB_LIMITS_CHECKPOINT_VERSIONS", "2"),
    ("HUB_LIMITS_LOG_MARGIN_VERSIONS", "0"),
    ("HUB_HISTORY_REACH", "0"),
    ("HUB_HISTORY_REMOVED_DAYS", "0"),
];
const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;

/// What a sender holds as proof of a verdict; it must be the same however often it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Proof {
    submission: String,
    refused: bool,
    revision: u64,
    receipt: Option<String>,
}

impl Proof {
    fn of(verdict: &Verdict) -> Self {
        Self {
            submission: verdict.submission.name.clone(),
            refused: verdict.is_refused(),
            revision: verdict.submission.revision,
            receipt: verdict.receipt.as_ref().map(|receipt| receipt.canonical_json.clone()),
        }
    }
}

/// A publisher in one run: its request ids, and the verdicts that it got so far.
#[derive(Debug)]
struct Sender {
    publisher: usize,
    request_ids: Vec<String>,
    proofs: Vec<Proof>,
}

/// How a server ends.
#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    /// At the n-th pass of a fault point.
    At(&'static str, u64),
    /// From outside, after this time; none: not at all.
    After(Option<Duration>),
}

/// An unused data folder with keys for all publishers, copied for each run, and what they will send.
pub(super) struct World {
    folder: TempDir,
    third_key: Secret,
    publishers: Vec<Publisher>,
    runtime: Runtime,
}

impl World {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut server = Server::on(folder.path());
        assert!(server.stop().success());
        let publishers = publishers();
        let third = publishers.last().expect("publishers").organisation;
        let mut command = Command::new(server_binary());
        command.args(["credential", "create", "--organisation", third, "--scope", "push,read", "--data-dir"]);
        let key = run(command.arg(folder.path())).expect(0).stdout;
        let runtime = Runtime::new().expect("a runtime");
        Self { folder, third_key: Secret::new(key.trim()), publishers, runtime }
    }

    /// Runs to this end and checks what it left; gives the time of the pushes before it.
    pub(super) fn run(&self, end: End) {
        let at = format!("{end:?}");
        let folder = tempfile::tempdir().expect("a temporary folder");
        run(Command::new("cp").arg("-rT").arg(self.folder.path()).arg(folder.path())).expect(0);
        let fresh = |publisher: usize| Sender {
            publisher,
            request_ids: self.publishers[publisher]
                .steps
                .iter()
                .map(|_| Uuid::new_v4().to_string())
                .collect(),
            proofs: Vec::new(),
        };
        let senders = self.until_it_dies(folder.path(), end, (0..self.publishers.len()).map(fresh).collect());

        let mut server = self.start(folder.path(), Command::new(server_binary()).envs(KEPT_SHORT));
        let seen = read(&server);
        for sender in &senders {
            let publisher = self.publisher(sender);
            // The step under way may have come as far as the log, or not; there is nothing between.
            let taken = sender.proofs.len();
            let taken = [taken, publisher.steps.len().min(taken + 1)];
            assert_state(
                seen.get(publisher.organisation),
                publisher,
                &taken,
                &format!("{at}, after the start"),
            );
        }
        self.to_the_end(&server, &senders, &at);

        let seen = read(&server);
        for publisher in &self.publishers {
            let all = [publisher.steps.len()];
            assert_state(seen.get(publisher.organisation), publisher, &all, &format!("{at}, at the end"));
            assert_history(&server, publisher);
        }
        assert_nothing_left(&server, &at);
        assert!(!server.log().contains("the hub failed"), "{at}: {}", server.log());
        assert!(server.stop().success(), "{at}: {}", server.log());
        let mut verify = Command::new(server_binary());
        verify.args(["verify", "data", "--data-dir"]).arg(folder.path());
        assert_eq!(run(&mut verify).expect(0).stdout, "", "{at}: nothing that the folder lacks");
    }

    fn start(&self, root: &Path, command: &mut Command) -> Server {
        let server = Server::under(root, command);
        let third = self.publishers.last().expect("publishers");
        let profile = Profile {
            name: third.profile.to_owned(),
            endpoint: format!("http://{}", server.grpc),
            http_endpoint: None,
            token: Some(self.third_key.clone()),
            ca: None,
            organisation: Some(third.organisation.to_owned()),
        };
        profile.write(&root.join("dev")).expect("a profile");
        server
    }

    /// Everybody pushes until the server is dead.
    fn until_it_dies(&self, root: &Path, end: End, senders: Vec<Sender>) -> Vec<Sender> {
        let mut command = Command::new(server_binary());
        command.envs(KEPT_SHORT);
        if let End::At(point, pass) = end {
            command.env("HUB_FAULT", format!("{point}:{pass}"));
        }
        let mut server = self.start(root, &mut command);
        let clients = self.clients(&server, Duration::ZERO);
        let senders: Vec<Sender> = std::thread::scope(|threads| {
            let pushing: Vec<_> = clients
                .iter()
                .zip(senders)
                .map(|(client, sender)| {
                    threads.spawn(|| self.runtime.block_on(self.push_until_cut(client, sender)))
                })
                .collect();
            if let End::After(Some(delay)) = end {
                assert_eq!(server.finished(delay), None, "{end:?}: {}", server.log());
                server.kill();
            }
            pushing.into_iter().map(|pushing| pushing.join().expect("a sender")).collect()
        });
        let signal = match end {
            End::At(..) => SIGABRT,
            End::After(Some(_)) => SIGKILL,
            End::After(None) => {
                let cut = |sender: &Sender| sender.proofs.len() < self.publisher(sender).steps.len();
                assert!(!senders.iter().any(cut), "a push was cut and nobody did it: {}", server.log());
                server.kill();
                SIGKILL
            }
        };
        let ended = server.finished(LAST_PASS);
        let ended = ended.unwrap_or_else(|| panic!("{end:?} was never reached:\n{}", server.log()));
        assert_eq!(ended.signal(), Some(signal), "{end:?}: {}", server.log());
        senders
    }

    fn publisher(&self, sender: &Sender) -> &Publisher {
        &self.publishers[sender.publisher]
    }

    fn clients(&self, server: &Server, patience: Duration) -> Vec<Client> {
        let _inside = self.runtime.enter();
        let client = |publisher: &Publisher| server.client(publisher.profile).retry_for(patience);
        self.publishers.iter().map(client).collect()
    }

    /// Sends step after step until there is no answer.
    async fn push_until_cut(&self, client: &Client, mut sender: Sender) -> Sender {
        let publisher = self.publisher(&sender);
        while sender.proofs.len() < publisher.steps.len() {
            let step = sender.proofs.len();
            match push(client, publisher, &sender, step).await {
                Ok(proof) => {
                    check(publisher, step, &proof, "before the end");
                    sender.proofs.push(proof);
                }
                Err(ClientError::NotReached { .. } | ClientError::Incomplete { .. }) => break,
                Err(error) => panic!("step {step} of {}: {error}", publisher.organisation),
            }
        }
        sender
    }

    /// Everybody goes on with a server that lives.
    fn to_the_end(&self, server: &Server, senders: &[Sender], at: &str) {
        let clients = self.clients(server, PATIENCE);
        std::thread::scope(|threads| {
            for (client, sender) in clients.iter().zip(senders) {
                threads.spawn(|| self.runtime.block_on(self.push_the_rest(client, sender, at)));
            }
        });
    }

    /// Repeats what has its verdict, goes on with what has none, then asks once more for the cut step.
    async fn push_the_rest(&self, client: &Client, sender: &Sender, at: &str) {
        let publisher = self.publisher(sender);
        let mut proofs: Vec<Proof> = sender.proofs.clone();
        let steps = publisher.steps.len();
        for step in (0..steps).chain([sender.proofs.len().min(steps - 1)]) {
            let at = format!("{at}: step {step} of {}", publisher.organisation);
            let proof = push(client, publisher, sender, step).await;
            let proof = proof.unwrap_or_else(|error| panic!("{at}: {error}"));
            check(publisher, step, &proof, &at);
            match proofs.get(step) {
                Some(earlier) => assert_eq!(&proof, earlier, "{at}"),
                None => proofs.push(proof),
            }
        }
    }
}

async fn push(
    client: &Client,
    publisher: &Publisher,
    sender: &Sender,
    step: usize,
) -> Result<Proof, ClientError> {
    let request = publisher.steps[step].request(&sender.request_ids[step]);
    client.push(&request, None).await.map(|verdict| Proof::of(&verdict))
}

/// A verdict is what the step deserves.
fn check(publisher: &Publisher, step: usize, proof: &Proof, at: &str) {
    let wanted = publisher.revision_of(step);
    let told = (!proof.refused).then_some(proof.revision);
    assert_eq!(told, wanted, "{at}: step {step} of {}: {proof:?}", publisher.organisation);
    assert_eq!(proof.receipt.is_some(), wanted.is_some(), "{at}: {proof:?}");
}
