//! Every use case asks who asks: generated from the one table. Source: security.md ORG-01, ORG-03.

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::LazyLock;

use countersign_authority::{
    Actor, AlertsChange, Authority, BoardFilter, CredentialChange, Direction, Disabling, Force,
    LivingTokens, ManageError, MemberChange, NewCertificate, NewGrant, NewInvitation,
    NewOrganization, NewProject, NewWave, NewWorkspace, NumberedFilter, NumberedPage,
    OrganizationChange, Page, PlanDirection, ProjectChange, Search, Sort, TokensOf, WaveChange,
    WorkspaceChange,
};
use countersign_model::access::Least;
use countersign_model::{DeprecationPolicy, ProjectKind, Role, Step, TokenKind, UseCase};
use countersign_testkit::app::{operator, subscription};
use countersign_testkit::{TestApp, TestClient, keys};
use countersign_wire::{
    Caller, InvitationId, NumericOrgId, PersonId, SecretId, ServiceCode, WaveName, WorkspaceId,
};

use crate::people::{actor, member, name, opaque};

const FIRST: NumberedPage = NumberedPage {
    sort: Sort::Created,
    direction: Direction::Ascending,
    skip: 0,
    size: 10,
};

type Outcome<'a> = Pin<Box<dyn Future<Output = Result<(), ManageError>> + Send + 'a>>;
type Attempt = for<'a> fn(&'a Authority, &'a Things, &'a Actor) -> Outcome<'a>;

/// One thing of each kind, all of one organization.
struct Things {
    client: TestClient,
    number: NumericOrgId,
    workspace: WorkspaceId,
    new_project: u32,
    person: PersonId,
}

macro_rules! attempts {
    ($($case:ident: |$a:ident, $t:ident, $by:ident| $attempt:expr;)+) => {
        /// Every management use case, and what of the table it takes.
        const ATTEMPTS: &[(UseCase, &str, Attempt)] = &[$(
            (UseCase::$case, stringify!($attempt), |$a, $t, $by| Box::pin(async move {
                $attempt.await.map(drop)
            })),
        )+];
    };
}

