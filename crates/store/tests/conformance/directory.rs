//! Organizations, projects, technical accounts, profiles, policies.

use countersign_model::deprecation::Preset;
use countersign_model::{
    Credential, DeprecationPolicy, Organization, ProjectKind, ReplayPolicy, SecretsInQuery, State,
};
use countersign_store::project_pages::{self, CredentialKinds, NumberedFilter, NumberedPage};
use countersign_store::project_search::{Direction, Sort};
use countersign_store::{
    Error, Page, credentials, organizations, policies, profiles, projects, technical_accounts,
    workspaces,
};
use countersign_wire::{NumericOrgId, OrgId, ProjectId};

use crate::database::TestDatabase;
use crate::samples::{NASTY, World, account, at, organization, profile, project, workspace};

pub async fn organizations_are_saved_by_revision(db: &TestDatabase) {
    let mut stored = organization(1);
    let mut w = db.store().write().await.unwrap();
    organizations::insert(&mut w, &stored).await.unwrap();
    w.commit().await.unwrap();
    stored.name = "renamed".to_owned();
    stored.state = State::Disabled { at: at(i64::MIN) };
    stored.replay = ReplayPolicy::RequireJti;
    stored.secrets_in_query = SecretsInQuery::Accept;
    stored.quarantine = None;

    let mut w = db.store().write().await.unwrap();
    organizations::save(&mut w, &stored).await.unwrap();
    let stale = organizations::save(&mut w, &stored).await;
    w.commit().await.unwrap();

    assert!(matches!(stale, Err(Error::Conflict)), "{stale:?}");
    stored.revision = 2;
    let mut r = db.store().read().await.unwrap();
    let found = organizations::find(&mut r, &stored.id).await.unwrap();
    assert_eq!(found, Some(stored));
    let unknown = OrgId::from_random([0; 12]);
    assert_eq!(organizations::find(&mut r, &unknown).await.unwrap(), None);
}

pub async fn organizations_are_listed_in_pages(db: &TestDatabase) {
    let mut w = db.store().write().await.unwrap();
    for n in 1..=9 {
        organizations::insert(&mut w, &organization(n))
            .await
            .unwrap();
    }
    let same_number = Organization {
        numeric_id: NumericOrgId::from_number(4),
        ..organization(99)
    };
    w.commit().await.unwrap();
    let mut w = db.store().write().await.unwrap();
    let doubled = organizations::insert(&mut w, &same_number).await;
    drop(w);

    let mut r = db.store().read().await.unwrap();
    let first = Page {
        after: None,
        limit: 5,
    };
    let first = organizations::list(&mut r, &first).await.unwrap();
    let rest = Page {
        after: first.last().map(|last| last.id.to_string()),
        limit: u32::MAX,
    };
    let rest = organizations::list(&mut r, &rest).await.unwrap();

    assert!(matches!(doubled, Err(Error::Duplicate)), "{doubled:?}");
    let all: Vec<Organization> = first.into_iter().chain(rest).collect();
    assert_eq!(all, (1..=9).map(organization).collect::<Vec<_>>());
}

pub async fn projects_come_back_with_their_workspaces(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let mut r = db.store().read().await.unwrap();

    let org = &world.organization.id;
    let by_id = projects::find(&mut r, &world.project.id).await.unwrap();
    let by_name = projects::find_by_name(&mut r, org, "Project1")
        .await
        .unwrap();
    let by_pattern = projects::find_by_name(&mut r, org, "Project_")
        .await
        .unwrap();
    let listed = projects::list(&mut r, org, &Page::first()).await.unwrap();
    let workspaces = workspaces::list(&mut r, &world.project.id).await.unwrap();
    let unknown = projects::find(&mut r, &ProjectId::from_number(404))
        .await
        .unwrap();

    assert_eq!(by_id.as_ref(), Some(&world.project));
    assert_eq!(by_name.as_ref(), Some(&world.project));
    assert_eq!(by_pattern, None);
    assert_eq!(listed, [world.project]);
    assert_eq!(workspaces, [world.workspace]);
    assert_eq!(unknown, None);
}

