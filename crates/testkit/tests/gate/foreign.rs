//! A gateway that takes tokens of another IMS: of another installation of ours, asked through its
//! routes, and of an older one that is made up here. Source: ims-protocol.md 4.7, 8.2.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use countersign_authority::{
    Asked, Fetched, Force, ForeignConfig, ForeignIms, TokensOf, UnknownClients, VerifyBy,
};
use countersign_model::{KeyState, Origin};
use countersign_testkit::app::operator;
use countersign_testkit::clients::Caller;
use countersign_testkit::{Setup, TestApp, TestClient, TestDatabase, keys, redact};
use countersign_wire::Timestamp;

use crate::support::{self, Attempt, CM, SCOPES, client, client_of};

const MINUTE: Duration = Duration::from_secs(60);

/// The way to the other IMS, which can break, and counts who takes it.
#[derive(Default)]
struct Way {
    to: OnceLock<(Caller, TestClient)>,
    broken: AtomicBool,
    documents: AtomicU32,
    verdicts: AtomicU32,
}

impl Way {
    fn caller(&self, count: &AtomicU32) -> Result<&(Caller, TestClient), String> {
        count.fetch_add(1, Ordering::SeqCst);
        match self.broken.load(Ordering::SeqCst) {
            true => Err("no way there".to_owned()),
            false => Ok(self.to.get().unwrap()),
        }
    }

    fn documents(&self) -> u32 {
        self.documents.load(Ordering::SeqCst)
    }

    fn verdicts(&self) -> u32 {
        self.verdicts.load(Ordering::SeqCst)
    }
}

impl ForeignIms for Way {
    fn key_set(&self) -> Asked<'_, Fetched> {
        Box::pin(async {
            let (caller, _) = self.caller(&self.documents)?;
            let answer = caller.get("/ims/keys").send().await;
            Ok(Fetched {
                body: answer.body,
                max_age: Some(Duration::from_secs(3600)),
            })
        })
    }

    fn certificate<'a>(&'a self, file: &'a str) -> Asked<'a, Option<Fetched>> {
        Box::pin(async move {
            let (caller, _) = self.caller(&self.documents)?;
            let answer = caller.get(&format!("/keys/prod/{file}")).send().await;
            let fetched = Fetched {
                body: answer.body,
                max_age: None,
            };
            Ok((answer.status == 200).then_some(fetched))
        })
    }

    fn validate<'a>(&'a self, token: &'a str) -> Asked<'a, String> {
        Box::pin(async move {
            let (caller, client) = self.caller(&self.verdicts)?;
            Ok(caller.validate(client, token).await.body)
        })
    }
}

/// Another IMS, one of its clients, and a gateway that takes its tokens.
struct World {
    ims: TestApp,
    client: TestClient,
    gateway: TestApp,
    way: Arc<Way>,
}

impl World {
    async fn new(verify_by: VerifyBy, unknown_clients: UnknownClients) -> Self {
        let ims = TestApp::with(|setup| setup.own_keys = true).await;
        let client = client(&ims, &ims.organization().await).await;
        let way = Arc::new(Way::default());
        assert!(way.to.set((ims.anonymous(), client.clone())).is_ok());
        let config = ForeignConfig {
            authorization_server: "ims-na1".to_owned(),
            verify_by,
            unknown_clients,
        };
        let setup = Setup {
            foreign_ims: Some((config, Arc::<Way>::clone(&way))),
            ..support::setup()
        };
        let gateway = TestApp::on(TestDatabase::sqlite().await, setup).await;
        Self {
            ims,
            client,
            gateway,
            way,
        }
    }

    async fn token(&self) -> String {
        self.ims
            .anonymous()
            .token(&self.client, SCOPES)
            .await
            .token()
    }

    fn advance(&self, span: Duration) {
        self.ims.advance(span);
        self.gateway.advance(span);
    }

