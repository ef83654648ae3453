//! The requests of ims-protocol 9.4, each as its client sends it: all of them yield a token.

use countersign_testkit::app::operator;
use countersign_testkit::clients::urlencoded;
use countersign_testkit::{Assertion, TestApp, TestClient, keys};

const FORM: &str = "application/x-www-form-urlencoded";

async fn app_and_client() -> (TestApp, TestClient) {
    let app = TestApp::new().await;
    let client = app
        .jwt(&app.organization().await, &["DocCloudSDK"], keys::first())
        .await;
    app.authority
        .start_migration(&client.id, &operator())
        .await
        .unwrap();
    (app, client)
}

#[tokio::test]
async fn client_credentials() {
    let (app, client) = app_and_client().await;
    let caller = app.anonymous();
    let form = client.form("openid,AdobeID");
    let (id, rest) = ([form[1]], [form[2], form[0], form[3]]);
    let plain = urlencoded(&form[..3]);
    let calls = [
        ("1 Console cURL", caller.post("/ims/token/v3").form(&form)),
        (
            "2 comma and blank",
            caller
                .post("/ims/token/v3")
                .body(FORM, format!("{plain}&scope=openid%2C%20AdobeID")),
        ),
        (
            "2 comma and plus",
            caller
                .post("/ims/token/v3")
                .body(FORM, format!("{plain}&scope=openid,+AdobeID")),
        ),
        (
            "3 aio-lib-java",
            caller.post("/ims/token/v3").query(&id).form(&rest),
        ),
        ("4 UMAPI docs", caller.post("/ims/token/v2").query(&form)),
        ("5 umapi-client", caller.post("/ims/token/v2/").form(&form)),
        (
            "6 asset-compute-client",
            caller.post("/ims/token/v4").query(&id).multipart(&rest),
        ),
        (
            "10 auth-token",
            caller.post("/ims/token/v3").body(
                "application/x-www-form-urlencoded;charset=UTF-8",
                urlencoded(&form),
            ),
        ),
    ];
    for (from, call) in calls {
        let answer = call.send().await;
        assert_eq!(answer.status, 200, "{from}: {}", answer.body);
        assert_eq!(answer.json()["expires_in"], 86399, "{from}");
    }
}

#[tokio::test]
async fn exchanges() {
    let (app, client) = app_and_client().await;
    let caller = app.anonymous();
    let assertion = Assertion::of(&client, app.now()).sign();
    let form = client.exchange_form(&assertion);
    let with_resource = [&form[..], &[("resource", "https://example.com")]].concat();
    let bare = [form[2]];
    let calls = [
        (
            "7 docs",
            caller
                .post("/ims/exchange/jwt")
                .form(&form)
                .header("cache-control", "no-cache"),
        ),
        (
            "7 aio-lib-ims",
            caller.post("/ims/exchange/jwt").multipart(&form),
        ),
        (
            "8 jwt-auth",
            caller.post("/ims/exchange/jwt/").multipart(&form),
        ),
        (
            "9 ims-go",
            caller.post("/ims/exchange/v1/jwt").form(&with_resource),
        ),
        ("query", caller.post("/ims/exchange/jwt").query(&form)),
        (
            "basic",
            caller
                .post("/ims/exchange/jwt")
                .form(&bare)
                .basic(client.client_id.as_str(), &client.secret),
        ),
    ];
    for (from, call) in calls {
        let answer = call.send().await;
        assert_eq!(answer.status, 200, "{from}: {}", answer.body);
        assert_eq!(answer.json()["expires_in"], 86_399_999, "{from}");
    }
}
