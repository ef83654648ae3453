//! Things as the API shows them. Times are RFC 3339 in UTC; ids are text, also where they are
//! digits.

use countersign_authority::{Callers, Entry, Finding, Invited, Usage, role_of};
use countersign_model::evidence::Seen;
use countersign_model::member::{AccessToken, Invitation};
use countersign_model::{
    Certificate, Credential, DeprecationPolicy, Grants, KeyState, Membership, Migration,
    Organization, Person, ProductProfile, Project, Secret, Service, SigningKeyRecord, State,
    TechnicalAccount, Workspace,
};
use countersign_wire::{Opaque, Timestamp};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

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
    /// `none` where there is nothing to migrate, else `not_started`, `started`, `completed` or
    /// `cancelled`.
    migration: &'static str,
    /// `ims`, or `standard:` and an algorithm.
    token_kind: &'static str,
    enabled: bool,
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
            migration: migration(credential.grants),
            token_kind: credential.token_kind.as_str(),
            enabled: enabled(credential.state),
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

fn migration(grants: Grants) -> &'static str {
    match grants {
        Grants::OAuth => "none",
        Grants::Jwt(Migration::NotStarted) => "not_started",
        Grants::Jwt(Migration::Paired { .. }) => "started",
        Grants::Jwt(Migration::Completed { .. }) => "completed",
        Grants::Jwt(Migration::Cancelled { .. }) => "cancelled",
    }
}

/// A credential with its technical account.
#[derive(Serialize, ToSchema)]
pub(super) struct CredentialDetail {
    #[serde(flatten)]
    pub(super) credential: CredentialView,
    technical_account_email: String,
}

