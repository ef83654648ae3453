//! People sign in: a password, and a code where the person has a device that shows one.
//! Source: `spec/security.md` CON-05, CON-11, CON-13.

use std::net::IpAddr;

use countersign_model::{Person, SignInName, password};
use countersign_store::people::Proof;
use countersign_store::sessions::{SessionRecord, Stage};
use countersign_store::{self as store, Write};
use countersign_wire::{Opaque, PersonId};
use serde_json::json;

use crate::Authority;
use crate::actor::Actor;
use crate::clock::random;
use crate::error::ManageError;
use crate::sessions::{NewSession, Session, Visitor, can_sign_in, gone, person_actor, written};
use crate::totp;

/// What a right password leads to.
#[derive(Debug)]
pub enum SignedIn {
    /// The person is signed in.
    Whole(NewSession),
    /// The person has a device: its code is still to come, with this cookie, within five minutes.
    CodeNeeded(NewSession),
}

/// Why somebody was not signed in. One answer for unknown names, disabled people and wrong
/// passwords.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Not a person with this password.
    #[error("the name or the password is wrong: check both, and whether Caps Lock is on")]
    Refused,
    /// Not the code that the device shows now.
    #[error(transparent)]
    Code(ManageError),
    /// The sign-in took too long, or was used already.
    #[error("this sign-in took too long: begin again with your password")]
    TooLate,
    /// Too many failures.
    #[error("too many wrong passwords or codes from here: wait five minutes, then try again")]
    Throttled,
    /// Cannot be decided now.
    #[error(transparent)]
    Unavailable(ManageError),
}

impl From<ManageError> for SignInError {
    fn from(error: ManageError) -> Self {
        match error {
            ManageError::NoSession => Self::TooLate,
            ManageError::Throttled => Self::Throttled,
            ManageError::WrongCode => Self::Code(error),
            error => Self::Unavailable(error),
        }
    }
}

/// A device that is being added: what to show, and what comes back with its first code.
#[derive(Debug)]
pub struct NewDevice {
    /// The key as people type it.
    pub key: Opaque,
    /// The key as authenticator programs read it: `otpauth://totp/..`.
    pub address: Opaque,
    /// The key, sealed for this person; a form may carry it.
    pub sealed: String,
}

impl Authority {
    /// Signs a person in who has no device, or asks the one who has for the code. Costs the same
    /// whether there is such a person or not.
    ///
    /// # Errors
    /// [`SignInError`].
    pub async fn sign_in(
        &self,
        name: &str,
        password: Opaque,
        visitor: &Visitor,
    ) -> Result<SignedIn, SignInError> {
        let name = SignInName::parse(name).ok();
        let source = visitor.source;
        if self.people_throttle.is_exhausted(source, name.as_ref()) {
            return Err(SignInError::Throttled);
        }
        let found = self.find_by_name(name.as_ref()).await?;
        tokio::time::sleep(self.people_throttle.delay(name.as_ref())).await;
        let hash = found
            .as_ref()
            .and_then(|(_, proof)| proof.password.as_deref());
        let right = self.is_password(hash, password).await?;
        let Some((person, proof)) = found.filter(|(person, _)| right && can_sign_in(person)) else {
            self.people_throttle.count(source, name.as_ref());
            self.note_sign_in(name.as_ref(), "sign_in.failed", source)
                .await?;
            return Err(SignInError::Refused);
        };
        match proof.totp {
            Some(_) => Ok(SignedIn::CodeNeeded(
                self.open_session(&person, Stage::Half, visitor).await?,
            )),
            None => Ok(SignedIn::Whole(
                self.open_session(&person, Stage::Whole, visitor).await?,
            )),
        }
    }

    /// Signs in the person whose password was right, now that the code is here. The session that
    /// comes of it has a cookie of its own.
    ///
    /// # Errors
    /// [`SignInError`].
    pub async fn enter_code(
        &self,
        cookie: &str,
        code: &str,
        visitor: &Visitor,
    ) -> Result<NewSession, SignInError> {
        let half = self.find_half_session(cookie).await?;
        let mut read = self.store.read().await.map_err(ManageError::from)?;
        let person = store::people::find(&mut read, &half.person_id).await;
        drop(read);
        let person = person.map_err(ManageError::from)?;
        let person = person.filter(can_sign_in).ok_or(SignInError::TooLate)?;
        if let Err(error) = self.use_code(&person.id, code).await {
            self.note_sign_in(
                Some(&person.sign_in_name),
                "sign_in.code_refused",
                visitor.source,
            )
            .await?;
            return Err(error.into());
        }
        let actor = Actor::witness(written(&person)).from(visitor.source);
        let begun = store::retry(|| async {
            let mut write = self.store.write().await?;
            let deleted = store::sessions::delete(&mut write, &person.id, &half.id).await;
            gone(deleted, ManageError::NoSession)?;
            let begun = self
                .begin_session(&mut write, &person, Stage::Whole, visitor)
                .await?;
            let now = self.clock.now();
            let subject = begun.session.id.as_str();
            let event = actor.event(
                now,
                None,
                "sign_in.succeeded",
                subject,
                &json!({"code": true}),
            );
            store::audit::append(&mut write, &event).await?;
            write.commit().await?;
            Ok::<_, ManageError>(begun)
        })
        .await?;
        Ok(begun)
    }

