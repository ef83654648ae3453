//! The migration of a credential, over the management API.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_authority::{NewCertificate, NewGrant};
use countersign_model::Role;
use countersign_testkit::{Assertion, TestApp, TestClient, keys};
use countersign_wire::{OrgId, Timestamp};
use http::Method;
use serde_json::{Value, json};

use crate::caller::{Program, problem, program};

on_both_engines!(
    the_review_follows_the_callers,
    without_a_jwt_half_there_is_no_review,
    a_half_goes_step_by_step,
    what_is_not_safe_is_refused_until_somebody_insists,
    all_migrations_of_an_organization_are_listed,
    the_evidence_leaves_signed,
    what_is_in_the_way_is_said_everywhere_with_the_same_words,
    tokens_that_were_ended_are_in_nobodys_way,
);

const DAY: Duration = Duration::from_secs(86_400);

async fn exchange(app: &TestApp, client: &TestClient) {
    let assertion = Assertion::of(client, app.now()).sign();
    app.anonymous().exchange(client, &assertion).await.token();
    app.authority.flush().await;
}

fn path(client: &TestClient) -> String {
    format!(
        "/organizations/{}/credentials/{}/migration",
        client.org_id, client.id
    )
}

async fn place(app: &TestApp) -> (OrgId, TestClient) {
    let org = app.organization().await;
    let client = app.jwt(&org, &["DocCloudSDK"], keys::first()).await;
    (org, client)
}

async fn bob<'a>(app: &'a TestApp, org: &OrgId) -> Program<'a> {
    program(app, org, "bob@example.com", Role::Developer).await
}

async fn the_review_follows_the_callers(app: &TestApp) {
    let (org, client) = place(app).await;
    let bob = bob(app, &org).await;
    let migration = path(&client);
    let review = async || -> Value { bob.get(&format!("{migration}/review")).await.json() };

    let never = review().await;
    assert_eq!(never["verdict"], "wait", "{never}");
    assert_eq!(never["callers"][0]["network"], Value::Null);
    assert_eq!(never["blockers"], json!([]));

    exchange(app, &client).await;
    let calling = review().await;
    assert_eq!(calling["verdict"], "still_used", "{calling}");
    assert_eq!(calling["confidence"], 0.0);
    assert_eq!(calling["callers"][0]["standing"], "calling");
    assert_eq!(calling["callers"][0]["pace"], "unknown");
    assert_eq!(kinds(&calling), ["live_tokens"]);
    let token_ends = app.now().plus(DAY).to_string();
    assert_eq!(calling["blockers"][0]["at"], token_ends);

    bob.post(&migration, &json!({"step": "start"})).await;
    let started = review().await;
    assert_eq!(kinds(&started), ["live_tokens", "not_seen_with_oauth"]);
    let unseen = &started["blockers"][1];
    assert_eq!(unseen["network"], started["callers"][0]["network"]);
    assert_eq!(started["callers"][0]["oauth_last_used_at"], Value::Null);
    app.advance(Duration::from_secs(3600));
    app.anonymous().token(&client, "openid").await.token();
    app.authority.flush().await;
    let moving = review().await;
    assert_eq!(kinds(&moving), ["live_tokens"], "{moving}");
    let moved_at = &moving["callers"][0]["oauth_last_used_at"];
    assert_eq!(*moved_at, app.now().to_string());
    assert_eq!(moving["verdict"], "wait", "{moving}");
    assert_eq!(moving["until"], moving["callers"][0]["until"]);

    app.advance(DAY);
    let bob = program(app, &org, "bobs-other@example.com", Role::Developer).await;
    let moved: Value = bob.get(&format!("{migration}/review")).await.json();
    assert_eq!(moved["verdict"], "safe", "{moved}");
    assert_eq!(moved["callers"][0]["standing"], "moved");
    assert_eq!(moved["confidence"], 0.95);
    assert_eq!(moved["blockers"], json!([]));
    let disabled = bob.post(&migration, &json!({"step": "disable"})).await;
    assert_eq!(disabled.status, 200, "{}", disabled.body);
}

/// What is in the way, in a word each.
fn kinds(review: &Value) -> Vec<&str> {
    let blockers = review["blockers"].as_array().unwrap();
    let kinds = blockers.iter().map(|blocker| blocker["kind"].as_str());
    kinds.map(Option::unwrap).collect()
}

