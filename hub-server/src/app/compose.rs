//! Rooms are opened from the cellar up, the doors last, and closed the other way round.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hub_datasets::pattern::PatternError;
use hub_datasets::{CodeLists, Pattern, Patterns};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::consumers::Readers;
use super::housekeeping;
use super::patterns::KnownPatterns;
use crate::catalog::{Catalog, CatalogError};
use crate::clock::{Clock, Ids, RandomIds, SystemClock};
use crate::commit::{CommitError, Commits};
use crate::config::{Config, limits};
use crate::desk::{Desk, Rooms};
use crate::extract::{ExtractError, Extracts, Source};
use crate::flight;
use crate::grpc;
use crate::http::{self, Guides, HttpDoor};
use crate::identity::Identity;
use crate::intake::{Intake, IntakeLimits, IntakeParts, Workers, WorkersConfig};
use crate::listen::{
    Acceptor, Certificate, ListenError, ListenLimits, Phase, PhaseWatch, install_crypto, phase,
};
use crate::notices::{Hooks, NoticeError, Notices, Poster, Reachable, Signing, Tries};
use crate::process::Program;
use crate::query::{Engine, QueryError, QueryLimits, Statements};
use crate::read::Reads;
use crate::seal::Seal;
use crate::sign::Signer;
use crate::store::disk::LocalDisk;
use crate::store::table::LogLimits;
use crate::store::{Registered, Store, StoreError, blocking};

/// A running hub.
#[derive(Debug)]
pub(crate) struct Hub {
    grpc: SocketAddr,
    http: SocketAddr,
    phase: watch::Sender<Phase>,
    doors: JoinSet<()>,
    commits: Arc<Commits>,
    catalog: Arc<Catalog>,
    lists: Arc<CodeLists>,
    data: PathBuf,
    grace: Duration,
}