    /// Has the person prove once more who she is, before something that deserves it (CON-05).
    ///
    /// # Errors
    /// [`ManageError::WrongPassword`], [`ManageError::Throttled`].
    pub async fn confirm(&self, session: &Session, password: Opaque) -> Result<(), ManageError> {
        self.check_password(session, password).await?;
        self.note_confirmed(session).await
    }

    /// Changes the person's password, and ends her other sessions.
    ///
    /// # Errors
    /// [`ManageError::WrongPassword`], [`ManageError::Password`].
    pub async fn change_password(
        &self,
        session: &Session,
        old: Opaque,
        new: Opaque,
    ) -> Result<(), ManageError> {
        self.check_password(session, old).await?;
        self.replace_password(session, new).await
    }

    /// Gives a password to a person who has none and has just proved who she is, and ends her other
    /// sessions.
    ///
    /// # Errors
    /// [`ManageError::WrongPassword`] for who has one, or proved it too long ago;
    /// [`ManageError::Password`].
    pub async fn set_first_password(
        &self,
        session: &Session,
        new: Opaque,
    ) -> Result<(), ManageError> {
        let is_confirmed = session.is_confirmed(self.clock.now());
        if session.has_password() || !is_confirmed {
            return Err(ManageError::WrongPassword);
        }
        self.replace_password(session, new).await
    }

    async fn replace_password(&self, session: &Session, new: Opaque) -> Result<(), ManageError> {
        let person = session.person();
        password::check(new.expose(), &person.sign_in_name)?;
        let hash = self.hash_password(new).await?;
        let actor = person_actor(session);
        let others = self.list_sessions(session).await?;
        store::retry(|| async {
            let mut write = self.store.write().await?;
            store::people::set_password(&mut write, &person.id, &hash).await?;
            end_others(&mut write, session, &others).await?;
            let now = self.clock.now();
            let id = person.id.as_str();
            let event = actor.event(now, None, "person.password_changed", id, &json!({}));
            store::audit::append(&mut write, &event).await?;
            write.commit().await?;
            Ok::<_, ManageError>(())
        })
        .await
    }

    /// Makes a key for a device. Nothing changes before [`add_device`](Self::add_device).
    ///
    /// # Errors
    /// [`ManageError::NoRandomness`], [`ManageError::Seal`].
    pub fn new_device(&self, session: &Session) -> Result<NewDevice, ManageError> {
        let key = zeroize::Zeroizing::new(random::<{ totp::KEY_BYTES }>()?);
        let sealed = self
            .master_key
            .seal(&offer(&session.person().id), key.as_slice())?;
        Ok(shown_device(session, key.as_slice(), sealed))
    }

    /// The device that was made for this person a moment ago, and is shown again because its code
    /// was mistyped.
    ///
    /// # Errors
    /// [`ManageError::WrongCode`] when it was made for somebody else.
    pub fn offered_device(
        &self,
        session: &Session,
        sealed: &str,
    ) -> Result<NewDevice, ManageError> {
        let key = self.master_key.open(&offer(&session.person().id), sealed);
        let key = key.map_err(|_| ManageError::WrongCode)?;
        Ok(shown_device(session, &key, sealed.to_owned()))
    }

    /// Adds the device whose key was made for this person, once it has shown its first code. A
    /// device that she had before shows nothing of use any more.
    ///
    /// # Errors
    /// [`ManageError::WrongCode`].
    pub async fn add_device(
        &self,
        session: &Session,
        sealed: &str,
        code: &str,
    ) -> Result<(), ManageError> {
        let person = session.person();
        let key = self.master_key.open(&offer(&person.id), sealed);
        let key = key.map_err(|_| ManageError::WrongCode)?;
        let step = totp::step_of(&key, code, self.clock.now()).ok_or(ManageError::WrongCode)?;
        let kept = self.master_key.seal(&device(&person.id), &key)?;
        self.set_device(session, Some(&kept), step, "person.device_added")
            .await
    }

    /// Takes the person's device away: her password alone lets her in again.
    ///
    /// # Errors
    /// [`ManageError::WrongPassword`], [`ManageError::Throttled`].
    pub async fn remove_device(
        &self,
        session: &Session,
        password: Opaque,
    ) -> Result<(), ManageError> {
        self.check_password(session, password).await?;
        self.set_device(session, None, 0, "person.device_removed")
            .await
    }

    /// Whether the person has a device.
    ///
    /// # Errors
    /// [`ManageError::Store`].
    pub async fn has_device(&self, session: &Session) -> Result<bool, ManageError> {
        let mut read = self.store.read().await?;
        let proof = store::people::find_proof(&mut read, &session.person().id).await?;
        Ok(proof.is_some_and(|proof| proof.totp.is_some()))
    }

