//! Rows to store.

use countersign_model::secret::Strength;
use countersign_model::{
    Certificate, Credential, Exemption, Grants, Migration, Organization, Origin, Owner,
    ProductProfile, Project, ProjectKind, Quarantine, ReplayPolicy, Secret, SecretDigest,
    SecretsInQuery, SigningAlgorithm, State, Subscription, TechnicalAccount, TokenKind, Workspace,
};
use countersign_store::{
    Store, credentials, organizations, profiles, projects, technical_accounts,
};
use countersign_wire::{
    CertificateId, ClientId, CredentialId, NumericOrgId, OrgId, ProfileId, ProjectId, SecretId,
    ServiceCode, TechnicalAccountEmail, TechnicalAccountId, Timestamp, WorkspaceId,
};

/// Text that breaks careless SQL: quotes, patterns, comments, several scripts.
pub const NASTY: &str = "O'Neil \"%_\\'; DROP TABLE secrets; -- Ünïcödé 漢字 🦀 \u{202e}";

pub fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

pub fn organization(n: u8) -> Organization {
    Organization {
        quarantine: Quarantine::of_days(u32::from(n)),
        id: OrgId::from_random([n; 12]),
        numeric_id: NumericOrgId::from_number(u64::from(n)),
        name: NASTY.to_owned(),
        state: State::Enabled,
        replay: ReplayPolicy::OnceIfJti,
        secrets_in_query: SecretsInQuery::Refuse,
        created_at: at(i64::MIN),
        revision: 1,
    }
}

pub fn project(org: &OrgId, n: u64) -> Project {
    Project {
        id: ProjectId::from_number(n),
        org_id: org.clone(),
        name: format!("Project{n}"),
        title: "A title".to_owned(),
        description: NASTY.to_owned(),
        kind: ProjectKind::Jaeger,
        state: State::Enabled,
        created_at: at(1),
        created_by: "person:ada@example.com".to_owned(),
        changed_at: at(2),
        changed_by: NASTY.to_owned(),
        active_at: None,
        revision: 1,
    }
}

pub fn workspace(project: &Project) -> Workspace {
    Workspace {
        id: WorkspaceId::parse(project.id.as_str()).unwrap(),
        project_id: project.id.clone(),
        name: "Production".to_owned(),
        title: String::new(),
        description: NASTY.to_owned(),
        created_at: at(1),
        created_by: NASTY.to_owned(),
        changed_at: at(2),
        changed_by: NASTY.to_owned(),
    }
}

pub fn account(org: &OrgId, n: u8) -> TechnicalAccount {
    TechnicalAccount {
        id: TechnicalAccountId::from_random([n; 12]),
        email: TechnicalAccountEmail::from_uuid([n; 16]),
        org_id: org.clone(),
        created_at: at(2),
    }
}

pub fn profile(org: &OrgId, n: u64) -> ProductProfile {
    ProductProfile {
        id: ProfileId::from_number(n),
        org_id: org.clone(),
        service: ServiceCode::parse("AdobeIOEventsSDK").unwrap(),
        name: NASTY.to_owned(),
        created_at: at(3),
    }
}

pub fn secret(n: u8) -> Secret {
    Secret {
        id: SecretId::from_random([n; 16]),
        label: NASTY.to_owned(),
        digest: SecretDigest::Keyed {
            pepper: "one".to_owned(),
            mac: [n; 32],
        },
        hint: "abcd".to_owned(),
        strength: Strength::Strong,
        created_at: at(i64::from(n)),
        expires_at: None,
    }
}

pub fn certificate(n: u8) -> Certificate {
    Certificate {
        id: CertificateId::from_random([n; 16]),
        pem: "-----BEGIN CERTIFICATE-----\n".to_owned(),
        fingerprint: "ab".repeat(20),
        key_digest: format!("{n:02x}").repeat(32),
        subject: NASTY.to_owned(),
        not_before: at(0),
        not_after: at(i64::MAX),
        created_at: at(i64::from(n)),
    }
}

pub fn subscription(service: &str, profiles: &[u64]) -> Subscription {
    Subscription {
        service: ServiceCode::parse(service).unwrap(),
        profiles: profiles
            .iter()
            .map(|n| ProfileId::from_number(*n))
            .collect(),
    }
}

/// An installation with one of everything that a credential hangs on.
pub struct World {
    pub organization: Organization,
    pub project: Project,
    pub workspace: Workspace,
    pub account: TechnicalAccount,
}

impl World {
    /// Stores it, with the product profiles 1, 2 and 3.
    pub async fn create(store: &Store, n: u8) -> Self {
        let organization = organization(n);
        let project = project(&organization.id, u64::from(n));
        let workspace = workspace(&project);
        let account = account(&organization.id, n);
        let mut w = store.write().await.unwrap();
        organizations::insert(&mut w, &organization).await.unwrap();
        projects::insert(&mut w, &project, std::slice::from_ref(&workspace))
            .await
            .unwrap();
        technical_accounts::insert(&mut w, &account).await.unwrap();
        if n == 1 {
            for id in 1..=3 {
                let profile = profile(&organization.id, id);
                profiles::insert(&mut w, &profile).await.unwrap();
            }
        }
        w.commit().await.unwrap();
        Self {
            organization,
            project,
            workspace,
            account,
        }
    }

    /// A credential with two secrets, a certificate and two subscriptions; not stored.
    pub fn credential(&self, n: u8) -> Credential {
        Credential {
            id: CredentialId::from_number(1000 + u64::from(n)),
            client_id: ClientId::from_random([n; 16]),
            org_id: self.organization.id.clone(),
            project_id: self.project.id.clone(),
            workspace_id: self.workspace.id.clone(),
            name: NASTY.to_owned(),
            owner: Owner {
                team: NASTY.to_owned(),
                contact: "#integrations".to_owned(),
            },
            technical_account_id: self.account.id.clone(),
            origin: Origin::Console,
            grants: Grants::Jwt(Migration::Paired { since: at(77) }),
            exemption: Some(Exemption {
                until: at(99),
                reason: NASTY.to_owned(),
                approved_by: NASTY.to_owned(),
                approved_at: at(78),
            }),
            token_kind: TokenKind::Standard {
                algorithm: SigningAlgorithm::EdDsa,
            },
            jwks: Some(NASTY.to_owned()),
            state: State::Enabled,
            created_at: at(i64::from(n)),
            revision: 1,
            secrets: vec![secret(n), secret(n + 100)],
            certificates: vec![certificate(n)],
            subscriptions: vec![
                subscription("UserMgmtSDK", &[2, 1]),
                subscription("AdobeIOEventsSDK", &[]),
            ],
        }
    }

    /// The same, stored.
    pub async fn stored_credential(&self, store: &Store, n: u8) -> Credential {
        let credential = self.credential(n);
        let mut w = store.write().await.unwrap();
        credentials::insert(&mut w, &credential).await.unwrap();
        w.commit().await.unwrap();
        credential
    }
}

/// The credential as it is stored now.
pub async fn load(store: &Store, id: &CredentialId) -> Credential {
    let mut r = store.read().await.unwrap();
    credentials::find(&mut r, id).await.unwrap().unwrap()
}
