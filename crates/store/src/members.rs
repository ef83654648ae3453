//! Who is a member of which organization, and as what.

use std::collections::HashMap;

use countersign_model::{Membership, Person, Role, SignInName};
use countersign_wire::{OrgId, PersonId, ProfileId};
use sqlx::query;

use crate::db::{Query, Reads, Sealed as _, Session, Write};
use crate::error::Error;
use crate::page::Page;
use crate::people;
use crate::row::{Row, disabled_at};

const TABLE: &str = "memberships";

/// The membership of a person in an organization.
///
/// # Errors
/// [`Error`].
pub async fn find(
    r: &mut impl Reads,
    org_id: &OrgId,
    person_id: &PersonId,
) -> Result<Option<Membership>, Error> {
    const FIND: &str = "
        SELECT person_id, org_id, role, disabled_at, created_at, revision
        FROM memberships
        WHERE org_id = $1 AND person_id = $2";
    const PROFILES: &str = "
        SELECT person_id, org_id, profile_id
        FROM membership_profiles
        WHERE org_id = $1 AND person_id = $2
        ORDER BY position";
    let bind = |text| query(text).bind(org_id.as_str()).bind(person_id.as_str());
    let found = r.session().list(TABLE, bind(FIND), read).await?;
    let found = attach(r.session(), bind(PROFILES), found).await?;
    Ok(found.into_iter().next())
}

/// The memberships of a person, by organization.
///
/// # Errors
/// [`Error`].
pub async fn of_person(r: &mut impl Reads, id: &PersonId) -> Result<Vec<Membership>, Error> {
    const LIST: &str = "
        SELECT person_id, org_id, role, disabled_at, created_at, revision
        FROM memberships
        WHERE person_id = $1
        ORDER BY org_id";
    const PROFILES: &str = "
        SELECT person_id, org_id, profile_id
        FROM membership_profiles
        WHERE person_id = $1
        ORDER BY position";
    let bind = |text| query(text).bind(id.as_str());
    let found = r.session().list(TABLE, bind(LIST), read).await?;
    attach(r.session(), bind(PROFILES), found).await
}

/// The members of an organization by person's id, which is the key of the page.
///
/// # Errors
/// [`Error`].
pub async fn list(
    r: &mut impl Reads,
    org_id: &OrgId,
    page: &Page,
) -> Result<Vec<(Person, Membership)>, Error> {
    const LIST: &str = "
        SELECT p.id AS id, p.sign_in_name AS sign_in_name, p.name AS name,
            p.installation AS installation, p.disabled_at AS disabled_at,
            p.created_at AS created_at, p.revision AS revision,
            m.person_id AS m_person_id, m.org_id AS m_org_id, m.role AS m_role,
            m.disabled_at AS m_disabled_at, m.created_at AS m_created_at,
            m.revision AS m_revision
        FROM memberships m
        JOIN people p ON p.id = m.person_id
        WHERE m.org_id = $1 AND m.person_id > $2
        ORDER BY m.person_id
        LIMIT $3";
    const PROFILES: &str = "
        SELECT person_id, org_id, profile_id
        FROM membership_profiles
        WHERE org_id = $1
        ORDER BY position";
    let listed = query(LIST)
        .bind(org_id.as_str())
        .bind(page.start())
        .bind(page.size());
    let both = |row: &Row<'_>| Ok((people::read(row)?, read(&row.part(TABLE, "m_"))?));
    let found = r.session().list("people", listed, both).await?;
    let (people, members): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    let profiles = query(PROFILES).bind(org_id.as_str());
    let members = attach(r.session(), profiles, members).await?;
    Ok(people.into_iter().zip(members).collect())
}

/// The System Administrators of an organization who can sign in, by name.
///
/// # Errors
/// [`Error`].
pub async fn administrators(r: &mut impl Reads, org_id: &OrgId) -> Result<Vec<SignInName>, Error> {
    const LIST: &str = "
        SELECT p.id AS id, p.sign_in_name AS sign_in_name
        FROM memberships m
        JOIN people p ON p.id = m.person_id
        WHERE m.org_id = $1 AND m.role = 'system_administrator' AND m.disabled_at IS NULL
            AND p.disabled_at IS NULL
        ORDER BY p.sign_in_name";
    let listed = query(LIST).bind(org_id.as_str());
    let name = |row: &Row<'_>| row.word("sign_in_name", |text| SignInName::parse(text).ok());
    r.session().list("people", listed, name).await
}

