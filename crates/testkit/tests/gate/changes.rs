//! What takes rights away acts on tokens that passed before: at once on the node that does it,
//! within a second on the others (decision 7).

use countersign_authority::{Force, OrganizationChange, TokensOf};
use countersign_model::KeyState;
use countersign_testkit::app::operator;
use countersign_testkit::{Node, TestApp, TestClient};
use countersign_wire::ServiceCode;

use crate::support::{Attempt, CM, SCOPES, client, setup, within_a_second};

on_both_engines!(
    every_end_of_rights_reaches_tokens_that_passed_before,
    what_was_taken_away_comes_back,
    a_key_that_is_taken_out_ends_its_tokens,
);

type End = fn(&TestApp, TestClient, String) -> Ending<'_>;
type Ending<'a> = std::pin::Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// How rights end, and what a call is answered then.
const ENDS: &[(&str, &str, End)] = &[
    ("revoked", "401013", |app, client, token| {
        Box::pin(async move {
            app.anonymous()
                .revoke(&client, &token)
                .await
                .must_be(200, "");
        })
    }),
    ("all tokens of its secret", "401013", |app, client, _| {
        Box::pin(async move {
            let secret = TokensOf::Secret(client.secret_id.clone());
            app.authority
                .end_tokens(&secret, &operator())
                .await
                .unwrap();
        })
    }),
    (
        "all tokens of its credential",
        "401013",
        |app, client, _| {
            Box::pin(async move {
                let credential = TokensOf::Credential(client.id.clone());
                app.authority
                    .end_tokens(&credential, &operator())
                    .await
                    .unwrap();
            })
        },
    ),
    ("credential deleted", "403003", |app, client, _| {
        Box::pin(async move {
            app.authority
                .delete_credential(&client.id, &operator())
                .await
                .unwrap();
        })
    }),
    ("credential disabled", "403003", |app, client, _| {
        Box::pin(async move {
            app.authority
                .switch_credential(&client.id, false, &operator())
                .await
                .unwrap();
        })
    }),
    ("project disabled", "403003", |app, client, _| {
        Box::pin(async move {
            app.authority
                .switch_project(&client.project_id, false, &operator())
                .await
                .unwrap();
        })
    }),
    ("organization disabled", "403003", |app, client, _| {
        Box::pin(async move {
            let off = OrganizationChange {
                enabled: Some(false),
                ..OrganizationChange::default()
            };
            app.authority
                .change_organization(&client.org_id, off, &operator())
                .await
                .unwrap();
        })
    }),
    ("unsubscribed", "403003", |app, client, _| {
        Box::pin(async move {
            let service = ServiceCode::parse(CM).unwrap();
            app.authority
                .unsubscribe(&client.id, &service, &operator())
                .await
                .unwrap();
        })
    }),
];

async fn every_end_of_rights_reaches_tokens_that_passed_before(app: &TestApp) {
    let node = app.second_node().await;
    for (what, code, end) in ENDS {
        let client = client(app, &app.organization().await).await;
        let token = app.anonymous().token(&client, SCOPES).await.token();
        let attempt = Attempt::of(&client, &token);
        let open = attempt.ask(app).await.expect(what);
        let open_there = attempt.ask(&node).await.expect(what);
        assert!(app.authority.still_holds(&open).await, "{what}");

        end(app, client.clone(), token.clone()).await;

        assert_eq!(attempt.code(app).await, Some(*code), "{what}");
        assert!(
            !app.authority.still_holds(&open).await,
            "{what}: an open call"
        );
        within_a_second(async || attempt.code(&node).await == Some(*code)).await;
        within_a_second(async || !node.authority.still_holds(&open_there).await).await;
    }
}

async fn what_was_taken_away_comes_back(app: &TestApp) {
    let node = app.second_node().await;
    let client = client(app, &app.organization().await).await;
    let token = app.anonymous().token(&client, SCOPES).await.token();
    let attempt = Attempt::of(&client, &token);
    for node in [app, &node] as [&Node; 2] {
        assert_eq!(attempt.code(node).await, None);
    }
    for enabled in [false, true] {
        app.authority
            .switch_credential(&client.id, enabled, &operator())
            .await
            .unwrap();
        assert_eq!(attempt.code(app).await.is_none(), enabled);
        within_a_second(async || attempt.code(&node).await.is_none() == enabled).await;
    }
}

async fn a_key_that_is_taken_out_ends_its_tokens(app: &TestApp) {
    let node = app.second_node().await;
    let client = client(app, &app.organization().await).await;
    let token = app.anonymous().token(&client, SCOPES).await.token();
    let attempt = Attempt::of(&client, &token);
    assert_eq!(attempt.code(app).await, None);
    let open = attempt.ask(&node).await.expect("passes");
    let keys = app.authority.list_keys(&operator()).await.unwrap();
    let signs = keys
        .iter()
        .find(|key| matches!(key.state, KeyState::Active { .. }));

    app.authority
        .remove_key(&signs.unwrap().id, Force::Yes, &operator())
        .await
        .unwrap();

    assert_eq!(attempt.code(app).await, Some("401013"));
    within_a_second(async || attempt.code(&node).await == Some("401013")).await;
    assert!(!node.authority.still_holds(&open).await);
    let token = app.anonymous().token(&client, SCOPES).await.token();
    assert_eq!(Attempt::of(&client, &token).code(app).await, None);
}
