//! Credentials: always the whole aggregate, with secrets, certificates and subscriptions.

mod children;
mod find;
mod record;
mod save;

pub use find::{
    count, find, find_by_client_id, key_before, list, of_projects, owners_of_key,
    standard_algorithms,
};
pub use record::{ClientRecord, find_record};
pub use save::{delete, insert, replace_digest, save};

use countersign_model::{Credential, Grants, Migration, Origin, Owner, TokenKind};
use countersign_wire::Timestamp;

use crate::error::Error;
use crate::row::Row;

/// The credential of a row of `credentials`, without its children.
fn read(row: &Row<'_>) -> Result<Credential, Error> {
    let grants = grants(&row.text("grants")?, row.maybe_at("migrated_at")?);
    Ok(Credential {
        id: row.parsed("id")?,
        client_id: row.parsed("client_id")?,
        org_id: row.parsed("org_id")?,
        project_id: row.parsed("project_id")?,
        workspace_id: row.parsed("workspace_id")?,
        name: row.text("name")?,
        owner: Owner {
            team: row.text("owner_team")?,
            contact: row.text("owner_contact")?,
        },
        technical_account_id: row.parsed("technical_account_id")?,
        origin: row.word("origin", Origin::parse)?,
        grants: grants.ok_or_else(|| row.corrupt("grants"))?,
        token_kind: row.word("token_kind", TokenKind::parse)?,
        jwks: row.maybe_text("jwks")?,
        state: row.state()?,
        created_at: row.at("created_at")?,
        revision: row.number("revision")?,
        secrets: Vec::new(),
        certificates: Vec::new(),
        subscriptions: Vec::new(),
    })
}

fn grants(word: &str, at: Option<Timestamp>) -> Option<Grants> {
    match (word, at) {
        ("oauth", None) => Some(Grants::OAuth),
        ("jwt", None) => Some(Grants::Jwt(Migration::NotStarted)),
        ("jwt_paired", Some(since)) => Some(Grants::Jwt(Migration::Paired { since })),
        ("jwt_completed", Some(at)) => Some(Grants::Jwt(Migration::Completed { at })),
        ("jwt_cancelled", Some(at)) => Some(Grants::Jwt(Migration::Cancelled { at })),
        _ => None,
    }
}

/// `grants` and `migrated_at`.
fn stored_grants(grants: Grants) -> (&'static str, Option<i64>) {
    match grants {
        Grants::OAuth => ("oauth", None),
        Grants::Jwt(Migration::NotStarted) => ("jwt", None),
        Grants::Jwt(Migration::Paired { since }) => ("jwt_paired", Some(since.as_millis())),
        Grants::Jwt(Migration::Completed { at }) => ("jwt_completed", Some(at.as_millis())),
        Grants::Jwt(Migration::Cancelled { at }) => ("jwt_cancelled", Some(at.as_millis())),
    }
}
