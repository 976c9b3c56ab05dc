//! The worker's own side: a process that runs one statement after the other, with bounded memory, no environment and
//! no way to the hub but its socket. It reads data files by the entries that it is told, and ends when the hub closes
//! the socket. The socket is read and written beside the engine's threads, so that one that never yields keeps neither
//! the end of a statement nor that of the hub from being noticed.

use std::io;
use std::os::fd::AsFd as _;
use std::sync::Arc;

use arrow::ipc::reader::StreamReader;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use hub_datasets::CodeLists;
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::super::encode::{RowChunk, schema_message};
use super::super::statement::{List, Outline, Parsed, Running, Statement, list_tables};
use super::super::table::HubTable;
use super::super::{Engine, QueryError, RowFormat};
use super::asked::{Asked, Asker, Files, Remote};
use super::line::{Kind, Line, parsed, unexpected};
use super::wire::{self, Head, Job, PROTOCOL, Setup};
use crate::config::limits::QUERY_END_TOGETHER;
use crate::store::Objects;
use crate::store::disk::LocalDisk;

/// Runs the statements that come over standard input, which is a socket, until it is closed.
pub(crate) async fn work() -> io::Result<()> {
    let socket = std::os::unix::net::UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    socket.set_nonblocking(true)?;
    serve(Line::new(UnixStream::from_std(socket)?)).await
}

/// Runs the statements that come over a line.
pub(super) async fn serve(mut line: Line) -> io::Result<()> {
    let Some((Kind::Setup, setup)) = line.read().await? else { return Ok(()) };
    let mut desk = Desk::new(parsed(&setup)?)?;
    while let Some((kind, body)) = line.read().await? {
        match kind {
            Kind::Names => desk.name(body, &mut line).await?,
            Kind::Job => {
                let (job, with) = wire::job_of(body)?;
                desk.run(job, with, &mut line).await?;
            }
            // What it was about has ended by itself meanwhile.
            Kind::Cancel => {}
            _ => return Err(unexpected()),
        }
    }
    Ok(())
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// What a worker keeps from statement to statement.
struct Desk {
    engine: Engine,
    lists: Arc<[List]>,
    files: Arc<Files>,
    /// The statement whose tables were asked for last.
    parsed: Option<(Bytes, Parsed)>,
}

/// What goes to the hub on behalf of a statement.
enum Out {
    Head(Head),
    Rows(RowChunk),
}

impl Desk {
    fn new(setup: Setup) -> io::Result<Self> {
        if setup.protocol != PROTOCOL {
            return Err(invalid("the hub is of another version"));
        }
        let objects = Arc::new(Objects::new(Arc::new(LocalDisk), setup.root));
        let lists = CodeLists::embedded().map_err(invalid)?;
        let lists = list_tables(&lists).map_err(invalid)?.into();
        let engine = Engine::new(&objects, &setup.spill, setup.limits).map_err(invalid)?;
        Ok(Self { engine, lists, files: Arc::default(), parsed: None })
    }

    /// Says which tables a statement names.
    async fn name(&mut self, sql: Bytes, line: &mut Line) -> io::Result<()> {
        let text = std::str::from_utf8(&sql).map_err(invalid)?;
        match self.engine.parse(text).await {
            Ok((parsed, names)) => {
                line.put_json(Kind::Named, &names)?;
                self.parsed = Some((sql, parsed));
            }
            Err(error) => line.put_json(Kind::Failed, &error)?,
        }
        line.put(Kind::Done, &[])?;
        line.flush().await
    }

    /// Runs a statement to its end, or until nobody wants its rows.
    async fn run(&mut self, job: Job, with: Bytes, line: &mut Line) -> io::Result<()> {
        let (asker, mut questions) = mpsc::channel(1);
        let (running, ended) = Running::new();
        let (format, describe) = (job.format, job.describe);
        let statement = self.statement(job, with, &asker, running)?;
        drop(asker);
        let engine = &self.engine;
        let mut out = match describe {
            true => described(engine, statement),
            false => rows(engine, statement, format),
        };
        talk(&mut out, &mut questions, line).await?;
        drop((out, questions));
        end(ended, line).await?;
        line.put(Kind::Done, &[])?;
        line.flush().await
    }

    fn statement(
        &mut self,
        job: Job,
        with: Bytes,
        asker: &Asker,
        running: Arc<Running>,
    ) -> io::Result<Statement> {
        let table = |(number, table): (usize, wire::Table)| -> io::Result<Arc<HubTable>> {
            let visible = Arc::new(table.visible()?);
            let source = Remote::new(number, asker.clone(), Arc::clone(&self.files));
            Ok(Arc::new(HubTable::new(visible, Arc::new(source), false)))
        };
        let tables = job.tables.into_iter().enumerate().map(table).collect::<io::Result<Vec<_>>>()?;
        let parameters = job.parameters.map(|text| STANDARD.decode(text)).transpose().map_err(invalid)?;
        let parsed = self.parsed.take().filter(|(sql, _)| sql == job.sql.as_bytes());
        Ok(Statement {
            parsed: parsed.map(|(_, parsed)| parsed),
            sql: job.sql,
            parameters: parameters.map(Bytes::from),
            tables,
            others: job.others,
            lists: Arc::clone(&self.lists),
            with: named_table(&job.with, &with)?,
            one_of_many: job.one_of_many,
            running,
        })
    }
}

/// What goes to the hub on behalf of one statement.
type Outs<'a> = BoxStream<'a, Result<Out, QueryError>>;

/// A statement's rows behind what its plan scans.
fn rows(engine: &Engine, statement: Statement, format: RowFormat) -> Outs<'_> {
    futures::stream::once(async move {
        let rows = engine.sql(statement).await?;
        let (datasets, warnings) = (rows.datasets.clone(), rows.warnings.clone());
        let head = Out::Head(Head { datasets, warnings, ..Head::default() });
        let chunks = engine.encode(rows, format, 0)?.map_ok(Out::Rows);
        Ok::<_, QueryError>(futures::stream::once(async { Ok(head) }).chain(chunks))
    })
    .try_flatten()
    .boxed()
}

