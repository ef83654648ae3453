//! Sessions of people: found by what the browser shows, used, listed, ended.
//! Source: `spec/security.md` CON-02 to CON-06.

use std::net::IpAddr;
use std::time::Duration;

use countersign_model::{InstallationRole, Membership, Person, State};
use countersign_store::sessions::{SessionRecord, Stage};
use countersign_store::{self as store, Write};
use countersign_wire::{Opaque, OrgId, SessionId, Timestamp};
use serde_json::json;
use subtle::ConstantTimeEq as _;

use crate::Authority;
use crate::actor::Actor;
use crate::clock::random;
use crate::error::ManageError;
use crate::master_key::Mark;

/// A session that nobody uses ends after this time.
pub const IDLE: Duration = Duration::from_secs(30 * 60);
/// Every session ends after this time.
pub const LONGEST: Duration = Duration::from_secs(12 * 3600);
/// How long ago a person may have proved who she is, for the things that ask for it.
pub const CONFIRMED_FOR: Duration = Duration::from_secs(10 * 60);
/// A sign-in that waits for its code ends after this time.
const HALF: Duration = Duration::from_secs(5 * 60);
/// Use is noted this seldom: a page with many parts is one write.
const NOTE_EVERY: Duration = Duration::from_secs(60);

/// Where a person sits.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// The address.
    pub source: IpAddr,
    /// What the browser calls itself; cut to what a list can show.
    pub agent: String,
}

/// A session that lives, with its person as she is now.
#[derive(Clone, Debug)]
pub struct Session {
    record: SessionRecord,
    person: Person,
    memberships: Vec<Membership>,
    has_password: bool,
    form_token: String,
    source: IpAddr,
}

/// A session that began, and what the browser shows from now on.
#[derive(Debug)]
pub struct NewSession {
    /// For the cookie; stored as a digest only.
    pub cookie: Opaque,
    /// The session.
    pub session: SessionRecord,
}

impl Session {
    /// Names it in the list of the person's sessions.
    #[must_use]
    pub fn id(&self) -> &SessionId {
        &self.record.id
    }

    /// Whose it is.
    #[must_use]
    pub fn person(&self) -> &Person {
        &self.person
    }

    /// Where the person is a member; memberships that were switched off are left out.
    #[must_use]
    pub fn memberships(&self) -> &[Membership] {
        &self.memberships
    }

    /// The organization that the person works in: the one chosen last, else the one that she has
    /// been a member of for longest.
    #[must_use]
    pub fn organization(&self) -> Option<&OrgId> {
        let chosen = self.record.org_id.as_ref();
        let mut all = self.memberships.iter();
        let found = all.clone().find(|member| Some(&member.org_id) == chosen);
        let found = found.or_else(|| all.by_ref().min_by_key(|member| member.created_at));
        found.map(|member| &member.org_id)
    }

    /// The person as a member of that organization, if she is one.
    #[must_use]
    pub fn actor(&self, org: &OrgId) -> Option<Actor> {
        let membership = self.memberships.iter().find(|m| m.org_id == *org)?;
        Some(Actor::member(written(&self.person), membership.clone()).from(self.source))
    }

    /// The person as one who runs the installation, if she does.
    #[must_use]
    pub fn installation_actor(&self) -> Option<Actor> {
        (self.person.installation == InstallationRole::Operator)
            .then(|| Actor::installation(written(&self.person), self.person.id.clone()))
            .map(|actor| actor.from(self.source))
    }

    /// Whether the person proved who she is so lately that she need not do it again (CON-05).
    #[must_use]
    pub fn is_confirmed(&self, now: Timestamp) -> bool {
        now < self.record.confirmed_at.plus(CONFIRMED_FOR)
    }

    /// Whether the person has a password to prove that by; whoever has none does it at a provider.
    #[must_use]
    pub fn has_password(&self) -> bool {
        self.has_password
    }

    /// What every form of the session carries.
    #[must_use]
    pub fn form_token(&self) -> &str {
        &self.form_token
    }

    /// Whether a form came with the session's own token.
    #[must_use]
    pub fn accepts_form(&self, token: &str) -> bool {
        self.form_token.as_bytes().ct_eq(token.as_bytes()).into()
    }

    pub(crate) fn source(&self) -> IpAddr {
        self.source
    }
}

/// How a person is written down.
pub(crate) fn written(person: &Person) -> String {
    format!("person:{}", person.sign_in_name)
}

