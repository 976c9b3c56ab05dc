//! `hub-server org`.

use std::io::Write;

use chrono::NaiveDate;
use clap::{Args, Subcommand};
use hub_datasets::CodeLists;

use super::Failure;
use super::offline::Offline;
use crate::catalog::{Identifier, Organisation};
use crate::identity::{mint_from_terc, validate_organisation, with_identifier};

/// Organisations that one page of a listing asks the catalogue for.
const PAGE: u32 = 1000;

#[derive(Debug, Subcommand)]
pub(super) enum Deed {
    /// Adds an organisation, or all units of the territorial register.
    Add(Add),
    /// Lists organisations: id, kind and name, separated by tabs.
    List {
        /// Only those whose id or name contains this text.
        #[arg(long, value_name = "TEXT", default_value = "")]
        filter: String,
    },
    /// Shows one organisation with its identifiers and the days on which they hold.
    Show {
        /// Its id, for example gmina-100201.
        id: String,
    },
    /// Sets a dated identifier. Earlier ones of its scheme end the day before.
    SetIdentifier(SetIdentifier),
}

#[derive(Debug, Args)]
pub(super) struct Add {
    /// Id, minted once and never changed: small letters, digits, - and _.
    #[arg(required_unless_present = "from_terc")]
    id: Option<String>,
    /// Name that people know.
    #[arg(long, required_unless_present = "from_terc")]
    name: Option<String>,
    /// gmina, powiat, wojewodztwo, ministry (reads public columns of all publishers) or other.
    #[arg(long, required_unless_present = "from_terc")]
    kind: Option<String>,
    /// TERC of the unit, six digits.
    #[arg(long, value_name = "TERC")]
    terc6: Option<String>,
    #[arg(long, value_name = "REGON")]
    regon: Option<String>,
    #[arg(long, value_name = "NIP")]
    nip: Option<String>,
    /// Adds all gminas, counties and voivodeships of the register that the program holds; what is there already keeps its id.
    #[arg(long, conflicts_with_all = ["id", "name", "kind", "terc6", "regon", "nip"])]
    from_terc: bool,
}

#[derive(Debug, Args)]
pub(super) struct SetIdentifier {
    /// Id of the organisation.
    id: String,
    /// terc6, terc4, terc2, regon or nip.
    scheme: String,
    value: String,
    /// First day on which it holds, YYYY-MM-DD; without it: it always held.
    #[arg(long, value_name = "DAY")]
    valid_from: Option<NaiveDate>,
    /// Last day on which it holds, YYYY-MM-DD; without it: it still holds.
    #[arg(long, value_name = "DAY")]
    valid_to: Option<NaiveDate>,
}

pub(super) async fn run(deed: Deed, offline: &Offline, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    match deed {
        Deed::Add(add) if add.from_terc => {
            let written = mint_from_terc(&offline.catalog, &CodeLists::embedded()?).await?;
            eprintln!("{written} organisations written");
            Ok(())
        }
        Deed::Add(add) => put_new(add, offline).await,
        Deed::List { filter } => list(&filter, offline, out).await,
        Deed::Show { id } => {
            let organisation = held(&id, offline).await?;
            writeln!(out, "{}\t{}\t{}", organisation.id, organisation.kind, organisation.name)?;
            for one in &organisation.identifiers {
                let day = |day: Option<NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
                let (from, to) = (day(one.valid_from), day(one.valid_to));
                writeln!(out, "{}\t{}\t{from}\t{to}", one.scheme, one.value)?;
            }
            Ok(())
        }
        Deed::SetIdentifier(set) => {
            let identifier = Identifier {
                scheme: set.scheme,
                value: set.value,
                valid_from: set.valid_from,
                valid_to: set.valid_to,
            };
            let organisation = with_identifier(held(&set.id, offline).await?, identifier);
            validate_organisation(&organisation)?;
            offline.catalog.put_organisation(&organisation).await?;
            eprintln!("{} written", organisation.id);
            Ok(())
        }
    }
}

async fn put_new(add: Add, offline: &Offline) -> Result<(), Failure> {
    let schemes = [("terc6", add.terc6), ("regon", add.regon), ("nip", add.nip)];
    let identifiers = schemes.into_iter().filter_map(|(scheme, value)| {
        Some(Identifier { scheme: scheme.to_owned(), value: value?, valid_from: None, valid_to: None })
    });
    let organisation = Organisation {
        id: add.id.unwrap_or_default(),
        name: add.name.unwrap_or_default(),
        kind: add.kind.unwrap_or_default(),
        identifiers: identifiers.collect(),
    };
    validate_organisation(&organisation)?;
    if offline.catalog.organisation(&organisation.id).is_some() {
        return Err(Failure::Refused(format!(
            "organisation `{}` is there already; `hub-server org set-identifier` changes its identifiers",
            organisation.id
        )));
    }
    offline.catalog.put_organisation(&organisation).await?;
    eprintln!("{} written", organisation.id);
    Ok(())
}

async fn list(filter: &str, offline: &Offline, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    for organisation in all(filter, offline).await? {
        writeln!(out, "{}\t{}\t{}", organisation.id, organisation.kind, organisation.name)?;
    }
    Ok(())
}

/// All organisations whose id or name contains the text, by id.
pub(super) async fn all(filter: &str, offline: &Offline) -> Result<Vec<Organisation>, Failure> {
    let mut all: Vec<Organisation> = Vec::new();
    loop {
        let after = all.last().map(|last| last.id.clone()).unwrap_or_default();
        let page = offline.catalog.organisations(&after, filter, PAGE).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

pub(super) async fn held(id: &str, offline: &Offline) -> Result<Organisation, Failure> {
    offline.catalog.organisation(id).ok_or_else(|| {
        Failure::Refused(format!(
            "there is no organisation `{id}`; `hub-server org list` shows those that there are"
        ))
    })
}
