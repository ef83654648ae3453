//! Credentials: made, listed, switched, deleted.

use countersign_model::project::check_label;
use countersign_model::{
    Credential, Grants, Migration, Origin, Owner, Secret, State, Subscription, TechnicalAccount,
    UseCase,
};
use countersign_store::changes::Topic;
use countersign_store::{self as store, Page, Reads, Write};
use countersign_wire::{
    ClientId, ClientSecret, CredentialId, OrgId, ProjectId, TechnicalAccountEmail,
    TechnicalAccountId, Timestamp, WorkspaceId,
};
use serde_json::json;

use crate::Authority;
use crate::actor::Actor;
use crate::certificates::NewCertificate;
use crate::clock::random;
use crate::error::ManageError;
use crate::organizations::{check_revision, random_number, switched};
use crate::projects::{NewProject, PreparedProject, insert_project};
use crate::revision::At;

/// A credential to be made.
#[derive(Clone, Debug)]
pub struct NewCredential {
    /// Where.
    pub project_id: ProjectId,
    /// In which workspace; the project's first, if `None`.
    pub workspace_id: Option<WorkspaceId>,
    /// Shown to people.
    pub name: String,
    /// Whom warnings reach.
    pub owner: Owner,
    /// Where it comes from.
    pub origin: Origin,
    /// With which grant it starts.
    pub grant: NewGrant,
    /// Services and product profiles.
    pub subscriptions: Vec<Subscription>,
    /// Its client id, where it has one already: a credential that moves here keeps it.
    pub client_id: Option<ClientId>,
    /// Its technical account's id, where it has one already.
    pub technical_account_id: Option<TechnicalAccountId>,
}

impl NewCredential {
    /// Whether it brings something along that is otherwise made here.
    fn is_import(&self) -> bool {
        self.origin != Origin::Console
            || self.client_id.is_some()
            || self.technical_account_id.is_some()
    }
}

/// The grant a credential starts with.
#[derive(Clone, Debug)]
pub enum NewGrant {
    /// OAuth Server-to-Server.
    OAuth,
    /// Service Account (JWT), with its first certificate.
    Jwt(NewCertificate),
}

/// What to change of a credential; `None` leaves a thing as it is.
#[derive(Clone, Debug, Default)]
pub struct CredentialChange {
    /// Shown to people.
    pub name: Option<String>,
    /// The team that is told.
    pub team: Option<String>,
    /// How to reach it.
    pub contact: Option<String>,
    /// Whether it works.
    pub enabled: Option<bool>,
    /// The revision that the change was made from; whoever has none takes what is there.
    pub revision: Option<i64>,
}

/// A credential that was made, and what is shown this once.
#[derive(Debug)]
pub struct Created {
    /// The credential.
    pub credential: Credential,
    /// Whom it acts as.
    pub account: TechnicalAccount,
    /// Its first secret.
    pub secret: ClientSecret,
    /// The private key as PEM, if the pair was generated here.
    pub private_key: Option<countersign_wire::Opaque>,
}

impl Authority {
    /// Makes a credential with a technical account and a first secret.
    ///
    /// # Errors
    /// [`ManageError::Refused`] when the policy does not allow new JWT credentials any more.
    pub async fn create_credential(
        &self,
        new: NewCredential,
        actor: &Actor,
    ) -> Result<Created, ManageError> {
        self.create_in(None, new, actor).await
    }

    /// Makes a project and, in its one workspace, a credential: both or nothing.
    /// `new.project_id` and `new.workspace_id` are not looked at.
    ///
    /// # Errors
    /// As [`create_project`](Self::create_project) and
    /// [`create_credential`](Self::create_credential).
    pub async fn create_project_with_credential(
        &self,
        project: NewProject,
        mut new: NewCredential,
        actor: &Actor,
    ) -> Result<Created, ManageError> {
        let project = self.prepare_project(project, actor)?;
        new.project_id = project.project.id.clone();
        new.workspace_id = Some(project.workspace.id.clone());
        self.create_in(Some(&project), new, actor).await
    }