pub async fn projects_are_saved_by_revision(db: &TestDatabase) {
    let mut stored = World::create(db.store(), 1).await.project;
    stored.title = NASTY.to_owned();
    stored.state = State::Disabled { at: at(3) };

    let mut w = db.store().write().await.unwrap();
    projects::save(&mut w, &stored).await.unwrap();
    let stale = projects::save(&mut w, &stored).await;
    w.commit().await.unwrap();

    assert!(matches!(stale, Err(Error::Conflict)), "{stale:?}");
    stored.revision = 2;
    let mut r = db.store().read().await.unwrap();
    let found = projects::find(&mut r, &stored.id).await.unwrap();
    assert_eq!(found, Some(stored));
}

pub async fn names_are_unique_in_their_organization(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let other = World::create(db.store(), 2).await;
    let mut here = project(&world.organization.id, 77);
    here.name.clone_from(&world.project.name);
    let mut there = project(&other.organization.id, 78);
    there.name.clone_from(&world.project.name);
    let mut other_case = project(&world.organization.id, 79);
    other_case.name = world.project.name.to_uppercase();

    let mut w = db.store().write().await.unwrap();
    for allowed in [&there, &other_case] {
        let places = [workspace(allowed)];
        projects::insert(&mut w, allowed, &places).await.unwrap();
    }
    w.commit().await.unwrap();
    let mut w = db.store().write().await.unwrap();
    let doubled = projects::insert(&mut w, &here, &[]).await;

    assert!(matches!(doubled, Err(Error::Duplicate)), "{doubled:?}");
}

pub async fn technical_accounts_and_profiles_come_back(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let org = &world.organization.id;
    let mut r = db.store().read().await.unwrap();

    let found = technical_accounts::find(&mut r, &world.account.id)
        .await
        .unwrap();
    let unknown = account(org, 200);
    let unknown = technical_accounts::find(&mut r, &unknown.id).await.unwrap();
    let profiles = profiles::list(&mut r, org).await.unwrap();

    assert_eq!(found, Some(world.account));
    assert_eq!(unknown, None);
    assert_eq!(profiles, [1, 2, 3].map(|n| profile(org, n)));
}

pub async fn policies_are_put_and_removed(db: &TestDatabase) {
    let org = World::create(db.store(), 1).await.organization.id;
    let own = DeprecationPolicy {
        final_on: Some(at(i64::MAX)),
        ..DeprecationPolicy::default()
    };
    let mut w = db.store().write().await.unwrap();
    policies::put(&mut w, Some(&org), &Preset::AsItWent.policy())
        .await
        .unwrap();
    policies::put(&mut w, Some(&org), &own).await.unwrap();
    policies::put(&mut w, None, &Preset::Open.policy())
        .await
        .unwrap();
    w.commit().await.unwrap();
    let both = policies::list(&mut db.store().read().await.unwrap())
        .await
        .unwrap();

    let mut w = db.store().write().await.unwrap();
    policies::remove(&mut w, &org).await.unwrap();
    w.commit().await.unwrap();
    let one = policies::list(&mut db.store().read().await.unwrap())
        .await
        .unwrap();

    let open = (None, Preset::Open.policy());
    assert_eq!(both, [open.clone(), (Some(org), own)]);
    assert_eq!(one, [open]);
}

pub async fn an_organization_is_found_by_its_number(db: &TestDatabase) {
    let mut w = db.store().write().await.unwrap();
    for n in 1..=3 {
        organizations::insert(&mut w, &organization(n))
            .await
            .unwrap();
    }
    w.commit().await.unwrap();

    let mut r = db.store().read().await.unwrap();
    for (number, expected) in [(2, Some(organization(2))), (4, None)] {
        let number = NumericOrgId::from_number(number);
        let found = organizations::find_by_number(&mut r, &number).await;
        assert_eq!(found.unwrap(), expected);
    }
}

