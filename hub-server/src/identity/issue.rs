//! Organisations and keys as an operator makes them.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::{ApiKey, IdentityError, Scope};
use crate::catalog::{Catalog, Credential, Identifier, Organisation};
use crate::clock::{Clock, Ids};
use crate::config::limits;

/// Kinds of organisations; `ministry` is the role that reads public columns of all publishers.
pub(crate) const KINDS: [&str; 5] = ["gmina", "powiat", "wojewodztwo", "ministry", "other"];
/// Schemes of dated identifiers and the number of digits of each value.
const SCHEMES: [(&str, &[usize]); 5] =
    [("terc6", &[6]), ("terc4", &[4]), ("terc2", &[2]), ("regon", &[9, 14]), ("nip", &[10])];

/// A key to be made.
#[derive(Debug, Clone)]
pub(crate) struct KeyOrder {
    pub(crate) organisation: String,
    pub(crate) scopes: BTreeSet<Scope>,
    pub(crate) label: String,
    pub(crate) expires_at: Option<DateTime<Utc>>,
}

/// A key that was made; the only moment at which the secret is known.
#[derive(Debug)]
pub(crate) struct IssuedKey {
    pub(crate) id: String,
    pub(crate) organisation: String,
    pub(crate) key: ApiKey,
}

/// Keys that nobody can use yet, so that they can be put where they are safe before they open anything.
#[derive(Debug)]
pub(crate) struct DrawnKeys {
    keys: Vec<IssuedKey>,
    credentials: Vec<Credential>,
}

impl DrawnKeys {
    /// Draws a key for each order.
    pub(crate) fn of(clock: &dyn Clock, ids: &dyn Ids, orders: Vec<KeyOrder>) -> Result<Self, IdentityError> {
        let mut drawn = Self { keys: Vec::new(), credentials: Vec::new() };
        for order in orders {
            let (key, credential) = draw(clock, ids, order)?;
            drawn.keys.push(key);
            drawn.credentials.push(credential);
        }
        Ok(drawn)
    }

    /// In the order of their orders.
    pub(crate) fn keys(&self) -> &[IssuedKey] {
        &self.keys
    }

    /// Writes their hashes in one transaction: from here on all of them hold, or after an error none.
    pub(crate) async fn issue(self, catalog: &Catalog) -> Result<Vec<IssuedKey>, IdentityError> {
        catalog.put_credentials(&self.credentials).await?;
        Ok(self.keys)
    }
}

/// Draws a key and writes its hash.
pub(crate) async fn issue_key(
    catalog: &Catalog,
    clock: &dyn Clock,
    ids: &dyn Ids,
    order: KeyOrder,
) -> Result<IssuedKey, IdentityError> {
    let (key, credential) = draw(clock, ids, order)?;
    catalog.put_credentials(&[credential]).await?;
    Ok(key)
}

fn draw(clock: &dyn Clock, ids: &dyn Ids, order: KeyOrder) -> Result<(IssuedKey, Credential), IdentityError> {
    let now = clock.now();
    if order.scopes.is_empty() {
        return Err(IdentityError::Refused("a key needs a scope: push, read or both".to_owned()));
    }
    if order.expires_at.is_some_and(|at| at <= now) {
        return Err(IdentityError::Refused(
            "the key would have expired already; name a later day".to_owned(),
        ));
    }
    if order.label.chars().count() > limits::CREDENTIAL_LABEL_CHARS {
        return Err(IdentityError::Refused(format!(
            "a label has at most {} characters",
            limits::CREDENTIAL_LABEL_CHARS
        )));
    }
    let key = ApiKey::generate()?;
    let id = ids.next().to_string();
    let credential = Credential {
        id: id.clone(),
        organisation: order.organisation.clone(),
        hash: key.hash(),
        label: order.label,
        scopes: order.scopes.iter().map(ToString::to_string).collect(),
        created_at: now,
        expires_at: order.expires_at,
        revoked_at: None,
    };
    Ok((IssuedKey { id, organisation: order.organisation, key }, credential))
}

