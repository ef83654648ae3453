//! Every call of the management API by everybody who must not make it: generated from the
//! description that the product serves. Source: security.md ORG-01, ORG-03, ORG-13.

use countersign_model::Role;
use countersign_testkit::{Answer, TestApp, keys};
use countersign_wire::{OrgId, PersonId};
use http::Method;
use serde_json::{Value, json};

use crate::caller::{Program, json as with, operators, problem, program};
use crate::people::member;

on_both_engines!(
    nobody_gets_in,
    nothing_of_another_organization_is_there,
    a_viewer_only_looks_and_not_at_everything,
    bodies_with_unknown_members_are_refused,
);

/// One call of the description, its ids still to be filled in.
pub struct Route {
    pub method: Method,
    pub path: String,
    pub body: Option<Value>,
}

/// Ids to fill in: of one organization, or of none.
#[derive(Clone)]
pub struct Place {
    org: String,
    project: String,
    credential: String,
    secret: String,
    certificate: String,
    person: String,
    invitation: String,
    access_token: String,
    published: String,
    wave: String,
    brownout: String,
}

pub async fn routes(app: &TestApp) -> Vec<Route> {
    let document = app.anonymous().get("/api/v1/openapi.json").send().await;
    let document = document.json();
    let paths = document["paths"].as_object().unwrap();
    let mut routes = Vec::new();
    for (path, operations) in paths {
        for method in operations.as_object().unwrap().keys() {
            let described = &operations[method]["requestBody"];
            routes.push(Route {
                method: method.to_uppercase().parse().unwrap(),
                path: path.strip_prefix("/api/v1").unwrap().to_owned(),
                body: (!described.is_null()).then(|| body(path, method)),
            });
        }
    }
    assert!(routes.len() >= 40, "{}", routes.len());
    routes
}

/// A body that is good as far as it goes: what is refused is not refused for it.
fn body(path: &str, method: &str) -> Value {
    let last = path.rsplit('/').next().unwrap();
    match (method, last) {
        ("patch", _) => json!({}),
        ("post", "preview") => json!({"preset": "as-it-went"}),
        ("put", "exemption") => json!({"until": "2026-02-02T00:00:00Z", "reason": "r"}),
        ("put", "alerts") => json!({"paused": true, "others": ["eve@example.com"]}),
        ("put", "jwks") => json!({"keys": []}),
        ("post", "published-services") => service("mine"),
        ("put", "{name}") => service("{name}"),
        ("post", "organizations") => json!({"name": "New"}),
        ("post", "profiles") => json!({"service": "DocCloudSDK", "name": "p"}),
        ("post", "projects") => json!({"name": "new"}),
        ("post", "waves") => json!({"name": "new"}),
        ("post", "credentials") if path.contains("/waves/") => {
            json!({"change": "add", "credentials": ["{credential}"]})
        }
        ("post", "steps") => json!({"step": "start", "credentials": ["{credential}"]}),
        ("post", "credentials") => json!({
            "project_id": "{project}", "name": "n", "owner_team": "t", "owner_contact": "c",
            "type": "oauth_server_to_server",
        }),
        ("post", "brownouts") => json!({"credentials": ["{credential}"], "seconds": 600}),
        ("post", "services") => json!({"service": "AdobeTargetSDK"}),
        ("post", "tokens") => json!({}),
        ("post", "assertions") => json!({"private_key": "none"}),
        ("post", "migration") => json!({"step": "start"}),
        ("post", "secrets") => json!({"label": "l"}),
        ("post", "certificates") => json!({}),
        ("post", "invitations") => json!({"sign_in_name": "new@example.com", "role": "viewer"}),
        ("post", "access-tokens") => json!({"name": "n", "expires_at": "2026-02-02T00:00:00Z"}),
        other => panic!("no body is known for {other:?}"),
    }
}

fn service(name: &str) -> Value {
    json!({"name": name, "service": "DocCloudSDK", "upstreams": ["http://127.0.0.1:9"]})
}

impl Route {
    fn is_of_organization(&self) -> bool {
        self.path.contains("{org}")
    }

    pub async fn ask(&self, by: &Program<'_>, place: &Place) -> countersign_testkit::Answer {
        let fill = |text: &str| {
            text.replace("{org}", &place.org)
                .replace("{project}", &place.project)
                .replace("{credential}", &place.credential)
                .replace("{secret}", &place.secret)
                .replace("{certificate}", &place.certificate)
                .replace("{person}", &place.person)
                .replace("{invitation}", &place.invitation)
                .replace("{token}", &place.access_token)
                .replace("{name}", &place.published)
                .replace("{wave}", &place.wave)
                .replace("{brownout}", &place.brownout)
        };
        let mut path = fill(&self.path);
        if self.method == Method::DELETE && path.ends_with("/services") {
            path += "?service=DocCloudSDK";
        }
        let call = by.call(self.method.clone(), &path);
        match &self.body {
            Some(body) => {
                let body = fill(&body.to_string());
                call.body("application/json", body).send().await
            }
            None => call.send().await,
        }
    }
}

