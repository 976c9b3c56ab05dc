//! Every bound of the server, by name. What an operator may move is a default here and an option of
//! the configuration; the rest is fixed. Errors show the bound that was met.

use std::time::Duration;

/// How long a statement waits for the catalogue's lock or a free connection.
pub(crate) const CATALOG_BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections that read the catalogue at once.
pub(crate) const CATALOG_READERS: u32 = 4;
/// Longest label of a credential in characters.
pub(crate) const CREDENTIAL_LABEL_CHARS: usize = 200;
/// Characters of a caller's text that an error repeats.
pub(crate) const ECHO_CHARS: usize = 80;
/// Longest id of an organisation.
pub(crate) const ORGANISATION_ID_CHARS: usize = 63;
/// Default of `limits.payload_mib`: the largest payload of one submission.
pub(crate) const PAYLOAD_MIB: u64 = 4096;
/// Default of `limits.query_memory_mib`: the memory that all statements share, in equal parts.
pub(crate) const QUERY_MEMORY_MIB: u64 = 256;
/// Default of `limits.query_spill_mib`: the disk that all statements share when memory is short.
pub(crate) const QUERY_SPILL_MIB: u64 = 4096;
/// Default of `limits.query_deadline_seconds`: the time that one statement has.
pub(crate) const QUERY_DEADLINE_SECONDS: u64 = 60;
/// Default of `limits.query_rows`: the rows that one statement may give.
pub(crate) const QUERY_ROWS: u64 = 10_000_000;
/// Bytes that the answer of one statement may have.
pub(crate) const QUERY_ANSWER_BYTES: u64 = 16 << 30;
/// Memory that a process which runs a statement may hold beside what is counted: plan, batches, entries of files.
pub(crate) const QUERY_WORKER_ROOM_BYTES: u64 = 256 << 20;
/// Footers of data files that such a process keeps.
pub(crate) const QUERY_WORKER_FOOTER_BYTES: usize = 32 << 20;
/// Threads of such a process that read files.
pub(crate) const QUERY_WORKER_READERS: usize = 4;
/// Entries of data files that such a process keeps, so that it compares their blocks once.
pub(crate) const QUERY_WORKER_FILES: usize = 32_768;
/// Time that a statement waits for a worker which is about to be free, before another is started.
pub(crate) const QUERY_WORKER_PATIENCE: Duration = Duration::from_millis(50);
/// Time in which a statement must have ended that nobody waits for any more; then its process is ended.
pub(crate) const QUERY_END_MARGIN: Duration = Duration::from_secs(5);
/// Time in which the last rows of a statement wait for its end, so that they are told together.
pub(crate) const QUERY_END_TOGETHER: Duration = Duration::from_millis(1);
/// Largest frame between the hub and a process that runs a statement.
pub(crate) const QUERY_FRAME_BYTES: usize = 8 << 20;
/// Entries of chosen files that are told without being asked for.
pub(crate) const QUERY_FILES_TOLD: usize = 64;
/// Parts in which a whole table is read by several streams at once …
pub(crate) const SCAN_PARTS: usize = 4;
/// … and the fewest rows that are worth a stream.
pub(crate) const SCAN_PART_ROWS: u64 = 65_536;
/// Values that are bound to the parameters of one statement, as an Arrow stream.
pub(crate) const PARAMETERS_BYTES: usize = 16 << 10;
/// Longest permalink: headers of answers carry it, through proxies that take no longer ones.
pub(crate) const PERMALINK_BYTES: usize = 4_096;
/// Answers of statements that are kept, to be given again …
pub(crate) const ANSWERS_KEPT: usize = 4_096;
/// … in so much memory …
pub(crate) const ANSWERS_KEPT_BYTES: usize = 32 << 20;
/// … unless one of them is longer.
pub(crate) const ANSWER_KEPT_BYTES: usize = 256 << 10;
/// Statements of which is kept what tables they name …
pub(crate) const STATEMENTS_KEPT: usize = 1_024;
/// … in so much memory.
pub(crate) const STATEMENTS_KEPT_BYTES: usize = 4 << 20;
/// Payloads that are longer are checked while they still come, from this many bytes on.
pub(crate) const EARLY_CHECK_BYTES: u64 = 4 << 20;
/// Payloads that are checked while they still come; the others are checked when they are whole.
pub(crate) const EARLY_CHECKS: usize = 4;
/// Submissions of which what a check found is kept after their rows were held beside what is current.
pub(crate) const LOOKED_AT_KEPT: usize = 64;
/// Verdicts of trials that are kept, and for how long, for senders whose line broke off meanwhile.
pub(crate) const TRIED_KEPT: usize = 64;
pub(crate) const TRIED_FOR: Duration = Duration::from_secs(600);
/// Length that data files of a period grow to while corrections of it are expected.
pub(crate) const COMPACT_OPEN_BYTES: u64 = 16 << 20;
/// Length that data files of a closed period grow to.
pub(crate) const COMPACT_CLOSED_BYTES: u64 = 128 << 20;
/// Smallest number of small files that are worth being merged in an open period.
pub(crate) const COMPACT_FILES_MIN: usize = 64;
/// Files that are merged at once at most.
pub(crate) const COMPACT_FILES_MAX: usize = 256;
/// Commits after which the files of a dataset are looked at, once pushes pause …
pub(crate) const COMPACT_AFTER_COMMITS: usize = 64;
/// … for this long …
pub(crate) const COMPACT_QUIET: Duration = Duration::from_millis(250);
/// … and after which they are looked at beside the pushes.
pub(crate) const COMPACT_BACKLOG_COMMITS: usize = 1_024;
/// Days after the end of a period in which corrections of it are expected.
pub(crate) const CORRECTION_WINDOW_DAYS: u64 = 92;
/// How long a dataset rests before its files are looked at without a commit.
pub(crate) const MAINTENANCE_PAUSE: Duration = Duration::from_secs(60);
/// Default of `limits.open_version_ms`: how long a dataset version stays open for small submissions while
/// nobody reads the dataset, in milliseconds.
pub(crate) const OPEN_VERSION_MS: u64 = 200;
/// Default of `limits.checkpoint_versions`: log versions from one checkpoint to the next.
pub(crate) const CHECKPOINT_VERSIONS: u64 = 512;
/// Default of `limits.log_margin_versions`: log versions behind the newest that engines find one by one.
pub(crate) const LOG_MARGIN_VERSIONS: u64 = 2_048;
/// Default of `history.removed_days`: days in which data files stay that left a table.
pub(crate) const REMOVED_DAYS: u64 = 7;
/// Files that one vacuum removes, up to the end of a log version; more wait for the next maintenance.
pub(crate) const VACUUM_FILES_MAX: usize = 4_096;
/// Days in which a checkpoint names a removed file, for engines that still read it; Delta's own default.
pub(crate) const TOMBSTONE_DAYS: i64 = 7;
/// Bytes of log versions after which a pack of the archive is full, though it holds few of them.
pub(crate) const ARCHIVE_PACK_BYTES: usize = 32 << 20;
/// Packs that are written at once; more wait for the next maintenance.
pub(crate) const ARCHIVE_PACKS_MAX: usize = 16;
/// A pack begins with the live files, when they are at most so many for each version since the last such pack.
pub(crate) const ARCHIVE_STATE_FILES: u64 = 4;
/// Commits of a dataset that are kept in memory; older states are made again from the log.
pub(crate) const HISTORY_STEPS: usize = 1_024;
/// Compiled checks of (pattern, period) pairs that are kept; about 1 MiB each.
pub(crate) const CHECKERS_KEPT: usize = 32;
/// Default of `limits.checks`: payloads that are checked at once.
pub(crate) const CHECKS: u64 = 8;
/// Checks without a key whose bytes come in at once; more are told BUSY.
pub(crate) const OPEN_CHECKS: usize = 16;
/// Checks without a key that run at once; they share the machine with pushes.
pub(crate) const OPEN_CHECKS_RUNNING: usize = 2;
/// Bytes of a payload that is checked without a key.
pub(crate) const OPEN_CHECK_BYTES: u64 = 64 << 20;
/// Default of `limits.connections`: open connections of one listener.
pub(crate) const CONNECTIONS: u64 = 4096;
/// Default of `limits.open_submissions`: submissions of one organisation that have no verdict yet.
pub(crate) const OPEN_SUBMISSIONS: u64 = 64;
/// Default of `limits.receiving_hours`: how long a submission without commit is kept.
pub(crate) const RECEIVING_HOURS: u64 = 168;
/// Default of `shutdown_grace_seconds`: how long running calls may go on after a signal to stop.
pub(crate) const SHUTDOWN_GRACE_SECONDS: u64 = 30;
/// Submissions that wait for the committer of one dataset; more are told BUSY.
pub(crate) const COMMIT_QUEUE_JOBS: usize = 1_024;
/// Memory of the rows and reports that wait for the committer of one dataset; more are told BUSY.
pub(crate) const COMMIT_QUEUE_BYTES: u64 = 64 * 1024 * 1024;
/// Commits that wait to be written to the catalogue, before a committer waits for it.
pub(crate) const PROJECTION_QUEUE: usize = 1_024;
/// Commits that go to the catalogue in one transaction.
pub(crate) const PROJECTION_BATCH: usize = 256;
/// A commit waits so long for others to go to the catalogue with, while nobody asks for it there.
pub(crate) const PROJECTION_PAUSE: Duration = Duration::from_millis(50);
/// Payloads up to this length share the spool's segments; longer ones have a file of their own.
pub(crate) const SPOOL_SMALL_BYTES: u64 = 1 << 20;
/// A spool segment that is longer is closed and a new one begun.
pub(crate) const SPOOL_SEGMENT_BYTES: u64 = 64 << 20;
/// A segment of the journal that is longer is closed; its files are made durable where they are.
pub(crate) const JOURNAL_SEGMENT_BYTES: u64 = 64 << 20;
/// A file of records ahead of a log that is longer is emptied when the log has them all.
pub(crate) const JOURNAL_AHEAD_BYTES: u64 = 16 << 20;
/// Closed segments of the journal that wait to be settled together at most.
pub(crate) const JOURNAL_CLOSED_SEGMENTS: usize = 16;
/// Bytes that the spool writes before one sync at most (one longer record alone excepted).
pub(crate) const SPOOL_GROUP_BYTES: usize = 8 << 20;
/// Records that wait for the spool's writer at most.
pub(crate) const SPOOL_QUEUE: usize = 256;
/// Bytes of one submission that are received but not yet durable at most.
pub(crate) const SPOOL_UNSYNCED_BYTES: u64 = 4 << 20;
/// Payloads that are read at once to be compared before they go back to their publishers.
pub(crate) const PAYLOADS_COMPARED: usize = 2;
/// Bytes of a payload in one message on its way back.
pub(crate) const PAYLOAD_PIECE_BYTES: usize = 1 << 20;
/// Bytes of a data file that are held before they go to the disk.
pub(crate) const DATA_FILE_BUFFER_BYTES: usize = 1 << 20;
/// Text of an operator's reason for an erasure at most.
pub(crate) const ERASE_REASON_BYTES: usize = 1_000;
/// Files that a verification has found and not read yet at most.
pub(crate) const VERIFY_QUEUE: usize = 64;
/// Bytes of one read of a whole object.
pub(crate) const OBJECT_CHUNK_BYTES: u64 = 1 << 20;
/// Rows of an Arrow or Parquet payload that one thread checks at a time.
pub(crate) const ARROW_PIECE_ROWS: usize = 16_384;
/// Longest record of a CSV payload and longest line of an NDJSON payload.
pub(crate) const RECORD_BYTES: usize = 1 << 20;
/// Bytes of a text payload that one thread decodes at a time.
pub(crate) const CHUNK_BYTES: usize = 2 << 20;
/// Bytes of one read of a spooled payload.
pub(crate) const SPOOL_READ_BYTES: usize = 4 << 20;
/// Default of `limits.worker_memory_mib`: the memory of one process that decodes what is no CSV.
pub(crate) const WORKER_MEMORY_MIB: u64 = 1024;
/// Default of `limits.worker_seconds`: the time in which such a process must say something.
pub(crate) const WORKER_SECONDS: u64 = 30;
/// Workers that are kept ready.
pub(crate) const WORKERS_KEPT: usize = 2;
/// Bytes of a payload that a worker gets at once.
pub(crate) const WORKER_READ_BYTES: usize = 4 << 20;
/// Largest frame between the hub and a worker: a checked piece with its findings.
pub(crate) const WORKER_FRAME_BYTES: usize = 320 << 20;
/// Slices of one payload.
pub(crate) const SLICES_MAX: usize = 100_000;
/// Rows of an open version. A correction of one of its reports rewrites the file of all of them.
pub(crate) const OPEN_VERSION_ROWS: usize = 4_096;
/// Rows up to which a submission shares the file of its commit group.
pub(crate) const SMALL_JOB_ROWS: usize = 16_384;
/// Bytes of rows that are sorted in memory before a run goes to the scratch folder.
pub(crate) const SORT_RUN_BYTES: usize = 48 << 20;
/// How often submissions that nobody finished are looked for.
pub(crate) const SWEEP_INTERVAL: Duration = Duration::from_secs(600);
/// Time beyond the grace in which the committers and the catalogue close when the hub stops.
pub(crate) const STOP_MARGIN: Duration = Duration::from_secs(4);
/// Time that threads have at the very end. With the margin before it these are the five seconds which
/// the operator's guide promises.
pub(crate) const LAST_MARGIN: Duration = Duration::from_secs(1);
/// Largest gRPC message that is read; `data` of an upload is at most half of it.
pub(crate) const MESSAGE_IN_BYTES: usize = 2 << 20;
/// Largest `data` of one upload message, and what a packed one may become.
pub(crate) const UPLOAD_DATA_BYTES: usize = 1 << 20;
/// Window that a packed body may ask for, as a power of two: what zstd uses up to its level 19.
pub(crate) const PACKED_WINDOW_LOG: u32 = 23;
/// Bytes of a packed body that are unpacked at a time.
pub(crate) const UNPACKED_PIECE_BYTES: usize = 64 << 10;
/// Largest gRPC message that is sent.
pub(crate) const MESSAGE_OUT_BYTES: usize = 4 << 20;
/// HTTP/2 window of one call: what a WAN sender may have under way.
pub(crate) const STREAM_WINDOW_BYTES: u32 = 4 << 20;
/// HTTP/2 window of one connection.
pub(crate) const CONNECTION_WINDOW_BYTES: u32 = 8 << 20;
/// Bytes of a connection that wait in the system to be sent: two seconds of a line of 512 kbit/s.
pub(crate) const UNSENT_BYTES: u32 = 128 << 10;
/// Largest list of HTTP/2 headers.
pub(crate) const HTTP_HEADER_BYTES: u32 = 16 << 10;
/// Pushes and uploads that run at once; one more is told to come back.
pub(crate) const PUSHES: usize = 256;
/// Reads and statements that run at once; one more is told to come back.
pub(crate) const READS: usize = 256;
/// Organisations that it takes to fill a class: one alone holds at most this part of its places.
pub(crate) const ORGANISATIONS_TO_FILL: usize = 4;
/// Time that a reader may leave a message of rows untaken; a line of 20 KiB/s takes one in that time.
pub(crate) const READ_STALL: Duration = Duration::from_secs(120);
/// Time that an upload may stay silent between two messages.
pub(crate) const UPLOAD_SILENCE: Duration = Duration::from_secs(60);
/// How often a silent HTTP/2 peer is asked whether it lives.
pub(crate) const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
/// How long it may take to say so.
pub(crate) const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);
/// Time for a TLS handshake.
pub(crate) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Time until the first byte of a connection.
pub(crate) const FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(10);
/// Open connections from one address that is not loopback.
pub(crate) const CONNECTIONS_PER_ADDRESS: usize = 256;
/// Time for the headers of an HTTP/1.1 request; also for the silence between two.
pub(crate) const HTTP_HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// Headers of an HTTP/1.1 request.
pub(crate) const HTTP_HEADERS: usize = 64;
/// Silence of who sends JSON over HTTP, or the payload of a check without a key …
pub(crate) const HTTP_BODY_SILENCE: Duration = Duration::from_secs(30);
/// … and time for all of it, by either door.
pub(crate) const OPEN_CHECK_BODY_TIMEOUT: Duration = Duration::from_secs(600);
/// JSON of an HTTP request.
pub(crate) const HTTP_JSON_BYTES: usize = 1 << 20;
/// Time for a check without a key, once its bytes are there.
pub(crate) const OPEN_CHECK_TIMEOUT: Duration = Duration::from_secs(120);
/// Names of columns that the header of an HTTP answer carries.
pub(crate) const HTTP_COLUMNS_BYTES: usize = 3 << 10;
/// Time until the head of an HTTP answer.
pub(crate) const HTTP_ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of a download that are read from disk at once.
pub(crate) const DOWNLOAD_PIECE_BYTES: usize = 256 << 10;
/// Calls or requests that one HTTP/2 connection runs at once.
pub(crate) const STREAMS_PER_CONNECTION: u32 = 64;
/// Rules that a sender may explain in one commit.
pub(crate) const EXPLANATIONS_MAX: usize = 100;
/// Streams of one read session.
pub(crate) const READ_STREAMS: u32 = 16;
/// A page of changes is closed before the dataset version with which it would pass one of these: versions …
pub(crate) const CHANGES_VERSIONS: usize = 256;
/// … rows of the files that left and came …
pub(crate) const CHANGES_ROWS: u64 = 262_144;
/// … and submissions; of one that is larger alone so many are named.
pub(crate) const CHANGES_REVISIONS: usize = 1_000;
/// Watches of datasets that run at once; one more is told to come back.
pub(crate) const WATCHES: usize = 256;
/// Versions of one dataset that a watcher is told of before the next one.
pub(crate) const WATCH_VERSIONS: usize = 64;
/// Time without a version after which a watcher is told that the hub lives.
pub(crate) const WATCH_ALIVE: Duration = Duration::from_secs(30);
/// Time after which a watch ends and is begun anew, so that a right that was withdrawn ends too.
pub(crate) const WATCH_LIFE: Duration = Duration::from_secs(3_600);
/// Pulls of one consumer that are remembered, so that it is told of corrections; the oldest goes.
pub(crate) const PULLS_PER_READER: u32 = 256;
/// Notices of one consumer that are kept; the oldest goes.
pub(crate) const NOTICES_PER_READER: u32 = 100_000;
/// Characters of what a consumer says to a notice.
pub(crate) const NOTICE_NOTE_CHARS: usize = 500;
/// Dataset versions that are looked at for corrections at once.
pub(crate) const NOTICE_VERSIONS: usize = 64;
/// Dataset versions without a notice after which it is written how far the look came.
pub(crate) const NOTICE_PLACE_VERSIONS: u64 = 1_024;
/// Time after which a look that met a fault is tried again.
pub(crate) const NOTICE_PAUSE: Duration = Duration::from_secs(5);
/// Subscriptions of one organisation.
pub(crate) const SUBSCRIPTIONS_PER_ORGANISATION: u64 = 16;
/// Bytes of the address of a webhook.
pub(crate) const WEBHOOK_URL_BYTES: usize = 2_048;
/// Datasets that a subscription names.
pub(crate) const SUBSCRIPTION_DATASETS: usize = 256;
/// Deliveries that are sent at once.
pub(crate) const WEBHOOKS_AT_ONCE: usize = 32;
/// Time for one delivery, from the look-up of its name to the last byte of the answer.
pub(crate) const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(15);
/// Bytes of an answer that are taken, and then thrown away.
pub(crate) const WEBHOOK_ANSWER_BYTES: usize = 64 << 10;
/// Submissions that one delivery names.
pub(crate) const WEBHOOK_REVISIONS: usize = 100;
/// Times that a delivery is tried, and pause before the second; it doubles each time …
pub(crate) const WEBHOOK_TRIES: u64 = 12;
pub(crate) const WEBHOOK_RETRY_SECONDS: u64 = 5;
/// … up to this.
pub(crate) const WEBHOOK_PAUSE_MAX: Duration = Duration::from_secs(3_600);
/// How often a subscription without news looks whether its rights are others.
pub(crate) const WEBHOOK_LOOK: Duration = Duration::from_secs(60);
/// Deliveries of one subscription that were given up and are kept; the oldest goes.
pub(crate) const DEAD_LETTERS_PER_SUBSCRIPTION: u32 = 1_000;
/// Of those the newest that a list shows.
pub(crate) const DEAD_LETTERS_SHOWN: u32 = 10;
