//! From our things to the shapes of the original.

use countersign_authority::{Actor, Obstacle, OfferedService, Recipients, Usage};
use countersign_model::{
    Catalogue, Certificate, Credential, Organization, ProductProfile, Project, Role, Secret,
    Service, Subscription, TechnicalAccount, UseCase, Workspace,
};
use countersign_wire::management as wire;

use super::guard::In;

pub(super) fn organization(org: &Organization, by: &Actor) -> wire::Organization {
    let role = match by.role() {
        _ if by.is_operator() => "ADMIN",
        Some(Role::SystemAdministrator) => "ADMIN",
        Some(Role::Developer) => "DEVELOPER",
        // What a token of a credential may do is less than what any developer may.
        Some(Role::Viewer) | None => "VIEWER",
    };
    wire::Organization {
        id: org.numeric_id.clone(),
        code: org.id.clone(),
        name: org.name.clone(),
        description: None,
        kind: "entp",
        role,
        roles: [wire::OrganizationRole {
            kind: "org",
            name: role,
        }],
    }
}

pub(super) fn recipients(found: &Recipients) -> Vec<wire::Recipient> {
    let administrators = found.administrators.iter().map(|person| {
        let (first, last) = person.name.rsplit_once(' ').unwrap_or((&person.name, ""));
        wire::Recipient {
            user_id: Some(person.id.clone()),
            email: person.sign_in_name.to_string(),
            firstname: first.to_owned(),
            lastname: last.to_owned(),
            role: "ORG_ADMIN",
        }
    });
    let others = found.others.iter().map(|name| wire::Recipient {
        user_id: None,
        email: name.to_string(),
        firstname: String::new(),
        lastname: String::new(),
        role: "TEAM_MEMBER",
    });
    administrators.chain(others).collect()
}

/// A project; `credentials` are those of any project, to be told where they are.
pub(super) fn project(
    project: &Project,
    workspaces: &[Workspace],
    credentials: Option<&[Credential]>,
    org: &Organization,
) -> wire::Project {
    let of_workspace = |workspace: &Workspace, all: &[Credential]| {
        let here = all.iter().filter(|one| one.workspace_id == workspace.id);
        here.map(in_workspace).collect()
    };
    let workspaces = workspaces.iter().map(|one| wire::WorkspaceSummary {
        id: one.id.clone(),
        name: one.name.clone(),
        credentials: credentials.map(|all| of_workspace(one, all)),
    });
    wire::Project {
        id: project.id.clone(),
        org_id: org.numeric_id.clone(),
        name: project.name.clone(),
        title: project.title.clone(),
        description: project.description.clone(),
        kind: project.kind.as_str(),
        enabled: project.state.is_enabled(),
        deleted: false,
        date_created: project.created_at.to_string(),
        date_last_modified: project.changed_at.to_string(),
        who_created: project.created_by.clone(),
        who_last_modified: project.changed_by.clone(),
        metadata: wire::ProjectMetadata {
            workspaces: workspaces.collect(),
        },
    }
}

pub(super) fn install_credential(credential: &Credential) -> wire::InstallCredential {
    let services = credential.subscriptions.iter();
    let apis = services.map(|one| wire::InstallApi {
        code: one.service.clone(),
    });
    wire::InstallCredential {
        kind: credential.grants.integration_type().to_uppercase(),
        flow_type: wire::FLOW_TYPE.to_uppercase(),
        apis: apis.collect(),
    }
}

pub(super) fn hindrance(credential: &Credential, org: &Organization) -> wire::Hindrance {
    wire::Hindrance {
        code: "CREDENTIAL",
        message: format!(
            "the credential `{}` is still there: delete it first",
            credential.name
        ),
        workspace_id: credential.workspace_id.clone(),
        resource_urls: vec![format!(
            "/console/organizations/{}/integrations/{}",
            org.numeric_id, credential.id
        )],
    }
}

pub(super) fn workspace(workspace: &Workspace, project: &Project) -> wire::Workspace {
    wire::Workspace {
        id: workspace.id.clone(),
        name: workspace.name.clone(),
        title: workspace.title.clone(),
        description: workspace.description.clone(),
        enabled: project.state.is_enabled(),
        runtime_enabled: false,
        date_created: workspace.created_at.to_string(),
        date_last_modified: workspace.changed_at.to_string(),
        who_created: workspace.created_by.clone(),
        who_last_modified: workspace.changed_by.clone(),
    }
}

pub(super) fn in_workspace(credential: &Credential) -> wire::WorkspaceCredential {
    let kind = credential.grants.integration_type();
    wire::WorkspaceCredential {
        id_workspace: credential.workspace_id.clone(),
        id_integration: credential.id.clone(),
        flow_type: wire::FLOW_TYPE,
        integration_type: kind,
        credential_type: kind,
    }
}

pub(super) fn subscribed(credential: &Credential) -> wire::SubscriptionResult {
    let services = credential.subscriptions.iter();
    wire::SubscriptionResult {
        sdk_list: services.map(|one| one.service.clone()).collect(),
        error_list: [],
    }
}

pub(super) fn changed(
    credential: &Credential,
    project: &Project,
    org: &Organization,
) -> wire::CredentialSummary {
    wire::CredentialSummary {
        id: credential.id.clone(),
        apikey: credential.client_id.clone(),
        org_id: org.numeric_id.clone(),
        name: credential.name.clone(),
        description: project.description.clone(),
        status: status(credential),
        kind: wire::FLOW_TYPE,
        created_date: credential.created_at.to_string(),
    }
}