pub async fn projects_come_by_number_in_either_order(db: &TestDatabase) {
    let (org, other) = (organization(1), organization(2));
    let mut w = db.store().write().await.unwrap();
    for org in [&org, &other] {
        organizations::insert(&mut w, org).await.unwrap();
    }
    for (n, org, title, created) in [
        (1, &org.id, "B", 30),
        (2, &org.id, "A", 10),
        (3, &org.id, "B", 20),
        (4, &other.id, "A", 1),
    ] {
        let project = countersign_model::Project {
            title: title.to_owned(),
            created_at: at(created),
            changed_at: at(-created),
            ..project(org, n)
        };
        let workspace = workspace(&project);
        projects::insert(&mut w, &project, &[workspace])
            .await
            .unwrap();
    }
    w.commit().await.unwrap();

    let mut r = db.store().read().await.unwrap();
    for (sort, ascending) in [
        (Sort::Changed, ["1", "3", "2"]),
        (Sort::Created, ["2", "3", "1"]),
        (Sort::Active, ["1", "2", "3"]),
        (Sort::Title, ["2", "1", "3"]),
    ] {
        for direction in [Direction::Ascending, Direction::Descending] {
            let mut expected = ascending;
            if direction == Direction::Descending {
                expected.reverse();
            }
            for skip in 0..4 {
                let page = NumberedPage {
                    sort,
                    direction,
                    skip,
                    size: 2,
                };
                let all = NumberedFilter::default();
                let found = project_pages::list(&mut r, &org.id, &all, &page).await;
                let found = found.unwrap();
                let ids: Vec<_> = found.iter().map(|one| one.id.as_str()).collect();
                let rest = expected.iter().skip(skip as usize).take(2);
                assert_eq!(ids, rest.copied().collect::<Vec<_>>(), "{page:?}");
            }
        }
    }
    let all = NumberedFilter::default();
    assert_eq!(
        project_pages::count(&mut r, &org.id, &all).await.unwrap(),
        3
    );
    let unknown = OrgId::from_random([0; 12]);
    assert_eq!(
        project_pages::count(&mut r, &unknown, &all).await.unwrap(),
        0
    );
}

/// By everything that can be asked for; what is not asked for does not matter.
pub async fn numbered_projects_are_filtered(db: &TestDatabase) {
    let (world, credential) = inhabited(db).await;
    let org = &world.organization.id;
    let mut other = project(org, 2);
    other.title = "Other".to_owned();
    other.kind = ProjectKind::Default;
    let mut w = db.store().write().await.unwrap();
    projects::insert(&mut w, &other, &[]).await.unwrap();
    w.commit().await.unwrap();
    let kinds = |jwt, oauth, migrating| {
        Some(CredentialKinds {
            jwt,
            oauth,
            migrating,
        })
    };
    let all = NumberedFilter::default;
    let (first, second) = (world.project.id.as_str(), other.id.as_str());
    let ids = |ids: &[&str]| ids.iter().map(|id| id.parse().unwrap()).collect();
    let grants = credential.grants;
    let has = (grants.has_jwt_half(), grants.has_oauth_half());
    let cases = [
        (
            NumberedFilter {
                title: "Other".to_owned(),
                ..all()
            },
            vec![second],
        ),
        (
            NumberedFilter {
                title: "other".to_owned(),
                ..all()
            },
            vec![],
        ),
        (
            NumberedFilter {
                kind: Some(ProjectKind::Default),
                ..all()
            },
            vec![second],
        ),
        (
            NumberedFilter {
                kind: Some(ProjectKind::Jaeger),
                ..all()
            },
            vec![first],
        ),
        (
            NumberedFilter {
                ids: ids(&[first, "77"]),
                ..all()
            },
            vec![first],
        ),
        (
            NumberedFilter {
                ids: ids(&[second, first]),
                ..all()
            },
            vec![first, second],
        ),
        (
            NumberedFilter {
                with: kinds(true, true, true),
                ..all()
            },
            vec![first],
        ),
        (
            NumberedFilter {
                with: kinds(false, false, false),
                ..all()
            },
            vec![],
        ),
        (
            NumberedFilter {
                with: kinds(
                    has == (true, false),
                    has == (false, true),
                    has == (true, true),
                ),
                ..all()
            },
            vec![first],
        ),
        (
            NumberedFilter {
                with: kinds(
                    has != (true, false),
                    has != (false, true),
                    has != (true, true),
                ),
                ..all()
            },
            vec![],
        ),
    ];
    let mut r = db.store().read().await.unwrap();
    let page = NumberedPage {
        sort: Sort::Created,
        direction: Direction::Ascending,
        skip: 0,
        size: 10,
    };
    for (filter, expected) in cases {
        let found = project_pages::list(&mut r, org, &filter, &page)
            .await
            .unwrap();
        let found: Vec<_> = found.iter().map(|one| one.id.as_str()).collect();
        assert_eq!(found, expected, "{filter:?}");
        let count = project_pages::count(&mut r, org, &filter).await.unwrap();
        assert_eq!(count, expected.len() as u64, "{filter:?}");
    }
}