attempts! {
    ReadOrganization: |a, t, by| a.find_organization(&t.client.org_id, by);
    ReadOrganization: |a, t, by| a.find_organization_by_number(&t.number, by);
    ChangeOrganization: |a, t, by| a.change_organization(&t.client.org_id, OrganizationChange::default(), by);
    ReadProjects: |a, t, by| a.list_projects(&t.client.org_id, &Page::first(), by);
    ReadProjects: |a, t, by| async { a.search_projects(&t.client.org_id, &Search::default(), &Page::first(), by).await };
    ReadProjects: |a, t, by| a.find_project(&t.client.org_id, t.client.project_id.as_str(), by);
    ReadProjects: |a, t, by| a.list_workspaces(&t.client.project_id, by);
    ReadProjects: |a, t, by| async { a.number_projects(&t.client.org_id, &NumberedFilter::default(), &FIRST, by).await };
    ReadProjects: |a, t, by| a.locate_project(&t.client.project_id, by);
    ReadProjects: |a, t, by| a.find_workspace(&t.client.org_id, &t.workspace, by);
    CreateProject: |a, t, by| a.create_project(project(t), by);
    CreateProject: |a, t, by| a.create_project_with_workspaces(project(t), Vec::new(), by);
    ChangeProject: |a, t, by| a.change_project(&t.client.project_id, ProjectChange::default(), by);
    ReadProjects: |a, t, by| a.find_alerts(&t.client.project_id, by);
    ChangeProject: |a, t, by| async { a.change_alerts(&t.client.project_id, &AlertsChange::default(), by).await };
    ChangeProject: |a, t, by| a.switch_project(&t.client.project_id, true, by);
    ChangeProject: |a, t, by| async { a.create_workspace(&t.client.project_id, stage(), by).await };
    ChangeProject: |a, t, by| async { a.change_workspace(&t.client.project_id, &t.workspace, &WorkspaceChange::default(), by).await };
    ChangeProject: |a, t, by| a.delete_workspace(&t.client.project_id, &t.workspace, by);
    DeleteProject: |a, t, by| a.delete_project(&t.client.project_id, by);
    ReadCredentials: |a, t, by| a.list_credentials(&t.client.org_id, None, &Page::first(), by);
    ReadCredentials: |a, t, by| a.list_credentials_of(&t.client.org_id, std::slice::from_ref(&t.client.project_id), by);
    ReadCredentials: |a, t, by| a.number_credentials(&t.client.org_id, 0, 10, by);
    ReadCredentials: |a, t, by| a.find_credential(t.client.id.as_str(), by);
    ReadCredentials: |a, t, by| a.find_credential(t.client.client_id.as_str(), by);
    CreateCredential: |a, t, by| a.create_credential(credential(t), by);
    CreateCredential: |a, t, by| a.create_project_with_credential(project(t), credential(t), by);
    ChangeCredential: |a, t, by| a.change_credential(&t.client.id, CredentialChange::default(), by);
    ChangeCredential: |a, t, by| a.switch_credential(&t.client.id, true, by);
    ChangeCredential: |a, t, by| a.subscribe(&t.client.id, subscription("AdobeTargetSDK"), by);
    ChangeCredential: |a, t, by| a.set_subscriptions(&t.client.id, vec![subscription("AdobeTargetSDK")], by);
    ChangeCredential: |a, t, by| a.unsubscribe(&t.client.id, &ServiceCode::parse("AdobeTargetSDK").unwrap(), by);
    ChangeCredential: |a, t, by| a.set_token_kind(&t.client.id, TokenKind::Ims, by);
    ChangeCredential: |a, t, by| a.set_jwks(&t.client.id, br#"{"keys":[]}"#, by);
    DeleteCredential: |a, t, by| a.delete_credential(&t.client.id, by);
    ReadUsage: |a, t, by| a.list_usage(&t.client.id, by);
    ReadUsage: |a, t, by| a.list_days(&t.client.id, by);
    ReadUsage: |a, t, by| a.list_callers(&t.client.id, by);
    ReadUsage: |a, t, by| async { a.review_migration(&t.client.id, by).await };
    ReadUsage: |a, t, by| async { a.export_review(&t.client.id, by).await };
    ReadUsage: |a, t, by| async { a.show_migration(&t.client.id, by).await };
    ReadUsage: |a, t, by| a.list_migrations(&t.client.org_id, None, &Page::first(), by);
    ReadUsage: |a, t, by| a.list_findings(&t.client.id, by);
    ReadSecrets: |a, t, by| async { a.download_project(&t.client.project_id, None, by).await };
    ReadSecrets: |a, t, by| a.list_secrets(&t.client.id, by);
    ChangeSecrets: |a, t, by| a.add_secret(&t.client.id, "more".to_owned(), None, by);
    ChangeSecrets: |a, t, by| a.delete_secret(&t.client.id, &SecretId::from_random([9; 16]), Force::No, by);
    ChangeCertificates: |a, t, by| async { a.add_certificate(&t.client.id, &NewCertificate::Generate, by).await };
    ChangeCertificates: |a, t, by| a.delete_certificate(&t.client.id, &countersign_wire::CertificateId::from_random([9; 16]), Force::No, by);
    MakeTokens: |a, t, by| a.make_token(&t.client.id, None, caller(), by);
    MakeTokens: |a, t, by| async { a.make_token_with_key(&t.client.id, &opaque("no key"), caller(), by).await };
    MakeTokens: |a, t, by| async { a.make_assertion(&t.client.id, &opaque("no key"), by).await };
    EndTokens: |a, t, by| async { a.end_tokens(&TokensOf::Credential(t.client.id.clone()), by).await };
    EndTokens: |a, t, by| async { a.end_tokens(&TokensOf::Secret(t.client.secret_id.clone()), by).await };
    Migrate: |a, t, by| a.start_migration(&t.client.id, by);
    Migrate: |a, t, by| a.cancel_migration(&t.client.id, by);
    Migrate: |a, t, by| async { a.disable_jwt_half(&t.client.id, &Disabling::default(), by).await };
    Migrate: |a, t, by| a.restore_jwt_half(&t.client.id, by);
    Migrate: |a, t, by| a.finish_migration(&t.client.id, None, by);
    Migrate: |a, t, by| async { a.take_steps(&t.client.org_id, std::slice::from_ref(&t.client.id), Step::Start, LivingTokens::Keep, by).await };
    Migrate: |a, t, by| async { a.take_found_steps(&t.client.org_id, (&BoardFilter::default(), None), Step::Start, by).await };
    ReadCredentials: |a, t, by| async { a.migration_board(&t.client.org_id, &BoardFilter::default(), &Page::first(), by).await };
    ReadCredentials: |a, t, by| a.migration_progress(&t.client.org_id, by);
    ReadCredentials: |a, t, by| async { a.list_waves(&t.client.org_id, &Page::first(), by).await };
    ReadCredentials: |a, t, by| async { a.find_wave(&t.client.org_id, &wave("first"), by).await };
    PlanMigration: |a, t, by| async { a.create_wave(&t.client.org_id, new_wave(t), by).await };
    PlanMigration: |a, t, by| async { a.change_wave(&t.client.org_id, &wave("first"), &WaveChange::default(), by).await };
    PlanMigration: |a, t, by| async { a.delete_wave(&t.client.org_id, &wave("gone"), by).await };
    PlanMigration: |a, t, by| async { a.plan_credentials(&t.client.org_id, &wave("first"), (PlanDirection::In, std::slice::from_ref(&t.client.id)), by).await };
    PlanMigration: |a, t, by| async { a.plan_found(&t.client.org_id, &wave("first"), (PlanDirection::In, &BoardFilter::default(), None), by).await };
    ReadProfiles: |a, t, by| a.list_profiles(&t.client.org_id, by);
    ReadProfiles: |a, t, by| a.offered_services(&t.client.org_id, by);
    ChangeProfiles: |a, t, by| async { a.create_profile(&t.client.org_id, &ServiceCode::parse("DocCloudSDK").unwrap(), "p".to_owned(), by).await };
    ReadPolicy: |a, t, by| a.show_policy(&t.client.org_id, by);
    ReadMembers: |a, t, by| a.list_recipients(&t.client.org_id, Some(&t.client.project_id), by);
    ReadMembers: |a, t, by| a.list_members(&t.client.org_id, &Page::first(), by);
    ReadMembers: |a, t, by| a.find_member(&t.client.org_id, &t.person, by);
    ReadMembers: |a, t, by| a.list_invitations(&t.client.org_id, &Page::first(), by);
    ChangeMembers: |a, t, by| a.invite_member(&t.client.org_id, invitation(), by);
    ChangeMembers: |a, t, by| async { a.withdraw_invitation(&t.client.org_id, &InvitationId::from_random([9; 16]), by).await };
    ChangeMembers: |a, t, by| a.change_member(&t.client.org_id, &t.person, MemberChange::default(), None, by);
    ChangeMembers: |a, t, by| a.end_sessions(&t.client.org_id, &t.person, by);
    ChangeMembers: |a, t, by| a.remove_member(&t.client.org_id, &t.person, by);
    ChangeCalendar: |a, t, by| a.find_calendar_link(&t.client.org_id, by);
    ChangeCalendar: |a, t, by| a.renew_calendar_link(&t.client.org_id, by);
    ChangeCalendar: |a, t, by| a.withdraw_calendar_link(&t.client.org_id, by);
    ReadNotices: |a, t, by| async { a.list_notices(&t.client.org_id, None, &Page::first(), by).await };
    ReadNotices: |a, t, by| async { a.list_unreachable(&t.client.org_id, &Page::first(), by).await };
    ImportCredential: |a, t, by| async { a.import_secret(&t.client.id, "old".to_owned(), &countersign_wire::ClientSecret::parse("a secret of old").unwrap(), by).await };
    ReadKeys: |a, _t, by| a.list_keys(by);
    ChangeKeys: |a, _t, by| async { a.remove_key(&countersign_wire::KeyId::parse("none").unwrap(), Force::No, by).await };
    ChangePolicy: |a, t, by| a.set_policy(Some(&t.client.org_id), DeprecationPolicy::default(), by);
    ChangePolicy: |a, t, by| a.remove_policy(&t.client.org_id, by);
    ChangePolicy: |a, _t, by| a.show_policies(by);
    ChangePolicy: |a, t, by| a.preview_policy(Some(&t.client.org_id), countersign_authority::PolicyChange::default(), by);
    ExemptCredential: |a, t, by| async { a.exempt_credential(&t.client.id, a.clock().now().plus(std::time::Duration::from_secs(60)), "r", by).await };
    ExemptCredential: |a, t, by| a.end_exemption(&t.client.id, by);
    CreateOrganization: |a, _t, by| a.create_organization(NewOrganization { name: "New".to_owned(), ..NewOrganization::default() }, by);
    PublishServices: |a, _t, by| a.list_published_services(by);
    PublishServices: |a, _t, by| async { a.unpublish_service(&countersign_wire::PublishedName::parse("none").unwrap(), None, by).await };
    RunInstallation: |a, _t, by| a.list_people(&Page::first(), by);
    RunInstallation: |a, t, by| a.switch_person(&t.person, true, by);
    RunInstallation: |a, _t, by| a.invite_first_administrator(by);
}

/// Use cases that concern no organization's own things.
const OF_INSTALLATION: [UseCase; 6] = [
    UseCase::PublishServices,
    UseCase::ReadKeys,
    UseCase::ChangeKeys,
    UseCase::ChangePolicy,
    UseCase::CreateOrganization,
    UseCase::RunInstallation,
];

on_both_engines!(
    every_use_case_asks_for_the_role_in_the_table,
    nothing_of_another_organization_is_there
);

async fn things(app: &TestApp) -> Things {
    let org = app.organization().await;
    let client = app.jwt(&org, &["DocCloudSDK"], keys::first()).await;
    member(
        app,
        &org,
        &format!("root@{}", org.ident()),
        Role::SystemAdministrator,
    )
    .await;
    let person = member(app, &org, &format!("someone@{}", org.ident()), Role::Viewer).await;
    let by = operator();
    let found = app.authority.find_organization(&org, &by).await.unwrap();
    let first = NewWave {
        name: wave("first"),
        note: String::new(),
        start_on: None,
        disable_on: None,
    };
    app.authority.create_wave(&org, first, &by).await.unwrap();
    let workspaces = app.authority.list_workspaces(&client.project_id, &by).await;
    Things {
        client,
        number: found.numeric_id,
        workspace: workspaces.unwrap()[0].id.clone(),
        new_project: 1,
        person: person.person().id.clone(),
    }
}

fn wave(name: &str) -> WaveName {
    WaveName::parse(name).unwrap()
}

fn new_wave(things: &Things) -> NewWave {
    NewWave {
        name: wave(&format!("new{}", things.new_project)),
        note: String::new(),
        start_on: None,
        disable_on: None,
    }
}

fn project(things: &Things) -> NewProject {
    NewProject {
        org_id: things.client.org_id.clone(),
        name: format!("new{}", things.new_project),
        title: String::new(),
        description: String::new(),
        kind: ProjectKind::Default,
    }
}

fn stage() -> NewWorkspace {
    NewWorkspace {
        name: "Stage".to_owned(),
        ..NewWorkspace::default()
    }
}

fn credential(things: &Things) -> countersign_authority::NewCredential {
    countersign_authority::NewCredential {
        project_id: things.client.project_id.clone(),
        workspace_id: Some(WorkspaceId::from_number(1)),
        name: "new".to_owned(),
        owner: countersign_model::Owner {
            team: "T".to_owned(),
            contact: "t@example.com".to_owned(),
        },
        origin: countersign_model::Origin::Console,
        grant: NewGrant::OAuth,
        subscriptions: vec![subscription("DocCloudSDK")],
        client_id: None,
        technical_account_id: None,
    }
}

fn caller() -> &'static Caller {
    static CALLER: LazyLock<Caller> = LazyLock::new(Caller::default);
    &CALLER
}