/// What a statement would give: the schema of its rows is all that there is of them.
fn described(engine: &Engine, statement: Statement) -> Outs<'_> {
    futures::stream::once(async move {
        let outline = engine.describe(statement).await?;
        let parameters = STANDARD.encode(schema_message(&outline.parameters)?);
        let rows = RowChunk { data: schema_message(&outline.schema)?, rows: 0, complete: true };
        let Outline { datasets, unbound, columns, warnings, .. } = outline;
        let head = Head { datasets, parameters, unbound, columns, warnings };
        Ok::<_, QueryError>(futures::stream::iter([Ok(Out::Head(head)), Ok(Out::Rows(rows))]))
    })
    .try_flatten()
    .boxed()
}

/// The table that came with a statement, an Arrow stream of one batch.
fn named_table(name: &Option<String>, stream: &[u8]) -> io::Result<Option<List>> {
    let Some(name) = name else { return Ok(None) };
    let batch = StreamReader::try_new(stream, None).map_err(invalid)?.next().ok_or_else(unexpected)?;
    Ok(Some(List::new(name.clone(), batch.map_err(invalid)?).map_err(invalid)?))
}

/// Sends what a statement gives, and carries its questions and their answers.
async fn talk(out: &mut Outs<'_>, questions: &mut mpsc::Receiver<Asked>, line: &mut Line) -> io::Result<()> {
    let mut open: Option<oneshot::Sender<Bytes>> = None;
    // It goes with the first rows.
    let mut head: Option<Head> = None;
    loop {
        tokio::select! {
            item = out.next() => match item {
                Some(Ok(Out::Head(told))) => head = Some(told),
                Some(Ok(Out::Rows(chunk))) => {
                    if let Some(head) = head.take() {
                        line.put_json(Kind::Head, &head)?;
                    }
                    line.put_parts(Kind::Rows, &[&wire::rows_head(&chunk), &chunk.data])?;
                    // The last piece goes with the end, which follows at once.
                    if !chunk.complete {
                        line.flush().await?;
                    }
                }
                Some(Err(error)) => return line.put_json(Kind::Failed, &error),
                None => return Ok(()),
            },
            Some(asked) = questions.recv(), if open.is_none() => {
                line.put_json(Kind::Question, &asked.question)?;
                line.flush().await?;
                open = Some(asked.answer);
            }
            frame = line.read() => match (frame?, open.take()) {
                // Who asked may have ended.
                (Some((Kind::Answer, answer)), Some(asker)) => drop(asker.send(answer)),
                (Some((Kind::Cancel, _)), _) => return Ok(()),
                (Some(_), _) => return Err(unexpected()),
                (None, _) => return Err(io::ErrorKind::UnexpectedEof.into()),
            },
        }
    }
}

/// Waits until nothing works on the statement any more; the hub may lose patience.
async fn end(mut ended: oneshot::Receiver<()>, line: &mut Line) -> io::Result<()> {
    if timeout(QUERY_END_TOGETHER, &mut ended).await.is_ok() {
        return Ok(());
    }
    line.flush().await?;
    loop {
        tokio::select! {
            _ = &mut ended => return Ok(()),
            frame = line.read() => match frame? {
                Some((Kind::Answer | Kind::Cancel, _)) => {}
                Some(_) => return Err(unexpected()),
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            },
        }
    }
}
