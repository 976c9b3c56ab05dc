//! A dataset on a simulated disk, with what it takes to commit to it and to read it back.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow::array::{ArrayRef, AsArray, Date32Array, Int64Array, StringArray, new_null_array};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Utc};
use hub_datasets::check::standing::SliceFacts;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::clock::{Clock, Ids};
use crate::commit::closing::{Asking, closing};
use crate::commit::committer::Committer;
use crate::commit::context::Context;
use crate::commit::dataset::Shape;
use crate::commit::files::Files;
use crate::commit::maintain::{Maintenance, Retention};
use crate::commit::prepare::{Prepared, prepare};
use crate::commit::projector::Projected;
use crate::commit::put::{GroupEnd, Putter};
use crate::commit::queue::{Answer, Claims, Item, Room};
use crate::commit::recover::replay;
use crate::commit::{CommitError, CommitJob, JobRows, rewrite};
use crate::config::history::Reach;
use crate::store::disk::sim::SimDisk;
use crate::store::log::Entry;
use crate::store::table::{Keep, LogLimits, TableSpec, physical};
use crate::store::{AsOf, Snapshot, Store, StoreError};

/// A clock that shows what it is told, in microseconds.
#[derive(Debug)]
pub(super) struct TestClock(pub(super) AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

/// Ids in order, never twice in a process, so that a second server has others.
#[derive(Debug, Default)]
pub(super) struct TestIds;

impl Ids for TestIds {
    fn next(&self) -> Uuid {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Uuid::from_u128(u128::from(NEXT.fetch_add(1, Ordering::SeqCst)))
    }
}

pub(super) fn pattern_schema() -> Schema {
    let text = |name: &str| Field::new(name, DataType::Utf8, false);
    Schema::new(vec![text("unit"), text("line"), Field::new("amount", DataType::Int64, true)])
}

/// A table with key (unit, line), sliced by unit or not at all.
pub(super) fn shape(sliced: bool) -> Shape {
    Shape {
        pattern: "rb28s".into(),
        major: 1,
        key: vec!["unit".into(), "line".into()],
        slice: sliced.then(|| "unit".into()),
        table: TableSpec {
            dataset: "rb28s".into(),
            name: "rb28s_v1".into(),
            schema: physical(&pattern_schema()),
        },
    }
}

/// A row as it is read back: publisher, partition, unit, `_seq`, amount.
pub(super) type Row = (String, String, String, i64, i64);

/// What a test sends.
#[derive(Debug, Clone)]
pub(super) struct Push {
    pub(super) id: String,
    pub(super) publisher: String,
    pub(super) partition: String,
    /// No unit stands in two periods that overlap; then the partition is the period.
    pub(super) excludes: bool,
    /// Unit → rows of it.
    pub(super) units: BTreeMap<String, u64>,
    pub(super) seq: i64,
    /// Draws the bytes: the same content has the same hash.
    pub(super) content: u64,
    pub(super) replace_all: bool,
    pub(super) confirm: bool,
    pub(super) nothing: bool,
    pub(super) parent: Option<u64>,
    pub(super) request_id: String,
    /// As files of its own, one per unit.
    pub(super) big: bool,
    pub(super) facts: Vec<SliceFacts>,
    /// The submission that it takes back.
    pub(super) withdraws: Option<String>,
}

/// A push of some rows per unit.
pub(super) fn push(seq: i64, publisher: &str, units: &[(&str, u64)]) -> Push {
    Push {
        id: format!("s{seq}"),
        publisher: publisher.into(),
        partition: "2022-12-31".into(),
        excludes: false,
        units: units.iter().map(|(unit, rows)| ((*unit).to_owned(), *rows)).collect(),
        seq,
        content: u64::try_from(seq).unwrap(),
        replace_all: false,
        confirm: false,
        nothing: false,
        parent: None,
        request_id: format!("r{seq}"),
        big: false,
        facts: Vec::new(),
        withdraws: None,
    }
}

impl Push {
    /// The rows of it that belong to units, or all of them.
    pub(super) fn rows(&self) -> Vec<Row> {
        let of_unit = |(unit, rows): (&String, &u64)| {
            let row = |n: u64| {
                let amount = i64::try_from(self.content * 1_000 + n).unwrap();
                (self.publisher.clone(), self.partition.clone(), unit.clone(), self.seq, amount)
            };
            (0..*rows).map(row).collect::<Vec<_>>()
        };
        self.units.iter().flat_map(of_unit).collect()
    }

    fn slices(&self, sliced: bool) -> Vec<String> {
        match (self.nothing || self.withdraws.is_some(), sliced) {
            (true, _) => Vec::new(),
            (false, true) => self.units.keys().cloned().collect(),
            (false, false) => vec![String::new()],
        }
    }

    fn batch(schema: &SchemaRef, rows: &[Row]) -> RecordBatch {
        let text = |values: Vec<String>| Arc::new(StringArray::from(values)) as ArrayRef;
        let column = |field: &Arc<Field>| -> ArrayRef {
            match field.name().as_str() {
                "unit" => text(rows.iter().map(|row| row.2.clone()).collect()),
                "line" => text((0..rows.len()).map(|n| format!("{n:06}")).collect()),
                "amount" => Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.4))),
                "_period_end" => Arc::new(Date32Array::from_value(19_357, rows.len())),
                "_publisher" => text(rows.iter().map(|row| row.0.clone()).collect()),
                "_seq" => Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.3))),
                _ => new_null_array(field.data_type(), rows.len()),
            }
        };
        let columns = schema.fields().iter().map(column).collect();
        RecordBatch::try_new(Arc::clone(schema), columns).unwrap()
    }

    pub(super) fn job(&self, files: &Files) -> CommitJob {
        self.try_job(files).unwrap()
    }

    fn try_job(&self, files: &Files) -> Result<CommitJob, CommitError> {
        let schema = &files.layout().schema;
        let rows = self.rows();
        let payload = if self.nothing || self.withdraws.is_some() {
            JobRows::None
        } else if self.big {
            let of_unit = |unit: &String| {
                let rows: Vec<Row> = rows.iter().filter(|row| row.2 == *unit).cloned().collect();
                files.write(&self.partition, &[&Self::batch(schema, &rows)])
            };
            JobRows::Files(self.units.keys().map(of_unit).collect::<Result<_, _>>()?)
        } else {
            JobRows::Batches(vec![Self::batch(schema, &rows)])
        };
        Ok(CommitJob {
            id: self.id.clone(),
            seq: self.seq,
            caller: self.publisher.clone(),
            request_id: self.request_id.clone(),
            publisher: self.publisher.clone(),
            publisher_name: format!("Gmina {}", self.publisher),
            period: if self.excludes { self.partition.clone() } else { "2022-Q4".into() },
            partition: self.partition.clone(),
            excludes: self.excludes,
            media_type: "text/csv".into(),
            size: 100,
            sha256: format!("{:064x}", self.content),
            rows: rows.len() as u64,
            slices: self.slices(files.slice_column().is_some()),
            slice_facts: self.facts.clone(),
            pattern: "rb28s/1.0.0".into(),
            bundle_sha256: "b".repeat(64),
            nothing_to_report: self.nothing,
            withdraws: self.withdraws.clone(),
            created_at: 1_700_000_000_000_000 + self.seq,
            report: "{}".into(),
            payload,
            arriving: None,
            parent_revision: self.parent,
            replace_all: self.replace_all,
            confirm_deletions: self.confirm,
        })
    }
}

