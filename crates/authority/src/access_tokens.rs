//! Personal access tokens: what programs of a person, or of the operator, show to the management
//! API.

use std::time::Duration;

use countersign_model::member::{AccessToken, Acts};
use countersign_model::project::check_label;
use countersign_model::{Role, UseCase};
use countersign_store::{self as store, Page};
use countersign_wire::{AccessTokenId, OrgId, PersonalAccessToken, Timestamp};
use serde_json::json;

use crate::Authority;
use crate::actor::Actor;
use crate::clock::random;
use crate::error::ManageError;
use crate::master_key::Mark;
use crate::sessions::{gone, written};

/// Most tokens of one member, or of the operator.
const MOST: u32 = 50;
const LONGEST: Duration = Duration::from_secs(366 * 86_400);
const SHORTEST: Duration = Duration::from_secs(60);
/// Use is noted this seldom.
const NOTE_EVERY: Duration = Duration::from_secs(60);

/// An access token to be made.
#[derive(Clone, Debug)]
pub struct NewAccessToken {
    /// What it is for.
    pub name: String,
    /// With which role; the member's own, if `None`. The operator's has none.
    pub role: Option<Role>,
    /// Until when.
    pub expires_at: Timestamp,
}

impl Authority {
    /// Makes an access token that acts for the actor: for a member, or for the operator.
    ///
    /// # Errors
    /// [`ManageError::RoleAboveOwn`], [`ManageError::TokenLife`], [`ManageError::TokenLimit`].
    pub async fn create_access_token(
        &self,
        new: NewAccessToken,
        actor: &Actor,
    ) -> Result<(AccessToken, PersonalAccessToken), ManageError> {
        check_label(&new.name)?;
        let now = self.clock.now();
        if new.expires_at < now.plus(SHORTEST) || new.expires_at > now.plus(LONGEST) {
            return Err(ManageError::TokenLife);
        }
        let acts = acts(actor, new.role)?;
        let secret = PersonalAccessToken::from_random(&random()?);
        let token = AccessToken {
            id: AccessTokenId::from_random(random()?),
            hint: secret.hint().to_owned(),
            name: new.name,
            acts,
            created_at: now,
            expires_at: new.expires_at,
            last_used_at: None,
        };
        let digest = self.master_key.mark(Mark::AccessToken, secret.expose());
        let detail = json!({
            "name": token.name, "until": token.expires_at.to_string(),
            "role": role_of(&token).map(Role::as_str),
        });
        let org = actor.organization();
        let (id, action) = (token.id.as_str(), "access_token.created");
        store::retry(|| async {
            let mut write = self.store.write().await?;
            let most = Page {
                after: None,
                limit: MOST,
            };
            let there = store::access_tokens::list(&mut write, owner(actor), &most).await?;
            if there.len() >= MOST as usize {
                return Err(ManageError::TokenLimit(there.len()));
            }
            store::access_tokens::insert(&mut write, &token, &digest).await?;
            let event = actor.event(now, org, action, id, &detail);
            store::audit::append(&mut write, &event).await?;
            write.commit().await?;
            Ok::<_, ManageError>(())
        })
        .await?;
        Ok((token, secret))
    }

    /// The access tokens that act for the actor, by id.
    ///
    /// # Errors
    /// [`ManageError::Store`].
    pub async fn list_access_tokens(
        &self,
        page: &Page,
        actor: &Actor,
    ) -> Result<Vec<AccessToken>, ManageError> {
        acts(actor, None)?;
        let mut read = self.store.read().await?;
        Ok(store::access_tokens::list(&mut read, owner(actor), page).await?)
    }