    async fn set_device(
        &self,
        session: &Session,
        sealed: Option<&str>,
        step: i64,
        action: &str,
    ) -> Result<(), ManageError> {
        let id = &session.person().id;
        let actor = person_actor(session);
        store::retry(|| async {
            let mut write = self.store.write().await?;
            store::people::set_totp(&mut write, id, sealed, step).await?;
            let event = actor.event(self.clock.now(), None, action, id.as_str(), &json!({}));
            store::audit::append(&mut write, &event).await?;
            write.commit().await?;
            Ok::<_, ManageError>(())
        })
        .await
    }

    pub(crate) async fn find_by_name(
        &self,
        name: Option<&SignInName>,
    ) -> Result<Option<(Person, Proof)>, ManageError> {
        let mut read = self.store.read().await?;
        match name {
            Some(name) => Ok(store::people::find_by_name(&mut read, name).await?),
            None => Ok(None),
        }
    }

    async fn check_password(&self, session: &Session, shown: Opaque) -> Result<(), ManageError> {
        let (person, source) = (session.person(), session.source());
        let name = Some(&person.sign_in_name);
        if self.people_throttle.is_exhausted(source, name) {
            return Err(ManageError::Throttled);
        }
        let mut read = self.store.read().await?;
        let proof = store::people::find_proof(&mut read, &person.id).await?;
        drop(read);
        let hash = proof.as_ref().and_then(|proof| proof.password.as_deref());
        if self.is_password(hash, shown).await? {
            return Ok(());
        }
        self.people_throttle.count(source, name);
        self.note_sign_in(name, "sign_in.confirmation_failed", source)
            .await?;
        Err(ManageError::WrongPassword)
    }

    /// Takes a code, once.
    async fn use_code(&self, person: &PersonId, code: &str) -> Result<(), ManageError> {
        if self.people_throttle.is_code_exhausted(person) {
            return Err(ManageError::Throttled);
        }
        let mut read = self.store.read().await?;
        let proof = store::people::find_proof(&mut read, person).await?;
        drop(read);
        let sealed = proof.and_then(|proof| proof.totp);
        let sealed = sealed.ok_or(ManageError::NoSession)?;
        let key = self.master_key.open(&device(person), &sealed)?;
        let step = totp::step_of(&key, code, self.clock.now());
        let used = match step {
            Some(step) => {
                store::retry(|| async {
                    let mut write = self.store.write().await?;
                    let used = store::people::use_totp_step(&mut write, person, step).await;
                    gone(used, ManageError::WrongCode)?;
                    write.commit().await?;
                    Ok::<_, ManageError>(())
                })
                .await
            }
            None => Err(ManageError::WrongCode),
        };
        if matches!(used, Err(ManageError::WrongCode)) {
            self.people_throttle.count_code(person);
        }
        used
    }

    async fn open_session(
        &self,
        person: &Person,
        stage: Stage,
        visitor: &Visitor,
    ) -> Result<NewSession, ManageError> {
        let actor = Actor::witness(written(person)).from(visitor.source);
        let action = match stage {
            Stage::Half => "sign_in.password_accepted",
            Stage::Whole => "sign_in.succeeded",
        };
        store::retry(|| async {
            let mut write = self.store.write().await?;
            let begun = self
                .begin_session(&mut write, person, stage, visitor)
                .await?;
            let now = self.clock.now();
            let subject = begun.session.id.as_str();
            let event = actor.event(now, None, action, subject, &json!({}));
            store::audit::append(&mut write, &event).await?;
            write.commit().await?;
            Ok::<_, ManageError>(begun)
        })
        .await
    }

    /// Writes a failed attempt down. What was typed as a name may be a password: it is written
    /// only where it looks like a name.
    async fn note_sign_in(
        &self,
        name: Option<&SignInName>,
        action: &str,
        source: IpAddr,
    ) -> Result<(), ManageError> {
        let actor = Actor::witness("anonymous".to_owned()).from(source);
        let subject = name.map_or("malformed name", SignInName::as_str);
        let event = actor.event(self.clock.now(), None, action, subject, &json!({}));
        store::retry(|| async {
            let mut write = self.store.write().await?;
            store::audit::append(&mut write, &event).await?;
            write.commit().await?;
            Ok::<_, ManageError>(())
        })
        .await
    }
}

/// Ends the other sessions of a person, because whoever began them may not be able to any more.
pub(crate) async fn end_others(
    write: &mut Write,
    session: &Session,
    all: &[SessionRecord],
) -> Result<(), ManageError> {
    for other in all.iter().filter(|other| other.id != *session.id()) {
        match store::sessions::delete(write, &session.person().id, &other.id).await {
            // It may have ended by itself.
            Ok(()) | Err(store::Error::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn shown_device(session: &Session, key: &[u8], sealed: String) -> NewDevice {
    let name = session.person().sign_in_name.as_str();
    NewDevice {
        key: totp::base32(key),
        address: totp::address(key, "Countersign", name),
        sealed,
    }
}

fn offer(person: &PersonId) -> String {
    format!("device offered to {person}")
}

fn device(person: &PersonId) -> String {
    format!("device of {person}")
}