/// One open dataset.
pub(super) struct House {
    pub(super) disk: SimDisk,
    pub(super) context: Arc<Context>,
    pub(super) clock: Arc<TestClock>,
    pub(super) projected: Mutex<VecDeque<Projected>>,
    room: Room,
    claims: Arc<Claims>,
    store: Arc<Store>,
}

impl House {
    pub(super) async fn open(disk: &SimDisk, sliced: bool) -> Result<Self, StoreError> {
        Self::open_as(disk, shape(sliced)).await
    }
    pub(super) async fn open_as(disk: &SimDisk, shape: Shape) -> Result<Self, StoreError> {
        let store = Store::open(Arc::new(disk.clone()), PathBuf::from("/hub")).await?;
        let table = store.open_table_as(shape.table.clone()).await?;
        let files = Files::new(Arc::clone(&store), table, &shape);
        let mut projected = VecDeque::new();
        let replayed = replay(files.table(), |version, entry, superseded| {
            projected.push_back(Projected { log_version: version, entry, superseded });
        });
        let state = match replayed {
            Ok(state) => state,
            Err(CommitError::Store { source, .. }) => return Err(Arc::into_inner(source).unwrap()),
            Err(other) => panic!("{other}"),
        };
        Ok(Self {
            disk: disk.clone(),
            context: Arc::new(Context::new(files, state)),
            clock: Arc::new(TestClock(AtomicI64::new(1_700_000_000_000_000))),
            projected: Mutex::new(projected),
            room: Room::of("rb28s_v1"),
            claims: Arc::default(),
            store,
        })
    }

