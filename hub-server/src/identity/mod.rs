//! Who calls, and what they may do: credentials × deed → permit.

mod error;
mod issue;
mod key;
mod mint;
pub(crate) mod permit;
mod scope;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use hub_datasets::Pattern;
use hub_datasets::pattern::Sensitivity;
use subtle::ConstantTimeEq as _;

use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::config::limits;
use permit::{
    CheckPermit, NoticesPermit, PayloadPermit, PushPermit, ReadPermit, Rows, SubmissionsPermit,
    SubscriptionsPermit,
};

pub(crate) use error::{CredentialFault, IdentityError};
pub(crate) use issue::{
    DrawnKeys, IssuedKey, KINDS, KeyOrder, issue_key, validate_organisation, with_identifier,
};
pub(crate) use key::ApiKey;
pub(crate) use mint::mint_from_terc;
pub(crate) use scope::Scope;

/// A caller whose credential was verified. Only [`Identity::authenticate`] makes one.
#[derive(Debug, Clone)]
pub(crate) struct Principal {
    pub(crate) organisation: String,
    /// Role of the organisation: ministries read public columns of all publishers.
    pub(crate) ministry: bool,
    label: String,
    scopes: BTreeSet<Scope>,
}

impl Principal {
    fn demand(&self, scope: Scope) -> Result<(), IdentityError> {
        if self.scopes.contains(&scope) {
            Ok(())
        } else {
            Err(IdentityError::ScopeMissing { scope, label: self.label.clone() })
        }
    }
}

/// The room's door: asks the catalogue who someone is and gives permits.
#[derive(Debug)]
pub(crate) struct Identity {
    catalog: Arc<Catalog>,
    clock: Arc<dyn Clock>,
}

impl Identity {
    pub(crate) fn new(catalog: Arc<Catalog>, clock: Arc<dyn Clock>) -> Self {
        Self { catalog, clock }
    }

    /// Verifies the value of an `authorization` header.
    pub(crate) fn authenticate(&self, authorization: Option<&str>) -> Result<Principal, IdentityError> {
        let key = bearer(authorization)?;
        let hash = key.hash();
        let now = self.clock.now();
        let unknown = || IdentityError::CredentialInvalid(CredentialFault::Unknown);
        let credential = self.catalog.credential_by_hash(&hash).ok_or_else(unknown)?;
        // The index found it by its hash; that nothing else was found is worth one more look.
        if !bool::from(credential.hash.ct_eq(&hash)) {
            return Err(unknown());
        }
        if let Some(at) = credential.revoked_at {
            return Err(IdentityError::CredentialInvalid(CredentialFault::Revoked(at)));
        }
        if let Some(at) = credential.expires_at.filter(|at| *at <= now) {
            return Err(IdentityError::CredentialInvalid(CredentialFault::Expired(at)));
        }
        let own = self.catalog.organisation(&credential.organisation).ok_or_else(unknown)?;
        Ok(Principal {
            ministry: own.kind == "ministry",
            organisation: own.id,
            label: credential.label,
            scopes: credential.scopes.iter().filter_map(|scope| scope.parse().ok()).collect(),
        })
    }

    /// May the caller push this pattern for this publisher (None: itself)?
    pub(crate) fn push(
        &self,
        caller: &Principal,
        pattern: &Pattern,
        publisher: Option<&str>,
    ) -> Result<PushPermit, IdentityError> {
        caller.demand(Scope::Push)?;
        match publisher {
            None => {}
            Some(publisher) if publisher == caller.organisation => {}
            // The register of organisations is public, so that a typing error may be told from a
            // lack of rights.
            Some(publisher) => {
                let known =
                    issue::is_organisation_id(publisher) && self.catalog.organisation(publisher).is_some();
                let publisher = publisher.chars().take(limits::ECHO_CHARS).collect();
                return Err(if known {
                    IdentityError::PublisherNotPermitted { caller: caller.organisation.clone(), publisher }
                } else {
                    IdentityError::PublisherUnknown { publisher }
                });
            }
        }
        Ok(PushPermit::new(caller.organisation.clone(), caller.organisation.clone(), pattern.id.clone()))
    }

    /// May the caller see and steer submissions of its organisation? Who pushes may.
    pub(crate) fn submissions(&self, caller: &Principal) -> Result<SubmissionsPermit, IdentityError> {
        caller.demand(Scope::Push)?;
        Ok(SubmissionsPermit::new(caller.organisation.clone()))
    }

    /// May the caller have back what its organisation sent? Who may read may: a key that only pushes gives nothing
    /// away, whoever finds it.
    pub(crate) fn payloads(&self, caller: &Principal) -> Result<PayloadPermit, IdentityError> {
        caller.demand(Scope::Read)?;
        Ok(PayloadPermit::new(caller.organisation.clone()))
    }