/// Adds a member.
///
/// # Errors
/// [`Error::Duplicate`] when the person is one already.
pub async fn insert(w: &mut Write, membership: &Membership) -> Result<(), Error> {
    const INSERT: &str = "
        INSERT INTO memberships (org_id, person_id, role, disabled_at, created_at, revision)
        VALUES ($1, $2, $3, $4, $5, $6)";
    let insert = query(INSERT)
        .bind(membership.org_id.as_str())
        .bind(membership.person_id.as_str())
        .bind(membership.role.as_str())
        .bind(disabled_at(membership.state))
        .bind(membership.created_at.as_millis())
        .bind(membership.revision);
    w.session().execute(insert).await?;
    insert_profiles(w.session(), membership).await
}

/// Saves role, profiles and state, and counts the revision up by one.
///
/// # Errors
/// [`Error::Conflict`] unless `membership.revision` is the stored one.
pub async fn save(w: &mut Write, membership: &Membership) -> Result<(), Error> {
    const SAVE: &str = "
        UPDATE memberships
        SET role = $4, disabled_at = $5, revision = revision + 1
        WHERE org_id = $1 AND person_id = $2 AND revision = $3";
    const CLEAR: &str = "DELETE FROM membership_profiles WHERE org_id = $1 AND person_id = $2";
    let save = query(SAVE)
        .bind(membership.org_id.as_str())
        .bind(membership.person_id.as_str())
        .bind(membership.revision)
        .bind(membership.role.as_str())
        .bind(disabled_at(membership.state));
    let clear = query(CLEAR)
        .bind(membership.org_id.as_str())
        .bind(membership.person_id.as_str());
    let session = w.session();
    session.change_one(save).await?;
    session.execute(clear).await?;
    insert_profiles(session, membership).await
}

/// Ends a membership, and the access tokens that act through it.
///
/// # Errors
/// [`Error::Conflict`] unless `membership.revision` is the stored one.
pub async fn delete(w: &mut Write, membership: &Membership) -> Result<(), Error> {
    const DELETE: &str = "
        DELETE FROM memberships
        WHERE org_id = $1 AND person_id = $2 AND revision = $3";
    let delete = query(DELETE)
        .bind(membership.org_id.as_str())
        .bind(membership.person_id.as_str())
        .bind(membership.revision);
    w.session().change_one(delete).await
}

/// Makes everybody wait who changes a System Administrator of the organization, and says how many
/// there are who can act: two who resign at once must not both be the last but one.
///
/// # Errors
/// [`Error`].
pub async fn hold_administrators(w: &mut Write, org_id: &OrgId) -> Result<u64, Error> {
    const HOLD: &str = "
        UPDATE memberships
        SET revision = revision + 1
        WHERE org_id = $1 AND role = 'system_administrator' AND disabled_at IS NULL";
    w.session().execute(query(HOLD).bind(org_id.as_str())).await
}

async fn insert_profiles(session: &mut Session, membership: &Membership) -> Result<(), Error> {
    const INSERT: &str = "
        INSERT INTO membership_profiles (org_id, person_id, profile_id, position)
        VALUES ($1, $2, $3, $4)";
    for (position, profile) in (0_i64..).zip(&membership.profiles) {
        let insert = query(INSERT)
            .bind(membership.org_id.as_str())
            .bind(membership.person_id.as_str())
            .bind(profile.as_str())
            .bind(position);
        session.execute(insert).await?;
    }
    Ok(())
}

/// Gives every membership its profiles.
async fn attach(
    session: &mut Session,
    profiles: Query,
    mut memberships: Vec<Membership>,
) -> Result<Vec<Membership>, Error> {
    if memberships.is_empty() {
        return Ok(memberships);
    }
    let rows = session
        .list("membership_profiles", profiles, |row| {
            let key: (PersonId, OrgId) = (row.parsed("person_id")?, row.parsed("org_id")?);
            Ok((key, row.parsed::<ProfileId>("profile_id")?))
        })
        .await?;
    let mut by_member: HashMap<(PersonId, OrgId), Vec<ProfileId>> = HashMap::new();
    for (key, profile) in rows {
        by_member.entry(key).or_default().push(profile);
    }
    for membership in &mut memberships {
        let key = (membership.person_id.clone(), membership.org_id.clone());
        membership.profiles = by_member.remove(&key).unwrap_or_default();
    }
    Ok(memberships)
}

fn read(row: &Row<'_>) -> Result<Membership, Error> {
    Ok(Membership {
        person_id: row.parsed("person_id")?,
        org_id: row.parsed("org_id")?,
        role: row.word("role", Role::parse)?,
        profiles: Vec::new(),
        state: row.state()?,
        created_at: row.at("created_at")?,
        revision: row.number("revision")?,
    })
}
