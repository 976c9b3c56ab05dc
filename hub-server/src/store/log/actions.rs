//! Entries as JSON lines and back.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use chrono::DateTime;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    CommitInfo, Definition, Entry, OPTIMIZE, Remove, SubmissionEntry, bounds, erasure, schema, seqs, sum,
};
use crate::store::StoreError;
use crate::store::blocks::Blocks;
use crate::store::index::{DataFile, shared};

/// Reader and writer version of the tables.
const PROTOCOL: (u64, u64) = (1, 2);

/// More submissions than this in one file are a forged tag.
const SEQS_MAX: usize = 1_000_000;

const ENGINE: &str = concat!("hub/", env!("CARGO_PKG_VERSION"));

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InfoLine<'a> {
    timestamp: i64,
    operation: &'a str,
    operation_parameters: Map<String, Value>,
    engine_info: &'a str,
    hub: HubLine<'a>,
}

/// What the hub keeps of a commit.
#[derive(Serialize)]
struct HubLine<'a> {
    commit: &'a str,
    epoch: &'a str,
    committed_at: i64,
    dataset_version: u64,
    submissions: &'a [SubmissionEntry],
    #[serde(skip_serializing_if = "Option::is_none")]
    erasure: Option<Value>,
    /// Lines that follow.
    actions: usize,
}

/// The bytes of a log file: one action a line, commitInfo first, and at its beginning the sum of all of them.
pub(crate) fn write(entry: &Entry) -> serde_json::Result<Vec<u8>> {
    let info = &entry.info;
    let millis = info.committed_at.timestamp_millis();
    let changes = info.operation != OPTIMIZE;
    let mut lines = Vec::new();
    if let Some(definition) = &entry.definition {
        lines.extend(definition_actions(definition));
    }
    lines.extend(entry.removes.iter().map(|remove| remove_action(remove, millis, changes)));
    lines.extend(entry.adds.iter().map(|file| add_action(file, millis, changes)));
    let info_line = InfoLine {
        timestamp: millis,
        operation: &info.operation,
        operation_parameters: Map::new(),
        engine_info: ENGINE,
        hub: HubLine {
            commit: &info.commit,
            epoch: &info.epoch,
            committed_at: info.committed_at.timestamp_micros(),
            dataset_version: info.dataset_version,
            submissions: &info.submissions,
            erasure: info.erasure.as_deref().map(erasure::write),
            actions: lines.len(),
        },
    };
    let actions: String = lines.iter().map(|line| format!("{line}\n")).collect();
    Ok(sum::sealed(&serde_json::to_string(&info_line)?, &actions))
}

/// What every table of the hub begins with: protocol and metaData.
pub(super) fn definition_actions(definition: &Definition) -> [Value; 2] {
    [
        json!({"protocol": {"minReaderVersion": PROTOCOL.0, "minWriterVersion": PROTOCOL.1}}),
        json!({"metaData": {
            "id": definition.id,
            "name": definition.name,
            "format": {"provider": "parquet", "options": {}},
            "schemaString": schema::write(&definition.schema),
            "partitionColumns": [schema::PARTITION],
            "configuration": {},
            "createdTime": definition.created_at.timestamp_millis(),
        }}),
    ]
}

/// `millis` is when the file was removed; `changes`: its rows are not in another file.
pub(super) fn remove_action(remove: &Remove, millis: i64, changes: bool) -> Value {
    json!({"remove": {
        "path": remove.path,
        "deletionTimestamp": millis,
        "dataChange": changes,
        "extendedFileMetadata": true,
        "partitionValues": {schema::PARTITION: remove.partition},
        "size": remove.bytes,
    }})
}

