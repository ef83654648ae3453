//! Exemptions from the last dates of the policy, and whom dates would hit.

use std::time::Duration;

use countersign_authority::NewGrant;
use countersign_jose::SigningKey;
use countersign_model::deprecation::Preset;
use countersign_model::{Origin, Role};
use countersign_testkit::app::operator;
use countersign_testkit::assertion::Assertion;
use countersign_testkit::{TestApp, TestClient, keys};
use countersign_wire::OrgId;
use http::Method;
use serde_json::{Value, json};

use crate::caller::{Program, json as with, operators, problem, program};

on_both_engines!(
    an_exempt_credential_goes_on_until_its_time,
    an_exemption_has_an_end_a_reason_and_an_approver,
    a_preview_says_whom_dates_would_hit,
);

const DAY: Duration = Duration::from_secs(86_400);

fn place(client: &TestClient) -> String {
    let (org, id) = (&client.org_id, &client.id);
    format!("/organizations/{org}/credentials/{id}/exemption")
}

async fn put(by: &Program<'_>, client: &TestClient, body: Value) -> countersign_testkit::Answer {
    with(by.call(Method::PUT, &place(client)), &body)
        .send()
        .await
}

async fn exchange(app: &TestApp, client: &TestClient) -> countersign_testkit::Answer {
    let assertion = Assertion::of(client, app.now()).sign();
    app.anonymous().exchange(client, &assertion).await
}

async fn an_exempt_credential_goes_on_until_its_time(app: &TestApp) {
    let org = app.organization().await;
    let exempt = app.jwt(&org, &["DocCloudSDK"], keys::first()).await;
    let other = app.jwt(&org, &["DocCloudSDK"], keys::first()).await;
    app.set_policy(Some(&org), Preset::Notice2023.policy())
        .await;
    assert!(
        exchange(app, &exempt)
            .await
            .body
            .contains("ended on 2025-01-01")
    );
    let until = app.now().plus(3 * DAY);
    let by = operators(app).await;
    let given = put(
        &by,
        &exempt,
        json!({"until": until.to_string(), "reason": "late vendor"}),
    )
    .await;
    assert_eq!(given.status, 200, "{}", given.body);

    let answer = exchange(app, &exempt).await;
    let sunset = answer.header("sunset").map(str::to_owned);
    answer.token();
    assert!(sunset.is_some(), "its end is told in the headers");
    assert_eq!(exchange(app, &other).await.status, 400);
    app.authority
        .add_certificate(&exempt.id, &app.certificate(keys::second()), &operator())
        .await
        .unwrap();
    app.clock.set(until);
    assert!(
        exchange(app, &exempt)
            .await
            .body
            .contains(&format!("ended on {}", until.date()))
    );

    app.clock.set(until.minus(DAY));
    exchange(app, &exempt).await.token();
    // The first one's token has had its day.
    let taken_back = operators(app).await.delete(&place(&exempt)).await;
    assert_eq!(taken_back.status, 200, "{}", taken_back.body);
    assert_eq!(taken_back.json()["exemption"], Value::Null);
    assert_eq!(
        exchange(app, &exempt).await.status,
        400,
        "taken back, at once"
    );
    let told = "SELECT action FROM audit WHERE action LIKE 'credential.exempt%' ORDER BY 1";
    let told = app.database.query(told).await;
    assert_eq!(told, ["credential.exempted", "credential.exemption_ended"]);
}

async fn an_exemption_has_an_end_a_reason_and_an_approver(app: &TestApp) {
    let org = app.organization().await;
    let client = app.jwt(&org, &["DocCloudSDK"], keys::first()).await;
    let by = operators(app).await;
    let (day, later) = (
        app.now().plus(DAY).to_string(),
        app.now().plus(400 * DAY).to_string(),
    );
    for (body, expected) in [
        (json!({"until": day, "reason": " "}), (422, "invalid")),
        (
            json!({"until": day, "reason": "x".repeat(501)}),
            (422, "invalid"),
        ),
        (json!({"until": later, "reason": "r"}), (422, "invalid")),
        (
            json!({"until": "2020-01-01", "reason": "r"}),
            (422, "invalid"),
        ),
        (
            json!({"until": "soon", "reason": "r"}),
            (400, "bad_request"),
        ),
        (json!({"until": day}), (400, "bad_request")),
    ] {
        let (status, code) = problem(&put(&by, &client, body.clone()).await);
        assert_eq!((status, code.as_str()), expected, "{body}");
    }
    let oauth = app.oauth(&org, &["DocCloudSDK"]).await;
    let good = json!({"until": day, "reason": "<b>\"r\"</b>"});
    let nothing = put(&by, &oauth, good.clone()).await;
    assert_eq!(problem(&nothing), (422, "invalid".to_owned()));
    let ada = program(app, &org, "ada@example.com", Role::SystemAdministrator).await;
    let refused = put(&ada, &client, good.clone()).await;
    assert_eq!(problem(&refused), (403, "role_too_low".to_owned()));

    let given = put(&by, &client, good).await.json();
    let exemption = &given["exemption"];
    assert_eq!(exemption["reason"], "<b>\"r\"</b>");
    assert!(
        exemption["approved_by"]
            .as_str()
            .is_some_and(|by| !by.is_empty())
    );
    assert_eq!(exemption["approved_at"], app.now().to_string());
    let path = format!("/organizations/{org}/credentials/{}", client.id);
    assert_eq!(ada.get(&path).await.json()["exemption"], *exemption);
}