    pub(super) fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// A putter that gives each group a dataset version of its own.
    pub(super) fn putter(&self) -> Putter {
        self.putter_with(Duration::ZERO).unwrap()
    }

    /// A putter that fills an open version; it takes up what an earlier one acknowledged.
    pub(super) fn putter_with(&self, window: Duration) -> Result<Putter, CommitError> {
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let (context, epoch) = (Arc::clone(&self.context), self.store.epoch().to_owned());
        let ahead = self.store.ahead(self.context.files.table());
        let (ahead, left) = ahead.map_err(|error| CommitError::store("rb28s_v1", error))?;
        let ids = Arc::new(TestIds);
        let mut putter = Putter::new(context, clock, ids, "hub".into(), epoch, (ahead, window));
        let mut end = GroupEnd::default();
        putter.recover(&left, &mut end)?;
        self.projected.lock().unwrap().extend(end.projected);
        Ok(putter)
    }

    /// A job in the committer's hands, and where its answer comes.
    pub(super) async fn item(&self, push: &Push) -> (Item, oneshot::Receiver<Answer>) {
        self.try_item(push).await.unwrap()
    }
    pub(super) async fn try_item(
        &self,
        push: &Push,
    ) -> Result<(Item, oneshot::Receiver<Answer>), CommitError> {
        let job = push.try_job(&self.context.files)?;
        let room = self.room.take(&job)?;
        let claim = self.claims.claim(&job.caller, &job.request_id).await;
        Item::new(job, &self.context.files, room, claim)
    }

    pub(super) fn maintenance(&self) -> Maintenance {
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let retention = Retention { reach: Reach::All, removed: chrono::TimeDelta::days(7) };
        Maintenance::new(clock, Arc::new(tokio::sync::Semaphore::new(1)), LogLimits::default(), retention)
    }

    /// Starts the committer. Its projection is kept in `projected` when the queue is closed.
    pub(super) fn committer(&self) -> (mpsc::Sender<Item>, tokio::task::JoinHandle<Vec<Projected>>) {
        let (queue, task, _) = self.committer_with(Duration::ZERO);
        (queue, task)
    }

    /// As `committer`, with an open version, and who asks for it to be closed.
    pub(super) fn committer_with(
        &self,
        window: Duration,
    ) -> (mpsc::Sender<Item>, tokio::task::JoinHandle<Vec<Projected>>, Asking) {
        let (queue, queued) = mpsc::channel(1_024);
        let (commits, mut committed) = mpsc::channel(1_024);
        let maintenance = self.maintenance();
        let (asking, closing) = closing();
        let committer = Committer::new(Arc::clone(&self.context), queued, commits, maintenance, closing);
        let putter = self.putter_with(window).unwrap();
        let task = tokio::spawn(async move {
            let collect = async {
                let mut all = Vec::new();
                while let Some(next) = committed.recv().await {
                    all.push(next);
                }
                all
            };
            tokio::join!(committer.run(putter), collect).1
        });
        (queue, task, asking)
    }

