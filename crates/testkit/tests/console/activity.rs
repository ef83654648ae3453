//! What happened in a project, and with a credential, on their own pages.

use countersign_model::Role;
use countersign_testkit::app::operator;
use countersign_testkit::{TestApp, keys};

use crate::pages::{must_not_say, must_say, page_of, project_of, send, setup};

#[tokio::test]
async fn a_project_and_a_credential_have_logs_of_their_own() {
    let app = TestApp::new().await;
    let (org, ada, projects) = setup(&app).await;
    let client = app.jwt(&org, &["DocCloudSDK"], keys::first()).await;
    let other = app.oauth(&org, &["DocCloudSDK"]).await;
    let (project, page) = (project_of(&projects, &client), page_of(&projects, &client));
    for one in [&client, &other] {
        let secrets = format!("{}/secrets", page_of(&projects, one));
        let label = format!("of {}", one.id);
        let added = ada.post(&secrets, &[("label", &label)]).await;
        assert_eq!(added.status, 200, "{}", added.body);
    }
    must_say(
        &ada.get(&project).await,
        &[&format!("{project}/activity\"")],
    );
    let key = keys::first().to_pem().unwrap();
    let token = [("private_key", key.as_str())];
    let made = ada.post(&format!("{page}/generate-jwt"), &token).await;
    assert_eq!(made.status, 200, "{}", made.body);

    let own = format!("of {}", client.id);
    let foreign = format!("of {}", other.id);
    for path in [&project, &page] {
        let log = ada.get(&format!("{path}/activity")).await;
        assert_eq!(log.status, 200, "{}", log.body);
        must_say(
            &log,
            &[
                "credential.created",
                "secret.added",
                "assertion.generated",
                &own,
            ],
        );
        must_not_say(&log, &[&foreign, "member.joined"]);
        let table = ada
            .get(&format!("{path}/activity.csv?action=secret.added"))
            .await;
        assert_eq!(table.body.lines().count(), 2, "{}", table.body);
        must_say(
            &table,
            &["\"Time\",\"Who\"", &own, "person:ada@example.com"],
        );
    }
    let created = "project.created";
    must_say(&ada.get(&format!("{project}/activity")).await, &[created]);
    must_not_say(&ada.get(&format!("{page}/activity")).await, &[created]);
    let none = ada.get(&format!("{project}/activity?actor=nobody")).await;
    must_say(&none, &["Nothing fits", "Show all"]);
    // What the filter is narrowed to cannot be widened by the address.
    let wide = format!(
        "{project}/activity?project={}&credential=",
        other.project_id
    );
    must_not_say(&ada.get(&wide).await, &[&foreign]);

    let by = operator();
    let id = client.project_id.as_str();
    let found = app.authority.find_project(&org, id, &by).await.unwrap();
    let fields = [("project", found.name.as_str())];
    let deleted = send(&ada, &format!("{page}/delete"), &fields).await;
    assert_eq!(deleted.status, 303, "{}", deleted.body);
    let log = ada.get(&format!("{project}/activity")).await;
    must_say(&log, &["credential.deleted", "secret.added"]);
}

#[tokio::test]
async fn viewers_see_no_log() {
    let app = TestApp::new().await;
    let (org, _, projects) = setup(&app).await;
    let client = app.oauth(&org, &["DocCloudSDK"]).await;
    let viewer = app.person(&org, "v@example.com", Role::Viewer).await;
    for path in [project_of(&projects, &client), page_of(&projects, &client)] {
        for end in ["activity", "activity.csv"] {
            let refused = viewer.get(&format!("{path}/{end}")).await;
            assert_eq!(refused.status, 403, "{path}/{end}");
        }
    }
    must_not_say(
        &viewer.get(&project_of(&projects, &client)).await,
        &["/activity\""],
    );
}