    async fn create_in(
        &self,
        project: Option<&PreparedProject>,
        new: NewCredential,
        actor: &Actor,
    ) -> Result<Created, ManageError> {
        for text in [&new.name, &new.owner.team, &new.owner.contact] {
            check_label(text)?;
        }
        if new.is_import() {
            actor.check_role(UseCase::ImportCredential)?;
        }
        let now = self.clock.now();
        let (secret, first) = self.make_secret("first secret".to_owned(), None, now)?;
        let prepared = match &new.grant {
            NewGrant::OAuth => None,
            NewGrant::Jwt(certificate) => Some(self.prepare_certificate(certificate, now)?),
        };
        let (credential_id, client_id) = (random_number(9)?, random()?);
        let (account_id, email) = (random()?, random()?);
        let (credential, account) = store::retry(|| async {
            let mut write = self.store.write().await?;
            if let Some(project) = project {
                insert_project(&mut write, project).await?;
            }
            let place = self.find_place(&mut write, &new, actor).await?;
            let account = TechnicalAccount {
                id: new
                    .technical_account_id
                    .clone()
                    .unwrap_or_else(|| TechnicalAccountId::from_random(account_id)),
                email: TechnicalAccountEmail::from_uuid(email),
                org_id: place.org_id.clone(),
                created_at: now,
            };
            let mut credential = Credential {
                id: CredentialId::from_number(credential_id),
                client_id: new
                    .client_id
                    .clone()
                    .unwrap_or_else(|| ClientId::from_random(client_id)),
                org_id: place.org_id,
                project_id: new.project_id.clone(),
                workspace_id: place.workspace_id,
                name: new.name.clone(),
                owner: new.owner.clone(),
                technical_account_id: account.id.clone(),
                origin: new.origin,
                grants: Grants::OAuth,
                token_kind: countersign_model::TokenKind::default(),
                jwks: None,
                state: State::Enabled,
                created_at: now,
                revision: 0,
                secrets: vec![first.clone()],
                certificates: Vec::new(),
                subscriptions: new.subscriptions.clone(),
            };
            self.check_subscriptions(&mut write, &credential).await?;
            self.check_assignments(&credential.subscriptions, actor)?;
            if let Some(prepared) = &prepared {
                self.policy_in(&mut write, &credential.org_id)
                    .await?
                    .may_create(new.origin, now)?;
                credential.grants = Grants::Jwt(Migration::NotStarted);
                self.add_prepared(&mut write, &mut credential, &prepared.certificate)
                    .await?;
            }
            store::technical_accounts::insert(&mut write, &account).await?;
            store::credentials::insert(&mut write, &credential).await?;
            let detail = json!({
                "name": credential.name, "type": credential.grants.integration_type(),
                "secret": first.id, "owner": credential.owner.team,
            });
            self.record(
                &mut write,
                &credential,
                "credential.created",
                &detail,
                actor,
                now,
            )
            .await?;
            write.commit().await?;
            Ok::<_, ManageError>((credential, account))
        })
        .await?;
        self.apply(&Topic::Client(credential.client_id.clone()))
            .await;
        let private_key = prepared.and_then(|prepared| prepared.private_key);
        Ok(Created {
            credential,
            account,
            secret,
            private_key,
        })
    }

    /// Credentials of an organization, by id; of one project, if given.
    ///
    /// # Errors
    /// [`ManageError::Store`].
    pub async fn list_credentials(
        &self,
        org: &OrgId,
        project: Option<&ProjectId>,
        page: &Page,
        actor: &Actor,
    ) -> Result<Vec<Credential>, ManageError> {
        actor.check(UseCase::ReadCredentials, org, ManageError::NoOrganization)?;
        let mut read = self.store.read().await?;
        Ok(store::credentials::list(&mut read, org, project, page).await?)
    }