    /// Sends a push to a committer and waits for the answer.
    pub(super) async fn send(&self, queue: &mpsc::Sender<Item>, push: &Push) -> Answer {
        let (item, answered) = self.item(push).await;
        queue.send(item).await.ok().unwrap();
        answered.await.unwrap()
    }

    /// All committed rows, read with the plain Parquet reader, sorted.
    pub(super) fn rows(&self) -> Vec<Row> {
        self.rows_of(&self.context.files.table().snapshot())
    }

    /// The rows after a log version.
    pub(super) fn rows_at(&self, log_version: u64) -> Vec<Row> {
        self.rows_of(&self.context.files.table().as_of(AsOf::LogVersion(log_version)).unwrap())
    }

    /// The rows after a log version, or why they are not read.
    pub(super) fn try_rows_at(&self, log_version: u64) -> Result<Vec<Row>, StoreError> {
        let state = self.context.files.table().as_of(AsOf::LogVersion(log_version))?;
        Ok(self.rows_of(&state))
    }

    /// Removes what it may when all states are promised: no file stays for who is at it.
    pub(super) fn vacuum(&self) -> u64 {
        let keep = Keep { since: None, left_after: DateTime::<Utc>::MAX_UTC };
        self.context.files.table().vacuum(keep, &|| false).unwrap().files
    }

    /// Keeps the log as short as it goes: a checkpoint at each version, and all before it archived.
    pub(super) fn keep_log(&self) {
        let limits = LogLimits { checkpoint_versions: 1, margin_versions: 0 };
        self.context.files.table().keep_log(limits, self.clock.now(), &|| false).unwrap();
    }

    pub(super) fn rows_of(&self, snapshot: &Snapshot) -> Vec<Row> {
        let mut rows = Vec::new();
        for file in snapshot.files.iter() {
            let before = rows.len();
            for batch in rewrite::open_part(&self.context.files, file).unwrap() {
                let batch = batch.unwrap();
                let text = |name: &str| batch.column_by_name(name).unwrap().as_string::<i32>().clone();
                let number =
                    |name: &str| batch.column_by_name(name).unwrap().as_primitive::<Int64Type>().clone();
                let (units, publishers) = (text("unit"), text("_publisher"));
                let (seqs, amounts) = (number("_seq"), number("amount"));
                rows.extend((0..batch.num_rows()).map(|n| {
                    let publisher = publishers.value(n).to_owned();
                    (
                        publisher,
                        file.partition.to_string(),
                        units.value(n).to_owned(),
                        seqs.value(n),
                        amounts.value(n),
                    )
                }));
            }
            let mut seqs: Vec<i64> = rows[before..].iter().map(|row| row.3).collect();
            seqs.sort_unstable();
            seqs.dedup();
            assert_eq!(seqs, file.seqs, "a live file names exactly the submissions that it holds");
            assert_eq!((rows.len() - before) as u64, file.rows);
        }
        rows.sort();
        rows
    }

    /// All commits, in order.
    pub(super) fn log(&self) -> Vec<Entry> {
        let table = self.context.files.table();
        (0..=table.snapshot().log_version).map(|version| table.read(version).unwrap().unwrap()).collect()
    }

    /// Log versions that other engines find no more.
    pub(super) fn archived(&self) -> u64 {
        use crate::store::disk::exists;
        let table = PathBuf::from("/hub/tables/rb28s_v1");
        let path = |version: u64| table.join(format!("_delta_log/{version:020}.json"));
        (0..).take_while(|version| !exists(&self.disk, &path(*version)).unwrap()).count() as u64
    }

