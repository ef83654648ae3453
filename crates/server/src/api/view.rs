//! Things as the API shows them. Times are RFC 3339 in UTC; ids are text, also where they are
//! digits.

use std::collections::BTreeSet;

use countersign_authority::{Authority, Entry};
use countersign_model::{
    Credential, DeprecationPolicy, Grants, KeyState, Organization, Project, Quarantine,
    SigningKeyRecord, State, TechnicalAccount, Workspace,
};
use countersign_wire::{Opaque, Timestamp};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

mod brownout;
mod catalogue;
mod migration;
mod people;
mod proofs;
mod usage;

pub(super) use brownout::{BrownoutDetail, BrownoutView, PlannedView};
pub(super) use catalogue::{OfferedView, ProfileView, ServiceView};
pub(super) use migration::{MigrationDetailView, MigrationView, ReviewView};
pub(super) use people::{
    AccessTokenView, CreatedAccessToken, CreatedInvitation, InvitationView, MemberView,
};
pub(super) use proofs::{CertificateView, CreatedCertificate, CreatedSecret, SecretView};
pub(super) use usage::UsageView;

use super::exemption::ExemptionView;

pub(super) fn time(at: Timestamp) -> String {
    at.to_string()
}

fn enabled(state: State) -> bool {
    state.is_enabled()
}

/// An organization.
#[derive(Serialize, ToSchema)]
pub(super) struct OrganizationView {
    /// `24HEX@AdobeOrg`.
    id: String,
    /// The number of Console paths.
    numeric_id: String,
    name: String,
    enabled: bool,
    /// `allow`, `once_if_jti` or `require_jti`.
    replay: &'static str,
    /// `accept` or `refuse`.
    secrets_in_query: &'static str,
    /// How long a disabled JWT half can be restored, in days; `null` is as the installation says.
    quarantine_days: Option<u32>,
    created_at: String,
}

impl From<&Organization> for OrganizationView {
    fn from(org: &Organization) -> Self {
        Self {
            id: org.id.to_string(),
            numeric_id: org.numeric_id.to_string(),
            name: org.name.clone(),
            enabled: enabled(org.state),
            replay: org.replay.as_str(),
            secrets_in_query: org.secrets_in_query.as_str(),
            quarantine_days: org.quarantine.map(Quarantine::days),
            created_at: time(org.created_at),
        }
    }
}

/// A project.
#[derive(Serialize, ToSchema)]
pub(super) struct ProjectView {
    id: String,
    organization_id: String,
    name: String,
    title: String,
    description: String,
    /// `default` or `jaeger`.
    kind: &'static str,
    enabled: bool,
    created_at: String,
    /// As in the activity log; empty where nobody wrote it down.
    created_by: String,
    /// When it, or a credential in it, was changed last.
    changed_at: String,
    /// As in the activity log; empty where nobody wrote it down.
    changed_by: String,
    /// The first instant of the day (UTC) of its last token or call.
    active_at: Option<String>,
}

impl From<&Project> for ProjectView {
    fn from(project: &Project) -> Self {
        Self {
            id: project.id.to_string(),
            organization_id: project.org_id.to_string(),
            name: project.name.clone(),
            title: project.title.clone(),
            description: project.description.clone(),
            kind: project.kind.as_str(),
            enabled: enabled(project.state),
            created_at: time(project.created_at),
            created_by: project.created_by.clone(),
            changed_at: time(project.changed_at),
            changed_by: project.changed_by.clone(),
            active_at: project.active_at.map(time),
        }
    }
}

/// A place inside of a project for one credential.
#[derive(Serialize, ToSchema)]
pub(super) struct WorkspaceView {
    id: String,
    name: String,
}

impl From<&Workspace> for WorkspaceView {
    fn from(workspace: &Workspace) -> Self {
        Self {
            id: workspace.id.to_string(),
            name: workspace.name.clone(),
        }
    }
}

/// A service that a credential may use.
#[derive(Serialize, ToSchema)]
pub(super) struct SubscriptionView {
    service: String,
    profiles: Vec<String>,
}

/// A credential, without its secrets.
#[derive(Serialize, ToSchema)]
pub(super) struct CredentialView {
    id: String,
    client_id: String,
    organization_id: String,
    project_id: String,
    workspace_id: String,
    name: String,
    owner_team: String,
    owner_contact: String,
    technical_account_id: String,
    /// `console`, `auto_generated` or `aem_developer_console`.
    origin: &'static str,
    /// `service`, `oauth_server_to_server` or `oauth_server_to_server_migrate`.
    integration_type: &'static str,
    /// `none` where there is nothing to migrate, else `not_started`, `started`, `disabled`,
    /// `completed` or `cancelled`.
    migration: &'static str,
    /// `ims`, or `standard:` and an algorithm.
    token_kind: &'static str,
    enabled: bool,
    /// `null` if the dates of the policy hold for it as for others.
    exemption: Option<ExemptionView>,
    services: Vec<SubscriptionView>,
    created_at: String,
}

impl From<&Credential> for CredentialView {
    fn from(credential: &Credential) -> Self {
        let services = credential.subscriptions.iter();
        Self {
            id: credential.id.to_string(),
            client_id: credential.client_id.to_string(),
            organization_id: credential.org_id.to_string(),
            project_id: credential.project_id.to_string(),
            workspace_id: credential.workspace_id.to_string(),
            name: credential.name.clone(),
            owner_team: credential.owner.team.clone(),
            owner_contact: credential.owner.contact.clone(),
            technical_account_id: credential.technical_account_id.to_string(),
            origin: credential.origin.as_str(),
            integration_type: credential.grants.integration_type(),
            migration: migration_word(credential.grants),
            token_kind: credential.token_kind.as_str(),
            enabled: enabled(credential.state),
            exemption: credential.exemption.as_ref().map(ExemptionView::from),
            services: services
                .map(|one| SubscriptionView {
                    service: one.service.to_string(),
                    profiles: one.profiles.iter().map(ToString::to_string).collect(),
                })
                .collect(),
            created_at: time(credential.created_at),
        }
    }
}