pub(super) fn of_client(credential: &Credential, org: &Organization) -> wire::ClientCredential {
    wire::ClientCredential {
        org_id: org.numeric_id.clone(),
        org_code: org.id.clone(),
        project_id: credential.project_id.clone(),
        workspace_id: credential.workspace_id.clone(),
        credential_id: credential.id.clone(),
        client_id: credential.client_id.clone(),
        flow_type: wire::FLOW_TYPE,
        credential_type: credential.grants.integration_type(),
        services: subscribed(credential).sdk_list,
    }
}

pub(super) fn service(offered: &OfferedService<'_>) -> wire::Service {
    let service = offered.service;
    let licenses = offered.profiles.iter().map(license);
    let reasons = offered.obstacles.iter().map(|obstacle| match obstacle {
        Obstacle::DeveloperRole => wire::DisabledReason::UserMissingAdminOrDeveloperRole,
        Obstacle::AdministratorRole => wire::DisabledReason::UserMissingAdminRole,
        Obstacle::ProductProfiles => wire::DisabledReason::UserMissingProductProfiles,
    });
    wire::Service {
        code: service.code.clone(),
        name: service.name.clone(),
        kind: wire::FLOW_TYPE,
        enabled: offered.obstacles.is_empty(),
        platform_list: None,
        docs_url: None,
        learn_more_url: None,
        description: None,
        deprecated: false,
        properties: wire::ServiceProperties {
            license_configs: (!offered.profiles.is_empty()).then(|| licenses.collect()),
        },
        requires_approval: false,
        can_request_access: false,
        entitled_for_org: true,
        disabled_reasons: reasons.collect(),
    }
}

pub(super) fn integration(credential: &Credential, org: &Organization) -> wire::IntegrationSummary {
    wire::IntegrationSummary {
        id: credential.id.clone(),
        apikey: credential.client_id.clone(),
        name: credential.name.clone(),
        org_id: org.numeric_id.clone(),
        kind: wire::FLOW_TYPE,
        status: status(credential),
        sdk_list: subscribed(credential).sdk_list,
        production: true,
        created_date: credential.created_at.to_string(),
    }
}

/// A credential with all that is shown beside it.
pub(super) struct Shown<'a> {
    pub(super) credential: &'a Credential,
    pub(super) account: &'a TechnicalAccount,
    pub(super) project: &'a Project,
    pub(super) profiles: &'a [ProductProfile],
}

impl Shown<'_> {
    pub(super) fn integration(&self, at: &In, catalogue: &Catalogue) -> wire::Integration {
        let credential = self.credential;
        let services = credential.subscriptions.iter();
        let may_change = at.by.may_change(UseCase::ChangeCredential, credential);
        wire::Integration {
            summary: integration(credential, &at.org),
            technical_account_id: self.account.id.clone(),
            technical_account_email: self.account.email.clone(),
            description: self.project.description.clone(),
            platform: None,
            read_only: may_change.is_err(),
            service_properties: services.map(|one| self.property(one, catalogue)).collect(),
        }
    }

    fn property(&self, one: &Subscription, catalogue: &Catalogue) -> wire::ServiceProperty {
        let service = catalogue.find(&one.service);
        let profiles = self.profiles.iter();
        let held = profiles.filter(|profile| one.profiles.contains(&profile.id));
        wire::ServiceProperty {
            sdk_code: one.service.clone(),
            name: service.map_or_else(|| one.service.to_string(), |known| known.name.clone()),
            roles: [],
            scopes: service.map_or_else(Vec::new, |known| known.scopes.clone()),
            license_configs: held.map(license).collect(),
        }
    }
}

/// A service, with which of its product profiles a credential uses it through.
pub(super) fn service_of_credential(
    service: &Service,
    profiles: &[ProductProfile],
    credential: &Credential,
) -> wire::ServiceOfCredential {
    let mut all = credential.subscriptions.iter();
    let subscription = all.find(|one| one.service == service.code);
    let is_selected = |profile: &ProductProfile| {
        subscription.is_some_and(|held| held.profiles.contains(&profile.id))
    };
    let licenses = profiles.iter().map(|profile| wire::SelectedLicense {
        license: license(profile),
        selected: is_selected(profile),
    });
    wire::ServiceOfCredential {
        sdk_code: service.code.clone(),
        name: service.name.clone(),
        sdk_list: [],
        license_configs: licenses.collect(),
    }
}

fn license(profile: &ProductProfile) -> wire::LicenseConfig {
    wire::LicenseConfig {
        id: profile.id.clone(),
        name: profile.name.clone(),
        product_id: profile.service.clone(),
        description: None,
    }
}

pub(super) fn binding(
    certificate: &Certificate,
    credential: &Credential,
    org: &Organization,
) -> wire::Binding {
    wire::Binding {
        binding_id: certificate.id.clone(),
        org_id: org.numeric_id.clone(),
        technical_account_id: credential.technical_account_id.clone(),
        certificate_fingerprint: certificate.fingerprint.clone(),
        not_after: certificate.not_after.as_millis(),
    }
}

pub(super) fn secret(secret: &Secret, usage: &[Usage]) -> wire::SecretRecord {
    let uses = usage
        .iter()
        .filter(|one| one.subject.named() == ("secret", Some(secret.id.as_str())))
        .map(|one| wire::SecretUsage::new(one.last_used_at, one.grant.as_str()));
    wire::SecretRecord::new(
        secret.id.clone(),
        secret.created_at,
        secret.expires_at,
        uses.collect(),
    )
}

fn status(credential: &Credential) -> &'static str {
    match credential.state.is_enabled() {
        true => "ENABLED",
        false => "DISABLED",
    }
}