    /// Credentials of an organization by id, after as many as `skip`, and how many there are.
    ///
    /// # Errors
    /// [`ManageError::NoOrganization`].
    pub async fn number_credentials(
        &self,
        org: &OrgId,
        skip: u32,
        size: u32,
        actor: &Actor,
    ) -> Result<(Vec<Credential>, u64), ManageError> {
        actor.check(UseCase::ReadCredentials, org, ManageError::NoOrganization)?;
        let mut read = self.store.read().await?;
        let all = store::credentials::count(&mut read, org).await?;
        let before = store::credentials::key_before(&mut read, org, skip).await?;
        let found = match before {
            Some(after) => {
                let page = Page { after, limit: size };
                store::credentials::list(&mut read, org, None, &page).await?
            }
            None => Vec::new(),
        };
        Ok((found, all))
    }

    /// The credential of that id, or of that client id, and its technical account.
    ///
    /// # Errors
    /// [`ManageError::NoCredential`].
    pub async fn find_credential(
        &self,
        id: &str,
        actor: &Actor,
    ) -> Result<(Credential, TechnicalAccount), ManageError> {
        let mut read = self.store.read().await?;
        let by_id = match CredentialId::parse(id) {
            Ok(id) => store::credentials::find(&mut read, &id).await?,
            Err(_) => None,
        };
        let found = match (by_id, ClientId::parse(id)) {
            (None, Ok(id)) => store::credentials::find_by_client_id(&mut read, &id).await?,
            (found, _) => found,
        };
        let credential = found.ok_or(ManageError::NoCredential)?;
        let org = &credential.org_id;
        actor.check(UseCase::ReadCredentials, org, ManageError::NoCredential)?;
        let account =
            store::technical_accounts::find(&mut read, &credential.technical_account_id).await?;
        Ok((credential, account.ok_or(ManageError::NoCredential)?))
    }

    /// When its secrets, certificates and grants were used, as far as it is written.
    ///
    /// # Errors
    /// [`ManageError::Store`].
    pub async fn list_usage(
        &self,
        id: &CredentialId,
        actor: &Actor,
    ) -> Result<Vec<store::usage::Usage>, ManageError> {
        let mut read = self.store.read().await?;
        may_read_usage(&mut read, id, actor).await?;
        Ok(store::usage::list(&mut read, id).await?)
    }

    /// Changes what people read of a credential.
    ///
    /// # Errors
    /// [`ManageError::NoCredential`]; [`ManageError::Stale`] unless `change.revision` is the
    /// stored one, where it is given.
    pub async fn change_credential(
        &self,
        id: &CredentialId,
        new: CredentialChange,
        actor: &Actor,
    ) -> Result<Credential, ManageError> {
        let texts = [&new.name, &new.team, &new.contact];
        for text in texts.into_iter().flatten() {
            check_label(text)?;
        }
        let now = self.clock.now();
        let changed = store::retry(|| async {
            let mut change = self
                .begin_change(id, UseCase::ChangeCredential, actor)
                .await?;
            check_revision(new.revision, change.after.revision)?;
            let before = described(&change.after);
            let after = &mut change.after;
            let take = |from: &Option<String>, into: &mut String| {
                from.iter().for_each(|text| into.clone_from(text));
            };
            take(&new.name, &mut after.name);
            take(&new.team, &mut after.owner.team);
            take(&new.contact, &mut after.owner.contact);
            after.state = switched(after.state, new.enabled, now);
            let detail = json!({"before": before, "after": described(after)});
            self.finish_change(change, "credential.changed", &detail, actor)
                .await
        })
        .await?;
        Ok(self.changed(changed).await)
    }