impl Authority {
    /// The session of a cookie, if it lives; notes that it was used.
    ///
    /// # Errors
    /// [`ManageError::Store`].
    pub async fn find_session(
        &self,
        cookie: &str,
        source: IpAddr,
    ) -> Result<Option<Session>, ManageError> {
        let now = self.clock.now();
        let digest = self.master_key.mark(Mark::Session, cookie);
        let mut read = self.store.read().await?;
        let found = store::sessions::find(&mut read, &digest).await?;
        let Some(record) = found.filter(|r| r.stage == Stage::Whole && is_live(r, now)) else {
            return Ok(None);
        };
        let found = store::people::find_with_proof(&mut read, &record.person_id).await?;
        let Some((person, proof)) = found.filter(|(person, _)| person.state.is_enabled()) else {
            return Ok(None);
        };
        let mut memberships = store::members::of_person(&mut read, &person.id).await?;
        memberships.retain(|membership| membership.state.is_enabled());
        drop(read);
        let mut session = Session {
            has_password: proof.password.is_some(),
            form_token: self.master_key.mark(Mark::Form, cookie),
            record,
            person,
            memberships,
            source,
        };
        if now.since(session.record.seen_at) >= NOTE_EVERY {
            session.record.seen_at = now;
            match self.save_session(&session.record).await {
                Ok(()) => {}
                Err(ManageError::NoSession) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        Ok(Some(session))
    }

    /// The sign-in that waits for its code, if it lives.
    pub(crate) async fn find_half_session(
        &self,
        cookie: &str,
    ) -> Result<SessionRecord, ManageError> {
        let now = self.clock.now();
        let digest = self.master_key.mark(Mark::Session, cookie);
        let mut read = self.store.read().await?;
        let found = store::sessions::find(&mut read, &digest).await?;
        let half = |record: &SessionRecord| {
            record.stage == Stage::Half && now < record.created_at.plus(HALF)
        };
        found.filter(half).ok_or(ManageError::NoSession)
    }

    /// Makes the person work in another organization of hers.
    ///
    /// # Errors
    /// [`ManageError::NoOrganization`] for one that she is no member of.
    pub async fn switch_organization(
        &self,
        session: &Session,
        org: &OrgId,
    ) -> Result<(), ManageError> {
        session.actor(org).ok_or(ManageError::NoOrganization)?;
        let record = SessionRecord {
            org_id: Some(org.clone()),
            ..session.record.clone()
        };
        self.save_session(&record).await
    }

    /// The sessions of the person that live, the own one among them.
    ///
    /// # Errors
    /// [`ManageError::Store`].
    pub async fn list_sessions(
        &self,
        session: &Session,
    ) -> Result<Vec<SessionRecord>, ManageError> {
        let now = self.clock.now();
        let mut read = self.store.read().await?;
        let mut all = store::sessions::list(&mut read, &session.person.id).await?;
        all.retain(|record| record.stage == Stage::Whole && is_live(record, now));
        Ok(all)
    }

    /// Ends a session of the person: the own one is how she signs out.
    ///
    /// # Errors
    /// [`ManageError::NoSession`].
    pub async fn end_session(&self, session: &Session, id: &SessionId) -> Result<(), ManageError> {
        let person = &session.person;
        let now = self.clock.now();
        let actor = person_actor(session);
        store::retry(|| async {
            let mut write = self.store.write().await?;
            let deleted = store::sessions::delete(&mut write, &person.id, id).await;
            gone(deleted, ManageError::NoSession)?;
            let event = actor.event(now, None, "session.ended", id.as_str(), &json!({}));
            store::audit::append(&mut write, &event).await?;
            write.commit().await?;
            Ok::<_, ManageError>(())
        })
        .await
    }

    /// Begins a session in a transaction.
    pub(crate) async fn begin_session(
        &self,
        write: &mut Write,
        person: &Person,
        stage: Stage,
        visitor: &Visitor,
    ) -> Result<NewSession, ManageError> {
        let now = self.clock.now();
        self.begin_session_confirmed(write, person, stage, visitor, now)
            .await
    }

    /// Begins a session in a transaction, of a person who proved who she is at another time.
    pub(crate) async fn begin_session_confirmed(
        &self,
        write: &mut Write,
        person: &Person,
        stage: Stage,
        visitor: &Visitor,
        confirmed_at: Timestamp,
    ) -> Result<NewSession, ManageError> {
        let now = self.clock.now();
        let cookie = random_code()?;
        let session = SessionRecord {
            id: SessionId::from_random(random()?),
            person_id: person.id.clone(),
            org_id: None,
            stage,
            source: visitor.source.to_canonical().to_string(),
            agent: visitor.agent.chars().take(200).collect(),
            created_at: now,
            seen_at: now,
            confirmed_at,
        };
        let digest = self.master_key.mark(Mark::Session, cookie.expose());
        store::sessions::insert(write, &session, &digest).await?;
        Ok(NewSession { cookie, session })
    }

    pub(crate) async fn save_session(&self, record: &SessionRecord) -> Result<(), ManageError> {
        store::retry(|| async {
            let mut write = self.store.write().await?;
            let saved = store::sessions::save(&mut write, record).await;
            gone(saved, ManageError::NoSession)?;
            write.commit().await?;
            Ok::<_, ManageError>(())
        })
        .await
    }

    /// Notes that the person proved who she is, just now.
    pub(crate) async fn note_confirmed(&self, session: &Session) -> Result<(), ManageError> {
        let now = self.clock.now();
        let record = SessionRecord {
            confirmed_at: now,
            seen_at: now,
            ..session.record.clone()
        };
        self.save_session(&record).await
    }
}

/// The person as herself: what she does to her own sign-in.
pub(crate) fn person_actor(session: &Session) -> Actor {
    Actor::witness(written(&session.person)).from(session.source)
}

/// 256 bits of chance, as they travel in cookies and links.
pub(crate) fn random_code() -> Result<Opaque, ManageError> {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let bytes = zeroize::Zeroizing::new(random::<32>()?);
    Ok(Opaque::new(URL_SAFE_NO_PAD.encode(bytes.as_slice())))
}

/// A row that somebody else took away is no lost race: doing it again finds it gone, too.
pub(crate) fn gone<T>(
    done: Result<T, store::Error>,
    missing: ManageError,
) -> Result<T, ManageError> {
    match done {
        Err(store::Error::Conflict) => Err(missing),
        done => Ok(done?),
    }
}

fn is_live(record: &SessionRecord, now: Timestamp) -> bool {
    now < record.seen_at.plus(IDLE) && now < record.created_at.plus(LONGEST)
}

/// Whether a person who is in that state can sign in.
pub(crate) fn can_sign_in(person: &Person) -> bool {
    person.state == State::Enabled
}
