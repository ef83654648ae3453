//! What the token path needs to know of a client.

use countersign_model::{Credential, Organization, Project, TechnicalAccount};
use countersign_wire::ClientId;
use sqlx::query;

use super::children::attach;
use super::find::BY_ID;
use crate::db::Reads;
use crate::error::Error;
use crate::row::Row;
use crate::{organizations, projects, technical_accounts};

/// A credential with everything that decides whether it gets a token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClientRecord {
    /// The whole credential.
    pub credential: Credential,
    /// Its organization.
    pub organization: Organization,
    /// Its project.
    pub project: Project,
    /// Whom it acts as.
    pub technical_account: TechnicalAccount,
}

/// The record of a client id: one query for the four rows, one per kind of child.
///
/// # Errors
/// [`Error`].
pub async fn find_record(
    r: &mut impl Reads,
    client_id: &ClientId,
) -> Result<Option<ClientRecord>, Error> {
    let found = query(FIND).bind(client_id.as_str());
    let found = r.session().find("credentials", found, read).await?;
    let Some(mut record) = found else {
        return Ok(None);
    };
    let id = record.credential.id.clone();
    let alone = vec![record.credential];
    let whole = attach(r.session(), &BY_ID, |q| q.bind(id.as_str()), alone).await?;
    let Some(credential) = whole.into_iter().next() else {
        return Ok(None);
    };
    record.credential = credential;
    Ok(Some(record))
}

const FIND: &str = "
    SELECT c.id AS id, c.client_id AS client_id, c.org_id AS org_id, c.project_id AS project_id,
        c.workspace_id AS workspace_id, c.technical_account_id AS technical_account_id,
        c.name AS name, c.owner_team AS owner_team, c.owner_contact AS owner_contact,
        c.origin AS origin, c.grants AS grants, c.migrated_at AS migrated_at,
        c.jwt_disabled_at AS jwt_disabled_at, c.quarantined_until AS quarantined_until,
        c.token_kind AS token_kind, c.jwks AS jwks, c.disabled_at AS disabled_at,
        c.exempt_until AS exempt_until, c.exempt_reason AS exempt_reason, c.exempt_by AS exempt_by,
        c.exempted_at AS exempted_at, c.created_at AS created_at, c.revision AS revision,
        o.id AS o_id, o.numeric_id AS o_numeric_id, o.name AS o_name, o.replay AS o_replay,
        o.secrets_in_query AS o_secrets_in_query, o.quarantine_days AS o_quarantine_days,
        o.disabled_at AS o_disabled_at,
        o.created_at AS o_created_at, o.revision AS o_revision,
        p.id AS p_id, p.org_id AS p_org_id, p.name AS p_name, p.title AS p_title,
        p.description AS p_description, p.kind AS p_kind, p.disabled_at AS p_disabled_at,
        p.created_at AS p_created_at, p.created_by AS p_created_by, p.changed_at AS p_changed_at,
        p.changed_by AS p_changed_by, p.active_at AS p_active_at, p.revision AS p_revision,
        t.id AS t_id, t.email AS t_email, t.org_id AS t_org_id, t.created_at AS t_created_at
    FROM credentials c
    JOIN organizations o ON o.id = c.org_id
    JOIN projects p ON p.id = c.project_id
    JOIN technical_accounts t ON t.id = c.technical_account_id
    WHERE c.client_id = $1";

fn read(row: &Row<'_>) -> Result<ClientRecord, Error> {
    Ok(ClientRecord {
        credential: super::read(row)?,
        organization: organizations::read(&row.part("organizations", "o_"))?,
        project: projects::read(&row.part("projects", "p_"))?,
        technical_account: technical_accounts::read(&row.part("technical_accounts", "t_"))?,
    })
}
