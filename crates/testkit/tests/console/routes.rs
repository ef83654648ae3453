//! Every route of the console, as nobody and as somebody of another organization: nothing leaks,
//! not even that there is such an organization (ORG-01).

use countersign_model::Role;
use countersign_testkit::{Answer, TestApp};
use countersign_wire::OrgId;

use crate::place::{Place, routes};

/// An organization with something in everything.
async fn victim(app: &TestApp) -> (Place, OrgId) {
    let org = app.organization().await;
    (Place::fill(app, &org, "Nightly").await, org)
}

#[tokio::test]
async fn another_organization_is_answered_as_one_that_does_not_exist() {
    let app = TestApp::new().await;
    let (victim, org) = victim(&app).await;
    let elsewhere = app.organization().await;
    for role in Role::ALL {
        let name = format!("{}@example.com", role.as_str());
        let eve = app.person(&elsewhere, &name, role).await;
        for route in routes().into_iter().filter(|route| route.contains("{org}")) {
            for org in [victim.number.as_str(), org.as_str()] {
                let there = victim.path_in(route, org);
                let nowhere = victim.path_in(route, "999999999999");
                let by_get = [eve.get(&there).await, eve.get(&nowhere).await];
                must_be_nothing(&there, &by_get);
                let by_post = [eve.post(&there, &[]).await, eve.post(&nowhere, &[]).await];
                must_be_nothing(&there, &by_post);
            }
        }
    }
}

#[tokio::test]
async fn ids_of_another_organization_open_nothing_in_the_own_one() {
    let app = TestApp::new().await;
    let (victim, _) = victim(&app).await;
    let elsewhere = app.organization().await;
    let by = countersign_testkit::app::operator();
    let own = app
        .authority
        .find_organization(&elsewhere, &by)
        .await
        .unwrap();
    let eve = app
        .person(&elsewhere, "eve@example.com", Role::SystemAdministrator)
        .await;
    let names_something = |route: &&str| {
        let named = victim.ids.iter();
        let mut named = named.map(|(name, _)| format!("{{{name}}}"));
        route.contains("{org}") && named.any(|name| route.contains(&name))
    };

    for route in routes().into_iter().filter(names_something) {
        let path = victim.path_in(route, own.numeric_id.as_str());
        for answer in [eve.get(&path).await, eve.post(&path, &[]).await] {
            assert!(matches!(answer.status, 404 | 405), "{path}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn nobody_sees_only_what_is_for_everybody() {
    let app = TestApp::new().await;
    let (victim, _) = victim(&app).await;
    let nobody = app.anonymous();
    for route in routes() {
        let path = victim.path(route);
        let got = nobody.get(&path).send().await;
        let posted = nobody.post(&path).form(&[("form_token", "x")]).send().await;
        if OPEN.contains(&route) {
            continue;
        }
        for answer in [got, posted] {
            let to = answer.header("location").unwrap_or_default();
            let is_sent_away = answer.status == 303 && to.starts_with("/console/sign-in");
            assert!(is_sent_away || answer.status == 405, "{path}: {answer:?}");
        }
    }
}

/// What somebody sees who is not signed in.
const OPEN: [&str; 9] = [
    "/console/api",
    "/console/brown-out",
    "/console/organizations/{org}/calendar.ics",
    "/console/sign-in",
    "/console/sign-in/code",
    "/console/sign-in/with/{provider}",
    "/console/sign-in/with/{provider}/answer",
    "/console/invitation",
    "/console/invitation/identity",
];

#[tokio::test]
async fn roles_see_what_is_theirs() {
    let app = TestApp::new().await;
    let (victim, org) = victim(&app).await;
    let viewer = app.person(&org, "v@example.com", Role::Viewer).await;
    let developer = app.person(&org, "d@example.com", Role::Developer).await;
    let administrator = app
        .person(&org, "a@example.com", Role::SystemAdministrator)
        .await;
    for (route, [for_viewer, for_developer, for_administrator]) in [
        ("members", [403, 200, 200]),
        ("members/invite", [403, 403, 200]),
        ("activity", [403, 200, 200]),
        ("activity.csv", [403, 200, 200]),
        ("keys", [200, 200, 200]),
        ("published-services", [200, 200, 200]),
        ("policy", [200, 200, 200]),
        ("access-tokens", [200, 200, 200]),
        ("profiles", [200, 200, 200]),
    ] {
        let path = format!("/console/organizations/{}/{route}", victim.number);
        for (person, expected) in [
            (&viewer, for_viewer),
            (&developer, for_developer),
            (&administrator, for_administrator),
        ] {
            assert_eq!(person.get(&path).await.status, expected, "{path}");
        }
    }
    let rotate = format!("/console/organizations/{}/keys/rotate", victim.number);
    assert_eq!(administrator.post(&rotate, &[]).await.status, 403);
    let profiles = format!("/console/organizations/{}/profiles", victim.number);
    let fields = [("service", "CloudManagerSDK"), ("name", "Mine")];
    for (person, expected) in [(&viewer, 403), (&developer, 403), (&administrator, 303)] {
        assert_eq!(person.post(&profiles, &fields).await.status, expected);
    }
}

#[tokio::test]
async fn developers_change_no_members() {
    let app = TestApp::new().await;
    let (victim, org) = victim(&app).await;
    let developer = app.person(&org, "d@example.com", Role::Developer).await;
    let bob = &victim
        .ids
        .iter()
        .find(|(name, _)| *name == "person")
        .unwrap()
        .1;
    let members = format!("/console/organizations/{}/members", victim.number);

    let fields = [
        ("role", "viewer"),
        ("revision", "0"),
        ("sign_in_name", "x@example.com"),
    ];
    for path in [
        format!("{members}/{bob}"),
        format!("{members}/{bob}/remove"),
        format!("{members}/invite"),
    ] {
        let answer = developer.post(&path, &fields).await;
        assert_eq!(answer.status, 403, "{path}");
        assert!(answer.body.contains("Only System Administrators"), "{path}");
    }
    let listed = developer.get(&members).await;
    assert!(listed.body.contains("bob@"));
    assert!(!listed.body.contains("Invite somebody</span>"));
}

#[track_caller]
fn must_be_nothing(path: &str, [there, nowhere]: &[Answer; 2]) {
    assert!(matches!(there.status, 404 | 405), "{path}: {there:?}");
    assert_eq!(there.status, nowhere.status, "{path}");
    assert_eq!(there.body, nowhere.body, "{path}");
}