/// A world with a credential in its project.
async fn inhabited(db: &TestDatabase) -> (World, Credential) {
    let world = World::create(db.store(), 1).await;
    let credential = world.credential(1);
    let mut w = db.store().write().await.unwrap();
    credentials::insert(&mut w, &credential).await.unwrap();
    w.commit().await.unwrap();
    (world, credential)
}

pub async fn workspaces_are_named_once_and_deleted_when_they_are_empty(db: &TestDatabase) {
    let (world, credential) = inhabited(db).await;
    let mut stage = workspace(&world.project);
    stage.id = "77".parse().unwrap();
    let mut w = db.store().write().await.unwrap();
    let twice = workspaces::insert(&mut w, &stage).await;
    assert!(matches!(twice, Err(Error::Duplicate)), "{twice:?}");
    drop(w);

    stage.name = "Stage".to_owned();
    let mut w = db.store().write().await.unwrap();
    workspaces::insert(&mut w, &stage).await.unwrap();
    stage.title = "For trying".to_owned();
    stage.changed_at = at(9);
    workspaces::save(&mut w, &stage).await.unwrap();
    w.commit().await.unwrap();
    let mut r = db.store().read().await.unwrap();
    let ids = [world.project.id.clone()];
    let found = workspaces::of_projects(&mut r, &ids).await.unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(found[1], stage);
    drop(r);

    let mut w = db.store().write().await.unwrap();
    let in_use = workspaces::delete(&mut w, &credential.workspace_id).await;
    assert!(matches!(in_use, Err(Error::Refused(_))), "{in_use:?}");
    drop(w);
    let mut w = db.store().write().await.unwrap();
    workspaces::delete(&mut w, &stage.id).await.unwrap();
    let again = workspaces::delete(&mut w, &stage.id).await;
    assert!(matches!(again, Err(Error::Conflict)), "{again:?}");
}

pub async fn a_workspace_is_found_in_its_organization_only(db: &TestDatabase) {
    let (org, other) = (organization(1), organization(2));
    let project = project(&org.id, 1);
    let stored = workspace(&project);
    let mut w = db.store().write().await.unwrap();
    for org in [&org, &other] {
        organizations::insert(&mut w, org).await.unwrap();
    }
    projects::insert(&mut w, &project, std::slice::from_ref(&stored))
        .await
        .unwrap();
    w.commit().await.unwrap();

    let mut r = db.store().read().await.unwrap();
    let found = workspaces::find(&mut r, &org.id, &stored.id).await;
    assert_eq!(found.unwrap(), Some(stored.clone()));
    let foreign = workspaces::find(&mut r, &other.id, &stored.id).await;
    assert_eq!(foreign.unwrap(), None);
}
