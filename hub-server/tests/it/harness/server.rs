//! A `hub-server dev` of its own for one test.

use std::io::{BufRead, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use hub_client::{Client, Environment, Profile};
use serde_json::Value;
use tempfile::TempDir;

use super::process::{Output, finish_within, hub_binary, run, server_binary};

/// Time in which a server opens its doors, on a slow machine too.
const START: Duration = Duration::from_secs(90);
/// Time in which a server must have ended after a signal to stop.
const GRACE: Duration = Duration::from_secs(40);
const FREE: &str = "127.0.0.1:0";

/// A running server; it is killed when the test lets go of it.
#[derive(Debug)]
pub(crate) struct Server {
    root: PathBuf,
    /// Where the profiles are.
    config: PathBuf,
    child: Child,
    log: Arc<Log>,
    pub(crate) grpc: SocketAddr,
    pub(crate) http: SocketAddr,
    /// The folder, unless the test keeps it itself.
    folder: Option<TempDir>,
}

/// What a server said so far.
#[derive(Debug, Default)]
struct Log {
    text: Mutex<Lines>,
    more: Condvar,
}

#[derive(Debug, Default)]
struct Lines {
    text: String,
    ended: bool,
}

impl Server {
    /// A server on an empty folder.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// A server on an empty folder with these variables.
    pub(crate) fn start_with(variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut command = Command::new(server_binary());
        command.envs(variables.iter().copied());
        let mut server = Self::under(folder.path(), &mut command);
        server.folder = Some(folder);
        server
    }

    /// A server on this folder, on free ports.
    pub(crate) fn on(root: &Path) -> Self {
        Self::under(root, &mut Command::new(server_binary()))
    }

    /// A dev server that this command starts: its arguments end where the server's begin.
    pub(crate) fn under(root: &Path, command: &mut Command) -> Self {
        Self::dev(root, [FREE.to_owned(), FREE.to_owned()], command)
    }

    fn dev(root: &Path, [grpc, http]: [String; 2], command: &mut Command) -> Self {
        command.arg("dev").arg("--data-dir").arg(root);
        Self::launch(root, command.args(["--grpc-addr", &grpc, "--http-addr", &http]))
    }

    /// Starts a whole command line and waits until its doors are open.
    pub(crate) fn launch(root: &Path, command: &mut Command) -> Self {
        let mut child = quiet(command).spawn().expect("the server's binary");
        let log = Log::follow(child.stderr.take().expect("a pipe"));
        let Some((grpc, http)) = log.addresses() else {
            let _ = child.kill();
            let _ = child.wait();
            panic!("the server did not open:\n{}", log.text());
        };
        Self { root: root.to_owned(), config: root.join("dev"), child, log, grpc, http, folder: None }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Takes the profiles from another folder.
    pub(crate) fn with_profiles_in(mut self, config: &Path) -> Self {
        self.config = config.to_owned();
        self
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// All that the server has logged.
    pub(crate) fn log(&self) -> String {
        self.log.text()
    }

    /// The same folder under the same addresses, after `stop` or `kill`.
    pub(crate) fn restart(&mut self) {
        let addresses = [self.grpc.to_string(), self.http.to_string()];
        let mut again = Self::dev(&self.root, addresses, &mut Command::new(server_binary()));
        again.folder = self.folder.take();
        *self = again;
    }

    /// Asks the server to stop and waits until it has.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        self.terminate();
        finish_within(&mut self.child, GRACE)
            .unwrap_or_else(|| panic!("the server still runs after SIGTERM:\n{}", self.log()))
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        let pid = self.child.id().to_string();
        run(Command::new("kill").args(["-TERM", &pid])).expect(0);
    }

    /// kill -9.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("a running server");
        self.child.wait().expect("a child of ours");
    }

    pub(crate) fn finished(&mut self, limit: Duration) -> Option<ExitStatus> {
        finish_within(&mut self.child, limit)
    }

    /// The `hub` command of one of the dev profiles, ready to start.
    pub(crate) fn hub_command(&self, profile: &str, args: &[&str]) -> Command {
        let mut command = Command::new(hub_binary());
        if !profile.is_empty() {
            command.args(["--profile", profile]);
        }
        command.args(args);
        command.env_remove("HUB_ENDPOINT").env("HUB_CONFIG_DIR", &self.config).env("LC_ALL", "C");
        command
    }

    /// Runs `hub` to its end.
    #[track_caller]
    pub(crate) fn hub(&self, profile: &str, args: &[&str]) -> Output {
        run(&mut self.hub_command(profile, args))
    }

    /// Pushes a file; gives the exit code's output with `--format json`.
    #[track_caller]
    pub(crate) fn push(
        &self,
        profile: &str,
        file: &Path,
        pattern: &str,
        period: &str,
        more: &[&str],
    ) -> Output {
        let file = file.to_str().expect("a plain path");
        let args = ["--format", "json", "push", file, "--pattern", pattern, "--period", period];
        self.hub(profile, &[&args, more].concat())
    }

    /// Pushes a file that must be accepted; gives what the hub answered.
    #[track_caller]
    pub(crate) fn accepted(
        &self,
        profile: &str,
        file: &Path,
        pattern: &str,
        period: &str,
        more: &[&str],
    ) -> Value {
        self.push(profile, file, pattern, period, more).expect(0).json()
    }

    /// Rows of a statement as CSV, without the header.
    #[track_caller]
    pub(crate) fn rows(&self, profile: &str, sql: &str) -> Vec<String> {
        let output = self.hub(profile, &["--format", "csv", "query", sql]).expect(0);
        output.stdout.lines().skip(1).map(str::to_owned).collect()
    }

    /// The one cell that a statement gives.
    #[track_caller]
    pub(crate) fn cell(&self, profile: &str, sql: &str) -> String {
        let rows = self.rows(profile, sql);
        assert_eq!(rows.len(), 1, "{sql}: {rows:?}");
        rows[0].clone()
    }

    /// The client library as one of the dev profiles.
    pub(crate) fn client(&self, profile: &str) -> Client {
        let environment = Environment { config_dir: self.config.clone(), endpoint: None, polish: false };
        Client::connect(&Profile::load(Some(profile), &environment).expect("a dev profile"))
            .expect("a client")
    }

    /// The API key of one of the dev profiles.
    pub(crate) fn key(&self, profile: &str) -> String {
        let text = std::fs::read_to_string(self.config.join(format!("{profile}.toml"))).expect("a profile");
        let table: toml::Table = text.parse().expect("a profile");
        table["token"].as_str().expect("a key").to_owned()
    }

    /// A file in the server's folder for tests' own input, outside what the hub keeps.
    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let folder = self.config.join("input");
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join(name);
        std::fs::File::create(&path).and_then(|mut file| file.write_all(bytes)).expect("an input file");
        path
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// No input, no output but the log, no settings of the machine's own hub.
fn quiet(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("HUB_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped())
}

impl Log {
    /// Gathers the lines as they come, so that the pipe never fills.
    fn follow(stderr: ChildStderr) -> Arc<Self> {
        let log = Arc::new(Self::default());
        let mine = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut lines = mine.text.lock().expect("no panic while it is held");
                lines.text.push_str(&line);
                lines.text.push('\n');
                mine.more.notify_all();
            }
            mine.text.lock().expect("no panic while it is held").ended = true;
            mine.more.notify_all();
        });
        log
    }

    fn text(&self) -> String {
        self.text.lock().expect("no panic while it is held").text.clone()
    }

    /// Waits for the line that names the addresses.
    fn addresses(&self) -> Option<(SocketAddr, SocketAddr)> {
        let deadline = Instant::now() + START;
        let mut lines = self.text.lock().expect("no panic while it is held");
        loop {
            if let Some(found) = lines.text.lines().find_map(addresses_of) {
                return Some(found);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            if lines.ended {
                return None;
            }
            lines = self.more.wait_timeout(lines, left).expect("no panic while it is held").0;
        }
    }
}

/// `gRPC http://A   HTTP http://B` of a dev server, or the JSON line in which any server says that it is open.
fn addresses_of(line: &str) -> Option<(SocketAddr, SocketAddr)> {
    if let Ok(event) = serde_json::from_str::<Value>(line) {
        let address = |name: &str| event[name].as_str()?.parse().ok();
        return Some((address("grpc")?, address("http")?));
    }
    let (grpc, http) = line.strip_prefix("gRPC http://")?.split_once("HTTP http://")?;
    Some((grpc.trim().parse().ok()?, http.trim().parse().ok()?))
}
