//! Which tokens a credential gets, and the keys that it may authenticate with.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_testkit::{TestApp, keys};

use crate::pages::{must_not_say, must_say, page_of, revision_of, send, setup};

#[tokio::test]
async fn the_kind_of_tokens_is_shown_and_changed() {
    let app = TestApp::new().await;
    let (org, ada, projects) = setup(&app).await;
    let client = app.oauth(&org, &["DocCloudSDK"]).await;
    let page = page_of(&projects, &client);
    let (details, kind) = (
        format!("{page}/details/oauthservertoserver"),
        format!("{page}/token-kind"),
    );
    must_say(&ada.get(&details).await, &["IMS token", "/token-kind\""]);
    let form = ada.get(&kind).await;
    must_say(&form, &["value=\"ims\" checked", "RFC 9068"]);

    let stale = [("revision", "7"), ("kind", "standard:ES256")];
    let stale = ada.post(&kind, &stale).await;
    assert_eq!(stale.status, 422);
    must_say(
        &stale,
        &["Somebody else changed", "value=\"standard:ES256\" checked"],
    );
    for wrong in ["", "standard:HS256", "none"] {
        let refused = send(&ada, &kind, &[("kind", wrong)]).await;
        assert_eq!(refused.status, 422);
        must_say(&refused, &["Choose one of the kinds"]);
    }
    let changed = send(&ada, &kind, &[("kind", "standard:ES256")]).await;
    assert_eq!(changed.status, 303, "{}", changed.body);
    must_say(
        &ada.get(&details).await,
        &["Standard JWT (RFC 9068), ES256"],
    );
    let token = app.anonymous().token(&client, "openid").await.token();
    let header = token.split('.').next().unwrap();
    let header = URL_SAFE_NO_PAD.decode(header);
    let header = String::from_utf8(header.unwrap()).unwrap();
    assert!(header.contains("\"ES256\""), "{header}");
}

#[tokio::test]
async fn registered_keys_are_shown_and_replaced() {
    let app = TestApp::new().await;
    let (org, ada, projects) = setup(&app).await;
    let client = app.oauth(&org, &["DocCloudSDK"]).await;
    let page = page_of(&projects, &client);
    let (details, path) = (
        format!("{page}/details/oauthservertoserver"),
        format!("{page}/keys"),
    );
    must_say(
        &ada.get(&details).await,
        &["Registered keys", "None. A program"],
    );

    let mut set = countersign_jose::JwkSet::new();
    let key = keys::first().verifying_key();
    set.insert("my \"key\" <b>", key.clone()).unwrap();
    let json = set.to_json();
    let before = revision_of(&ada.get(&path).await);
    let replaced = send(&ada, &path, &[("keys", &json)]).await;
    assert_eq!(replaced.status, 303, "{}", replaced.body);
    let shown = ada.get(&details).await;
    must_say(&shown, &["RS256", &key.thumbprint(), "&#60;b&#62;"]);
    must_not_say(&shown, &["None. A program"]);
    let stale = [("revision", before.as_str()), ("keys", "")];
    assert_eq!(ada.post(&path, &stale).await.status, 422);

    let private =
        r#"{"keys":[{"kty":"EC","crv":"P-256","x":"eA","y":"eQ","d":"not-to-be-shown"}]}"#;
    for (wrong, sentence) in [
        ("{", "is not a JSON Web Key Set"),
        (
            r#"{"keys":[{"kty":"oct","k":"bm90LXRvLWJlLXNob3du"}]}"#,
            "private or symmetric",
        ),
        (private, "private or symmetric"),
    ] {
        let refused = send(&ada, &path, &[("keys", wrong)]).await;
        assert_eq!(refused.status, 422, "{wrong}");
        must_say(&refused, &["id=\"keys-help\"", sentence]);
        must_not_say(&refused, &["not-to-be-shown"]);
    }
    assert_eq!(send(&ada, &path, &[("keys", "")]).await.status, 303);
    must_say(&ada.get(&details).await, &["None. A program"]);
}