/// One of each thing that somebody could ask for.
pub async fn place(app: &TestApp, org: &OrgId) -> Place {
    let client = app.jwt(org, &["DocCloudSDK"], keys::first()).await;
    let person = member(app, org, &format!("x@{}", org.ident()), Role::Viewer).await;
    let by = operators(app).await;
    let invited = json!({"sign_in_name": format!("y@{}", org.ident()), "role": "viewer"});
    let invitations = format!("/organizations/{org}/invitations");
    let invited = by.post(&invitations, &invited).await.json();
    let token = program(app, org, &format!("z@{}", org.ident()), Role::Viewer).await;
    let token = token.get("/access-tokens").await.json();
    let migrations = format!("/organizations/{org}/credentials/{}/migration", client.id);
    let started = by.post(&migrations, &json!({"step": "start"})).await;
    assert_eq!(started.status, 200, "{}", started.body);
    let plan = json!({"credentials": [client.id], "seconds": 600});
    let brownouts = format!("/organizations/{org}/migration/brownouts");
    let brownout = by.post(&brownouts, &plan).await.json();
    let published = format!("s{}", client.client_id.as_str());
    let service = json!({
        "name": published, "service": "DocCloudSDK", "prefix": format!("/{published}"),
        "upstreams": ["http://127.0.0.1:9"],
    });
    assert_eq!(by.post("/published-services", &service).await.status, 201);
    let wave = format!("w{}", client.client_id.as_str());
    let waves = format!("/organizations/{org}/migration/waves");
    let made = by.post(&waves, &json!({"name": wave})).await;
    assert_eq!(made.status, 201, "{}", made.body);
    Place {
        org: org.to_string(),
        project: client.project_id.to_string(),
        credential: client.id.to_string(),
        secret: client.secret_id.to_string(),
        certificate: client.certificate_id.unwrap().to_string(),
        person: person.person().id.to_string(),
        invitation: invited["id"].as_str().unwrap().to_owned(),
        access_token: token["items"][0]["id"].as_str().unwrap().to_owned(),
        published,
        wave,
        brownout: brownout["id"].as_str().unwrap().to_owned(),
    }
}

fn nowhere() -> Place {
    Place {
        org: OrgId::from_random([9; 12]).to_string(),
        project: "1".to_owned(),
        credential: "1".to_owned(),
        secret: "0".repeat(32),
        certificate: "0".repeat(32),
        person: PersonId::from_random([9; 12]).to_string(),
        invitation: "0".repeat(32),
        access_token: "0".repeat(32),
        published: "nowhere".to_owned(),
        wave: "nowhere".to_owned(),
        brownout: "0".repeat(32),
    }
}

/// Without a token, and with one that is forged, deleted or too old: one answer for all of it,
/// whatever the path names.
async fn nobody_gets_in(app: &TestApp) {
    let org = app.organization().await;
    let places = [place(app, &org).await, nowhere()];
    let gone = program(app, &org, "gone@example.com", Role::SystemAdministrator).await;
    let own = gone.get("/access-tokens").await.json();
    let own = own["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(
        gone.delete(&format!("/access-tokens/{own}")).await.status,
        204
    );
    let old = program(app, &org, "old@example.com", Role::SystemAdministrator).await;
    app.advance(std::time::Duration::from_secs(2 * 86_400));
    let forged = Program::with_token(app, &format!("cspat-{}", "A".repeat(36)));
    let nobody = Program::with_token(app, "");
    let first = nobody.get("/organizations").await;
    assert_eq!(problem(&first), (401, "unauthenticated".to_owned()));
    for route in routes(app).await {
        for place in &places {
            for by in [&nobody, &forged, &gone, &old] {
                let refused = route.ask(by, place).await;
                assert_eq!(
                    (refused.status, &refused.body),
                    (401, &first.body),
                    "{}",
                    route.path
                );
                assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
            }
        }
    }
}

/// As everybody who is somebody in another organization: each answer is, to the letter, that for
/// ids of nothing.
async fn nothing_of_another_organization_is_there(app: &TestApp) {
    let theirs = place(app, &app.organization().await).await;
    let own = app.organization().await;
    for role in Role::ALL {
        let who = format!("{}@example.com", role.as_str());
        let by = program(app, &own, &who, role).await;
        nothing_is_there(app, &theirs, &own, &by).await;
    }
}