impl CredentialDetail {
    pub(super) fn new(credential: &Credential, account: &TechnicalAccount) -> Self {
        Self {
            credential: credential.into(),
            technical_account_email: account.email.to_string(),
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

/// A client secret, without the secret.
#[derive(Serialize, ToSchema)]
pub(super) struct SecretView {
    id: String,
    label: String,
    /// Its last four characters.
    hint: String,
    /// `strong`, or `weak` for an imported one.
    strength: &'static str,
    live: bool,
    created_at: String,
    expires_at: Option<String>,
    last_used_at: Option<String>,
}

impl SecretView {
    pub(super) fn new(secret: &Secret, usage: &[Usage], now: Timestamp) -> Self {
        let uses = usage
            .iter()
            .filter(|one| one.subject.named() == ("secret", Some(secret.id.as_str())));
        Self {
            id: secret.id.to_string(),
            label: secret.label.clone(),
            hint: secret.hint.clone(),
            strength: secret.strength.as_str(),
            live: secret.is_live(now),
            created_at: time(secret.created_at),
            expires_at: secret.expires_at.map(time),
            last_used_at: uses.map(|one| one.last_used_at).max().map(time),
        }
    }
}

/// A secret that was added.
#[derive(Serialize, ToSchema)]
pub(super) struct CreatedSecret {
    #[serde(flatten)]
    pub(super) secret: SecretView,
    /// The secret: shown in this answer and never again; `null` when the answer is repeated for an
    /// `Idempotency-Key`.
    pub(super) client_secret: Option<String>,
}

/// A certificate of the JWT half.
#[derive(Serialize, ToSchema)]
pub(super) struct CertificateView {
    id: String,
    /// SHA-1 of the certificate.
    fingerprint: String,
    subject: String,
    pem: String,
    live: bool,
    not_before: String,
    not_after: String,
    created_at: String,
    last_used_at: Option<String>,
}

impl CertificateView {
    pub(super) fn new(certificate: &Certificate, usage: &[Usage], now: Timestamp) -> Self {
        let uses = usage
            .iter()
            .filter(|one| one.subject.named() == ("certificate", Some(certificate.id.as_str())));
        Self {
            id: certificate.id.to_string(),
            fingerprint: certificate.fingerprint.clone(),
            subject: certificate.subject.clone(),
            pem: certificate.pem.clone(),
            live: certificate.is_live(now),
            not_before: time(certificate.not_before),
            not_after: time(certificate.not_after),
            created_at: time(certificate.created_at),
            last_used_at: uses.map(|one| one.last_used_at).max().map(time),
        }
    }
}

/// A certificate that was added.
#[derive(Serialize, ToSchema)]
pub(super) struct CreatedCertificate {
    #[serde(flatten)]
    pub(super) certificate: CertificateView,
    /// The generated private key as PEM: shown in this answer and never again; `null` where none
    /// was generated.
    pub(super) private_key: Option<String>,
}

/// Who calls with a credential, and what somebody should look at.
#[derive(Serialize, ToSchema)]
pub(super) struct UsageView {
    /// Per grant, secret, certificate and key: how often, first and last.
    uses: Vec<UseView>,
    callers: Vec<CallerView>,
    findings: Vec<FindingView>,
}

/// Uses of one thing by one grant.
#[derive(Serialize, ToSchema)]
struct UseView {
    /// `grant`, `secret`, `certificate` or `key`.
    subject: &'static str,
    subject_id: Option<String>,
    /// `client_credentials` or `jwt_exchange`.
    grant: &'static str,
    uses: u64,
    first_used_at: String,
    last_used_at: String,
}

/// One caller.
#[derive(Serialize, ToSchema)]
struct CallerView {
    grant: &'static str,
    /// The service that was called through the gateway; `null` is the token endpoint.
    service: Option<String>,
    /// Where it calls from; `null` for all those that are not told apart any more.
    network: Option<String>,
    agent: Option<String>,
    consumer: Option<String>,
    secret_id: Option<String>,
    uses: u64,
    first_used_at: String,
    last_used_at: String,
    /// In how many of the last 63 hours, days and weeks before the last call it called.
    active_hours: u32,
    active_days: u32,
    active_weeks: u32,
}

/// What somebody should look at.
#[derive(Serialize, ToSchema)]
struct FindingView {
    finding: &'static str,
    times: u64,
    first_seen_at: String,
    last_seen_at: String,
}

impl UsageView {
    pub(super) fn new(usage: &[Usage], callers: &[Callers], findings: &[Finding]) -> Self {
        let seen = callers
            .iter()
            .flat_map(|half| half.seen.iter().map(|seen| caller(half, seen)));
        Self {
            uses: usage.iter().map(used).collect(),
            callers: seen.collect(),
            findings: findings.iter().map(found).collect(),
        }
    }
}

fn used(usage: &Usage) -> UseView {
    let (subject, subject_id) = usage.subject.named();
    UseView {
        subject,
        subject_id: subject_id.map(str::to_owned),
        grant: usage.grant.as_str(),
        uses: usage.uses,
        first_used_at: time(usage.first_used_at),
        last_used_at: time(usage.last_used_at),
    }
}

fn caller(half: &Callers, seen: &Seen) -> CallerView {
    let trace = seen.trace.as_ref();
    let caller = trace.map(|trace| &trace.caller);
    CallerView {
        grant: half.grant.as_str(),
        service: half.service.as_ref().map(ToString::to_string),
        network: caller.map(|caller| caller.network.to_string()),
        agent: caller.map(|caller| caller.agent.as_str().to_owned()),
        consumer: caller.and_then(|c| c.consumer.as_ref().map(ToString::to_string)),
        secret_id: trace.and_then(|trace| trace.secret.as_ref().map(ToString::to_string)),
        uses: seen.uses,
        first_used_at: time(seen.first_at),
        last_used_at: time(seen.last_at),
        active_hours: seen.rhythm.hours.count_ones(),
        active_days: seen.rhythm.days.count_ones(),
        active_weeks: seen.rhythm.weeks.count_ones(),
    }
}

fn found(finding: &Finding) -> FindingView {
    FindingView {
        finding: finding.kind.as_str(),
        times: finding.times,
        first_seen_at: time(finding.first_at),
        last_seen_at: time(finding.last_at),
    }
}

/// A service of the catalogue.
#[derive(Serialize, ToSchema)]
pub(super) struct ServiceView {
    code: String,
    name: String,
    scopes: Vec<String>,
    metascopes: Vec<String>,
    /// Whether only System Administrators may add it to a credential.
    administrators_only: bool,
}

impl From<&Service> for ServiceView {
    fn from(service: &Service) -> Self {
        Self {
            code: service.code.to_string(),
            name: service.name.clone(),
            scopes: service.scopes.iter().map(ToString::to_string).collect(),
            metascopes: service.metascopes.iter().map(ToString::to_string).collect(),
            administrators_only: service.administrators_only,
        }
    }
}

/// A product profile.
#[derive(Serialize, ToSchema)]
pub(super) struct ProfileView {
    id: String,
    service: String,
    name: String,
    created_at: String,
}

impl From<&ProductProfile> for ProfileView {
    fn from(profile: &ProductProfile) -> Self {
        Self {
            id: profile.id.to_string(),
            service: profile.service.to_string(),
            name: profile.name.clone(),
            created_at: time(profile.created_at),
        }
    }
}

/// A person in an organization.
#[derive(Serialize, ToSchema)]
pub(super) struct MemberView {
    /// Id of the person.
    id: String,
    sign_in_name: String,
    name: String,
    /// `viewer`, `developer` or `system_administrator`.
    role: &'static str,
    profiles: Vec<String>,
    enabled: bool,
    member_since: String,
}

impl From<&(Person, Membership)> for MemberView {
    fn from((person, member): &(Person, Membership)) -> Self {
        Self {
            id: person.id.to_string(),
            sign_in_name: person.sign_in_name.to_string(),
            name: person.name.clone(),
            role: member.role.as_str(),
            profiles: member.profiles.iter().map(ToString::to_string).collect(),
            enabled: enabled(member.state) && enabled(person.state),
            member_since: time(member.created_at),
        }
    }
}

/// An invitation that was not used yet.
#[derive(Serialize, ToSchema)]
pub(super) struct InvitationView {
    id: String,
    sign_in_name: Option<String>,
    role: &'static str,
    profiles: Vec<String>,
    invited_by: String,
    created_at: String,
    expires_at: String,
}

impl From<&Invitation> for InvitationView {
    fn from(invitation: &Invitation) -> Self {
        Self {
            id: invitation.id.to_string(),
            sign_in_name: invitation.sign_in_name.as_ref().map(ToString::to_string),
            role: invitation.role.as_str(),
            profiles: invitation
                .profiles
                .iter()
                .map(ToString::to_string)
                .collect(),
            invited_by: invitation.invited_by.clone(),
            created_at: time(invitation.created_at),
            expires_at: time(invitation.expires_at),
        }
    }
}

/// An invitation that was made.
#[derive(Serialize, ToSchema)]
pub(super) struct CreatedInvitation {
    #[serde(flatten)]
    pub(super) invitation: InvitationView,
    /// The code of its link: shown in this answer and never again.
    link_code: Option<String>,
}

impl From<&Invited> for CreatedInvitation {
    fn from(invited: &Invited) -> Self {
        Self {
            invitation: (&invited.invitation).into(),
            link_code: Some(shown(&invited.code)),
        }
    }
}

/// A personal access token, without the token.
#[derive(Serialize, ToSchema)]
pub(super) struct AccessTokenView {
    id: String,
    name: String,
    /// Its last four characters.
    hint: String,
    /// The role it has at most; `null` for one of the operator.
    role: Option<&'static str>,
    created_at: String,
    expires_at: String,
    last_used_at: Option<String>,
}

impl From<&AccessToken> for AccessTokenView {
    fn from(token: &AccessToken) -> Self {
        Self {
            id: token.id.to_string(),
            name: token.name.clone(),
            hint: token.hint.clone(),
            role: role_of(token).map(countersign_model::Role::as_str),
            created_at: time(token.created_at),
            expires_at: time(token.expires_at),
            last_used_at: token.last_used_at.map(time),
        }
    }
}

/// An access token that was made.
#[derive(Serialize, ToSchema)]
pub(super) struct CreatedAccessToken {
    #[serde(flatten)]
    pub(super) token: AccessTokenView,
    /// The token: shown in this answer and never again.
    pub(super) access_token: Option<String>,
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
            detail: serde_json::from_str(&event.detail).unwrap_or_default(),
        }
    }
}

/// A secret that leaves in this one answer.
pub(super) fn shown(secret: &Opaque) -> String {
    secret.expose().to_owned()
}