/// Why a hub did not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Commit(#[from] CommitError),
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Extract(#[from] ExtractError),
    #[error(transparent)]
    Notices(#[from] NoticeError),
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error(transparent)]
    Pattern(#[from] PatternError),
    #[error("webhooks cannot be sent: {0}")]
    Webhooks(#[from] rustls::Error),
    #[error("history.datasets names `{0}`, and this hub keeps no such dataset")]
    HistoryOfNone(String),
    #[error("scratch folder {path}: {source}")]
    Scratch { path: String, source: std::io::Error },
    #[error("a worker cannot be started: {0}")]
    Workers(std::io::Error),
    #[error("patterns folder {path}: {source}; check `patterns_dir`")]
    PatternsFolder { path: String, source: std::io::Error },
}

/// The rooms without doors.
struct House {
    catalog: Arc<Catalog>,
    commits: Arc<Commits>,
    patterns: Arc<Patterns>,
    lists: Arc<CodeLists>,
    identity: Arc<Identity>,
    intake: Arc<Intake>,
    reads: Arc<Reads>,
    extracts: Arc<Extracts>,
    notices: Arc<Notices>,
    guides: Arc<Guides>,
    seal: Arc<Seal>,
    signer: Arc<Signer>,
}

impl Hub {
    /// Opens the data folder and the listeners; they say `starting` until [`Hub::open`]. Every dataset is
    /// caught up when this returns.
    pub(crate) async fn start(config: &Config) -> Result<Self, StartError> {
        install_crypto();
        let house = House::open(config).await?;
        let certificate = match &config.tls {
            Some(tls) => Some(Certificate::open(tls.cert.clone(), tls.key.clone())?),
            None => None,
        };
        let (phase, watch) = phase();
        let grpc = Acceptor::bind(config.grpc_addr, certificate.clone(), listen_limits(config)).await?;
        let http = Acceptor::bind(config.http_addr, certificate, listen_limits(config)).await?;
        let mut hub = Self {
            grpc: grpc.address(),
            http: http.address(),
            phase,
            doors: JoinSet::new(),
            commits: Arc::clone(&house.commits),
            catalog: Arc::clone(&house.catalog),
            lists: Arc::clone(&house.lists),
            data: config.data_dir.clone(),
            grace: config.shutdown_grace,
        };
        let public_url: Arc<str> = config.public_url.as_deref().unwrap_or_default().into();
        let desk = Desk::new(house.rooms(watch.clone(), Arc::clone(&public_url)));
        let routes = HttpDoor {
            desk: desk.clone(),
            extracts: Arc::clone(&house.extracts),
            guides: Arc::clone(&house.guides),
            phase: watch.clone(),
            public_url,
        }
        .routes();
        hub.doors.spawn(http::serve(http, routes, watch.clone(), hub.grace));
        let (grace, stopping) = (hub.grace, watch.clone());
        let flights = flight::service(desk.clone());
        hub.doors.spawn(async move {
            if let Err(error) = grpc::serve(grpc, desk, flights, stopping, grace).await {
                tracing::error!(%error, "the gRPC door closed");
            }
        });
        hub.doors.spawn(housekeeping::recover(Arc::clone(&house.intake)));
        hub.doors.spawn(housekeeping::sweep(Arc::clone(&house.intake), watch.clone()));
        hub.doors.spawn(housekeeping::tell(Arc::clone(&house.notices), watch.clone()));
        hub.doors.spawn(housekeeping::compare_anew(Arc::clone(&house.intake), watch));
        Ok(hub)
    }

    /// Says that the hub serves. Whoever waits for that may count on all that was made before.
    pub(crate) fn open(&self) {
        self.phase.send_replace(Phase::Serving);
        tracing::info!(grpc = %self.grpc, http = %self.http, data = %self.data.display(), "the hub is open");
    }

    pub(crate) fn grpc_addr(&self) -> SocketAddr {
        self.grpc
    }

    pub(crate) fn http_addr(&self) -> SocketAddr {
        self.http
    }

    pub(crate) fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    pub(crate) fn lists(&self) -> &Arc<CodeLists> {
        &self.lists
    }

    /// Closes the doors, lets running calls end within the grace, brings the projection up to date. What is
    /// not done by then is cut off, as a crash would do.
    pub(crate) async fn stop(mut self) {
        self.phase.send_replace(Phase::Stopping);
        let closed = async {
            while self.doors.join_next().await.is_some() {}
            self.commits.close().await;
            self.catalog.close().await;
        };
        match tokio::time::timeout(self.grace + limits::STOP_MARGIN, closed).await {
            Ok(()) => tracing::info!("the hub is closed"),
            Err(_) => tracing::warn!("the hub stops with work under way; the next start finishes it"),
        }
    }
}

impl House {
    async fn open(config: &Config) -> Result<Self, StartError> {
        let (clock, ids): (Arc<dyn Clock>, Arc<dyn Ids>) = (Arc::new(SystemClock), Arc::new(RandomIds));
        let lists = Arc::new(CodeLists::embedded()?);
        let store = Store::open(Arc::new(LocalDisk), config.data_dir.clone()).await?;
        let known = KnownPatterns::gather(config, registered(&store).await?, &lists)?;
        let KnownPatterns { patterns, files: pattern_files, folders, .. } = known;
        let (patterns, guides) = (Arc::new(patterns), Arc::new(Guides::new(folders)));
        let catalog = Arc::new(Catalog::open(&config.catalog_path()).await?);
        let all: Vec<_> = patterns.iter().map(Arc::clone).collect();
        known_history(config, &all)?;
        let commits = Commits::open(
            Arc::clone(&store),
            Arc::clone(&catalog),
            &all,
            Arc::clone(&clock),
            Arc::clone(&ids),
            (log_limits(config), config.limits.open_version),
            &config.history,
        )
        .await?;
        // The engine keeps a folder of its own below this one, so it must find it emptied already.
        let scratch = scratch(&config.data_dir)?;
        let limits = query_limits(config);
        let engine = Arc::new(Engine::new(&store.objects(), &scratch.join("query"), limits.clone())?);
        let statements = Statements::start(program(), &store, limits).await.map_err(StartError::Workers)?;
        let seal = Arc::new(Seal::new(store.secret("seal")?));
        let signer = Arc::new(store.signer(clock.now())?);
        let identity = Arc::new(Identity::new(Arc::clone(&catalog), Arc::clone(&clock)));
        let intake = Intake::new(IntakeParts {
            store: Arc::clone(&store),
            commits: Arc::clone(&commits),
            catalog: Arc::clone(&catalog),
            patterns: Arc::clone(&patterns),
            lists: Arc::clone(&lists),
            clock: Arc::clone(&clock),
            ids: Arc::clone(&ids),
            signer: Arc::clone(&signer),
            scratch,
            limits: intake_limits(config),
            workers: Some(Workers::start(workers(config, pattern_files)).map_err(StartError::Workers)?),
        });
        let reads = Arc::new(Reads::new(
            Arc::<Commits>::clone(&commits),
            (Arc::clone(&engine), statements),
            all.clone(),
            Arc::clone(&lists),
            Arc::clone(&catalog),
            Seal::clone(&seal),
        ));
        let readers =
            Readers { identity: Arc::clone(&identity), reads: Arc::clone(&reads), patterns: all.clone() };
        let hooks = hooks(config, store.secret("webhooks")?)?;
        let parts = (Arc::clone(&catalog), Arc::clone(&commits));
        let notices = Notices::open(parts, Arc::new(readers), (clock, ids), &all, hooks).await?;
        // What was made of a damaged dataset is still served.
        let sources = sources(&all, &commits);
        let extracts = Arc::new(Extracts::open(config.data_dir.clone(), engine, sources).await?);
        Ok(Self {
            catalog,
            commits,
            patterns,
            lists,
            identity,
            intake,
            reads,
            extracts,
            notices: Arc::new(notices),
            guides,
            seal,
            signer,
        })
    }

    fn rooms(&self, phase: PhaseWatch, public_url: Arc<str>) -> Rooms {
        Rooms {
            phase,
            identity: Arc::clone(&self.identity),
            intake: Arc::clone(&self.intake),
            reads: Arc::clone(&self.reads),
            notices: Arc::clone(&self.notices),
            commits: Arc::clone(&self.commits),
            catalog: Arc::clone(&self.catalog),
            patterns: Arc::clone(&self.patterns),
            lists: Arc::clone(&self.lists),
            seal: Arc::clone(&self.seal),
            signer: Arc::clone(&self.signer),
            public_url,
        }
    }
}

/// All patterns of a configuration and of its data folder.
pub(crate) async fn patterns_of(
    config: &Config,
    store: &Arc<Store>,
    lists: &CodeLists,
) -> Result<KnownPatterns, StartError> {
    KnownPatterns::gather(config, registered(store).await?, lists)
}

async fn registered(store: &Arc<Store>) -> Result<Vec<Registered>, StoreError> {
    let store = Arc::clone(store);
    blocking(move || store.registered_patterns()).await
}

/// With what news is sent to subscribers.
fn hooks(config: &Config, secret: [u8; 32]) -> Result<Hooks, rustls::Error> {
    let reachable = Reachable { private: config.webhooks.private, loopback: config.is_on_loopback() };
    let tries = Tries { most: config.webhooks.tries, pause: config.webhooks.pause };
    Ok(Hooks::new(Signing::new(secret), Poster::new(reachable)?, tries))
}

/// What extracts are made of.
fn sources(patterns: &[Arc<Pattern>], commits: &Commits) -> Vec<Source> {
    let source = |pattern: &Arc<Pattern>| {
        let newest = commits.table(&pattern.id).map(|table| table.subscribe());
        Source { pattern: Arc::clone(pattern), newest }
    };
    patterns.iter().map(source).collect()
}

/// Empties the folder for sorting and spilling of a stopped server.
pub(crate) fn empty_scratch(data: &Path) -> Result<(), StartError> {
    scratch(data).map(drop)
}

/// Workers are this program: the file that runs, also when another version took its name meanwhile.
fn program() -> PathBuf {
    PathBuf::from(format!("/proc/{}/exe", std::process::id()))
}

fn workers(config: &Config, files: Vec<(String, Vec<u8>)>) -> WorkersConfig {
    let memory_bytes = config.limits.worker_memory_bytes;
    WorkersConfig {
        program: Program { path: program(), command: "worker", memory_bytes },
        silence: config.limits.worker_silence,
        files,
    }
}

/// The folder for sorting and spilling; what an earlier run left there is of no use.
fn scratch(data: &Path) -> Result<PathBuf, StartError> {
    let folder = data.join("tmp");
    let made = || {
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)
    };
    made().map_err(|source| StartError::Scratch { path: folder.display().to_string(), source })?;
    Ok(folder)
}

fn listen_limits(config: &Config) -> ListenLimits {
    ListenLimits::of(config.limits.connections)
}

fn log_limits(config: &Config) -> LogLimits {
    LogLimits {
        checkpoint_versions: config.limits.checkpoint_versions,
        margin_versions: config.limits.log_margin_versions,
    }
}

/// A reach that is set for a dataset which the hub does not keep is a slip of the pen.
fn known_history(config: &Config, patterns: &[Arc<Pattern>]) -> Result<(), StartError> {
    let keeps = |dataset: &&str| patterns.iter().any(|pattern| pattern.id == *dataset);
    match config.history.named().find(|dataset| !keeps(dataset)) {
        Some(dataset) => Err(StartError::HistoryOfNone(dataset.to_owned())),
        None => Ok(()),
    }
}

fn query_limits(config: &Config) -> QueryLimits {
    QueryLimits {
        memory_bytes: config.limits.query_memory_bytes,
        spill_bytes: config.limits.query_spill_bytes,
        deadline: config.limits.query_deadline,
        rows: config.limits.query_rows,
        ..QueryLimits::default()
    }
}

fn intake_limits(config: &Config) -> IntakeLimits {
    IntakeLimits {
        payload_bytes: config.limits.payload_bytes,
        record_bytes: limits::RECORD_BYTES,
        chunk_bytes: limits::CHUNK_BYTES,
        threads: std::thread::available_parallelism().map_or(2, usize::from),
        checks: config.limits.checks,
        open_submissions: config.limits.open_submissions,
        receiving: config.limits.receiving,
    }
}