fn invitation() -> NewInvitation {
    NewInvitation {
        sign_in_name: name("new@example.com"),
        role: Role::Viewer,
        profiles: Vec::new(),
    }
}

/// A role that is too low is told so, whatever else is wrong; one that is not, never is.
async fn every_use_case_asks_for_the_role_in_the_table(app: &TestApp) {
    let mut things = things(app).await;
    for role in Role::ALL {
        let who = format!("{}@example.com", role.as_str());
        let by = actor(app, &things.client.org_id, &who, role).await;
        for (case, what, attempt) in ATTEMPTS {
            // What changes the thing itself is tried by those only who must not; see below.
            let allowed = Least::Role(role) >= case.least();
            assert_eq!(by.may(*case), allowed, "{what}");
            if allowed && is_final(*case) {
                continue;
            }
            things.new_project += 1;
            let outcome = attempt(&app.authority, &things, &by).await;
            let forbidden = matches!(outcome, Err(ManageError::Forbidden { .. }));
            assert_eq!(
                forbidden,
                !allowed,
                "{what} as {}: {outcome:?}",
                role.title()
            );
        }
    }
    let tried: HashSet<UseCase> = ATTEMPTS.iter().map(|(case, ..)| *case).collect();
    let elsewhere = [
        UseCase::AddAdminService,
        UseCase::UseAccessTokens,
        UseCase::ReadActivity,
    ];
    for case in UseCase::ALL {
        assert!(
            tried.contains(case) || elsewhere.contains(case),
            "{case:?} is not tried"
        );
    }
}

fn is_final(case: UseCase) -> bool {
    let last = [
        UseCase::DeleteCredential,
        UseCase::DeleteProject,
        UseCase::ChangeMembers,
    ];
    last.contains(&case)
}

/// An administrator of one organization asks for the things of another: each answer is that of
/// things that are not there.
async fn nothing_of_another_organization_is_there(app: &TestApp) {
    let theirs = things(app).await;
    let own = app.organization().await;
    let by = actor(app, &own, "ada@example.com", Role::SystemAdministrator).await;
    let before = app.database.count("audit").await;
    for (case, what, attempt) in ATTEMPTS {
        if OF_INSTALLATION.contains(case) {
            continue;
        }
        let outcome = attempt(&app.authority, &theirs, &by).await;
        let error = outcome.expect_err(what).to_string();
        assert!(error.contains("no such"), "{what}: {error}");
    }
    assert_eq!(app.database.count("audit").await, before, "nothing changed");
    let organizations = app
        .authority
        .list_organizations(&Page::first(), &by)
        .await
        .unwrap();
    assert_eq!(organizations.len(), 1);
}
