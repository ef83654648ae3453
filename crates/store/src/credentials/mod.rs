//! Credentials: always the whole aggregate, with secrets, certificates and subscriptions.

mod children;
mod find;
mod record;
mod save;

pub use find::{
    count, find, find_by_client_id, key_before, list, list_migrations, of_ids, of_projects,
    overdue, owners_of_key, standard_algorithms, to_migrate,
};
pub use record::{ClientRecord, find_record};
pub use save::{delete, insert, replace_digest, save};

use countersign_model::{Credential, Exemption, Grants, Migration, Origin, Owner, TokenKind};
use countersign_wire::Timestamp;

use crate::error::Error;
use crate::row::Row;

/// The credential of a row of `credentials`, without its children.
fn read(row: &Row<'_>) -> Result<Credential, Error> {
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
        grants: grants(row)?,
        exemption: exemption(row)?,
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

pub(crate) fn exemption(row: &Row<'_>) -> Result<Option<Exemption>, Error> {
    let Some(until) = row.maybe_at("exempt_until")? else {
        return Ok(None);
    };
    Ok(Some(Exemption {
        until,
        reason: row.text("exempt_reason")?,
        approved_by: row.text("exempt_by")?,
        approved_at: row.at("exempted_at")?,
    }))
}

/// From `grants`, `migrated_at`, and beginning and end of a quarantine.
pub(crate) fn grants(row: &Row<'_>) -> Result<Grants, Error> {
    let at = row.maybe_at("migrated_at")?;
    let quarantine = row
        .maybe_at("jwt_disabled_at")?
        .zip(row.maybe_at("quarantined_until")?);
    Ok(match (row.text("grants")?.as_str(), at, quarantine) {
        ("oauth", None, None) => Grants::OAuth,
        ("jwt", None, None) => Grants::Jwt(Migration::NotStarted),
        ("jwt_paired", Some(since), None) => Grants::Jwt(Migration::Paired { since }),
        ("jwt_paired", Some(since), Some((at, until))) => {
            Grants::Jwt(Migration::Disabled { since, at, until })
        }
        ("jwt_completed", Some(at), None) => Grants::Jwt(Migration::Completed { at }),
        ("jwt_cancelled", Some(at), None) => Grants::Jwt(Migration::Cancelled { at }),
        _ => return Err(row.corrupt("grants")),
    })
}

/// `grants`, `migrated_at`, `jwt_disabled_at` and `quarantined_until`.
fn stored_grants(grants: Grants) -> (&'static str, [Option<i64>; 3]) {
    let at = |at: Timestamp| Some(at.as_millis());
    match grants {
        Grants::OAuth => ("oauth", [None; 3]),
        Grants::Jwt(Migration::NotStarted) => ("jwt", [None; 3]),
        Grants::Jwt(Migration::Paired { since }) => ("jwt_paired", [at(since), None, None]),
        Grants::Jwt(Migration::Disabled {
            since,
            at: disabled,
            until,
        }) => ("jwt_paired", [at(since), at(disabled), at(until)]),
        Grants::Jwt(Migration::Completed { at: then }) => ("jwt_completed", [at(then), None, None]),
        Grants::Jwt(Migration::Cancelled { at: then }) => ("jwt_cancelled", [at(then), None, None]),
    }
}
