//! API keys by their hashes.

use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;

use super::row::{list, list_text, moment, moment_or_none, text};
use super::{Catalog, CatalogError, Credential, begin, failed};

const INSERT: &str = "INSERT INTO credentials \
     (id, organisation, hash, label, scopes, created_at, expires_at, revoked_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const ALL: &str =
    "SELECT id, organisation, hash, label, scopes, created_at, expires_at, revoked_at FROM credentials";
const OF_ORGANISATION: &str = "SELECT id, organisation, hash, label, scopes, created_at, expires_at, revoked_at \
     FROM credentials WHERE organisation = $1 ORDER BY created_at, id";
const REVOKE: &str = "UPDATE credentials SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";

impl Catalog {
    /// Writes new credentials in one transaction: all of them or none. Their organisations must exist.
    pub(crate) async fn put_credentials(&self, credentials: &[Credential]) -> Result<(), CatalogError> {
        const DEED: &str = "write credentials";
        if let Some(orphan) = credentials.iter().find(|one| self.organisation(&one.organisation).is_none()) {
            return Err(CatalogError::OrganisationUnknown(orphan.organisation.clone()));
        }
        let _turn = self.turn.lock().await;
        let mut transaction = begin(&self.writer, DEED).await?;
        for credential in credentials {
            sqlx::query(INSERT)
                .bind(&credential.id)
                .bind(&credential.organisation)
                .bind(hex(&credential.hash))
                .bind(&credential.label)
                .bind(list_text(&credential.scopes))
                .bind(credential.created_at.timestamp_micros())
                .bind(credential.expires_at.map(|at| at.timestamp_micros()))
                .bind(credential.revoked_at.map(|at| at.timestamp_micros()))
                .execute(&mut *transaction)
                .await
                .map_err(failed(DEED))?;
        }
        transaction.commit().await.map_err(failed(DEED))?;
        credentials.iter().for_each(|credential| self.known.put_credential(credential));
        Ok(())
    }

    pub(crate) fn credential_by_hash(&self, hash: &[u8; 32]) -> Option<Credential> {
        self.known.credential(hash)
    }

    /// Has an organisation a key with this scope that holds at a moment?
    pub(crate) fn has_key(&self, organisation: &str, scope: &str, now: DateTime<Utc>) -> bool {
        self.known.credentials_of(organisation).iter().any(|key| {
            key.revoked_at.is_none()
                && key.expires_at.is_none_or(|at| at > now)
                && key.scopes.iter().any(|known| known == scope)
        })
    }

    pub(super) async fn all_credentials(&self) -> Result<Vec<Credential>, CatalogError> {
        let rows = sqlx::query(ALL).fetch_all(&self.readers).await.map_err(failed("list credentials"))?;
        rows.iter().map(read).collect()
    }

    /// Credentials of an organisation, oldest first.
    pub(crate) async fn credentials(&self, organisation: &str) -> Result<Vec<Credential>, CatalogError> {
        let rows = sqlx::query(OF_ORGANISATION)
            .bind(organisation)
            .fetch_all(&self.readers)
            .await
            .map_err(failed("list credentials"))?;
        rows.iter().map(read).collect()
    }

    /// Revokes a credential; false when there is none of this id that still holds.
    pub(crate) async fn revoke_credential(&self, id: &str, at: DateTime<Utc>) -> Result<bool, CatalogError> {
        let _turn = self.turn.lock().await;
        let done = sqlx::query(REVOKE)
            .bind(id)
            .bind(at.timestamp_micros())
            .execute(&self.writer)
            .await
            .map_err(failed("revoke a credential"))?;
        self.known.revoke_credential(id, at);
        Ok(done.rows_affected() > 0)
    }
}

fn read(row: &SqliteRow) -> Result<Credential, CatalogError> {
    let hash = text(row, "hash")?;
    Ok(Credential {
        id: text(row, "id")?,
        organisation: text(row, "organisation")?,
        hash: unhex(&hash).ok_or_else(|| CatalogError::Corrupt { what: "column hash".to_owned() })?,
        label: text(row, "label")?,
        scopes: list(row, "scopes")?,
        created_at: moment(row, "created_at")?,
        expires_at: moment_or_none(row, "expires_at")?,
        revoked_at: moment_or_none(row, "revoked_at")?,
    })
}

fn hex(hash: &[u8; 32]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(64);
    for byte in hash {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, at) in hash.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(hash)
}