    /// Switches a credential on or off. Off, no token is issued and none that it has holds.
    ///
    /// # Errors
    /// [`ManageError::NoCredential`].
    pub async fn switch_credential(
        &self,
        id: &CredentialId,
        enabled: bool,
        actor: &Actor,
    ) -> Result<Credential, ManageError> {
        let now = self.clock.now();
        let action = if enabled {
            "credential.enabled"
        } else {
            "credential.disabled"
        };
        let changed = store::retry(|| async {
            let mut change = self
                .begin_change(id, UseCase::ChangeCredential, actor)
                .await?;
            change.after.state = switched(change.after.state, Some(enabled), now);
            self.finish_change(change, action, &json!({}), actor).await
        })
        .await?;
        Ok(self.changed(changed).await)
    }

    /// Subscribes a credential to a service, or changes the profiles it uses it through.
    ///
    /// # Errors
    /// [`ManageError::NoService`], [`ManageError::NoProfile`], [`ManageError::Stale`].
    pub async fn subscribe(
        &self,
        of: impl Into<At<'_, CredentialId>>,
        subscription: Subscription,
        actor: &Actor,
    ) -> Result<Credential, ManageError> {
        let of = of.into();
        let detail = json!({"service": subscription.service, "profiles": subscription.profiles});
        let changed = store::retry(|| async {
            self.check_assignments([&subscription], actor)?;
            let mut change = self
                .begin_change(of, UseCase::ChangeCredential, actor)
                .await?;
            let Change { write, after, .. } = &mut change;
            after
                .subscriptions
                .retain(|s| s.service != subscription.service);
            after.subscriptions.push(subscription.clone());
            self.check_subscriptions(write, after).await?;
            self.finish_change(change, "credential.subscribed", &detail, actor)
                .await
        })
        .await?;
        Ok(self.changed(changed).await)
    }

    /// Makes these the services of a credential, all of them or none.
    ///
    /// # Errors
    /// [`ManageError::NoService`], [`ManageError::NoProfile`]; [`ManageError::Forbidden`] and
    /// [`ManageError::ReadOnly`] for what the actor may not add.
    pub async fn set_subscriptions(
        &self,
        id: &CredentialId,
        subscriptions: Vec<Subscription>,
        actor: &Actor,
    ) -> Result<Credential, ManageError> {
        let services: Vec<_> = subscriptions.iter().map(|one| &one.service).collect();
        let detail = json!({"services": services});
        let changed = store::retry(|| async {
            let mut change = self
                .begin_change(id, UseCase::ChangeCredential, actor)
                .await?;
            let Change {
                write,
                before,
                after,
            } = &mut change;
            let added = subscriptions
                .iter()
                .filter(|one| !before.subscriptions.contains(one));
            self.check_assignments(added, actor)?;
            after.subscriptions.clone_from(&subscriptions);
            self.check_subscriptions(write, after).await?;
            self.finish_change(change, "credential.subscribed", &detail, actor)
                .await
        })
        .await?;
        Ok(self.changed(changed).await)
    }

    /// Takes a service away from a credential.
    ///
    /// # Errors
    /// [`ManageError::NoCredential`].
    pub async fn unsubscribe(
        &self,
        of: impl Into<At<'_, CredentialId>>,
        service: &countersign_wire::ServiceCode,
        actor: &Actor,
    ) -> Result<Credential, ManageError> {
        let of = of.into();
        let detail = json!({"service": service});
        let changed = store::retry(|| async {
            let mut change = self
                .begin_change(of, UseCase::ChangeCredential, actor)
                .await?;
            let subscriptions = &mut change.after.subscriptions;
            subscriptions.retain(|s| s.service != *service);
            self.finish_change(change, "credential.unsubscribed", &detail, actor)
                .await
        })
        .await?;
        Ok(self.changed(changed).await)
    }

