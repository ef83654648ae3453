//! An organization with something in everything that a path of the console can name.

use std::time::Duration;

use countersign_authority::{
    NewBrownout, NewCredential, NewGrant, NewInvitation, NewProject, NewWave, PlanDirection,
};
use countersign_model::brownout::{Repeat, Share};
use countersign_model::{ProjectKind, Role, SignInName};
use countersign_testkit::app::{Node, operator};
use countersign_testkit::{Assertion, keys};
use countersign_wire::{OrgId, ProjectId, ServiceCode, WaveName};

/// The routes, from the lists of them.
pub fn routes() -> Vec<&'static str> {
    let lists = [
        include_str!("../../../console/src/lib.rs"),
        include_str!("../../../console/src/developer/mod.rs"),
    ];
    let all = lists.into_iter().flat_map(|list| list.split('"'));
    let all = all.filter(|text| text.starts_with("/console/"));
    let mut all: Vec<_> = all.filter(|path| !path.contains("{*")).collect();
    all.dedup();
    assert!(all.len() > 20, "{all:?}");
    all
}

/// What stands in the organization.
pub struct Place {
    /// The number of the organization, as paths have it.
    pub number: String,
    /// Ids by the names that routes have for them.
    pub ids: Vec<(&'static str, String)>,
    /// A project with nothing in it, and one with an OAuth credential.
    empty: ProjectId,
    oauth: String,
    /// One with both halves, and a brown-out of it.
    paired: String,
}

impl Place {
    /// Fills an organization; whatever people can name is called so, as far as names may be.
    pub async fn fill(app: &Node, org: &OrgId, words: &str) -> Self {
        let by = operator();
        let service = ServiceCode::parse("CloudManagerSDK").unwrap();
        let profile = app
            .authority
            .create_profile(org, &service, words.to_owned(), &by)
            .await
            .unwrap();
        let jwt = app.jwt_grant(keys::first());
        let mut jwt = named(app, org, jwt, words).await;
        jwt.subscriptions[0].profiles.push(profile.id);
        let jwt = app.create(jwt, Some(keys::first())).await;
        app.authority
            .add_secret(&jwt.id, words.to_owned(), None, &by)
            .await
            .unwrap();
        let oauth = named(app, org, NewGrant::OAuth, words).await;
        let oauth = app.create(oauth, None).await;
        let (paired, brownout) = browned_out(app, org, words).await;
        let person = invited(app, org).await;
        let wave = NewWave {
            name: WaveName::parse("first").unwrap(),
            note: words.to_owned(),
            start_on: Some(app.authority.clock().now()),
            disable_on: None,
        };
        let wave = app.authority.create_wave(org, wave, &by).await.unwrap();
        let planned = (PlanDirection::In, std::slice::from_ref(&jwt.id));
        app.authority
            .plan_credentials(org, &wave.wave.name, planned, &by)
            .await
            .unwrap();
        let found = app.authority.find_organization(org, &by).await.unwrap();
        Self {
            number: found.numeric_id.to_string(),
            ids: vec![
                ("project", jwt.project_id.to_string()),
                ("credential", jwt.id.to_string()),
                ("secret", jwt.secret_id.to_string()),
                ("certificate", jwt.certificate_id.unwrap().to_string()),
                ("person", person),
                ("wave", wave.wave.name.to_string()),
                ("brownout", brownout),
            ],
            empty: project(app, org, "Empty1", words).await,
            oauth: format!("{}/credentials/{}", oauth.project_id, oauth.id),
            paired,
        }
    }

    /// The path of a route, in the organization; ids of nothing where there is none.
    pub fn path(&self, route: &str) -> String {
        self.path_in(route, &self.number)
    }

    /// The same in an organization of the test's choice.
    pub fn path_in(&self, route: &str, org: &str) -> String {
        let mut path = route
            .replace("{org}", org)
            .replace("{half}", "serviceaccount");
        for (name, id) in &self.ids {
            path = path.replace(&format!("{{{name}}}"), id);
        }
        while let Some((before, rest)) = path.split_once('{') {
            let (_, after) = rest.split_once('}').unwrap();
            path = format!("{before}0123456789abcdef0123456789abcdef{after}");
        }
        path
    }

