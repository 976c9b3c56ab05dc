//! `hub-server credential`.

use std::io::Write;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use clap::{Args, Subcommand};

use super::Failure;
use super::offline::Offline;
use crate::clock::{Clock as _, RandomIds, SystemClock};
use crate::identity::{KeyOrder, Scope, issue_key};

#[derive(Debug, Subcommand)]
pub(super) enum Deed {
    /// Draws a key and prints it to stdout: the only time that it is shown.
    Create(Create),
    /// Lists the keys of an organisation without their secrets: id, scopes, created, expires, revoked, label.
    List {
        #[arg(long, value_name = "ID")]
        organisation: String,
    },
    /// Revokes a key.
    Revoke {
        /// Its id, as `list` shows it; never the key itself.
        id: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct Create {
    /// Organisation that the key speaks for.
    #[arg(long, value_name = "ID")]
    organisation: String,
    /// What the key is good for: push, read, or both separated by a comma.
    #[arg(long, value_name = "SCOPES", value_delimiter = ',', required = true)]
    scope: Vec<Scope>,
    /// Who holds it or where it is used.
    #[arg(long, default_value = "")]
    label: String,
    /// Last day on which it opens (UTC), YYYY-MM-DD; without it: until it is revoked.
    #[arg(long, value_name = "DAY")]
    expires: Option<NaiveDate>,
}

pub(super) async fn run(deed: Deed, offline: &Offline, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    match deed {
        Deed::Create(create) => {
            let order = KeyOrder {
                organisation: create.organisation,
                scopes: create.scope.into_iter().collect(),
                label: create.label,
                expires_at: create.expires.and_then(end_of),
            };
            let organisation = order.organisation.clone();
            let issued = issue_key(&offline.catalog, &SystemClock, &RandomIds, order).await?;
            writeln!(out, "{}", issued.key.reveal())?;
            eprintln!("key {} of {organisation}; it is shown only this once", issued.id);
            Ok(())
        }
        Deed::List { organisation } => {
            let organisation = super::org::held(&organisation, offline).await?;
            for one in offline.catalog.credentials(&organisation.id).await? {
                let (expires, revoked) = (moment(one.expires_at), moment(one.revoked_at));
                let (scopes, created) = (one.scopes.join(","), moment(Some(one.created_at)));
                writeln!(out, "{}\t{scopes}\t{created}\t{expires}\t{revoked}\t{}", one.id, one.label)?;
            }
            Ok(())
        }
        Deed::Revoke { id } => {
            if offline.catalog.revoke_credential(&id, SystemClock.now()).await? {
                eprintln!("key {id} is revoked");
                return Ok(());
            }
            Err(Failure::Refused(
                "there is no such key that still holds; name the id that `hub-server credential list` shows"
                    .to_owned(),
            ))
        }
    }
}

/// The moment at which a day is over.
fn end_of(day: NaiveDate) -> Option<DateTime<Utc>> {
    Some(day.checked_add_days(Days::new(1))?.and_time(NaiveTime::MIN).and_utc())
}

fn moment(moment: Option<DateTime<Utc>>) -> String {
    moment.map(|moment| moment.format("%Y-%m-%dT%H:%M:%SZ").to_string()).unwrap_or_default()
}
