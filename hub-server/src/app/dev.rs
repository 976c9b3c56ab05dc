//! `hub-server dev`: a hub on loopback with throw-away keys, for trying and for vendors' tests.

use std::collections::BTreeSet;
use std::path::Path;

use hub_client::{Profile, Secret};

use super::compose::Hub;
use super::{StartError, signal};
use crate::catalog::{Catalog, Organisation};
use crate::clock::{RandomIds, SystemClock};
use crate::config::Config;
use crate::identity::{IdentityError, KeyOrder, Scope, issue_key, mint_from_terc};

/// Profiles of a dev hub: file name, organisation, scopes.
const PROFILES: [(&str, &str, &[Scope]); 4] = [
    ("publisher", "gmina-100201", &[Scope::Push, Scope::Read]),
    ("publisher2", "gmina-026401", &[Scope::Push, Scope::Read]),
    ("ministry", "mf", &[Scope::Read]),
    ("operator", "operator", &[Scope::Read]),
];

/// Why a dev hub or a demo did not come up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DevError {
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(transparent)]
    Catalog(#[from] crate::catalog::CatalogError),
    #[error(transparent)]
    Client(#[from] hub_client::ClientError),
    #[error(
        "`dev` runs on loopback with throw-away keys and without TLS: leave tls.cert and tls.key out (also HUB_TLS_CERT and HUB_TLS_KEY), or use `serve`"
    )]
    Tls,
    #[error("{path}: {source}")]
    File { path: String, source: std::io::Error },
    #[error("{0}")]
    Story(String),
}

/// Serves until a signal; on an existing folder data and keys stay.
pub(crate) async fn dev(config: &Config) -> Result<(), DevError> {
    // The profiles would name an address without TLS, and nobody would reach the hub with them.
    if config.tls.is_some() {
        return Err(DevError::Tls);
    }
    let stop = signal::Stop::listen();
    let hub = Hub::start(config).await?;
    furnish(hub.catalog(), hub.lists()).await?;
    let folder = config.data_dir.join("dev");
    let (endpoint, http_endpoint) =
        (format!("http://{}", hub.grpc_addr()), format!("http://{}", hub.http_addr()));
    for (name, organisation, scopes) in PROFILES {
        profile(hub.catalog(), &folder, [&endpoint, &http_endpoint], (name, organisation, scopes)).await?;
    }
    // Who sees the hub serve finds the profiles.
    hub.open();
    eprintln!("gRPC {endpoint}   HTTP http://{}", hub.http_addr());
    eprintln!(
        "profiles: HUB_CONFIG_DIR={} hub --profile publisher|publisher2|ministry|operator …",
        folder.display()
    );
    stop.asked().await;
    hub.stop().await;
    Ok(())
}

/// All units of the register, a ministry and an operator; known ones stay as they are.
pub(super) async fn furnish(catalog: &Catalog, lists: &hub_datasets::CodeLists) -> Result<usize, DevError> {
    let minted = mint_from_terc(catalog, lists).await?;
    for (id, name, kind) in
        [("mf", "Ministerstwo Finansów", "ministry"), ("operator", "Operator huba", "other")]
    {
        if catalog.organisation(id).is_none() {
            let organisation =
                Organisation { id: id.into(), name: name.into(), kind: kind.into(), identifiers: Vec::new() };
            catalog.put_organisation(&organisation).await?;
        }
    }
    Ok(minted)
}

/// Draws a key for an organisation.
pub(super) async fn key(
    catalog: &Catalog,
    organisation: &str,
    scopes: &[Scope],
    label: &str,
) -> Result<Secret, DevError> {
    let order = KeyOrder {
        organisation: organisation.to_owned(),
        scopes: scopes.iter().copied().collect::<BTreeSet<_>>(),
        label: label.to_owned(),
        expires_at: None,
    };
    let issued = issue_key(catalog, &SystemClock, &RandomIds, order).await?;
    Ok(Secret::new(issued.key.reveal()))
}

/// Writes a profile file unless it is there with these addresses; a key once given is kept.
async fn profile(
    catalog: &Catalog,
    folder: &Path,
    [endpoint, http_endpoint]: [&str; 2],
    (name, organisation, scopes): (&str, &str, &[Scope]),
) -> Result<(), DevError> {
    let path = folder.join(format!("{name}.toml"));
    let held = match std::fs::read_to_string(&path) {
        Ok(text) => Some(Profile::parse(name, &text, folder)?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(source) => return Err(DevError::File { path: path.display().to_string(), source }),
    };
    let http_endpoint = Some(http_endpoint.to_owned());
    if held.as_ref().is_some_and(|held| held.endpoint == endpoint && held.http_endpoint == http_endpoint) {
        return Ok(());
    }
    let token = match held.and_then(|held| held.token) {
        Some(token) => token,
        None => key(catalog, organisation, scopes, "dev").await?,
    };
    let profile = Profile {
        name: name.to_owned(),
        endpoint: endpoint.to_owned(),
        http_endpoint,
        token: Some(token),
        ca: None,
        organisation: Some(organisation.to_owned()),
    };
    profile.write(folder)?;
    Ok(())
}
