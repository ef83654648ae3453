//! Identities at OpenID providers: linked to a person, seen, taken away. Never by a mail address, which
//! a provider may give to somebody else: a person links one herself, signed in here.

use countersign_model::Person;
use countersign_store::identities::IdentityRecord;
use countersign_store::{self as store, Write};
use countersign_wire::IdentityId;
use serde_json::json;

use crate::Authority;
use crate::actor::Actor;
use crate::clock::random;
use crate::error::ManageError;
use crate::oidc::{Identity, OfferedIdentity, for_person};
use crate::sessions::{Session, gone, person_actor};
use crate::sign_in::end_others;

impl Authority {
    /// The identities of the person, by id.
    ///
    /// # Errors
    /// [`ManageError::Store`].
    pub async fn list_identities(
        &self,
        session: &Session,
    ) -> Result<Vec<IdentityRecord>, ManageError> {
        let mut read = self.store.read().await?;
        Ok(store::identities::list(&mut read, &session.person().id).await?)
    }

    /// The identity that was [shown](crate::Arrival::Link) to the person, to be shown again.
    ///
    /// # Errors
    /// [`ManageError::OfferOver`].
    pub fn offered_identity(
        &self,
        session: &Session,
        sealed: &str,
    ) -> Result<OfferedIdentity, ManageError> {
        let identity = self.offered(sealed, &for_person(&session.person().id))?;
        let mut providers = self.providers();
        let provider = providers.find(|one| one.issuer == identity.issuer);
        Ok(OfferedIdentity {
            provider: provider.map_or(identity.issuer, |one| one.name.clone()),
            shown: identity.shown,
            name: identity.name,
            sealed: sealed.to_owned(),
        })
    }

    /// Adds the identity that was shown to the person: she signs in with it from now on.
    ///
    /// # Errors
    /// [`ManageError::OfferOver`], [`ManageError::IdentityTaken`].
    pub async fn link_identity(&self, session: &Session, sealed: &str) -> Result<(), ManageError> {
        let person = session.person();
        let identity = self.offered(sealed, &for_person(&person.id))?;
        let actor = person_actor(session);
        store::retry(|| async {
            let mut write = self.store.write().await?;
            self.insert_identity(&mut write, person, &identity, &actor)
                .await?;
            write.commit().await?;
            Ok::<_, ManageError>(())
        })
        .await
    }

    /// Takes an identity from the person, and ends her other sessions: they may be of it.
    ///
    /// # Errors
    /// [`ManageError::NoIdentity`]; [`ManageError::OnlyWayIn`] when nothing would be left.
    pub async fn unlink_identity(
        &self,
        session: &Session,
        id: &IdentityId,
    ) -> Result<(), ManageError> {
        let person = session.person();
        let actor = person_actor(session);
        let sessions = self.list_sessions(session).await?;
        store::retry(|| async {
            let mut write = self.store.write().await?;
            store::people::hold(&mut write, &person.id).await?;
            let all = store::identities::list(&mut write, &person.id).await?;
            let proof = store::people::find_proof(&mut write, &person.id).await?;
            let has_password = proof.is_some_and(|proof| proof.password.is_some());
            let found = all.iter().find(|one| one.id == *id);
            let taken = found.ok_or(ManageError::NoIdentity)?;
            let mut others = all.iter().filter(|one| one.id != *id);
            if !has_password && !others.any(|one| self.is_usable(one)) {
                return Err(ManageError::OnlyWayIn);
            }
            let deleted = store::identities::delete(&mut write, &person.id, id).await;
            gone(deleted, ManageError::NoIdentity)?;
            end_others(&mut write, session, &sessions).await?;
            let detail = json!({"issuer": taken.issuer, "subject": taken.subject});
            let now = self.clock.now();
            let event = actor.event(now, None, "identity.unlinked", id.as_str(), &detail);
            store::audit::append(&mut write, &event).await?;
            write.commit().await?;
            Ok::<_, ManageError>(())
        })
        .await
    }

    /// Adds an identity to a person in a transaction.
    pub(crate) async fn insert_identity(
        &self,
        write: &mut Write,
        person: &Person,
        identity: &Identity,
        actor: &Actor,
    ) -> Result<(), ManageError> {
        let now = self.clock.now();
        let record = IdentityRecord {
            id: IdentityId::from_random(random()?),
            person_id: person.id.clone(),
            issuer: identity.issuer.clone(),
            subject: identity.subject.clone(),
            shown: identity.shown.clone(),
            created_at: now,
            used_at: now,
        };
        match store::identities::insert(write, &record).await {
            Err(store::Error::Duplicate) => return Err(ManageError::IdentityTaken),
            inserted => inserted?,
        }
        let detail = json!({"issuer": record.issuer, "subject": record.subject});
        let event = actor.event(now, None, "identity.linked", record.id.as_str(), &detail);
        Ok(store::audit::append(write, &event).await?)
    }

    /// Whether its provider is configured.
    fn is_usable(&self, identity: &IdentityRecord) -> bool {
        self.providers().any(|one| one.issuer == identity.issuer)
    }
}
