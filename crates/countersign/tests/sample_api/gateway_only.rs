//! Nobody but the gateway is believed.

use http::Method;
use serde_json::json;

use crate::place::{ORG, Place};

const USERS: &str = "/v2/usermanagement/users/76543210FEDCBA9876543210@AdobeOrg/0";

#[tokio::test]
async fn calls_without_the_gateways_headers_are_refused() {
    let place = Place::new();
    let program = place.member(ORG).program("Harbour Coffee").await;
    let nobody = place.caller(&[]);
    for (method, path) in [
        (Method::GET, "/api/programs".to_owned()),
        (Method::GET, program.clone()),
        (Method::GET, format!("{program}/pipelines")),
        (
            Method::PUT,
            format!(
                "{}/execution",
                place
                    .member(ORG)
                    .pipeline("Harbour Coffee", "Production")
                    .await
            ),
        ),
    ] {
        let refused = nobody.send(method, &path, "").await;
        assert_eq!(refused.status, 403, "{path}");
        assert_eq!(refused.header("content-type"), "application/problem+json");
        assert!(
            refused.body.contains("through the gateway only"),
            "{}",
            refused.body
        );
    }
    let refused = nobody.get(USERS).await;
    assert_eq!((refused.status, refused.body.as_str()), (401, ""));
    assert_eq!(
        refused.header("www-authenticate"),
        r#"Bearer realm="JIL", error="invalid_token", error_description="The access token is invalid""#,
    );
}

#[tokio::test]
async fn scopes_are_asked_for() {
    let place = Place::new();
    let poor = place.caller(&[
        (
            "x-ims-user-id",
            "0123456789ABCDEF01234567@techacct.adobe.com",
        ),
        ("x-ims-client-id", "0123456789abcdef0123456789abcdef"),
        ("x-ims-org-id", ORG),
        ("x-ims-scope", "openid,AdobeID"),
    ]);
    let refused = poor.get("/api/programs").await;
    assert_eq!(refused.status, 403);
    assert!(
        refused.body.contains("read_pc.dma_aem_ams"),
        "{}",
        refused.body
    );
    let refused = poor.get(USERS).await;
    assert_eq!(refused.status, 401);
    assert_eq!(
        refused.json(),
        json!({ "lastPage": false, "result": "error.unauthorized", "message": "Failed to authenticate provided token" }),
    );
}
