//! People, and what they prove themselves by.

use countersign_model::{InstallationRole, Person, SignInName};
use countersign_wire::PersonId;
use sqlx::query;

use crate::db::{Reads, Sealed as _, Write};
use crate::error::Error;
use crate::page::Page;
use crate::row::{Row, disabled_at};

const TABLE: &str = "people";

/// What a person proves herself by, as it is stored.
#[derive(Clone, Eq, PartialEq)]
pub struct Proof {
    /// The slow hash of the password, in PHC form; none for who signs in at a provider only.
    pub password: Option<String>,
    /// The sealed key of the second factor, if there is one.
    pub totp: Option<String>,
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Proof")
    }
}

/// The person of that id.
///
/// # Errors
/// [`Error`].
pub async fn find(r: &mut impl Reads, id: &PersonId) -> Result<Option<Person>, Error> {
    const FIND: &str = "
        SELECT id, sign_in_name, name, installation, disabled_at, created_at, revision
        FROM people
        WHERE id = $1";
    let found = query(FIND).bind(id.as_str());
    r.session().find(TABLE, found, read).await
}

/// The person of that sign-in name, and what she proves herself by.
///
/// # Errors
/// [`Error`].
pub async fn find_by_name(
    r: &mut impl Reads,
    name: &SignInName,
) -> Result<Option<(Person, Proof)>, Error> {
    const FIND: &str = "
        SELECT id, sign_in_name, name, installation, password, totp, disabled_at, created_at,
            revision
        FROM people
        WHERE sign_in_name = $1";
    let found = query(FIND).bind(name.as_str().to_owned());
    r.session()
        .find(TABLE, found, |row| Ok((read(row)?, proof(row)?)))
        .await
}

/// The person of that id, and what she proves herself by.
///
/// # Errors
/// [`Error`].
pub async fn find_with_proof(
    r: &mut impl Reads,
    id: &PersonId,
) -> Result<Option<(Person, Proof)>, Error> {
    const FIND: &str = "
        SELECT id, sign_in_name, name, installation, password, totp, disabled_at, created_at,
            revision
        FROM people
        WHERE id = $1";
    let found = query(FIND).bind(id.as_str());
    r.session()
        .find(TABLE, found, |row| Ok((read(row)?, proof(row)?)))
        .await
}

/// What a person proves herself by.
///
/// # Errors
/// [`Error`].
pub async fn find_proof(r: &mut impl Reads, id: &PersonId) -> Result<Option<Proof>, Error> {
    const FIND: &str = "SELECT id, password, totp FROM people WHERE id = $1";
    let found = query(FIND).bind(id.as_str());
    r.session().find(TABLE, found, proof).await
}

/// People by id; the id is the key of the page.
///
/// # Errors
/// [`Error`].
pub async fn list(r: &mut impl Reads, page: &Page) -> Result<Vec<Person>, Error> {
    const LIST: &str = "
        SELECT id, sign_in_name, name, installation, disabled_at, created_at, revision
        FROM people
        WHERE id > $1
        ORDER BY id
        LIMIT $2";
    let listed = query(LIST).bind(page.start()).bind(page.size());
    r.session().list(TABLE, listed, read).await
}

/// Adds a person, with a password if she has one.
///
/// # Errors
/// [`Error::Duplicate`] when somebody has that sign-in name.
pub async fn insert(w: &mut Write, person: &Person, password: Option<&str>) -> Result<(), Error> {
    const INSERT: &str = "
        INSERT INTO people
            (id, sign_in_name, name, installation, password, totp, totp_step, disabled_at,
             created_at, revision)
        VALUES ($1, $2, $3, $4, $5, NULL, 0, $6, $7, $8)";
    let insert = query(INSERT)
        .bind(person.id.as_str())
        .bind(person.sign_in_name.as_str().to_owned())
        .bind(&*person.name)
        .bind(person.installation.as_str())
        .bind(password.unwrap_or_default().to_owned())
        .bind(disabled_at(person.state))
        .bind(person.created_at.as_millis())
        .bind(person.revision);
    w.session().execute(insert).await.map(|_| ())
}

/// Saves name, role and state, and counts the revision up by one.
///
/// # Errors
/// [`Error::Conflict`] unless `person.revision` is the stored one.
pub async fn save(w: &mut Write, person: &Person) -> Result<(), Error> {
    const SAVE: &str = "
        UPDATE people
        SET name = $3, installation = $4, disabled_at = $5, revision = revision + 1
        WHERE id = $1 AND revision = $2";
    let save = query(SAVE)
        .bind(person.id.as_str())
        .bind(person.revision)
        .bind(&*person.name)
        .bind(person.installation.as_str())
        .bind(disabled_at(person.state));
    w.session().change_one(save).await
}

/// Has everybody wait who changes what a person proves herself by: two who take away one way in each
/// must not both leave the other.
///
/// # Errors
/// [`Error::Conflict`] when the person is gone.
pub async fn hold(w: &mut Write, id: &PersonId) -> Result<(), Error> {
    const HOLD: &str = "UPDATE people SET revision = revision + 1 WHERE id = $1";
    w.session().change_one(query(HOLD).bind(id.as_str())).await
}

/// Replaces the password.
///
/// # Errors
/// [`Error::Conflict`] when the person is gone.
pub async fn set_password(w: &mut Write, id: &PersonId, password: &str) -> Result<(), Error> {
    const SET: &str = "UPDATE people SET password = $2, revision = revision + 1 WHERE id = $1";
    let set = query(SET).bind(id.as_str()).bind(password.to_owned());
    w.session().change_one(set).await
}

/// Sets or takes away the sealed key of the second factor, with the time step whose code showed
/// that the person has the key.
///
/// # Errors
/// [`Error::Conflict`] when the person is gone.
pub async fn set_totp(
    w: &mut Write,
    id: &PersonId,
    totp: Option<&str>,
    step: i64,
) -> Result<(), Error> {
    const SET: &str = "
        UPDATE people
        SET totp = $2, totp_step = $3, revision = revision + 1
        WHERE id = $1";
    let set = query(SET)
        .bind(id.as_str())
        .bind(totp.map(str::to_owned))
        .bind(step);
    w.session().change_one(set).await
}

/// Uses up the code of a time step; of two who use it at once, one does.
///
/// # Errors
/// [`Error::Conflict`] when this code or a later one was used.
pub async fn use_totp_step(w: &mut Write, id: &PersonId, step: i64) -> Result<(), Error> {
    const USE: &str = "UPDATE people SET totp_step = $2 WHERE id = $1 AND totp_step < $2";
    w.session()
        .change_one(query(USE).bind(id.as_str()).bind(step))
        .await
}

pub(crate) fn read(row: &Row<'_>) -> Result<Person, Error> {
    Ok(Person {
        id: row.parsed("id")?,
        sign_in_name: row.parsed("sign_in_name")?,
        name: row.text("name")?,
        installation: row.word("installation", InstallationRole::parse)?,
        state: row.state()?,
        created_at: row.at("created_at")?,
        revision: row.number("revision")?,
    })
}

fn proof(row: &Row<'_>) -> Result<Proof, Error> {
    Ok(Proof {
        password: Some(row.text("password")?).filter(|hash| !hash.is_empty()),
        totp: row.maybe_text("totp")?,
    })
}