async fn what_is_in_the_way_is_said_everywhere_with_the_same_words(app: &TestApp) {
    let org = app.organization().await;
    // Certificates end with a second.
    let begin = app.now();
    let end = Timestamp::from_seconds(begin.plus(30 * DAY).as_seconds());
    let certificate = keys::certificate(keys::first(), begin, end);
    let grant = NewGrant::Jwt(NewCertificate::Upload(certificate));
    let new = app.new_credential(&org, grant, &["DocCloudSDK"]).await;
    let client = app.create(new, Some(keys::first())).await;
    let bob = bob(app, &org).await;
    bob.post(&path(&client), &json!({"step": "start"})).await;
    exchange(app, &client).await;

    let review: Value = bob.get(&format!("{}/review", path(&client))).await.json();
    let expected = ["live_tokens", "certificate_expires", "not_seen_with_oauth"];
    assert_eq!(kinds(&review), expected, "{review}");
    let certificate_id = client.certificate_id.as_ref().unwrap();
    let expires = &review["blockers"][1];
    assert_eq!(expires["certificate_id"], certificate_id.as_str());
    let safe = begin.plus(120 * DAY).date();
    let text = format!(
        "The last certificate, \"test\", expires on {}: the JWT half stops by itself then, before the review can say safe, on {safe}",
        end.date()
    );
    assert_eq!(expires["text"], text);

    let export = bob.get(&format!("{}/review/export", path(&client))).await;
    let payload = export.body.split('.').nth(1).unwrap();
    let payload = URL_SAFE_NO_PAD.decode(payload).unwrap();
    let document: Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!(document["review"]["blockers"], review["blockers"]);
    let callers = &document["review"]["callers"];
    assert_eq!(callers[0]["oauth_last_used_at"], Value::Null);

    // A token ends with its certificate, whatever life it was made for.
    app.clock.set(end.minus(Duration::from_secs(3600)));
    exchange(app, &client).await;
    let bob = program(app, &org, "bobs-other@example.com", Role::Developer).await;
    let late: Value = bob.get(&format!("{}/review", path(&client))).await.json();
    assert_eq!(late["blockers"][0]["at"], end.to_string(), "{late}");
    let shown: Value = bob.get(&path(&client)).await.json();
    assert_eq!(shown["tokens_live_until"], end.to_string());
}

async fn tokens_that_were_ended_are_in_nobodys_way(app: &TestApp) {
    let (org, client) = place(app).await;
    let bob = bob(app, &org).await;
    let path = path(&client);
    bob.post(&path, &json!({"step": "start"})).await;
    exchange(app, &client).await;
    let force = app.despite(&client).await;
    let force = json!({"project": force.project, "reason": force.reason});
    let step = json!({"step": "disable", "force": force, "end_tokens": true});
    let disabled: Value = bob.post(&path, &step).await.json();
    assert_eq!(disabled["tokens_live_until"], Value::Null, "{disabled}");
    let review: Value = bob.get(&format!("{path}/review")).await.json();
    assert_eq!(kinds(&review), ["not_seen_with_oauth"]);
}

async fn without_a_jwt_half_there_is_no_review(app: &TestApp) {
    let org = app.organization().await;
    let client = app.oauth(&org, &["DocCloudSDK"]).await;
    let bob = bob(app, &org).await;
    for below in ["", "/review"] {
        let answer = bob.get(&format!("{}{below}", path(&client))).await;
        assert_eq!(problem(&answer), (409, "not_possible_now".to_owned()));
    }
}

async fn a_half_goes_step_by_step(app: &TestApp) {
    let (org, client) = place(app).await;
    let bob = bob(app, &org).await;
    let path = path(&client);
    let force = app.despite(&client).await;
    let force = json!({"project": force.project, "reason": force.reason});
    let step = async |body: Value| {
        let answer = bob.post(&path, &body).await;
        assert_eq!(answer.status, 200, "{body}: {}", answer.body);
        let tag = answer.header("etag").unwrap().to_owned();
        (answer.json(), tag)
    };
    let before: Value = bob.get(&path).await.json();
    assert_eq!(before["state"], "not_started");
    assert_eq!(before["deadline_because"], "certificate");

    let (started, _) = step(json!({"step": "start"})).await;
    assert_eq!(started["state"], "started");
    exchange(app, &client).await;
    let disable = json!({"step": "disable", "force": force});
    let (disabled, first) = step(disable.clone()).await;
    assert_eq!(disabled["state"], "disabled");
    assert_eq!(disabled["disabled_at"], app.now().to_string());
    let until = app.now().plus(7 * DAY).to_string();
    assert_eq!(disabled["quarantined_until"], until);
    assert_eq!(disabled["deadline_at"], Value::Null);
    let token_ends = app.now().plus(DAY).to_string();
    assert_eq!(disabled["tokens_live_until"], token_ends);
    let (_, again) = step(disable).await;
    assert_eq!(first, again, "nothing changed");

    app.advance(Duration::from_secs(60));
    let assertion = Assertion::of(&client, app.now()).sign();
    app.anonymous()
        .exchange(&client, &assertion)
        .await
        .must_fail(400, "invalid_client");
    app.authority.flush().await;
    let shown: Value = bob.get(&path).await.json();
    assert_eq!(shown["attempts"], 1);
    assert_eq!(shown["last_attempt_at"], app.now().to_string());
    assert_eq!(shown["attempted_by"][0]["times"], 1);
    assert!(shown["attempted_by"][0]["network"].is_string(), "{shown}");

    let (restored, _) = step(json!({"step": "restore"})).await;
    assert_eq!(restored["state"], "started");
    step(json!({"step": "disable", "force": force, "end_tokens": true})).await;
    let (finished, tag) = step(json!({"step": "finish", "force": force})).await;
    assert_eq!(finished["state"], "completed");
    assert_eq!(finished["completed_at"], app.now().to_string());
    assert_eq!(step(json!({"step": "finish"})).await.1, tag);
    let cancelled = bob.post(&path, &json!({"step": "cancel"})).await;
    assert_eq!(problem(&cancelled), (409, "not_possible_now".to_owned()));
}