/// A credential of a team.
async fn credential(
    app: &TestApp,
    org: &OrgId,
    team: &str,
    origin: Origin,
    key: &'static SigningKey,
) -> TestClient {
    let grant: NewGrant = app.jwt_grant(key);
    let mut new = app.new_credential(org, grant, &["DocCloudSDK"]).await;
    team.clone_into(&mut new.owner.team);
    new.origin = origin;
    app.create(new, Some(key)).await
}

async fn a_preview_says_whom_dates_would_hit(app: &TestApp) {
    let org = app.organization().await;
    let used = credential(app, &org, "billing", Origin::Console, keys::first()).await;
    let idle = credential(app, &org, "billing", Origin::Console, keys::first()).await;
    let exempt = credential(app, &org, "press", Origin::Console, keys::first()).await;
    credential(
        app,
        &org,
        "sites",
        Origin::AemDeveloperConsole,
        keys::first(),
    )
    .await;
    app.oauth(&org, &["DocCloudSDK"]).await;
    let elsewhere = app.organization().await;
    credential(app, &elsewhere, "others", Origin::Console, keys::second()).await;
    for _ in 0..3 {
        exchange(app, &used).await.token();
    }
    app.authority.flush().await;
    let by = operators(app).await;
    let until = app.now().plus(300 * DAY).to_string();
    let given = put(&by, &exempt, json!({"until": until, "reason": "late"})).await;
    assert_eq!(given.status, 200, "{}", given.body);

    let path = format!("/organizations/{org}/policy");
    let final_on = app.now().plus(30 * DAY).to_string();
    let before = by.get(&path).await.json();
    let asked = by
        .post(&format!("{path}/preview"), &json!({"final_on": final_on}))
        .await;
    assert_eq!(asked.status, 200, "{}", asked.body);
    let preview = asked.json();
    assert_eq!(by.get(&path).await.json(), before, "nothing was changed");
    assert_eq!(preview["policy"]["final_on"], final_on);
    let dates = preview["dates"].as_array().unwrap();
    let names: Vec<_> = dates
        .iter()
        .map(|date| date["date"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["deprecated_on", "final_on"]);
    let end = &dates[1];
    assert_eq!(
        (&end["at"], &end["before"]),
        (&json!(final_on), &Value::Null)
    );
    assert_eq!(
        (&end["credentials"], &end["exempt"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(end["exchanges_per_day"], json!(0.1));
    let hit: Vec<_> = end["hit"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["id"])
        .collect();
    assert_eq!(hit, [&json!(used.id), &json!(idle.id)], "most used first");
    let owners = end["owners"].as_array().unwrap();
    assert_eq!(owners.len(), 1, "{owners:?}");
    assert_eq!(
        (&owners[0]["owner_team"], &owners[0]["credentials"]),
        (&json!("billing"), &json!(2))
    );

    let whole = by
        .post("/policy/preview", &json!({"final_on": final_on}))
        .await
        .json();
    assert_eq!(whole["dates"][1]["credentials"], 3);
    // With dates of its own, an organization is not asked about those of the installation.
    app.set_policy(Some(&elsewhere), Preset::Open.policy())
        .await;
    let whole = by
        .post("/policy/preview", &json!({"final_on": final_on}))
        .await
        .json();
    assert_eq!(whole["dates"][1]["credentials"], 2);
    let wrong = by
        .post("/policy/preview", &json!({"final_on": "2020-01-01"}))
        .await;
    assert_eq!(problem(&wrong), (422, "invalid".to_owned()));
}