    /// What may the caller read of a dataset?
    pub(crate) fn read(&self, caller: &Principal, pattern: &Pattern) -> Result<ReadPermit, IdentityError> {
        caller.demand(Scope::Read)?;
        let own_rows = || Rows::Of(caller.organisation.clone());
        let (columns, rows) = if pattern.sensitivity != Sensitivity::Public {
            if caller.ministry && pattern.unit_level != "ministry" {
                return Err(IdentityError::ReadNotPermitted(format!(
                    "dataset `{}` is restricted as a whole: only its publishers read it, each its own rows",
                    pattern.id
                )));
            }
            (all_columns(pattern), own_rows())
        } else if pattern.is_open() {
            (all_columns(pattern), Rows::All)
        } else if caller.ministry {
            (public_columns(pattern), Rows::All)
        } else {
            (all_columns(pattern), own_rows())
        };
        Ok(ReadPermit::new(caller.organisation.clone(), pattern.id.clone(), columns, rows))
    }

    /// May the caller be told of corrections, and of which datasets? `readable`: what it may read now.
    pub(crate) fn notices(
        &self,
        caller: &Principal,
        readable: &[ReadPermit],
    ) -> Result<NoticesPermit, IdentityError> {
        caller.demand(Scope::Read)?;
        Ok(NoticesPermit::new(caller.organisation.clone(), told_of(readable)))
    }

    /// May the caller have news sent to an address? `named`: of these datasets, none: of all; `readable`: what it may
    /// read now of them.
    pub(crate) fn subscriptions(
        &self,
        caller: &Principal,
        named: Vec<String>,
        readable: &[ReadPermit],
    ) -> Result<SubscriptionsPermit, IdentityError> {
        caller.demand(Scope::Read)?;
        let datasets = readable.iter().map(|permit| permit.dataset().to_owned()).collect();
        Ok(SubscriptionsPermit::new(caller.organisation.clone(), named, datasets))
    }

    /// What may an organisation read of a dataset while none of its keys calls? None: no key of it that reads holds
    /// now, or it may not.
    pub(crate) fn reader(&self, organisation: &str, pattern: &Pattern) -> Option<ReadPermit> {
        let own = self.catalog.organisation(organisation)?;
        if !self.catalog.has_key(organisation, Scope::Read.as_str(), self.clock.now()) {
            return None;
        }
        let caller = Principal {
            ministry: own.kind == "ministry",
            organisation: own.id,
            label: String::new(),
            scopes: BTreeSet::from([Scope::Read]),
        };
        self.read(&caller, pattern).ok()
    }

    /// Anyone may have a payload checked: patterns and code lists are public, and the verdict tells nothing else.
    pub(crate) fn anyone_checks(&self) -> CheckPermit {
        CheckPermit::new()
    }

    /// What may anyone read: datasets that are open as a whole.
    pub(crate) fn open(&self, pattern: &Pattern) -> Result<ReadPermit, IdentityError> {
        if !pattern.is_open() {
            return Err(IdentityError::ReadNotPermitted(format!(
                "dataset `{}` is not open to everyone; read it with a key of your organisation",
                pattern.id
            )));
        }
        Ok(ReadPermit::new("open".to_owned(), pattern.id.clone(), all_columns(pattern), Rows::All))
    }
}

/// Datasets whose corrections are told: who reads its own rows alone knows of its own corrections.
fn told_of(readable: &[ReadPermit]) -> Vec<String> {
    let all = readable.iter().filter(|permit| *permit.rows() == Rows::All);
    all.map(|permit| permit.dataset().to_owned()).collect()
}

/// The key of `Bearer hub_…`; the scheme's case does not matter.
fn bearer(authorization: Option<&str>) -> Result<ApiKey, IdentityError> {
    let value = authorization.filter(|value| !value.trim().is_empty());
    let value = value.ok_or(IdentityError::CredentialMissing)?;
    let form = || IdentityError::CredentialInvalid(CredentialFault::Form);
    let (scheme, key) = value.trim().split_once(' ').ok_or_else(form)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(form());
    }
    key.trim().parse().map_err(|_| form())
}

fn all_columns(pattern: &Pattern) -> BTreeSet<String> {
    pattern.columns.iter().map(|column| column.name.clone()).collect()
}

fn public_columns(pattern: &Pattern) -> BTreeSet<String> {
    let public = pattern.columns.iter().filter(|column| column.sensitivity == Sensitivity::Public);
    public.map(|column| column.name.clone()).collect()
}
