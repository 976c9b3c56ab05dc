//! `hub patterns|datasets|organisations list|show`.

use std::io;

use futures::TryStreamExt as _;
use hub_client::{ClientError, Listing as Pages};
use serde_json::Value;

use super::{json, pattern_page, print_json};
use crate::args::{Format, Lookup};
use crate::exit::{Exit, Failure};
use crate::output::{Listing, write_object};
use crate::session::Session;
use crate::text;

pub(super) async fn patterns(session: &Session, deed: &Lookup) -> Result<Exit, Failure> {
    let client = session.client()?;
    match deed {
        Lookup::List { filter } => {
            let columns = ["pattern", "version", "title", "owner", "slice", "frequencies"];
            list(session, client.patterns(), json::pattern, &columns, filter.as_deref()).await
        }
        Lookup::Show { id } => {
            let answer = client.pattern(id).await?;
            let pattern = answer.pattern.ok_or_else(|| Failure::Answer(format!("{id}: it is empty")))?;
            match session.is_json() {
                true => print_json(&json::pattern(&pattern))?,
                false => pattern_page::write(session, &pattern, &mut io::stdout().lock())?,
            }
            Ok(Exit::Accepted)
        }
    }
}

pub(super) async fn datasets(session: &Session, deed: &Lookup) -> Result<Exit, Failure> {
    let client = session.client()?;
    match deed {
        Lookup::List { filter } => {
            let columns = ["dataset", "pattern", "version", "rows", "publishers", "open", "update_time"];
            list(session, client.datasets(), json::dataset, &columns, filter.as_deref()).await
        }
        Lookup::Show { id } => show(session, json::dataset(&client.dataset(id).await?)),
    }
}

pub(super) async fn organisations(session: &Session, deed: &Lookup) -> Result<Exit, Failure> {
    let client = session.client()?;
    match deed {
        Lookup::List { filter } => {
            let columns = ["organisation", "display_name", "kind", "identifiers"];
            let pages = client.organisations(filter.as_deref().unwrap_or_default());
            list(session, pages, json::organisation, &columns, None).await
        }
        Lookup::Show { id } => show(session, json::organisation(&client.organisation(id).await?)),
    }
}

/// JSON goes out item by item with all fields; tables and CSV show the chosen columns.
pub(super) async fn list<T>(
    session: &Session,
    mut pages: Pages<T>,
    object: impl Fn(&T) -> Value,
    columns: &[&str],
    filter: Option<&str>,
) -> Result<Exit, Failure> {
    let format = session.row_format();
    let mut listing = Listing::new(columns.iter().copied());
    let wanted = |object: &Value| filter.is_none_or(|text| object.to_string().contains(text));
    while let Some(item) = pages.try_next().await.map_err(|error: ClientError| Failure::from(error))? {
        let object = object(&item);
        if !wanted(&object) {
            continue;
        }
        if format == Format::Json {
            print_json(&object)?;
            continue;
        }
        listing.push(columns.iter().map(|name| cell(session, &object[*name])));
        if listing.len() == LISTED_AT_ONCE {
            listing.write(format, &mut io::stdout().lock())?;
            listing = Listing::new(columns.iter().copied());
        }
    }
    if format != Format::Json {
        listing.write(format, &mut io::stdout().lock())?;
        if listing.is_empty() && format == Format::Table {
            eprintln!("{}", text::EMPTY.get(session.language));
        }
    }
    Ok(Exit::Accepted)
}

/// Rows whose widths are measured together; more than that is not held at once.
const LISTED_AT_ONCE: usize = 100_000;

/// A localised text is shown in one language, identifiers as `scheme value`.
fn cell(session: &Session, value: &Value) -> Value {
    match value {
        Value::Object(fields) if fields.contains_key("pl") => {
            let key = if session.environment.polish { "pl" } else { "en" };
            fields.get(key).cloned().unwrap_or_default()
        }
        Value::Array(values) => Value::Array(
            values.iter().map(|value| identifier(value).unwrap_or_else(|| value.clone())).collect(),
        ),
        other => other.clone(),
    }
}

fn identifier(value: &Value) -> Option<Value> {
    let (scheme, number) = (value.get("scheme")?.as_str()?, value.get("value")?.as_str()?);
    Some(Value::String(format!("{scheme} {number}")))
}

fn show(session: &Session, object: Value) -> Result<Exit, Failure> {
    if session.row_format() == Format::Table {
        write_object(&object, &mut io::stdout().lock())?;
    } else {
        print_json(&object)?;
    }
    Ok(Exit::Accepted)
}