    /// Deletes a credential. Its tokens die with it; its technical account stays the
    /// organization's; its ids are never used again.
    ///
    /// # Errors
    /// [`ManageError::NoCredential`].
    pub async fn delete_credential(
        &self,
        of: impl Into<At<'_, CredentialId>>,
        actor: &Actor,
    ) -> Result<(), ManageError> {
        let (of, now) = (of.into(), self.clock.now());
        let client_id = store::retry(|| async {
            let mut write = self.store.write().await?;
            let found = store::credentials::find(&mut write, of.id()).await?;
            let credential = found.ok_or(ManageError::NoCredential)?;
            actor.may_change(UseCase::DeleteCredential, &credential)?;
            of.check(credential.revision)?;
            store::credentials::delete(&mut write, &credential).await?;
            let detail = json!({"name": credential.name, "client_id": credential.client_id});
            self.record(
                &mut write,
                &credential,
                "credential.deleted",
                &detail,
                actor,
                now,
            )
            .await?;
            write.commit().await?;
            Ok::<_, ManageError>(credential.client_id)
        })
        .await?;
        self.apply(&Topic::Client(client_id)).await;
        Ok(())
    }

    /// Begins to change a credential: loads it in a transaction of its own. What it shall become
    /// is written into `after`.
    pub(crate) async fn begin_change(
        &self,
        of: impl Into<At<'_, CredentialId>>,
        case: UseCase,
        actor: &Actor,
    ) -> Result<Change, ManageError> {
        let of = of.into();
        let mut write = self.store.write().await?;
        let found = store::credentials::find(&mut write, of.id()).await?;
        let before = found.ok_or(ManageError::NoCredential)?;
        actor.may_change(case, &before)?;
        of.check(before.revision)?;
        let after = before.clone();
        Ok(Change {
            write,
            before,
            after,
        })
    }

    /// Whether the actor may change a credential, before work that no transaction holds.
    pub(crate) async fn may_change_credential(
        &self,
        id: &CredentialId,
        case: UseCase,
        actor: &Actor,
    ) -> Result<(), ManageError> {
        let mut read = self.store.read().await?;
        let found = store::credentials::find(&mut read, id).await?;
        actor.may_change(case, &found.ok_or(ManageError::NoCredential)?)
    }

    /// Saves a change with an audit event and word for the other nodes, all or nothing.
    pub(crate) async fn finish_change(
        &self,
        change: Change,
        action: &str,
        detail: &serde_json::Value,
        actor: &Actor,
    ) -> Result<Credential, ManageError> {
        let Change {
            mut write,
            before,
            after,
        } = change;
        store::credentials::save(&mut write, &before, &after).await?;
        let now = self.clock.now();
        self.record(&mut write, &after, action, detail, actor, now)
            .await?;
        write.commit().await?;
        Ok(Credential {
            revision: after.revision + 1,
            ..after
        })
    }

    /// Makes a change that is durable act on this node.
    pub(crate) async fn changed(&self, credential: Credential) -> Credential {
        let topic = Topic::Client(credential.client_id.clone());
        self.apply(&topic).await;
        credential
    }

