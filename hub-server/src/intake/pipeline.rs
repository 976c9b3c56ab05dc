//! One payload through the check: read → cut → decode and check on several threads → key order →
//! row groups encoded on the same threads → one file, written in order. Memory is bounded by the
//! number of pieces under way, whatever the payload's size.

use std::sync::Arc;
use std::thread;

use arrow::record_batch::RecordBatch;
use hub_datasets::check::{Checked, Checker, Comparing, Piece};
use hub_datasets::report::{Findings, Severity};
use hub_proto::Reason;

use super::IntakeError;
use super::job::{Job, Outcome};
use super::physical::Slices;
use super::pool::{InOrder, Pool};
use super::sequence::{Disorder, Sequence, Sorter};
use super::workers::{Halt, Supplied, Supply};
use crate::commit::JobRows;
use crate::config::limits::{SLICES_MAX, SMALL_JOB_ROWS};
use crate::store::StoreError;
use crate::store::file::{DataFileWriter, EncodedRowGroup, ROW_GROUP_ROWS, RowGroupEncoder};

/// Workers that one payload may bring down before it is refused.
const DEATHS_MAX: usize = 2;

/// Runs a job to its outcome. Blocking.
pub(super) fn run(job: &Job) -> Result<Outcome, IntakeError> {
    let mut comparing = job.beside.comparing(&job.checker)?;
    for _ in 0..DEATHS_MAX {
        match read(job, &mut comparing) {
            Ok(outcome) => return Ok(outcome),
            Err(Halt::Fault(error)) => return Err(error),
            Err(Halt::Findings(_)) => return Err(fault("findings came from nowhere")),
            Err(Halt::Died(how)) => {
                let pattern = job.checker.context().pattern.reference();
                tracing::warn!(pattern, how, "a payload brought its worker down");
            }
        }
    }
    let findings =
        job.checker.malformed("its check broke off twice; write it with another program, or send CSV");
    Ok(Outcome::without_rows(job.checker.finish(findings, 0, job.checker.uncompared())))
}

/// Reads a payload once, or twice when its rows must be sorted.
fn read(job: &Job, comparing: &mut Comparing) -> Result<Outcome, Halt> {
    match Pass::new(job, comparing, false)?.run()? {
        Some(outcome) => Ok(outcome),
        // Rows came out of key order: read again, sorting. What the first reading wrote is gone.
        None => {
            let sorted = Pass::new(job, comparing, true)?.run()?;
            sorted.ok_or_else(|| fault("a sorted payload is out of order").into())
        }
    }
}

fn fault(what: &str) -> IntakeError {
    IntakeError::new(Reason::Internal, format!("checking the payload failed: {what}"))
}

impl From<arrow::error::ArrowError> for IntakeError {
    fn from(error: arrow::error::ArrowError) -> Self {
        fault(&error.to_string())
    }
}

/// Pieces that may be read before the first of them had its turn.
pub(super) const PIECES_AHEAD: u64 = 8;

/// Work for the threads.
enum Task {
    Check(u64, Piece),
    Encode(u64, RowGroupEncoder, Vec<RecordBatch>),
}

/// What the threads give back.
enum Done {
    Checked(u64, Box<Checked>),
    Encoded(u64, Result<EncodedRowGroup, StoreError>),
}

fn work(checker: &Checker, task: Task) -> Done {
    match task {
        Task::Check(number, piece) => Done::Checked(number, Box::new(piece.check(checker))),
        Task::Encode(number, encoder, batches) => Done::Encoded(number, encoder.encode(batches)),
    }
}

/// One reading of the payload.
struct Pass<'a> {
    job: &'a Job,
    comparing: &'a mut Comparing,
    findings: Findings,
    rows_read: u64,
    slices: Slices,
    order: Order<'a>,
    output: Output<'a>,
}