/// `millis` is when the file was added; `changes`: its rows were in no other file.
pub(super) fn add_action(file: &DataFile, millis: i64, changes: bool) -> Value {
    let mut tags = Map::new();
    tags.insert("hub.sha256".into(), json!(file.sha256));
    tags.insert("hub.seqs".into(), json!(seqs::write(&file.seqs)));
    let publishers: Vec<&str> = file.publishers.iter().map(AsRef::as_ref).collect();
    tags.insert("hub.publishers".into(), json!(json!(publishers).to_string()));
    tags.insert("hub.publisher_rows".into(), json!(json!(file.publisher_rows).to_string()));
    if let Some(blocks) = file.blocks.list() {
        tags.insert("hub.blocks".into(), json!(blocks));
    }
    if let Some(own) = bounds::write_own(&file.stats) {
        tags.insert("hub.bounds".into(), json!(own));
    }
    json!({"add": {
        "path": file.path,
        "partitionValues": {schema::PARTITION: file.partition.as_ref()},
        "size": file.bytes,
        "modificationTime": millis,
        "dataChange": changes,
        "stats": bounds::write_stats(file),
        "tags": tags,
    }})
}

/// Id of the commit whose entry these bytes are; None when they are not whole.
pub(crate) fn commit_id(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok().filter(|text| sum::holds(text))?;
    let first: Value = serde_json::from_str(text.lines().next()?).ok()?;
    Some(first["commitInfo"]["hub"]["commit"].as_str()?.to_owned())
}

/// An entry back from the bytes of a log file. `known` is the table's schema; None:
/// the entry brings its own. Errors name the file and the line.
pub(crate) fn parse(file: &str, bytes: &[u8], known: Option<&SchemaRef>) -> Result<Entry, StoreError> {
    let corrupt = |line: usize, message: String| StoreError::LogCorrupt { file: file.into(), line, message };
    let text = std::str::from_utf8(bytes).map_err(|e| corrupt(1, format!("not UTF-8 text: {e}")))?;
    let mut parsed = Parsed { schema: known.map(Arc::clone), ..Parsed::default() };
    let mut last = 0;
    for (number, line) in text.lines().enumerate() {
        last = number + 1;
        parsed.line(line).map_err(|message| corrupt(last, message))?;
    }
    if !text.ends_with('\n') {
        return Err(corrupt(last.max(1), "the last line is cut off".into()));
    }
    // A file that was cut between two lines looks whole, so the first line counts the others.
    if parsed.actions.is_some_and(|actions| actions + 1 != last as u64) {
        return Err(corrupt(last, "lines after this one are missing, or one is too many".into()));
    }
    // Last, because a line that does not parse is told more precisely.
    if parsed.info.is_some() && !sum::holds(text) {
        return Err(corrupt(1, "its bytes are not those that were written: their SHA-256 is another".into()));
    }
    let info =
        parsed.info.ok_or_else(|| corrupt(1, "no commitInfo of a hub: another program wrote it".into()))?;
    Ok(Entry { info, definition: parsed.definition, removes: parsed.removes, adds: parsed.adds })
}

#[derive(Default)]
struct Parsed {
    schema: Option<SchemaRef>,
    info: Option<CommitInfo>,
    /// Lines that follow commitInfo.
    actions: Option<u64>,
    definition: Option<Definition>,
    removes: Vec<Remove>,
    adds: Vec<Arc<DataFile>>,
}

impl Parsed {
    fn line(&mut self, line: &str) -> Result<(), String> {
        let value: Value = serde_json::from_str(line).map_err(|e| e.to_string())?;
        let (kind, action) = value
            .as_object()
            .filter(|o| o.len() == 1)
            .and_then(|o| o.iter().next())
            .ok_or("not one action a line")?;
        match kind.as_str() {
            "commitInfo" => {
                self.info = Some(parse_info(action, self.schema.as_ref())?);
                self.actions = Some(number(&action["hub"], "actions")?);
            }
            "protocol" => {
                let wanted = (number(action, "minReaderVersion")?, number(action, "minWriterVersion")?);
                if wanted != PROTOCOL {
                    return Err(format!("protocol {wanted:?} is not the hub's {PROTOCOL:?}"));
                }
            }
            "metaData" => {
                let definition = parse_definition(action)?;
                self.schema.get_or_insert_with(|| Arc::clone(&definition.schema));
                self.definition = Some(definition);
            }
            "remove" => self.removes.push(Remove {
                path: text(action, "path")?,
                partition: text(&action["partitionValues"], schema::PARTITION)?,
                bytes: number(action, "size")?,
            }),
            "add" => {
                let schema = self.schema.as_ref().ok_or("an add before the table's metaData")?;
                self.adds.push(Arc::new(parse_add(action, schema)?));
            }
            other => return Err(format!("action {other} is not one of the hub's")),
        }
        Ok(())
    }
}