/// `[a-z][a-z0-9_-]*`, at most 63 characters: fit for paths, SQL texts and resource names.
pub(super) fn is_organisation_id(id: &str) -> bool {
    id.len() <= limits::ORGANISATION_ID_CHARS
        && id.starts_with(|first: char| first.is_ascii_lowercase())
        && id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
}

/// Is this an organisation that the hub can hold?
pub(crate) fn validate_organisation(organisation: &Organisation) -> Result<(), IdentityError> {
    let refused = |message: String| Err(IdentityError::Refused(message));
    if !is_organisation_id(&organisation.id) || organisation.id == "open" {
        return refused(format!(
            "`{}` is no id of an organisation: a small letter, then small letters, digits, - and _, at most {} in all, \
             and not `open`, which means everyone",
            organisation.id,
            limits::ORGANISATION_ID_CHARS
        ));
    }
    if organisation.name.trim().is_empty() {
        return refused(format!("organisation `{}` needs a name", organisation.id));
    }
    if !KINDS.contains(&organisation.kind.as_str()) {
        return refused(format!("`{}` is no kind; there are {}", organisation.kind, KINDS.join(", ")));
    }
    for identifier in &organisation.identifiers {
        let Some((_, lengths)) = SCHEMES.iter().find(|(scheme, _)| *scheme == identifier.scheme) else {
            let schemes = SCHEMES.map(|(scheme, _)| scheme).join(", ");
            return refused(format!("`{}` is no identifier; there are {schemes}", identifier.scheme));
        };
        let digits = identifier.value.bytes().all(|byte| byte.is_ascii_digit());
        if !digits
            || !lengths.contains(&identifier.value.len())
            || !checksum_holds(&identifier.scheme, &identifier.value)
        {
            return refused(format!(
                "`{}` is no valid {}: check its digits",
                identifier.value, identifier.scheme
            ));
        }
        if let (Some(from), Some(to)) = (identifier.valid_from, identifier.valid_to)
            && to < from
        {
            return refused(format!(
                "{} {} would end ({to}) before it begins ({from})",
                identifier.scheme, identifier.value
            ));
        }
    }
    Ok(())
}

/// Check digits of REGON (9 and 14) and NIP; other identifiers have none.
fn checksum_holds(scheme: &str, digits: &str) -> bool {
    match (scheme, digits.len()) {
        ("regon", 9) => weighted(digits, &[8, 9, 2, 3, 4, 5, 6, 7]) % 10 == last(digits),
        ("regon", _) => {
            let local = weighted(digits, &[2, 4, 8, 5, 0, 9, 7, 3, 6, 1, 2, 4, 8]) % 10 == last(digits);
            local && digits.get(..9).is_some_and(|legal_unit| checksum_holds("regon", legal_unit))
        }
        // A remainder of ten has no digit and makes a NIP invalid.
        ("nip", _) => weighted(digits, &[6, 5, 7, 2, 3, 4, 5, 6, 7]) == last(digits),
        _ => true,
    }
}

/// Weighted sum of the leading digits, modulo 11.
fn weighted(digits: &str, weights: &[u32]) -> u32 {
    let digits = digits.chars().filter_map(|digit| digit.to_digit(10));
    digits.zip(weights).map(|(digit, weight)| digit * weight).sum::<u32>() % 11
}

fn last(digits: &str) -> u32 {
    digits.chars().last().and_then(|digit| digit.to_digit(10)).unwrap_or(u32::MAX)
}

/// The organisation with one more dated identifier. From its first day on it alone holds in its scheme:
/// earlier ones end the day before, later ones go.
pub(crate) fn with_identifier(mut organisation: Organisation, identifier: Identifier) -> Organisation {
    organisation.identifiers.retain_mut(|earlier| {
        if earlier.scheme != identifier.scheme {
            return true;
        }
        let Some(from) = identifier.valid_from else { return false };
        if earlier.valid_from.is_some_and(|began| began >= from) {
            return false;
        }
        if earlier.valid_to.is_none_or(|ended| ended >= from) {
            earlier.valid_to = from.pred_opt();
        }
        true
    });
    organisation.identifiers.push(identifier);
    organisation
}