    async fn code(&self, token: &str) -> Option<&'static str> {
        Attempt::of(&self.client, token).code(&self.gateway).await
    }
}

const ALL: [VerifyBy; 3] = [VerifyBy::KeySet, VerifyBy::Certificates, VerifyBy::Call];

#[tokio::test]
async fn tokens_of_another_ims_pass_and_ours_do_not() {
    for verify_by in ALL {
        let world = World::new(verify_by, UnknownClients::ByScope).await;
        let token = world.token().await;
        let permit = Attempt::of(&world.client, &token).ask(&world.gateway).await;

        let permit = permit.unwrap_or_else(|denied| panic!("{verify_by:?}: {denied}"));

        assert_eq!(permit.client_id(), Some(world.client.client_id.as_str()));
        assert_eq!(permit.org_id(), Some(world.client.org_id.as_str()));
        assert!(world.gateway.authority.still_holds(&permit).await);
        let ours = client(&world.gateway, &world.gateway.organization().await).await;
        let token = world.gateway.anonymous().token(&ours, SCOPES).await.token();
        let refused = Attempt::of(&ours, &token).code(&world.gateway).await;
        assert_eq!(refused, Some("401013"), "{verify_by:?}");
        assert_eq!(world.code("garbage").await, Some("401013"));
    }
}

#[tokio::test]
async fn one_document_serves_many_tokens_and_many_tokens_one_verdict() {
    for (verify_by, documents, verdicts) in [
        (VerifyBy::KeySet, 1, 0),
        (VerifyBy::Certificates, 1, 0),
        (VerifyBy::Call, 0, 5),
    ] {
        let world = World::new(verify_by, UnknownClients::ByScope).await;
        for _ in 0..5 {
            let token = world.token().await;
            for _ in 0..3 {
                assert_eq!(world.code(&token).await, None);
            }
        }
        assert_eq!(
            (world.way.documents(), world.way.verdicts()),
            (documents, verdicts)
        );
    }
}

/// By call, a revocation there acts here within a minute, also on calls that are open.
#[tokio::test]
async fn a_verdict_holds_for_a_minute() {
    let world = World::new(VerifyBy::Call, UnknownClients::ByScope).await;
    let token = world.token().await;
    let open = Attempt::of(&world.client, &token)
        .ask(&world.gateway)
        .await
        .expect("passes");
    world
        .ims
        .anonymous()
        .revoke(&world.client, &token)
        .await
        .must_be(200, "");
    assert_eq!(world.code(&token).await, None, "nobody was asked again");

    world.advance(MINUTE);

    assert!(!world.gateway.authority.still_holds(&open).await);
    assert_eq!(world.code(&token).await, Some("401013"));
    let asked = world.way.verdicts();
    assert_eq!(world.code("a.b.c").await, Some("401013"));
    assert_eq!(
        world.way.verdicts(),
        asked,
        "what is no token costs no call"
    );
}

#[tokio::test]
async fn who_cannot_be_asked_closes_and_keys_outlive_it_for_an_hour() {
    for verify_by in ALL {
        let world = World::new(verify_by, UnknownClients::ByScope).await;
        let token = world.token().await;
        world.way.broken.store(true, Ordering::SeqCst);
        assert_eq!(world.code(&token).await, Some("503010"), "{verify_by:?}");
        world.way.broken.store(false, Ordering::SeqCst);
        assert_eq!(world.code(&token).await, None, "{verify_by:?}");

        world.way.broken.store(true, Ordering::SeqCst);
        world.advance(Duration::from_secs(3600));

        let expected = (verify_by == VerifyBy::Call).then_some("503010");
        assert_eq!(world.code(&token).await, expected, "{verify_by:?}");
        world.advance(Duration::from_secs(2 * 3600));
        assert_eq!(world.code(&token).await, Some("503010"), "{verify_by:?}");
    }
}