    async fn record(
        &self,
        write: &mut Write,
        credential: &Credential,
        action: &str,
        detail: &serde_json::Value,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<(), ManageError> {
        let event = actor.event(
            now,
            Some(&credential.org_id),
            action,
            credential.id.as_str(),
            detail,
        );
        store::audit::append(write, &event).await?;
        store::projects::touch(write, &credential.project_id, actor.name(), now).await?;
        // Later than `now` by as long as the transaction waited for its turn: whoever follows the
        // log looks back for a bounded time only.
        let topic = Topic::Client(credential.client_id.clone());
        store::changes::append(write, &topic, self.clock.now()).await?;
        Ok(())
    }

    async fn find_place(
        &self,
        read: &mut impl Reads,
        new: &NewCredential,
        actor: &Actor,
    ) -> Result<Place, ManageError> {
        let project = store::projects::find(read, &new.project_id).await?;
        let project = project.ok_or(ManageError::NoProject)?;
        actor.check(
            UseCase::CreateCredential,
            &project.org_id,
            ManageError::NoProject,
        )?;
        let workspaces = store::projects::workspaces(read, &project.id).await?;
        let wanted = |id: &WorkspaceId| new.workspace_id.as_ref().is_none_or(|wanted| wanted == id);
        let workspace = workspaces.into_iter().find(|w| wanted(&w.id));
        let workspace_id = workspace.ok_or(ManageError::NoWorkspace)?.id;
        let first = Page {
            after: None,
            limit: 500,
        };
        let others =
            store::credentials::list(read, &project.org_id, Some(&project.id), &first).await?;
        if others
            .iter()
            .any(|other| other.workspace_id == workspace_id)
        {
            return Err(ManageError::WorkspaceTaken);
        }
        Ok(Place {
            org_id: project.org_id,
            workspace_id,
        })
    }

    /// Whether the actor may give a credential those services and profiles.
    fn check_assignments<'s>(
        &self,
        subscriptions: impl IntoIterator<Item = &'s Subscription>,
        actor: &Actor,
    ) -> Result<(), ManageError> {
        for one in subscriptions {
            let service = self.catalogue.find(&one.service);
            if service.is_some_and(|service| service.administrators_only) {
                actor.check_role(UseCase::AddAdminService)?;
            }
            actor.may_assign(&one.profiles)?;
        }
        Ok(())
    }

    async fn check_subscriptions(
        &self,
        read: &mut impl Reads,
        credential: &Credential,
    ) -> Result<(), ManageError> {
        let profiles = store::profiles::list(read, &credential.org_id).await?;
        for subscription in &credential.subscriptions {
            let service = &subscription.service;
            self.catalogue
                .find(service)
                .ok_or_else(|| ManageError::NoService(service.clone()))?;
            for id in &subscription.profiles {
                if !profiles
                    .iter()
                    .any(|p| p.id == *id && p.service == *service)
                {
                    return Err(ManageError::NoProfile(id.as_str().to_owned()));
                }
            }
        }
        Ok(())
    }

    /// The policy as the transaction sees it: what is in memory may be half a second old.
    pub(crate) async fn policy_in(
        &self,
        read: &mut impl Reads,
        org: &OrgId,
    ) -> Result<countersign_model::DeprecationPolicy, ManageError> {
        Ok(crate::Policies::new(store::policies::list(read).await?).of(org))
    }
}

/// A credential as a transaction sees it, and what it shall become. Dropping it changes nothing.
///
/// The steps of a change stand in plain sight between [`Authority::begin_change`] and
/// [`Authority::finish_change`], inside of `store::retry`: a closure that borrows the transaction
/// would have a future that the compiler cannot show to be `Send`.
pub(crate) struct Change {
    pub(crate) write: Write,
    before: Credential,
    pub(crate) after: Credential,
}

fn described(credential: &Credential) -> serde_json::Value {
    json!({
        "name": credential.name, "owner": credential.owner.team,
        "contact": credential.owner.contact, "enabled": credential.state.is_enabled(),
    })
}

struct Place {
    org_id: OrgId,
    workspace_id: WorkspaceId,
}

/// Lets the actor see how a credential is used.
pub(crate) async fn may_read_usage(
    read: &mut impl Reads,
    id: &CredentialId,
    actor: &Actor,
) -> Result<(), ManageError> {
    let found = store::credentials::find(read, id).await?;
    let credential = found.ok_or(ManageError::NoCredential)?;
    actor.check(
        UseCase::ReadUsage,
        &credential.org_id,
        ManageError::NoCredential,
    )
}

/// A secret of a credential, where it is needed by id.
pub(crate) fn position_of(
    secrets: &[Secret],
    id: &countersign_wire::SecretId,
) -> Result<usize, ManageError> {
    secrets
        .iter()
        .position(|s| s.id == *id)
        .ok_or(ManageError::NoSecret)
}
