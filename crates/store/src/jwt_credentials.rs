//! Credentials that were created with Service Account (JWT): what the dates of a policy and the board
//! of a migration need to know of them, without what hangs on them.

use countersign_model::{Exemption, Grants, Migration, Origin, Owner};
use countersign_wire::{CredentialId, OrgId, ProjectId, Timestamp, WaveName};
use sqlx::query;

use crate::credentials::{exemption, grants};
use crate::db::Reads;
use crate::error::Error;
use crate::page::Page;
use crate::row::Row;

/// A credential that was created with Service Account (JWT).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct JwtCredential {
    /// Its id.
    pub id: CredentialId,
    /// Its organization.
    pub org_id: OrgId,
    /// The project it is in.
    pub project_id: ProjectId,
    /// Shown to people.
    pub name: String,
    /// Whom warnings reach.
    pub owner: Owner,
    /// Where it comes from.
    pub origin: Origin,
    /// How far its migration is.
    pub migration: Migration,
    /// Whether it may go on for longer than others.
    pub exemption: Option<Exemption>,
    /// When the last of its certificates ends; nothing if it has none.
    pub last_certificate_ends: Option<Timestamp>,
    /// Assertions that were exchanged since a day that was asked for.
    pub exchanges: u64,
    /// Calls at the gateway since then, with tokens of its JWT half.
    pub calls: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// The wave that it is in.
    pub wave: Option<WaveName>,
}

/// Which of them.
#[derive(Clone, Copy, Debug)]
pub enum Which<'w> {
    /// Those of all organizations.
    All,
    /// Those of an organization.
    Of(&'w OrgId),
    /// Those in a wave of an organization.
    InWave(&'w OrgId, &'w WaveName),
    /// Those of an organization that are in no wave.
    InNoWave(&'w OrgId),
}

/// SQL text is static, and one list of columns is better than two.
macro_rules! select {
    ($which:literal) => {
        concat!(
            "SELECT c.id AS id, c.org_id AS org_id, c.project_id AS project_id, c.name AS name, \
                c.owner_team AS owner_team, c.owner_contact AS owner_contact, \
                c.origin AS origin, c.grants AS grants, c.migrated_at AS migrated_at, \
                c.jwt_disabled_at AS jwt_disabled_at, \
                c.quarantined_until AS quarantined_until, c.created_at AS created_at, \
                c.exempt_until AS exempt_until, c.exempt_reason AS exempt_reason, \
                c.exempt_by AS exempt_by, c.exempted_at AS exempted_at, \
                (SELECT MAX(k.not_after) FROM certificates k WHERE k.credential_id = c.id) \
                    AS last_certificate_ends, \
                (SELECT COALESCE(CAST(SUM(u.uses) AS BIGINT), 0) FROM daily_usage u \
                    WHERE u.credential_id = c.id AND u.day_at >= $3 AND u.kind = 'token' \
                        AND u.grant_type = 'jwt_exchange') AS exchanges, \
                (SELECT COALESCE(CAST(SUM(u.uses) AS BIGINT), 0) FROM daily_usage u \
                    WHERE u.credential_id = c.id AND u.day_at >= $3 AND u.kind = 'call' \
                        AND u.grant_type = 'jwt_exchange') AS calls, \
                w.wave AS wave
            FROM credentials c
            LEFT JOIN wave_credentials w ON w.credential_id = c.id
            WHERE c.grants <> 'oauth' AND c.id > $1",
            $which,
            " ORDER BY c.id LIMIT $2"
        )
    };
}

/// Credentials that were created with Service Account (JWT), by id; with their uses since the day
/// that begins at `since`.
///
/// # Errors
/// [`Error`].
pub async fn list(
    r: &mut impl Reads,
    which: Which<'_>,
    since: Timestamp,
    page: &Page,
) -> Result<Vec<JwtCredential>, Error> {
    let text = match which {
        Which::All => select!(""),
        Which::Of(_) => select!(" AND c.org_id = $4"),
        Which::InWave(..) => select!(" AND c.org_id = $4 AND w.org_id = $4 AND w.wave = $5"),
        Which::InNoWave(_) => select!(" AND c.org_id = $4 AND w.wave IS NULL"),
    };
    let listed = query(text)
        .bind(page.start())
        .bind(page.size())
        .bind(since.as_millis());
    let listed = match which {
        Which::All => listed,
        Which::Of(org) | Which::InNoWave(org) => listed.bind(org.as_str()),
        Which::InWave(org, wave) => listed.bind(org.as_str()).bind(wave.as_str()),
    };
    r.session().list("credentials", listed, read).await
}

fn read(row: &Row<'_>) -> Result<JwtCredential, Error> {
    let Grants::Jwt(migration) = grants(row)? else {
        return Err(row.corrupt("grants"));
    };
    Ok(JwtCredential {
        id: row.parsed("id")?,
        org_id: row.parsed("org_id")?,
        project_id: row.parsed("project_id")?,
        name: row.text("name")?,
        owner: Owner {
            team: row.text("owner_team")?,
            contact: row.text("owner_contact")?,
        },
        origin: row.word("origin", Origin::parse)?,
        migration,
        exemption: exemption(row)?,
        last_certificate_ends: row.maybe_at("last_certificate_ends")?,
        exchanges: row.count("exchanges")?,
        calls: row.count("calls")?,
        created_at: row.at("created_at")?,
        wave: row.maybe_parsed("wave")?,
    })
}
