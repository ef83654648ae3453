//! What becomes of an identity that was verified: a session, a proof, an offer.

use countersign_model::Person;
use countersign_store::identities::IdentityRecord;
use countersign_store::sessions::Stage;
use countersign_store::{self as store};
use countersign_wire::{InvitationId, PersonId, Timestamp};
use serde_json::json;

use super::attempt::LIFE;
use super::id_token::SKEW;
use super::{Identity, Provider, ProviderError};
use crate::Authority;
use crate::actor::Actor;
use crate::error::ManageError;
use crate::sessions::{NewSession, Session, Visitor, can_sign_in, written};

/// An identity that was verified and is nobody's yet.
#[derive(Debug)]
pub struct OfferedIdentity {
    /// The provider, by name.
    pub provider: String,
    /// To recognize the identity by.
    pub shown: String,
    /// What the person is called there.
    pub name: Option<String>,
    /// The identity, sealed for what it was shown for; a form may carry it, for ten minutes.
    pub sealed: String,
}

impl Authority {
    /// Signs in whose identity it is. When it was proved at the provider, it was proved to us.
    pub(super) async fn enter_with(
        &self,
        provider: &Provider,
        identity: &Identity,
        visitor: &Visitor,
    ) -> Result<NewSession, ProviderError> {
        let (record, person) = self.owner(provider, identity).await?;
        let now = self.clock.now();
        let proved = identity.authenticated_at.map(Timestamp::from_seconds);
        let confirmed_at = proved.map_or(now, |at| at.min(now));
        let actor = Actor::witness(written(&person)).from(visitor.source);
        let begun = store::retry(|| async {
            let mut write = self.store.write().await?;
            store::identities::note_use(&mut write, &record.id, &identity.shown, now).await?;
            let begun = self
                .begin_session_confirmed(&mut write, &person, Stage::Whole, visitor, confirmed_at)
                .await?;
            let detail = json!({"provider": provider.config.id, "identity": record.id});
            let subject = begun.session.id.as_str();
            let event = actor.event(now, None, "sign_in.succeeded", subject, &detail);
            store::audit::append(&mut write, &event).await?;
            write.commit().await?;
            Ok::<_, ManageError>(begun)
        })
        .await?;
        Ok(begun)
    }

    /// Whose identity it is, if that is somebody who can sign in.
    async fn owner(
        &self,
        provider: &Provider,
        identity: &Identity,
    ) -> Result<(IdentityRecord, Person), ProviderError> {
        let mut read = self.store.read().await.map_err(ManageError::from)?;
        let (issuer, subject) = (&identity.issuer, &identity.subject);
        let record = store::identities::find(&mut read, issuer, subject).await;
        let record = record.map_err(ManageError::from)?;
        let person = match &record {
            Some(record) => store::people::find(&mut read, &record.person_id).await,
            None => Ok(None),
        };
        let person = person.map_err(ManageError::from)?.filter(can_sign_in);
        record.zip(person).ok_or_else(|| ProviderError::Unknown {
            provider: provider.config.name.clone(),
            shown: identity.shown.clone(),
        })
    }

    /// Takes for proved again what the provider has asked for since then (CON-05).
    pub(super) async fn confirm_with(
        &self,
        provider: &Provider,
        identity: &Identity,
        session: &Session,
        since: Timestamp,
    ) -> Result<(), ProviderError> {
        let (_, person) = self.owner(provider, identity).await?;
        let name = || provider.config.name.clone();
        if person.id != session.person().id {
            return Err(ProviderError::OtherPerson { provider: name() });
        }
        let proved = identity.authenticated_at.map(Timestamp::from_seconds);
        if proved.is_none_or(|at| at.plus(SKEW) < since) {
            return Err(ProviderError::NotConfirmed { provider: name() });
        }
        Ok(self.note_confirmed(session).await?)
    }

    pub(super) fn offer(
        &self,
        provider: &Provider,
        identity: Identity,
        sealed_for: &str,
    ) -> Result<OfferedIdentity, ManageError> {
        let until = self.clock.now().plus(LIFE).as_millis();
        let text = serde_json::to_vec(&(&identity, until));
        let text = text.map_err(|_| crate::master_key::SealError)?;
        Ok(OfferedIdentity {
            provider: provider.config.name.clone(),
            sealed: self.master_key.seal(sealed_for, &text)?,
            shown: identity.shown,
            name: identity.name,
        })
    }

    /// The identity that was shown for this a few minutes ago.
    pub(crate) fn offered(&self, sealed: &str, sealed_for: &str) -> Result<Identity, ManageError> {
        let over = || ManageError::OfferOver;
        let text = self.master_key.open(sealed_for, sealed);
        let text = text.map_err(|_| over())?;
        let (identity, until): (Identity, i64) =
            serde_json::from_slice(&text).map_err(|_| over())?;
        match self.clock.now() < Timestamp::from_millis(until) {
            true => Ok(identity),
            false => Err(over()),
        }
    }

    pub(super) async fn note_failure(
        &self,
        provider: &Provider,
        error: &ProviderError,
        visitor: &Visitor,
    ) -> Result<(), ManageError> {
        if !matches!(error, ProviderError::Unavailable { .. }) {
            self.people_throttle.count_source(visitor.source);
        }
        let actor = Actor::witness("anonymous".to_owned()).from(visitor.source);
        let (id, why) = (&provider.config.id, error.cause());
        let now = self.clock.now();
        let event = actor.event(now, None, "sign_in.failed", id, &json!({"why": why}));
        store::retry(|| async {
            let mut write = self.store.write().await?;
            store::audit::append(&mut write, &event).await?;
            write.commit().await?;
            Ok::<_, ManageError>(())
        })
        .await
    }
}

/// What identities for an invitation are sealed for.
pub(crate) fn for_invitation(id: &InvitationId) -> String {
    format!("identity for invitation {id}")
}

/// What identities for a person are sealed for.
pub(crate) fn for_person(id: &PersonId) -> String {
    format!("identity for person {id}")
}
