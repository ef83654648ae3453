//! Two people at two nodes send a form about one thing at the same time: one wins, the other one
//! is told on her page, nothing is lost (`spec/security.md` ORG-07).

use countersign_model::Role;
use countersign_testkit::app::Node;
use countersign_testkit::{Answer, Call, Person, TestApp, TestClient, keys};
use countersign_wire::OrgId;
use http::Method;

use crate::html::{Field, forms};
use crate::on_both_engines;

/// Often enough for both orders, and for both at the same instant.
const ROUNDS: usize = 5;

/// Ada at one node and Bob at another.
struct Two {
    org: OrgId,
    ada: Person,
    bob: Person,
    projects: String,
    members: String,
    _node: Node,
}

impl Two {
    async fn of(app: &TestApp) -> Self {
        let node = app.second_node().await;
        let org = app.organization().await;
        let role = Role::SystemAdministrator;
        let ada = app.person(&org, "ada@example.com", role).await;
        let bob = node.person(&org, "bob@example.com", role).await;
        let by = countersign_testkit::app::operator();
        let found = app.authority.find_organization(&org, &by).await.unwrap();
        let number = found.numeric_id;
        Self {
            org,
            ada,
            bob,
            projects: format!("/console/projects/{number}"),
            members: format!("/console/organizations/{number}/members"),
            _node: node,
        }
    }

    fn project(&self, client: &TestClient) -> String {
        format!("{}/{}", self.projects, client.project_id)
    }

    fn credential(&self, client: &TestClient) -> String {
        format!("{}/credentials/{}", self.project(client), client.id)
    }

    /// Both open their page, then both send its form for `action` at once.
    async fn send_to(&self, action: &str, one: Sent<'_>, other: Sent<'_>) -> (Answer, Answer) {
        let one = one.opened_at(&self.ada, action).await;
        let other = other.opened_at(&self.bob, action).await;
        tokio::join!(one.send(), other.send())
    }

    /// Both open the page of their form, then both send at once.
    async fn send(&self, one: Sent<'_>, other: Sent<'_>) -> (Answer, Answer) {
        let one = one.opened_by(&self.ada).await;
        let other = other.opened_by(&self.bob).await;
        tokio::join!(one.send(), other.send())
    }
}

/// A form to be sent: where to, and what is typed.
#[derive(Clone, Copy)]
struct Sent<'a>(&'a str, &'a [(&'a str, &'a str)]);

impl Sent<'_> {
    async fn opened_by(self, person: &Person) -> Call {
        self.opened_at(person, self.0).await
    }

    /// Opens the page, where the form leads elsewhere.
    async fn opened_at(self, person: &Person, action: &str) -> Call {
        let page = person.get(self.0).await;
        let form = forms(&page.body);
        let form = form.iter().find(|form| form.action == action);
        let form = form.unwrap_or_else(|| panic!("no form at {}: {}", self.0, page.body));
        let is_kept = |field: &&Field| {
            let is_typed = self.1.iter().any(|(name, _)| *name == field.name);
            field.kind == "hidden" && !is_typed
        };
        let hidden = form.fields.iter().filter(is_kept);
        let hidden = hidden.map(|field| (field.name.as_str(), field.value.as_str()));
        let fields: Vec<_> = hidden.chain(self.1.iter().copied()).collect();
        let call = person.begin(Method::POST, action).form(&fields);
        // The database may tell that it was too much at once: that is being told, too.
        call.faults_expected()
    }
}