fn migration_word(grants: Grants) -> &'static str {
    match grants {
        Grants::OAuth => "none",
        Grants::Jwt(migration) => migration.as_str(),
    }
}

/// A credential with its technical account.
#[derive(Serialize, ToSchema)]
pub(super) struct CredentialDetail {
    #[serde(flatten)]
    credential: CredentialView,
    technical_account_email: String,
    /// What its tokens can have.
    scopes: Vec<String>,
    /// What its assertions can ask for; empty without a JWT half.
    metascopes: Vec<String>,
    /// Of a credential with a JWT half, from its deprecation on.
    deprecation: Option<DeprecationView>,
}

/// How long a JWT half has.
#[derive(Serialize, ToSchema)]
struct DeprecationView {
    deprecated_on: String,
    /// When it ends, if that is known.
    sunset: Option<String>,
}

impl CredentialDetail {
    pub(super) fn new(
        credential: &Credential,
        account: &TechnicalAccount,
        policy: &DeprecationPolicy,
        authority: &Authority,
    ) -> Self {
        let catalogue = authority.catalogue();
        let has_jwt_half = credential.grants.has_jwt_half();
        let metascopes: BTreeSet<_> = credential.bound_metascopes(catalogue).collect();
        let last = credential.last_certificate_ends();
        let dates = credential.dates(policy);
        let notice = dates.notice(credential.origin, last, authority.clock().now());
        Self {
            credential: credential.into(),
            technical_account_email: account.email.to_string(),
            scopes: credential
                .granted_scopes(catalogue)
                .iter()
                .map(ToString::to_string)
                .collect(),
            metascopes: match has_jwt_half {
                true => metascopes.iter().map(ToString::to_string).collect(),
                false => Vec::new(),
            },
            deprecation: notice
                .filter(|_| has_jwt_half)
                .map(|notice| DeprecationView {
                    deprecated_on: time(notice.deprecated_on),
                    sunset: notice.sunset.map(time),
                }),
        }
    }
}

/// A credential that was made.
#[derive(Serialize, ToSchema)]
pub(super) struct CreatedCredential {
    #[serde(flatten)]
    pub(super) credential: CredentialDetail,
    /// The first secret: shown in this answer and never again; `null` when the answer is repeated
    /// for an `Idempotency-Key`.
    pub(super) client_secret: Option<String>,
    /// The generated private key as PEM, shown like the secret; `null` where none was generated.
    pub(super) private_key: Option<String>,
}

/// The dates of the deprecation policy; `null` never comes.
#[derive(Serialize, ToSchema)]
pub(super) struct PolicyView {
    deprecated_on: Option<String>,
    no_new_on: Option<String>,
    end_of_life_on: Option<String>,
    final_on: Option<String>,
}

impl From<&DeprecationPolicy> for PolicyView {
    fn from(policy: &DeprecationPolicy) -> Self {
        Self {
            deprecated_on: policy.deprecated_on.map(time),
            no_new_on: policy.no_new_on.map(time),
            end_of_life_on: policy.end_of_life_on.map(time),
            final_on: policy.final_on.map(time),
        }
    }
}

/// A key that signs tokens, without its private half.
#[derive(Serialize, ToSchema)]
pub(super) struct KeyView {
    id: String,
    algorithm: &'static str,
    /// `next`, `active`, `retired` or `removed`.
    state: &'static str,
    created_at: String,
}

impl From<&SigningKeyRecord> for KeyView {
    fn from(key: &SigningKeyRecord) -> Self {
        Self {
            id: key.id.to_string(),
            algorithm: key.algorithm.as_str(),
            state: match key.state {
                KeyState::Next => "next",
                KeyState::Active { .. } => "active",
                KeyState::Retired { .. } => "retired",
                KeyState::Removed { .. } => "removed",
            },
            created_at: time(key.created_at),
        }
    }
}

/// An event of the activity log.
#[derive(Serialize, ToSchema)]
pub(super) struct EventView {
    id: String,
    at: String,
    /// Who, as `kind:name`.
    actor: String,
    /// The address it came from.
    source: Option<String>,
    /// What, as `noun.verb`.
    action: String,
    /// Of what.
    subject: String,
    /// In which project, where it concerns one.
    project_id: Option<String>,
    /// About which credential, where it concerns one.
    credential_id: Option<String>,
    /// Before and after, without secrets.
    #[schema(value_type = Object)]
    detail: Value,
}

impl From<&Entry> for EventView {
    fn from(entry: &Entry) -> Self {
        let event = &entry.event;
        Self {
            id: entry.id.clone(),
            at: time(event.at),
            actor: event.actor.clone(),
            source: event.source.clone(),
            action: event.action.clone(),
            subject: event.subject.clone(),
            project_id: event.project_id.as_ref().map(ToString::to_string),
            credential_id: event.credential_id.as_ref().map(ToString::to_string),
            detail: serde_json::from_str(&event.detail).unwrap_or_default(),
        }
    }
}

/// A secret that leaves in this one answer.
pub(super) fn shown(secret: &Opaque) -> String {
    secret.expose().to_owned()
}