/// How the rows' key order is kept.
enum Order<'a> {
    /// Rows are expected in order, or have no key.
    Given(Sequence<'a>),
    /// Rows are collected in sorted runs and merged at the end.
    Sorting(Sorter<'a>),
    /// All rows are through.
    Merged,
}

impl<'a> Pass<'a> {
    fn new(job: &'a Job, comparing: &'a mut Comparing, sorting: bool) -> Result<Self, IntakeError> {
        comparing.restart()?;
        let pattern = &job.checker.context().pattern;
        let slices = Slices::new(&job.checker.schema(), pattern.slice.as_deref());
        let order = match sorting {
            false => Order::Given(Sequence::new(&job.checker)?),
            true => Order::Sorting(Sorter::new(&job.checker, job.scratch.clone())?),
        };
        Ok(Self {
            job,
            comparing,
            findings: Findings::default(),
            rows_read: 0,
            slices,
            order,
            output: Output::new(job),
        })
    }

    /// None when the rows turned out to be out of order.
    fn run(mut self) -> Result<Option<Outcome>, Halt> {
        let job = self.job;
        let mut supply = Supply::begin(job)?;
        let outcome = thread::scope(|scope| {
            let checker = Arc::clone(&job.checker);
            let threads = job.threads();
            // Twice the threads, so that none waits for the next piece to be read.
            let mut pool = Pool::start(scope, threads, threads * 2, move |task| work(&checker, task));
            self.read(&mut supply, &mut pool)
        });
        match outcome {
            Ok(true) => Ok(Some(self.finish()?)),
            Ok(false) => {
                self.output.discard();
                Ok(None)
            }
            Err(error) => {
                self.output.discard();
                Err(error)
            }
        }
    }

    /// Drives the threads until the payload is through. False when rows are out of order.
    fn read(&mut self, supply: &mut Supply<'_>, pool: &mut Pool<'_, Task, Done>) -> Result<bool, Halt> {
        let mut pieces = 0;
        let mut open = true;
        let mut checked = InOrder::new();
        // Findings that stopped the reading; they come after those of the pieces before.
        let mut stopped = Findings::default();
        loop {
            // A slow piece must not let the later ones pile up behind it, and what a worker checked is taken at once.
            while open && pool.has_place() && pieces - checked.taken() < PIECES_AHEAD {
                match supply.next_part() {
                    Ok(Some(Supplied::Piece(piece))) => {
                        pool.submit(Task::Check(pieces, piece));
                        pieces += 1;
                    }
                    Ok(Some(Supplied::Checked(piece))) => {
                        checked.put(pieces, piece);
                        pieces += 1;
                        break;
                    }
                    Ok(None) => open = false,
                    Err(Halt::Findings(findings)) => (open, stopped) = (false, *findings),
                    Err(halt) => return Err(halt),
                }
            }
            self.findings.merge(supply.early());
            // While a worker sends, nobody waits for row groups; they are taken as they become ready.
            let done = if open && supply.is_apart() && pool.has_place() { pool.poll() } else { pool.next() };
            match done {
                Some(Done::Checked(number, piece)) => checked.put(number, piece),
                Some(Done::Encoded(number, group)) => {
                    self.output.encoded(number, group.map_err(IntakeError::from)?)?
                }
                None if open && supply.is_apart() => {}
                None if open => return Err(fault("a thread stopped").into()),
                None => break,
            }
            while let Some(piece) = checked.take() {
                if !self.take(*piece, pool)? {
                    return Ok(false);
                }
            }
        }
        self.findings.merge(stopped);
        self.merge_runs(pool)?;
        Ok(true)
    }

    /// Takes a checked piece in its turn. False when its rows are out of order.
    fn take(&mut self, checked: Checked, pool: &mut Pool<'_, Task, Done>) -> Result<bool, IntakeError> {
        self.rows_read += checked.rows;
        self.findings.merge(checked.findings);
        self.slices.take(&checked.batch)?;
        self.comparing.add(&checked.batch, &checked.lines);
        if self.slices.len() > SLICES_MAX {
            return Err(IntakeError::new(
                Reason::PayloadTooLarge,
                format!("the payload holds more than {SLICES_MAX} slices; send it in parts"),
            ));
        }
        match &mut self.order {
            Order::Given(sequence) => match sequence.take(&checked.batch, &checked.lines)? {
                Ok(repeated) => {
                    self.findings.merge(repeated);
                    self.pass_on(checked.batch, pool)?;
                    Ok(true)
                }
                Err(Disorder) => Ok(false),
            },
            Order::Sorting(sorter) => {
                sorter.take(checked.batch, &checked.lines)?;
                Ok(true)
            }
            Order::Merged => Err(fault("rows came after the merge")),
        }
    }

    /// Rows in key order go to the threads as row groups, unless something blocks already.
    fn pass_on(&mut self, batch: RecordBatch, pool: &mut Pool<'_, Task, Done>) -> Result<(), IntakeError> {
        if self.findings.worst() == Some(Severity::Block) {
            self.output.stop();
            return Ok(());
        }
        for (number, encoder, batches) in self.output.take(batch)? {
            pool.submit(Task::Encode(number, encoder, batches));
        }
        Ok(())
    }

    /// Merges the sorted runs, if rows were sorted.
    fn merge_runs(&mut self, pool: &mut Pool<'_, Task, Done>) -> Result<(), IntakeError> {
        if let Order::Sorting(sorter) = std::mem::replace(&mut self.order, Order::Merged) {
            self.merge(sorter, pool)?;
        }
        Ok(())
    }

    fn merge(&mut self, sorter: Sorter<'a>, pool: &mut Pool<'_, Task, Done>) -> Result<(), IntakeError> {
        let mut merge = sorter.merge()?;
        while let Some((batch, repeated)) = merge.next_batch()? {
            self.findings.merge(repeated);
            self.pass_on(batch, pool)?;
            while let Some(done) = pool.ready() {
                self.encoded(done)?;
            }
        }
        while let Some(done) = pool.next() {
            self.encoded(done)?;
        }
        Ok(())
    }

    /// Appends a row group; while runs are merged nothing else is under way.
    fn encoded(&mut self, done: Done) -> Result<(), IntakeError> {
        match done {
            Done::Encoded(number, group) => self.output.encoded(number, group?),
            Done::Checked(..) => Err(fault("a piece came after the merge")),
        }
    }

    fn finish(self) -> Result<Outcome, IntakeError> {
        let Job { checker, beside, .. } = self.job;
        let (row_count, against) = (self.rows_read, beside.against());
        let (slices, slice_facts) = self.slices.into_sorted();
        let carries = beside.carry(self.comparing, &slices)?;
        let compared = checker.compare(self.comparing, &self.findings);
        let report = checker.finish(self.findings, self.rows_read, compared);
        if report.blocks() {
            self.output.discard();
            return Ok(Outcome::without_rows(report));
        }
        if !self.job.encode {
            self.output.discard();
            let rows = JobRows::None;
            return Ok(Outcome { report, rows, row_count, slices, slice_facts, against, carries });
        }
        let rows = self.output.finish()?;
        Ok(Outcome { report, rows, row_count, slices, slice_facts, against, carries })
    }
}

/// Rows on their way into a file: gathered into row groups, appended in order.
struct Output<'a> {
    job: &'a Job,
    /// False once nothing will be kept.
    on: bool,
    gathered: Vec<RecordBatch>,
    gathered_rows: usize,
    /// Row groups that were handed out.
    groups: u64,
    ready: InOrder<EncodedRowGroup>,
    writer: Option<DataFileWriter>,
}