async fn nothing_is_there(app: &TestApp, theirs: &Place, own: &OrgId, by: &Program<'_>) {
    // Ids of theirs under the own organization are no better.
    let mixed = Place {
        org: own.to_string(),
        ..theirs.clone()
    };
    let mixed_nothing = Place {
        org: own.to_string(),
        ..nowhere()
    };
    let before = app.database.count("audit").await;
    for route in routes(app).await {
        let (method, path) = (route.method.clone(), route.path.clone());
        if !path.contains('{') {
            continue;
        }
        let there = route.ask(by, theirs).await;
        let nothing = route.ask(by, &nowhere()).await;
        assert_eq!(alike(&there), alike(&nothing), "{method} {path}");
        assert!(there.status >= 400, "{method} {path}: {}", there.body);
        if route.is_of_organization() {
            assert_eq!(
                problem(&there),
                (404, "not_found".to_owned()),
                "{method} {path}"
            );
        }
        if path.matches('{').count() > 1 || path.ends_with("/credentials") && method == Method::POST
        {
            let there = route.ask(by, &mixed).await;
            let nothing = route.ask(by, &mixed_nothing).await;
            assert_eq!(alike(&there), alike(&nothing), "{method} {path}");
            assert!(there.status >= 400, "{method} {path}: {}", there.body);
        }
    }
    assert_eq!(app.database.count("audit").await, before, "nothing changed");
}

/// What a caller sees of an answer, but for its id.
fn alike(answer: &Answer) -> (u16, &str, Vec<&str>) {
    let names = answer.headers.keys().map(http::HeaderName::as_str);
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    (answer.status, &answer.body, names)
}

async fn a_viewer_only_looks_and_not_at_everything(app: &TestApp) {
    let org = app.organization().await;
    let place = place(app, &org).await;
    let by = program(app, &org, "eve@example.com", Role::Viewer).await;
    let hidden = [
        "/secrets",
        "/members",
        "/members/{person}",
        "/invitations",
        "/activity",
        "/download",
        "/notices",
        "/notices/unreachable",
    ];
    for route in routes(app).await {
        let (method, path) = (route.method.clone(), route.path.clone());
        let is_own = path.starts_with("/access-tokens");
        if is_own {
            continue;
        }
        let is_hidden = hidden.iter().any(|end| path.ends_with(end))
            || path.starts_with("/published-services")
            || path == "/policy";
        let expected = match (method == Method::GET, is_hidden) {
            (true, false) => 200,
            _ => 403,
        };
        let answer = route.ask(&by, &place).await;
        assert_eq!(answer.status, expected, "{method} {path}: {}", answer.body);
    }
    // The operator's program sees everything, and that is written down.
    let operator = operators(app).await;
    let seen = operator.get(&format!("/organizations/{org}/members")).await;
    assert_eq!(seen.status, 200, "{}", seen.body);
    let noted = app
        .database
        .query("SELECT subject FROM audit WHERE action = 'operator.read'")
        .await;
    assert_eq!(noted, [format!("/api/v1/organizations/{org}/members")]);
}

async fn bodies_with_unknown_members_are_refused(app: &TestApp) {
    let org = app.organization().await;
    let place = place(app, &org).await;
    let by = program(app, &org, "ada@example.com", Role::SystemAdministrator).await;
    for mut route in routes(app).await {
        // A key set may hold more than we know (RFC 7517 section 5).
        if route.path.ends_with("/jwks") {
            continue;
        }
        let Some(body) = &mut route.body else {
            continue;
        };
        for (name, value) in [
            ("org_id", json!(place.org)),
            ("id", json!("1")),
            ("created_at", json!(0)),
            ("technical_account_id", json!("x")),
        ] {
            let mut changed = body.clone();
            changed[name] = value;
            let route = Route {
                method: route.method.clone(),
                path: route.path.clone(),
                body: Some(changed),
            };
            let answer = route.ask(&by, &place).await;
            assert_eq!(problem(&answer).0, 400, "{} with {name}", route.path);
        }
    }
    let path = format!("/organizations/{org}/projects");
    for (kind, body) in [
        ("application/json", r#"{"name":"a","name":"b"}"#),
        ("application/json", "{"),
        ("application/json", "[]"),
        ("text/plain", r#"{"name":"a"}"#),
    ] {
        let answer = by.call(Method::POST, &path).body(kind, body).send().await;
        assert!([400, 415].contains(&problem(&answer).0), "{body}");
    }
    let answer = with(
        by.call(Method::POST, &path),
        &json!({"name": "<p8e-secret>"}),
    );
    let answer = answer.send().await;
    assert!(!answer.body.contains("p8e"), "{}", answer.body);
}