#[tokio::test]
async fn a_new_key_is_fetched_when_a_token_names_it_and_an_old_one_is_forgotten() {
    for verify_by in [VerifyBy::KeySet, VerifyBy::Certificates] {
        let world = World::new(verify_by, UnknownClients::ByScope).await;
        let old = world.token().await;
        assert_eq!(world.code(&old).await, None);
        let listed = world.ims.authority.list_keys(&operator()).await.unwrap();
        let active = listed
            .iter()
            .find(|key| matches!(key.state, KeyState::Active { .. }));
        let (id, force) = (active.unwrap().id.clone(), Force::Yes);
        world
            .ims
            .authority
            .remove_key(&id, force, &operator())
            .await
            .unwrap();

        assert_eq!(
            world.code(&world.token().await).await,
            None,
            "{verify_by:?}: the new key"
        );

        world.advance(Duration::from_secs(3600));
        assert_eq!(
            world.code(&old).await,
            Some("401013"),
            "{verify_by:?}: the old key"
        );
    }
}

/// Names of keys are the caller's to make up.
#[tokio::test]
async fn made_up_keys_are_not_asked_for_again_and_again() {
    for verify_by in [VerifyBy::KeySet, VerifyBy::Certificates] {
        let world = World::new(verify_by, UnknownClients::ByScope).await;
        let token = world.token().await;
        assert_eq!(world.code(&token).await, None);
        let (header, payload) = (redact::header_text(&token), redact::payload_text(&token));
        for n in 0..50 {
            let header = header.replace("key-at-1", &format!("key-at-x{n}"));
            let foreign = keys::foreign();
            let made_up = foreign
                .sign_compact(header.as_bytes(), payload.as_bytes())
                .unwrap();
            assert!(world.code(&made_up).await.is_some());
        }
        assert!(world.way.documents() <= 12, "{}", world.way.documents());
        assert_eq!(world.code(&token).await, None);
    }
}

/// What is known here of a client counts here, whoever made its token.
#[tokio::test]
async fn a_client_that_is_known_here_is_checked_as_ours() {
    let world = World::new(VerifyBy::KeySet, UnknownClients::Refuse).await;
    let token = world.token().await;
    assert_eq!(world.code(&token).await, Some("403003"), "not known");
    let org = countersign_authority::NewOrganization {
        name: "Same".to_owned(),
        id: Some(world.client.org_id.clone()),
        numeric_id: None,
    };
    let here = &world.gateway;
    here.authority
        .create_organization(org, &operator())
        .await
        .unwrap();
    let org = &world.client.org_id;
    let mut new = here
        .new_credential(org, countersign_authority::NewGrant::OAuth, &[])
        .await;
    new.client_id = Some(world.client.client_id.clone());
    let twin = here.create(new, None).await;
    assert_eq!(world.code(&token).await, Some("403003"), "not subscribed");
    let cm = support::subscribed(here, org, CM).await;
    here.authority
        .subscribe(&twin.id, cm, &operator())
        .await
        .unwrap();

    assert_eq!(world.code(&token).await, None);

    let ended = TokensOf::Credential(twin.id.clone());
    here.authority
        .end_tokens(&ended, &operator())
        .await
        .unwrap();
    assert_eq!(world.code(&token).await, Some("401013"));
}

#[tokio::test]
async fn where_nothing_is_known_of_a_client_a_scope_must_speak_for_it() {
    let world = World::new(VerifyBy::KeySet, UnknownClients::ByScope).await;
    let mut attempt = Attempt::of(&world.client, &world.token().await);
    attempt.path = "/open";
    assert_eq!(attempt.code(&world.gateway).await, Some("403003"));
    let narrow = world
        .ims
        .anonymous()
        .token(&world.client, "openid")
        .await
        .token();
    assert_eq!(world.code(&narrow).await, Some("401015"));
    let mut new = world
        .ims
        .new_credential(
            &world.client.org_id,
            countersign_authority::NewGrant::OAuth,
            &[],
        )
        .await;
    new.client_id = Some("cm-p1-e2-integration".parse().unwrap());
    new.origin = Origin::AemDeveloperConsole;
    new.subscriptions
        .push(support::subscribed(&world.ims, &world.client.org_id, CM).await);
    let aem = world.ims.create(new, None).await;
    let token = world.ims.anonymous().token(&aem, SCOPES).await.token();
    assert_eq!(
        Attempt::of(&aem, &token).code(&world.gateway).await,
        Some("401014")
    );
}

