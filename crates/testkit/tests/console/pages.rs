//! What tests of single pages share: who asks, where things are, what an answer says.

use countersign_model::Role;
use countersign_testkit::app::operator;
use countersign_testkit::{Answer, Person, TestApp, TestClient};
use countersign_wire::OrgId;

/// An organization, its System Administrator, and where its projects are.
pub async fn setup(app: &TestApp) -> (OrgId, Person, String) {
    let org = app.organization().await;
    let ada = app
        .person(&org, "ada@example.com", Role::SystemAdministrator)
        .await;
    let path = projects_of(app, &org).await;
    (org, ada, path)
}

async fn projects_of(app: &TestApp, org: &OrgId) -> String {
    let found = app.authority.find_organization(org, &operator()).await;
    format!("/console/projects/{}", found.unwrap().numeric_id)
}

pub fn project_of(projects: &str, client: &TestClient) -> String {
    format!("{projects}/{}", client.project_id)
}

pub fn page_of(projects: &str, client: &TestClient) -> String {
    format!("{}/credentials/{}", project_of(projects, client), client.id)
}

/// The text of the element with that id.
#[track_caller]
pub fn text_of(answer: &Answer, id: &str) -> String {
    let from = answer.body.find(&format!("id=\"{id}\"")).expect(id);
    let text = answer.body[from..].split('>').nth(1).unwrap();
    let text = text.split('<').next().unwrap();
    text.replace("&#38;", "&")
        .replace("&#39;", "'")
        .replace("&#34;", "\"")
}

/// The revision that the form of a page was made from.
#[track_caller]
pub fn revision_of(page: &Answer) -> String {
    let field = page.body.split("name=\"revision\" value=\"").nth(1);
    let field = field.unwrap_or_else(|| panic!("no revision: {}", page.body));
    field.split('"').next().unwrap().to_owned()
}

/// Opens the page of a form and sends it, as a browser does.
pub async fn send(by: &Person, path: &str, fields: &[(&str, &str)]) -> Answer {
    let revision = revision_of(&by.get(path).await);
    let mut all = vec![("revision", revision.as_str())];
    all.extend(fields);
    by.post(path, &all).await
}

#[track_caller]
pub fn must_say(answer: &Answer, texts: &[&str]) {
    for text in texts {
        assert!(answer.body.contains(text), "{text}: {}", answer.body);
    }
}

#[track_caller]
pub fn must_not_say(answer: &Answer, texts: &[&str]) {
    for text in texts {
        assert!(!answer.body.contains(text), "{text}: {}", answer.body);
    }
}