async fn what_is_not_safe_is_refused_until_somebody_insists(app: &TestApp) {
    let (org, client) = place(app).await;
    let bob = bob(app, &org).await;
    let path = path(&client);
    bob.post(&path, &json!({"step": "start"})).await;
    exchange(app, &client).await;
    let refused = async |body: Value| problem(&bob.post(&path, &body).await);

    let plain = refused(json!({"step": "disable"})).await;
    assert_eq!(plain, (409, "not_safe".to_owned()));
    let force = |project: &str, reason: &str| json!({"step": "disable", "force": {"project": project, "reason": reason}});
    let right = app.despite(&client).await.project;
    for body in [force("another", "because"), force(&right, " ")] {
        assert_eq!(refused(body).await, (422, "invalid".to_owned()));
    }
    for body in [
        json!({"step": "start", "force": {"project": right, "reason": "x"}}),
        json!({"step": "finish", "end_tokens": true}),
        json!({"step": "complete"}),
        json!({"step": "disable", "force": {"project": right}}),
    ] {
        assert_eq!(refused(body).await.0, 400);
    }
    let call = bob.call(Method::POST, &path).header("if-match", "\"0\"");
    let stale = crate::caller::json(call, &json!({"step": "cancel"}));
    assert_eq!(problem(&stale.send().await).0, 412);
    let shown: Value = bob.get(&path).await.json();
    assert_eq!(shown["state"], "started");
}

async fn all_migrations_of_an_organization_are_listed(app: &TestApp) {
    let (org, client) = place(app).await;
    app.oauth(&org, &["DocCloudSDK"]).await;
    let other = app.jwt(&org, &["DocCloudSDK"], keys::first()).await;
    app.disable_jwt_half(&other).await;
    let bob = bob(app, &org).await;
    let list = async |query: &str| -> Value {
        let path = format!("/organizations/{org}/migrations{query}");
        bob.get(&path).await.json()
    };
    let states = |list: &Value| -> Vec<(String, String)> {
        let items = list["items"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        items
            .map(|one| (text(&one["credential_id"]), text(&one["state"])))
            .collect()
    };
    let mut expected = vec![
        (client.id.to_string(), "not_started".to_owned()),
        (other.id.to_string(), "disabled".to_owned()),
    ];
    expected.sort();
    assert_eq!(states(&list("").await), expected);
    let of_project = list(&format!("?project={}", other.project_id)).await;
    assert_eq!(states(&of_project).len(), 1);
    let first = list("?limit=1").await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = list(&format!("?limit=1&cursor={cursor}")).await;
    assert_eq!([states(&first), states(&rest)].concat(), expected);
    let csv = bob
        .get(&format!("/organizations/{org}/migrations?format=csv"))
        .await;
    assert!(
        csv.body.lines().count() == 3 && csv.body.contains("disabled"),
        "{}",
        csv.body
    );
}

async fn the_evidence_leaves_signed(app: &TestApp) {
    let (org, client) = place(app).await;
    exchange(app, &client).await;
    let bob = bob(app, &org).await;
    bob.post(&path(&client), &json!({"step": "start"})).await;
    let export = bob.get(&format!("{}/review/export", path(&client))).await;
    assert_eq!(export.header("content-type"), Some("application/jose"));
    let set = app.anonymous().get("/ims/keys").send().await;

    // By another library than ours, and with what is published only.
    let set: jsonwebtoken::jwk::JwkSet = serde_json::from_str(&set.body).unwrap();
    let header = jsonwebtoken::decode_header(&export.body).unwrap();
    let typ = header.typ.as_deref();
    assert_eq!(typ, Some("countersign-migration-review+jwt"));
    let key = set.find(header.kid.as_deref().unwrap()).unwrap();
    let key = jsonwebtoken::DecodingKey::from_jwk(key).unwrap();
    let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    rules.required_spec_claims.clear();
    rules.validate_exp = false;
    let document = jsonwebtoken::decode::<Value>(&export.body, &key, &rules);
    let document = document.unwrap().claims;
    assert_eq!(document["iat"], app.now().as_seconds());
    assert_eq!(document["credential"]["id"], client.id.as_str());
    assert_eq!(document["state"], "started");
    assert_eq!(document["review"]["verdict"], "still_used");
    assert_eq!(document["review"]["callers"][0]["standing"], "calling");
    assert_eq!(document["evidence"]["jwt_half"][0]["times"], 1);
    assert_eq!(document["evidence"]["refused"], json!([]));
    let by = document["exported_by"].as_str().unwrap();
    assert!(by.contains("bob@example.com"), "{by}");

    // It is no token of any kind.
    assert!(!app.anonymous().holds(&client, &export.body).await);
    let calls = Program::with_token(app, &export.body);
    assert_eq!(calls.get("/organizations").await.status, 401);
}