    /// What a browser can open, files left out: each route, and what looks different by its query
    /// or by what is in the project.
    pub fn pages(&self) -> Vec<String> {
        let is_file = |route: &&str| route.ends_with(".csv") || route.ends_with(".json");
        let routes = routes().into_iter().filter(|route| !is_file(route));
        let with_query = routes.map(|route| match route {
            route if route.ends_with("/add-api/type") || route.ends_with("/configure") => {
                format!("{}?service=AdobeTargetSDK&type=jwt", self.path(route))
            }
            route if route.contains("/services") => {
                format!("{}?service=CloudManagerSDK", self.path(route))
            }
            route => self.path(route),
        });
        let projects = format!("/console/projects/{}", self.number);
        let empty = format!("{projects}/{}", self.empty);
        let oauth = format!("{projects}/{}", self.oauth);
        let paired = format!("{projects}/{}/migration", self.paired);
        let service = "service=CloudManagerSDK";
        let more = [
            empty.clone(),
            format!("{empty}/add-api"),
            format!("{empty}/add-api/type?{service}"),
            format!("{empty}/add-api/configure?{service}&type=jwt"),
            format!("{empty}/add-api/configure?{service}&type=oauth"),
            format!("{empty}/delete"),
            format!("{oauth}/details/oauthservertoserver"),
            format!("{oauth}/generate-token"),
            format!("{oauth}/usage"),
            paired.clone(),
            format!("{paired}/brown-out"),
            format!("{paired}/cancel"),
            format!("{paired}/disable"),
            format!("{projects}?attention=jwt&sort=title"),
        ];
        with_query.chain(more).collect()
    }

    /// The tables and documents that can be downloaded.
    pub fn files(&self) -> Vec<String> {
        let is_file = |route: &&str| route.ends_with(".csv") || route.ends_with(".json");
        let routes = routes().into_iter().filter(is_file);
        routes.map(|route| self.path(route)).collect()
    }
}

async fn named(app: &Node, org: &OrgId, grant: NewGrant, words: &str) -> NewCredential {
    let mut new = app
        .new_credential(org, grant, &["CloudManagerSDK", "DocCloudSDK"])
        .await;
    new.name = words.to_owned();
    new.owner.team = words.to_owned();
    new.owner.contact = words.to_owned();
    new
}

/// A credential with both halves that a brown-out refuses; gives its path and the brown-out's id.
async fn browned_out(app: &Node, org: &OrgId, words: &str) -> (String, String) {
    let by = operator();
    let jwt = named(app, org, app.jwt_grant(keys::first()), words).await;
    let jwt = app.create(jwt, Some(keys::first())).await;
    app.authority.start_migration(&jwt.id, &by).await.unwrap();
    let exchange = async || {
        let now = app.authority.clock().now();
        let issuer = &app.authority.config().issuer;
        let assertion =
            Assertion::of(&jwt, now).with("aud", format!("{issuer}/c/{}", jwt.client_id));
        let metascope = jwt.metascopes.iter().map(|one| format!("{issuer}/s/{one}"));
        let assertion = metascope
            .fold(assertion, |one, name| one.with(&name, true))
            .sign();
        let asked = app.anonymous().exchange(&jwt, &assertion).await;
        app.authority.flush().await;
        asked.status
    };
    assert_eq!(exchange().await, 200);
    let new = NewBrownout {
        name: Some(words.to_owned()),
        credentials: vec![jwt.id.clone()],
        at: None,
        lasts: Duration::from_secs(600),
        repeat: Repeat::Daily,
        times: 2,
        share: Share::All,
        allowed: 3,
    };
    let planned = app.authority.plan_brownout(org, new, &by).await.unwrap();
    assert_eq!(exchange().await, 400);
    let path = format!("{}/credentials/{}", jwt.project_id, jwt.id);
    (path, planned.brownout.id.to_string())
}

async fn project(app: &Node, org: &OrgId, name: &str, words: &str) -> ProjectId {
    let project = NewProject {
        org_id: org.clone(),
        name: name.to_owned(),
        title: String::new(),
        description: words.to_owned(),
        kind: ProjectKind::Default,
    };
    let (project, _) = app
        .authority
        .create_project(project, &operator())
        .await
        .unwrap();
    project.id
}

/// Somebody who is a member, and somebody who may become one. Gives the id of the first.
async fn invited(app: &Node, org: &OrgId) -> String {
    let bob = format!("bob@{}", org.ident().to_lowercase());
    app.person(org, &bob, Role::SystemAdministrator).await;
    let by = operator();
    let new = NewInvitation {
        sign_in_name: SignInName::parse("carol@example.com").unwrap(),
        role: Role::Viewer,
        profiles: Vec::new(),
    };
    app.authority.invite_member(org, new, &by).await.unwrap();
    let page = countersign_authority::Page::first();
    let members = app.authority.list_members(org, &page, &by).await.unwrap();
    let mut members = members.into_iter().map(|(person, _)| person);
    let found = members.find(|person| person.sign_in_name.as_str() == bob);
    found.unwrap().id.to_string()
}
