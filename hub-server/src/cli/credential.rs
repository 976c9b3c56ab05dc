//! `hub-server credential`.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use clap::{Args, Subcommand};

use super::Failure;
use super::offline::Offline;
use crate::clock::{Clock as _, RandomIds, SystemClock};
use crate::identity::{DrawnKeys, IssuedKey, KINDS, KeyOrder, Scope};

#[derive(Debug, Subcommand)]
pub(super) enum Deed {
    /// Draws a key and prints it to stdout: the only time that it is shown. With --kind, one for each
    /// organisation of that kind, all of them or none, as lines of id, tab, key.
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
    /// Writes the keys to this new file, which only its owner may read, instead of stdout.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) async fn run(deed: Deed, offline: &Offline, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    match deed {
        Deed::Create(create) => create.run(offline, out).await,
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
    async fn run(&self, offline: &Offline, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
        let named = match &self.organisation {
            Some(organisation) => vec![organisation.clone()],
            None => self.of_kind(offline).await?,
        };
        let order = |organisation| KeyOrder {
            organisation,
            scopes: self.scope.iter().copied().collect(),
            label: self.label.clone(),
            expires_at: self.expires.and_then(end_of),
        };
        let drawn = DrawnKeys::of(&SystemClock, &RandomIds, named.into_iter().map(order).collect())?;
        let Some(path) = &self.out else {
            let keys = drawn.issue(&offline.catalog).await?;
            self.write(&keys, out)?;
            self.tell(&keys, "shown only this once");
            return Ok(());
        };
        // The keys are safe in the file before the first of them opens anything.
        let unwritten = |error| Failure::Refused(format!("{} cannot be made: {error}", path.display()));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let mut file = file.map_err(unwritten)?;
        let written = self
            .write(drawn.keys(), &mut file)
            .and_then(|()| file.sync_all())
            .and_then(|()| sync_folder_of(path));
        let issued = match written {
            Ok(()) => drawn.issue(&offline.catalog).await.map_err(Failure::from),
            Err(error) => Err(unwritten(error)),
        };
        match issued {
            Ok(keys) => {
                self.tell(&keys, &format!("in {} and nowhere else", path.display()));
                Ok(())
            }
            Err(failure) => {
                // The first error says more than that a file of no use stays.
                let _ = std::fs::remove_file(path);
                Err(failure)
            }
        }
    }

    /// Ids of the organisations of the kind, ascending.
    async fn of_kind(&self, offline: &Offline) -> Result<Vec<String>, Failure> {
        let kind = self.kind.as_deref().unwrap_or_default();
        if !KINDS.contains(&kind) {
            let known = KINDS.join(", ");
            return Err(Failure::Refused(format!("`{kind}` is no kind; there are {known}")));
        }
        let all = super::org::all("", offline).await?;
        Ok(all.into_iter().filter(|one| one.kind == kind).map(|one| one.id).collect())
    }

    fn write(&self, keys: &[IssuedKey], mut out: impl Write) -> std::io::Result<()> {
        let mut text = String::new();
        for one in keys {
            if self.organisation.is_none() {
                text.extend([one.organisation.as_str(), "\t"]);
            }
            text.extend([one.key.reveal(), "\n"]);
        }
        out.write_all(text.as_bytes())
    }

    fn tell(&self, keys: &[IssuedKey], where_they_are: &str) {
        match (&self.organisation, keys) {
            (Some(organisation), [one]) => eprintln!("key {} of {organisation}; {where_they_are}", one.id),
            _ => eprintln!("{} keys; {where_they_are}", keys.len()),
        }
    }
}

/// Makes the name of a new file durable.
fn sync_folder_of(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// The moment at which a day is over.
fn end_of(day: NaiveDate) -> Option<DateTime<Utc>> {
    Some(day.checked_add_days(Days::new(1))?.and_time(NaiveTime::MIN).and_utc())
}

fn moment(moment: Option<DateTime<Utc>>) -> String {
    moment.map(|moment| moment.format("%Y-%m-%dT%H:%M:%SZ").to_string()).unwrap_or_default()
}