    /// Ends an access token of the actor's own.
    ///
    /// # Errors
    /// [`ManageError::NoAccessToken`].
    pub async fn delete_access_token(
        &self,
        id: &AccessTokenId,
        actor: &Actor,
    ) -> Result<(), ManageError> {
        let now = self.clock.now();
        let own = acts(actor, None)?;
        store::retry(|| async {
            let mut write = self.store.write().await?;
            let found = store::access_tokens::find_by_id(&mut write, id).await?;
            let token = found.filter(|token| is_same_owner(&token.acts, &own));
            let token = token.ok_or(ManageError::NoAccessToken)?;
            let deleted = store::access_tokens::delete(&mut write, id).await;
            gone(deleted, ManageError::NoAccessToken)?;
            let detail = json!({"name": token.name});
            let org = actor.organization();
            let event = actor.event(now, org, "access_token.deleted", id.as_str(), &detail);
            store::audit::append(&mut write, &event).await?;
            write.commit().await?;
            Ok::<_, ManageError>(())
        })
        .await
    }

    /// As whom an access token acts, if it does; notes that it was used. Asks the database each
    /// time: what is taken away from a person is taken away from her programs at once.
    ///
    /// # Errors
    /// [`ManageError::NoAccessToken`], whatever is the matter with it.
    pub async fn access_token_actor(&self, shown: &str) -> Result<Actor, ManageError> {
        let shown = PersonalAccessToken::parse(shown).ok_or(ManageError::NoAccessToken)?;
        let now = self.clock.now();
        let digest = self.master_key.mark(Mark::AccessToken, shown.expose());
        let mut read = self.store.read().await?;
        let found = store::access_tokens::find(&mut read, &digest).await?;
        let token = found.filter(|token| now < token.expires_at);
        let token = token.ok_or(ManageError::NoAccessToken)?;
        let actor = match &token.acts {
            Acts::Operator => Actor::operator(&format!("access-token:{}", token.id)),
            Acts::Member { org, person, role } => {
                let who = store::people::find(&mut read, person).await?;
                let member = store::members::find(&mut read, org, person).await?;
                let who = who.filter(|person| person.state.is_enabled());
                let member = member.filter(|member| member.state.is_enabled());
                let (Some(who), Some(mut member)) = (who, member) else {
                    return Err(ManageError::NoAccessToken);
                };
                member.role = member.role.min(*role);
                let name = format!("{} access-token:{}", written(&who), token.id);
                Actor::member(name, member)
            }
        };
        drop(read);
        if token
            .last_used_at
            .is_none_or(|at| now.since(at) >= NOTE_EVERY)
        {
            self.note_token_use(&token.id, now).await?;
        }
        Ok(actor)
    }

    async fn note_token_use(&self, id: &AccessTokenId, now: Timestamp) -> Result<(), ManageError> {
        store::retry(|| async {
            let mut write = self.store.write().await?;
            let noted = store::access_tokens::note_use(&mut write, id, now).await;
            gone(noted, ManageError::NoAccessToken)?;
            write.commit().await?;
            Ok::<_, ManageError>(())
        })
        .await
    }
}

/// As whom a token of this actor acts.
fn acts(actor: &Actor, role: Option<Role>) -> Result<Acts, ManageError> {
    let Some(member) = actor.membership() else {
        actor.check_role(UseCase::RunInstallation)?;
        return match actor.is_operator() {
            true => Ok(Acts::Operator),
            // Outside of organizations a person runs the installation by hand, signed in.
            false => Err(ManageError::NoOrganization),
        };
    };
    actor.check_role(UseCase::UseAccessTokens)?;
    let role = role.unwrap_or(member.role);
    if role > member.role {
        return Err(ManageError::RoleAboveOwn(member.role));
    }
    Ok(Acts::Member {
        org: member.org_id.clone(),
        person: member.person_id.clone(),
        role,
    })
}

fn owner(actor: &Actor) -> Option<(&OrgId, &countersign_wire::PersonId)> {
    Some((actor.organization()?, actor.person()?))
}

fn is_same_owner(one: &Acts, other: &Acts) -> bool {
    match (one, other) {
        (Acts::Operator, Acts::Operator) => true,
        (
            Acts::Member { org, person, .. },
            Acts::Member {
                org: o, person: p, ..
            },
        ) => (org, person) == (o, p),
        _ => false,
    }
}

/// The role of a member's token.
#[must_use]
pub fn role_of(token: &AccessToken) -> Option<Role> {
    match &token.acts {
        Acts::Operator => None,
        Acts::Member { role, .. } => Some(*role),
    }
}