/// Which of both won; the other one read why not.
#[track_caller]
fn winner((one, other): &(Answer, Answer), what: &str) -> usize {
    // What shows a secret is a page, what shows none leads to one.
    let (won, told) = match (one.status, other.status) {
        (200 | 303, 400..) => (0, other),
        (400.., 200 | 303) => (1, one),
        _ => panic!(
            "{what}: {} and {}: {} {}",
            one.status, other.status, one.body, other.body
        ),
    };
    let sentences = [
        "Somebody else changed this in the meantime",
        "There is nothing at this address",
        "cannot be done at the moment",
        "already has a server-to-server credential",
    ];
    assert!(
        sentences
            .iter()
            .any(|sentence| told.body.contains(sentence)),
        "{what}: {} {}",
        told.status,
        told.body
    );
    won
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_who_edit_one_thing() {
    on_both_engines(two_edits).await;
}

async fn two_edits(app: &TestApp) {
    let two = Two::of(app).await;
    let client = app.oauth(&two.org, &["DocCloudSDK"]).await;
    app.person(&two.org, "eve@example.com", Role::Viewer).await;
    let by = countersign_testkit::app::operator();
    let page = countersign_authority::Page::first();
    let members = app.authority.list_members(&two.org, &page, &by).await;
    let eve = members.unwrap().into_iter().find_map(|(person, _)| {
        (person.sign_in_name.as_str() == "eve@example.com").then_some(person.id)
    });
    let member = format!("{}/{}", two.members, eve.unwrap());
    let things = [
        (
            format!("{}/edit", two.project(&client)),
            "title",
            ["First", "Second"],
        ),
        (
            format!("{}/edit", two.credential(&client)),
            "name",
            ["First", "Second"],
        ),
        (member, "role", ["viewer", "developer"]),
    ];
    for (path, field, values) in &things {
        for round in 0..ROUNDS {
            let fields = values.map(|value| {
                let always = [("team", "t"), ("contact", "c"), ("enabled", "yes")];
                [&[(*field, value)][..], &always].concat()
            });
            let [one, other] = &fields;
            let both = two.send(Sent(path, one), Sent(path, other)).await;
            let won = winner(&both, &format!("{path}, round {round}"));
            for by in [&two.ada, &two.bob] {
                let now = by.get(path).await;
                let value = values[won];
                let shown = [
                    format!("name=\"{field}\" type=\"text\" value=\"{value}\""),
                    format!("value=\"{value}\" selected"),
                ];
                assert!(
                    shown.iter().any(|shown| now.body.contains(shown)),
                    "{path}: {value} in {}",
                    now.body
                );
            }
        }
    }
    let changes = "SELECT CAST(COUNT(*) AS TEXT) FROM audit WHERE action LIKE '%.changed'";
    let expected = (things.len() * ROUNDS).to_string();
    assert_eq!(app.database.query(changes).await, [expected]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_who_delete_one_thing() {
    on_both_engines(two_deletions).await;
}

async fn two_deletions(app: &TestApp) {
    let two = Two::of(app).await;
    for round in 0..ROUNDS {
        let client = app.jwt(&two.org, &["DocCloudSDK"], keys::first()).await;
        let (project, credential) = (two.project(&client), two.credential(&client));
        let name = project_name(&two.ada, &project).await;
        let certificate = client.certificate_id.clone().unwrap();
        for (path, fields) in [
            (
                format!("{credential}/secrets/{}/delete", client.secret_id),
                [("force", "yes")],
            ),
            (
                format!("{credential}/certificates/{certificate}/delete"),
                [("force", "yes")],
            ),
            (format!("{credential}/delete"), [("project", name.as_str())]),
            (format!("{project}/delete"), [("project", name.as_str())]),
        ] {
            let sent = Sent(&path, &fields);
            let both = two.send(sent, sent).await;
            winner(&both, &format!("{path}, round {round}"));
            assert_eq!(two.ada.get(&path).await.status, 404, "{path}");
            assert_eq!(two.bob.get(&path).await.status, 404, "{path}");
        }
    }
    let deleted = "SELECT CAST(COUNT(*) AS TEXT) FROM audit WHERE action LIKE '%.deleted'";
    let deleted = app.database.query(deleted).await;
    assert_eq!(deleted, [(4 * ROUNDS).to_string()], "each once");
}

/// Each deletes another one of the last two; neither page says that it is the last.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_who_delete_the_last_two_secrets_leave_one() {
    on_both_engines(last_two).await;
}

async fn last_two(app: &TestApp) {
    let two = Two::of(app).await;
    for round in 0..ROUNDS {
        let client = app.oauth(&two.org, &["DocCloudSDK"]).await;
        let credential = two.credential(&client);
        let add = format!("{credential}/secrets");
        assert_eq!(two.ada.post(&add, &[("label", "second")]).await.status, 200);
        let paths = secrets(&two.ada, &credential).await;
        let [one, other] = &paths[..] else {
            panic!("{paths:?}")
        };
        let both = two.send(Sent(one, &[]), Sent(other, &[])).await;
        let won = winner(&both, &format!("round {round}"));
        assert_eq!(
            secrets(&two.bob, &credential).await,
            [paths[1 - won].clone()],
            "the other one is still there"
        );
        let last = Sent(&paths[1 - won], &[]).opened_by(&two.ada).await;
        let last = last.send().await;
        assert_eq!(last.status, 422, "{}", last.body);
        assert!(last.body.contains("last live secret"), "{}", last.body);
    }
}

/// Both add a secret at once: both are shown one, and both are there.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_who_add_a_secret_both_get_one() {
    on_both_engines(two_additions).await;
}

async fn two_additions(app: &TestApp) {
    let two = Two::of(app).await;
    let client = app.oauth(&two.org, &["DocCloudSDK"]).await;
    let credential = two.credential(&client);
    let add = format!("{credential}/secrets");
    let both = two
        .send(
            Sent(&add, &[("label", "ada's")]),
            Sent(&add, &[("label", "bob's")]),
        )
        .await;
    for made in [&both.0, &both.1] {
        assert_eq!(made.status, 200, "{}", made.body);
        let (_, after) = made.body.split_once("id=\"client-secret\"").unwrap();
        let secret = after.split(['>', '<']).nth(1).unwrap();
        let with_it = TestClient {
            secret: secret.to_owned(),
            ..client.clone()
        };
        app.caught_up().await;
        app.anonymous().token(&with_it, "openid").await.token();
    }
    assert_eq!(secrets(&two.ada, &credential).await.len(), 3);
}

/// Both add an API: to a project that has no credential, then to the credential that it has.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_who_add_an_api() {
    on_both_engines(two_apis).await;
}

