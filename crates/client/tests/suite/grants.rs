//! Both grants: what is sent, what is understood.

use std::sync::Arc;
use std::time::Duration;

use countersign_client::credentials::Draft;
use countersign_client::{Error, Origin};
use countersign_jose::{Candidate, Rules, Unverified};
use countersign_wire::Timestamp;

use crate::stand_in::{ACCOUNT, ORG, Reply, SECRET, StandIn, source, token_reply};

const NOW: Timestamp = Timestamp::from_seconds(1_900_000_000);

#[tokio::test]
async fn client_credentials_counts_in_seconds() {
    let ims = StandIn::start([token_reply()]).await;
    let source = source(&ims.oauth()).with_clock(Arc::new(|| NOW));

    let issued = source.ask().await.unwrap();

    assert_eq!(issued.token.expose(), "a-token");
    assert_eq!(
        issued.token.expires_at(),
        NOW.plus(Duration::from_secs(86_399))
    );
    assert_eq!(issued.debug_id.as_deref(), Some("debug-1"));
    let asked = &ims.asked()[0];
    assert_eq!(asked.uri.to_string(), "/ims/token/v3");
    for pair in [
        "grant_type=client_credentials",
        "client_id=a-client",
        "client_secret=c4n4ry-s3cret",
        "scope=openid%2CAdobeID",
    ] {
        assert!(asked.holds(pair), "{pair} in {}", asked.body);
    }
}

#[tokio::test]
async fn the_exchange_counts_in_milliseconds() {
    let reply = r#"{"token_type":"bearer","access_token":"a-token","expires_in":86399998}"#;
    let ims = StandIn::start([Reply::new(200, reply)]).await;
    let (draft, _) = ims.jwt();
    let source = source(&draft).with_clock(Arc::new(|| NOW));

    let issued = source.ask().await.unwrap();

    let life = Duration::from_millis(86_399_998);
    assert_eq!(issued.token.expires_at(), NOW.plus(life));
    let asked = &ims.asked()[0];
    assert_eq!(asked.uri.to_string(), "/ims/exchange/jwt");
    assert!(asked.holds("client_secret=c4n4ry-s3cret") && asked.body.contains("jwt_token=ey"));
}

#[tokio::test]
async fn assertions_name_another_origin_than_the_one_that_is_called() {
    let ims = StandIn::start([]).await;
    let (draft, key) = ims.jwt();
    let draft = Draft {
        audience_origin: Some(Origin::parse("ims.example.com").unwrap()),
        ..draft
    };
    let client = draft.client().unwrap();
    let countersign_client::Grant::Jwt(signer) = &client.grant else {
        panic!("a JWT client");
    };

    let assertion = signer.sign(&client.client_id, NOW).unwrap();

    let unverified = Unverified::parse(assertion.expose()).unwrap();
    let claims = unverified.claims();
    assert_eq!(
        claims.string("aud").unwrap(),
        "https://ims.example.com/c/a-client"
    );
    assert!(claims.find("https://ims.example.com/s/ent_x").is_some());
    assert_eq!(
        (unverified.issuer(), unverified.subject()),
        (Some(ORG), Some(ACCOUNT))
    );
    assert_eq!(claims.integer("exp").unwrap(), NOW.as_seconds() + 300);
    let candidate = Candidate {
        kid: None,
        key: key.verifying_key(),
    };
    let verified = unverified.verify(&[candidate], &Rules::assertion(), NOW.as_millis(), |_| {
        Ok(())
    });
    assert!(verified.is_ok(), "{:?}", verified.err());
}

#[tokio::test]
async fn a_refusal_is_told_without_the_secret() {
    let body = format!(
        "{{\"error\":\"invalid_client\",\"error_description\":\"bad \\u001b[31m{SECRET}\"}}"
    );
    let reply = Reply::new(400, body).with("x-debug-id", "debug-2");
    let ims = StandIn::start([reply]).await;

    let error = source(&ims.oauth()).token().await.unwrap_err();

    let shown = format!("{error} {error:?}");
    assert!(
        !shown.contains(SECRET) && !shown.contains('\u{1b}'),
        "{shown}"
    );
    let Error::Refused(refusal) = error else {
        panic!("{error:?}");
    };
    assert_eq!(refusal.code, "invalid_client");
    assert_eq!(refusal.description, "bad [31m[secret]");
    assert_eq!(refusal.debug_id.as_deref(), Some("debug-2"));
}

#[tokio::test]
async fn an_answer_that_is_no_reply_is_malformed() {
    for body in [
        "",
        "<html>",
        "{}",
        r#"{"access_token":"x","token_type":"b","expires_in":"soon"}"#,
        r#"{"access_token":"\u001b[2J","token_type":"b","expires_in":1}"#,
    ] {
        let ims = StandIn::start([Reply::new(200, body)]).await;
        let error = source(&ims.oauth()).token().await.unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
    }
}