fn parse_info(action: &Value, schema: Option<&SchemaRef>) -> Result<CommitInfo, String> {
    let hub = &action["hub"];
    let micros = hub["committed_at"].as_i64().ok_or("commitInfo is not of a hub (no hub.committed_at)")?;
    let submissions: Vec<SubmissionEntry> =
        serde::Deserialize::deserialize(&hub["submissions"]).map_err(|e| format!("hub.submissions: {e}"))?;
    let erasure = match (&hub["erasure"], schema) {
        (Value::Null, _) => None,
        (_, None) => return Err("an erasure before the table's metaData".to_owned()),
        (value, Some(schema)) => Some(Arc::new(erasure::parse(value, schema)?)),
    };
    Ok(CommitInfo {
        commit: text(hub, "commit")?,
        epoch: text(hub, "epoch")?,
        operation: text(action, "operation")?,
        committed_at: DateTime::from_timestamp_micros(micros).ok_or("hub.committed_at is no time")?,
        dataset_version: number(hub, "dataset_version")?,
        submissions,
        erasure,
    })
}

fn parse_definition(action: &Value) -> Result<Definition, String> {
    let millis = action["createdTime"].as_i64().ok_or("createdTime lacks")?;
    Ok(Definition {
        id: text(action, "id")?,
        name: text(action, "name")?,
        schema: schema::parse(&text(action, "schemaString")?)?,
        created_at: DateTime::from_timestamp_millis(millis).ok_or("createdTime is no time")?,
    })
}

pub(super) fn parse_add(action: &Value, schema: &SchemaRef) -> Result<DataFile, String> {
    let tags = &action["tags"];
    let (rows, stats) = bounds::parse(&text(action, "stats")?, tags["hub.bounds"].as_str(), schema)?;
    let publishers: Vec<String> =
        serde_json::from_str(&text(tags, "hub.publishers")?).map_err(|e| format!("hub.publishers: {e}"))?;
    // An early hub did not count.
    let counted = tags["hub.publisher_rows"].as_str().unwrap_or("[]");
    let (bytes, sha256) = (number(action, "size")?, text(tags, "hub.sha256")?);
    let blocks = Blocks::of(bytes, &sha256, tags["hub.blocks"].as_str())?;
    Ok(DataFile {
        path: text(action, "path")?,
        bytes,
        rows,
        sha256,
        blocks,
        partition: shared(&text(&action["partitionValues"], schema::PARTITION)?),
        seqs: seqs::parse(&text(tags, "hub.seqs")?, SEQS_MAX).ok_or("hub.seqs is not a list of ranges")?,
        publishers: publishers.iter().map(|publisher| shared(publisher)).collect(),
        publisher_rows: serde_json::from_str(counted).map_err(|e| format!("hub.publisher_rows: {e}"))?,
        stats,
        partial: false,
    })
}

pub(super) fn text(value: &Value, name: &str) -> Result<String, String> {
    value[name].as_str().map(str::to_owned).ok_or_else(|| format!("{name} lacks"))
}

pub(super) fn number(value: &Value, name: &str) -> Result<u64, String> {
    value[name].as_u64().ok_or_else(|| format!("{name} lacks"))
}