async fn two_apis(app: &TestApp) {
    let two = Two::of(app).await;
    for round in 0..ROUNDS {
        let name = format!("Round{round}");
        let made = two
            .ada
            .post(&format!("{}/new", two.projects), &[("name", &name)])
            .await;
        let project = made.header("location").unwrap().to_owned();
        let page = format!("{project}/add-api/configure");
        for services in [
            ["FireflySDK", "DocCloudSDK"],
            ["AdobeTargetSDK", "AdobeAnalyticsSDK"],
        ] {
            let asked = services.map(|service| format!("{page}?service={service}&type=oauth"));
            let fields = services.map(|service| {
                [
                    ("service", service),
                    ("name", "n"),
                    ("team", "t"),
                    ("contact", "c"),
                ]
            });
            let [one, other] = [0, 1].map(|at| Sent(&asked[at], &fields[at]));
            let both = two.send_to(&page, one, other).await;
            let won = winner(&both, &format!("{services:?}, round {round}"));
            let shown = two.bob.get(&project).await;
            assert!(shown.body.contains(services[won]), "{}", shown.body);
            assert!(!shown.body.contains(services[1 - won]), "{}", shown.body);
        }
    }
    let credentials = app.database.count("credentials").await;
    assert_eq!(
        credentials,
        i64::try_from(ROUNDS).unwrap(),
        "one in each project"
    );
}

/// Who filled in a form for a new credential adds nothing to one that came in between.
#[tokio::test]
async fn who_comes_later_to_an_empty_project_is_told() {
    let app = TestApp::new().await;
    let two = Two::of(&app).await;
    let made = two
        .ada
        .post(&format!("{}/new", two.projects), &[("name", "Empty")])
        .await;
    let project = made.header("location").unwrap().to_owned();
    let page = format!("{project}/add-api/configure");
    let asked = format!("{page}?service=FireflySDK&type=oauth");
    let fields = [("name", "n"), ("team", "t"), ("contact", "c")];
    let first = Sent(&asked, &fields).opened_at(&two.ada, &page).await;
    let second = Sent(&asked, &fields).opened_at(&two.bob, &page).await;

    assert_eq!(first.send().await.status, 200);
    app.caught_up().await;
    let told = second.send().await;
    assert_eq!(told.status, 422, "{}", told.body);
    assert!(
        told.body.contains("Somebody else changed this"),
        "{}",
        told.body
    );

    let tampered = [
        ("service", "FireflySDK"),
        ("type", "oauth2"),
        ("revision", "none"),
    ];
    let made = two
        .ada
        .post(&format!("{}/new", two.projects), &[("name", "Other")])
        .await;
    let other = made.header("location").unwrap().to_owned();
    let fields = [&tampered[..], &fields[..]].concat();
    let refused = two
        .ada
        .post(&format!("{other}/add-api/configure"), &fields)
        .await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert!(
        refused.body.contains("names no kind of credential"),
        "{}",
        refused.body
    );
    assert_eq!(app.database.count("credentials").await, 1);
}

/// Paths of the pages that delete the secrets of a credential.
async fn secrets(by: &Person, credential: &str) -> Vec<String> {
    let details = by
        .get(&format!("{credential}/details/oauthservertoserver"))
        .await;
    let links = details.body.split("href=\"").skip(1);
    let links = links.map(|rest| rest.split('"').next().unwrap());
    let links = links.filter(|link| link.contains("/secrets/") && link.ends_with("/delete"));
    links.map(str::to_owned).collect()
}

/// What has to be typed to delete what is in a project.
async fn project_name(by: &Person, project: &str) -> String {
    let page = by.get(project).await;
    let (_, after) = page.body.split_once("<dt>Name</dt><dd><bdi>").unwrap();
    after.split('<').next().unwrap().to_owned()
}