/// An IMS of 2020: no `kid`, no `itt`, no organization, other claims.
struct Older;

impl ForeignIms for Older {
    fn key_set(&self) -> Asked<'_, Fetched> {
        Box::pin(async { Err("there is none".to_owned()) })
    }

    fn certificate<'a>(&'a self, file: &'a str) -> Asked<'a, Option<Fetched>> {
        let (from, until) = (
            Timestamp::from_seconds(0),
            Timestamp::from_seconds(4_000_000_000),
        );
        let pem = keys::certificate(keys::foreign(), from, until);
        let fetched = Fetched {
            body: String::from_utf8(pem).unwrap(),
            max_age: None,
        };
        Box::pin(async move { Ok((file == "ims_na1-key-1.cer").then_some(fetched)) })
    }

    fn validate<'a>(&'a self, _token: &'a str) -> Asked<'a, String> {
        Box::pin(async { Err("nobody is asked".to_owned()) })
    }
}

#[tokio::test]
async fn tokens_of_an_older_form_are_read() {
    let config = ForeignConfig {
        authorization_server: "ims-na1".to_owned(),
        verify_by: VerifyBy::Certificates,
        unknown_clients: UnknownClients::Refuse,
    };
    let setup = Setup {
        foreign_ims: Some((config, Arc::new(Older))),
        ..support::setup()
    };
    let app = TestApp::on(TestDatabase::sqlite().await, setup).await;
    let org = app.organization().await;
    let client = client_of(&app, &org, Origin::Console, &[CM, support::UM]).await;
    let token = |header: &str, authorization_server: &str| {
        let payload = format!(
            r#"{{"id":"1_x","client_id":"{}","user_id":"u@techacct.adobe.com","state":"{{}}","type":"access_token","as":"{authorization_server}","fg":"X","moi":"1","c":"y","expires_in":"86400000","scope":"{SCOPES}","created_at":"{}"}}"#,
            client.client_id,
            app.now().as_millis(),
        );
        keys::foreign()
            .sign_compact(header.as_bytes(), payload.as_bytes())
            .unwrap()
    };
    let good = token(r#"{"x5u":"ims_na1-key-1.cer","alg":"RS256"}"#, "ims-na1");
    let mut attempt = Attempt::of(&client, &good);
    assert_eq!(
        attempt.code(&app).await,
        Some("403025"),
        "it names no organization"
    );
    attempt.host = "um.example";
    assert_eq!(attempt.code(&app).await, None);
    for bad in [
        token(r#"{"x5u":"ims_na1-key-2.cer","alg":"RS256"}"#, "ims-na1"),
        token(r#"{"x5u":"../ims_na1-key-1.cer","alg":"RS256"}"#, "ims-na1"),
        token(
            r#"{"x5u":"https://evil.example/ims_na1-key-1.cer","alg":"RS256"}"#,
            "ims-na1",
        ),
        token(r#"{"alg":"RS256"}"#, "ims-na1"),
        token(
            r#"{"x5u":"ims_na1-key-1.cer","alg":"RS256","typ":"JWT"}"#,
            "ims-na1",
        ),
        token(r#"{"x5u":"ims_na1-key-1.cer","alg":"RS256"}"#, "ims-na2"),
    ] {
        attempt.bearer = Some(bad);
        assert_eq!(
            attempt.code(&app).await,
            Some("401013"),
            "{:?}",
            attempt.bearer
        );
    }
}
