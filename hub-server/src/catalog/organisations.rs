//! Organisations and their dated identifiers.

use std::collections::BTreeMap;

use sqlx::sqlite::SqliteRow;

use super::row::{day_or_none, day_text, text};
use super::{Catalog, CatalogError, Identifier, Organisation, begin, failed};

const UPSERT: &str = "INSERT INTO organisations (id, name, kind) VALUES ($1, $2, $3) \
     ON CONFLICT (id) DO UPDATE SET name = excluded.name, kind = excluded.kind";
const DROP_IDENTIFIERS: &str = "DELETE FROM identifiers WHERE organisation = $1";
const ADD_IDENTIFIER: &str = "INSERT INTO identifiers (organisation, position, scheme, value, valid_from, valid_to) \
     VALUES ($1, $2, $3, $4, $5, $6)";
/// One row per identifier, at least one per organisation, in the order of the ids.
const PAGE: &str = "SELECT o.id, o.name, o.kind, i.scheme, i.value, i.valid_from, i.valid_to \
     FROM (SELECT id, name, kind FROM organisations \
           WHERE id > $1 AND ($2 = '' OR id LIKE $3 ESCAPE '\\' OR name LIKE $3 ESCAPE '\\') \
           ORDER BY id LIMIT $4) o \
     LEFT JOIN identifiers i ON i.organisation = o.id ORDER BY o.id, i.position";
const ALL: &str = "SELECT o.id, o.name, o.kind, i.scheme, i.value, i.valid_from, i.valid_to \
     FROM organisations o LEFT JOIN identifiers i ON i.organisation = o.id ORDER BY o.id, i.position";

impl Catalog {
    /// Writes an organisation; its identifiers replace those that it had.
    pub(crate) async fn put_organisation(&self, organisation: &Organisation) -> Result<(), CatalogError> {
        self.put_organisations(std::slice::from_ref(organisation)).await
    }

    /// Writes many organisations in one transaction: all of them or none.
    pub(crate) async fn put_organisations(&self, organisations: &[Organisation]) -> Result<(), CatalogError> {
        const DEED: &str = "write organisations";
        let _turn = self.turn.lock().await;
        let mut transaction = begin(&self.writer, DEED).await?;
        for organisation in organisations {
            sqlx::query(UPSERT)
                .bind(&organisation.id)
                .bind(&organisation.name)
                .bind(&organisation.kind)
                .execute(&mut *transaction)
                .await
                .map_err(failed(DEED))?;
            sqlx::query(DROP_IDENTIFIERS)
                .bind(&organisation.id)
                .execute(&mut *transaction)
                .await
                .map_err(failed(DEED))?;
            for (position, identifier) in (0_i64..).zip(&organisation.identifiers) {
                sqlx::query(ADD_IDENTIFIER)
                    .bind(&organisation.id)
                    .bind(position)
                    .bind(&identifier.scheme)
                    .bind(&identifier.value)
                    .bind(day_text(identifier.valid_from))
                    .bind(day_text(identifier.valid_to))
                    .execute(&mut *transaction)
                    .await
                    .map_err(failed(DEED))?;
            }
        }
        transaction.commit().await.map_err(failed(DEED))?;
        organisations.iter().for_each(|organisation| self.known.put_organisation(organisation));
        Ok(())
    }

    pub(crate) fn organisation(&self, id: &str) -> Option<Organisation> {
        self.known.organisation(id)
    }

    /// Organisations with id > `after`, by id, whose id or name contains `text`.
    pub(crate) async fn organisations(
        &self,
        after: &str,
        text: &str,
        limit: u32,
    ) -> Result<Vec<Organisation>, CatalogError> {
        let rows = sqlx::query(PAGE)
            .bind(after)
            .bind(text)
            .bind(contains(text))
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await
            .map_err(failed("list organisations"))?;
        gather(&rows)
    }

    /// All organisations by id (a few thousand).
    pub(crate) async fn all_organisations(&self) -> Result<Vec<Organisation>, CatalogError> {
        let rows = sqlx::query(ALL).fetch_all(&self.readers).await.map_err(failed("list organisations"))?;
        gather(&rows)
    }
}

/// A LIKE pattern for "contains", in which the text's own wildcards mean themselves.
fn contains(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

/// Joins rows of the same organisation, which follow each other.
fn gather(rows: &[SqliteRow]) -> Result<Vec<Organisation>, CatalogError> {
    let mut organisations: BTreeMap<String, Organisation> = BTreeMap::new();
    for row in rows {
        let id = text(row, "id")?;
        let organisation = match organisations.entry(id.clone()) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => entry.insert(Organisation {
                id,
                name: text(row, "name")?,
                kind: text(row, "kind")?,
                identifiers: Vec::new(),
            }),
        };
        if super::row::is_present(row, "scheme")? {
            organisation.identifiers.push(Identifier {
                scheme: text(row, "scheme")?,
                value: text(row, "value")?,
                valid_from: day_or_none(row, "valid_from")?,
                valid_to: day_or_none(row, "valid_to")?,
            });
        }
    }
    Ok(organisations.into_values().collect())
}
