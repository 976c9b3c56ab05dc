//! `hub-server credential`.

use std::io::Write;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use clap::{Args, Subcommand};

use super::Failure;
use super::offline::Offline;
use crate::clock::{Clock as _, RandomIds, SystemClock};
use crate::identity::{IssuedKey, KINDS, KeyOrder, Scope, issue_key};

#[derive(Debug, Subcommand)]
pub(super) enum Deed {
    /// Draws a key and prints it to stdout: the only time that it is shown. With --kind, one for each
    /// organisation of that kind, printed as lines of id, tab, key.
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
    #[arg(long, value_name = "ID", required_unless_present = "kind")]
    organisation: Option<String>,
    /// Every organisation of this kind gets a key of its own: gmina, powiat, wojewodztwo, ministry or other.
    #[arg(long, value_name = "KIND", conflicts_with = "organisation")]
    kind: Option<String>,
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
        Deed::Create(create) => match &create.organisation {
            Some(organisation) => {
                let issued = create.issue(organisation, offline).await?;
                writeln!(out, "{}", issued.key.reveal())?;
                eprintln!("key {} of {organisation}; it is shown only this once", issued.id);
                Ok(())
            }
            None => create.issue_each(offline, out).await,
        },
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

impl Create {
    async fn issue(&self, organisation: &str, offline: &Offline) -> Result<IssuedKey, Failure> {
        let order = KeyOrder {
            organisation: organisation.to_owned(),
            scopes: self.scope.iter().copied().collect(),
            label: self.label.clone(),
            expires_at: self.expires.and_then(end_of),
        };
        Ok(issue_key(&offline.catalog, &SystemClock, &RandomIds, order).await?)
    }

    /// A key for each organisation of the kind, in the order of their ids.
    async fn issue_each(&self, offline: &Offline, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
        let kind = self.kind.as_deref().unwrap_or_default();
        if !KINDS.contains(&kind) {
            let known = KINDS.join(", ");
            return Err(Failure::Refused(format!("`{kind}` is no kind; there are {known}")));
        }
        let mut issued = 0;
        for organisation in super::org::all("", offline).await?.iter().filter(|one| one.kind == kind) {
            let key = self.issue(&organisation.id, offline).await?.key;
            writeln!(out, "{}\t{}", organisation.id, key.reveal())?;
            issued += 1;
        }
        eprintln!("{issued} keys; they are shown only this once");
        Ok(())
    }
}

/// The moment at which a day is over.
fn end_of(day: NaiveDate) -> Option<DateTime<Utc>> {
    Some(day.checked_add_days(Days::new(1))?.and_time(NaiveTime::MIN).and_utc())
}

fn moment(moment: Option<DateTime<Utc>>) -> String {
    moment.map(|moment| moment.format("%Y-%m-%dT%H:%M:%SZ").to_string()).unwrap_or_default()
}