impl<'a> Output<'a> {
    fn new(job: &'a Job) -> Self {
        Self {
            job,
            on: job.encode,
            gathered: Vec::new(),
            gathered_rows: 0,
            groups: 0,
            ready: InOrder::new(),
            writer: None,
        }
    }

    /// Adds rows; gives the row groups that became full.
    fn take(
        &mut self,
        batch: RecordBatch,
    ) -> Result<Vec<(u64, RowGroupEncoder, Vec<RecordBatch>)>, IntakeError> {
        let mut full = Vec::new();
        if !self.on {
            return Ok(full);
        }
        let mut rest = self.job.hub.add(&batch)?;
        while self.gathered_rows + rest.num_rows() >= ROW_GROUP_ROWS {
            let missing = ROW_GROUP_ROWS - self.gathered_rows;
            self.gathered.push(rest.slice(0, missing));
            rest = rest.slice(missing, rest.num_rows() - missing);
            full.push(self.group()?);
        }
        if rest.num_rows() > 0 {
            self.gathered_rows += rest.num_rows();
            self.gathered.push(rest);
        }
        Ok(full)
    }

    /// The gathered rows as the next row group.
    fn group(&mut self) -> Result<(u64, RowGroupEncoder, Vec<RecordBatch>), IntakeError> {
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => none.insert(self.job.store.data_file(&self.job.table, &self.job.layout)?),
        };
        let number = self.groups;
        self.groups += 1;
        self.gathered_rows = 0;
        Ok((number, writer.encoder(), std::mem::take(&mut self.gathered)))
    }

    fn encoded(&mut self, number: u64, group: EncodedRowGroup) -> Result<(), IntakeError> {
        self.ready.put(number, group);
        while let Some(group) = self.ready.take() {
            if let Some(writer) = &mut self.writer {
                writer.append(group)?;
            }
        }
        Ok(())
    }

    /// Nothing will be kept: what was written goes now.
    fn stop(&mut self) {
        self.on = false;
        self.gathered.clear();
        self.gathered_rows = 0;
        if let Some(writer) = self.writer.take() {
            writer.discard();
        }
    }

    fn discard(mut self) {
        self.stop();
    }

    fn finish(mut self) -> Result<JobRows, IntakeError> {
        if self.writer.is_none() && self.gathered_rows <= SMALL_JOB_ROWS {
            return Ok(JobRows::Batches(self.gathered));
        }
        if let Err(error) = self.last_group() {
            self.stop();
            return Err(error);
        }
        match self.writer.take() {
            Some(writer) => Ok(JobRows::Files(vec![writer.finish(&self.job.partition)?])),
            None => Ok(JobRows::Batches(Vec::new())),
        }
    }

    fn last_group(&mut self) -> Result<(), IntakeError> {
        if self.gathered_rows == 0 {
            return Ok(());
        }
        let (number, encoder, batches) = self.group()?;
        let group = encoder.encode(batches)?;
        self.encoded(number, group)
    }
}