    /// Names of the data files on the disk.
    pub(super) fn data_files(&self) -> Vec<String> {
        use crate::store::disk::Disk;
        let files = self.disk.list(&PathBuf::from("/hub/tables/rb28s_v1/d")).unwrap();
        files.into_iter().map(|file| format!("d/{}", file.name)).collect()
    }

    /// The disk as it is after the process was killed.
    pub(super) fn killed(self) -> SimDisk {
        self.disk.killed()
    }
}

/// What the rows must be: the pushes of a log, replayed in its order.
pub(super) fn oracle(log: &[Entry], pushes: &[Push]) -> Vec<Row> {
    let mut current: BTreeMap<(String, String), BTreeMap<String, Vec<Row>>> = BTreeMap::new();
    for submission in log.iter().flat_map(|entry| &entry.info.submissions) {
        let push = pushes.iter().find(|push| push.id == submission.id).unwrap();
        let slices = current.entry((push.publisher.clone(), push.partition.clone())).or_default();
        let sliced = submission.slices != [String::new()];
        if push.replace_all || push.nothing || !sliced {
            slices.clear();
        }
        for row in push.rows() {
            let slice = if sliced { row.2.clone() } else { String::new() };
            let fresh = slices.get(&slice).is_none_or(|rows: &Vec<Row>| rows[0].3 != push.seq);
            if fresh {
                slices.insert(slice.clone(), Vec::new());
            }
            slices.get_mut(&slice).unwrap().push(row);
        }
    }
    let mut rows: Vec<Row> = current.into_values().flat_map(BTreeMap::into_values).flatten().collect();
    rows.sort();
    rows
}

impl House {
    /// A second server on the disk of another, which has seen its log only up to a version.
    pub(super) async fn behind(other: &Self, log_version: u64) -> Self {
        use crate::store::disk::{Disk, exists, read_all};
        // A start takes the journal in, which would bring back what is hidden here.
        let settled = Self::open(&other.disk.killed(), true).await.unwrap();
        let disk = settled.disk.killed();
        let table = PathBuf::from("/hub/tables/rb28s_v1");
        let newest = other.context.state().log_version();
        let unseen = (log_version + 1..=newest).map(|version| format!("_delta_log/{version:020}.json"));
        // The start of the second server sweeps what no log version that it sees names.
        let paths = unseen.chain(other.data_files()).map(|name| table.join(name));
        let kept: Vec<_> = paths.map(|path| (read_all(&disk, &path).unwrap(), path)).collect();
        for (_, path) in &kept {
            if path.starts_with(table.join("_delta_log")) {
                disk.remove(path).unwrap();
            }
        }
        let house = Self::open(&disk, true).await.unwrap();
        for (bytes, path) in kept {
            if !exists(&disk, &path).unwrap() {
                disk.create(&path).unwrap().append(&bytes).unwrap();
            }
        }
        house
    }
}

pub(super) fn blocking<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}

/// Commits a group as the committer does: what comes back is prepared and tried again.
pub(super) fn commit(house: &House, putter: &mut Putter, direct: Vec<Item>, prepared: Option<Prepared>) {
    let mut end = blocking(|| putter.commit(direct, prepared));
    while !end.back.is_empty() {
        let prepared = blocking(|| prepare(&house.context, std::mem::take(&mut end.back)));
        let GroupEnd { back, .. } = blocking(|| putter.commit(Vec::new(), prepared));
        end.back = back;
    }
}

/// All orders in which works take their steps, `left` of each; each order as the works' numbers.
pub(super) fn orders(left: Vec<u8>) -> Vec<Vec<usize>> {
    if left.iter().all(|steps| *steps == 0) {
        return vec![Vec::new()];
    }
    let works = (0..left.len()).filter(|at| left[*at] > 0);
    let begun_with = |at: usize| {
        let mut left = left.clone();
        left[at] -= 1;
        orders(left).into_iter().map(move |rest| [vec![at], rest].concat())
    };
    works.flat_map(begun_with).collect()
}
