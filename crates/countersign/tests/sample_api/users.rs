//! The User Management API.

use http::Method;
use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::place::{Caller, ORG, OTHER_ORG, Place};

const BASE: &str = "/v2/usermanagement";
const ADA: &str = "ada.bakker@76543210fedcba9876543210.example.com";

#[tokio::test]
async fn users_and_groups_are_listed_page_by_page() {
    let place = Place::new();
    let member = place.member(ORG);
    let first = member
        .get(&format!("{BASE}/users/{ORG}/0?directOnly=True"))
        .await;
    let second = member.get(&format!("{BASE}/users/{ORG}/1")).await;
    let beyond = member.get(&format!("{BASE}/users/{ORG}/7")).await;

    assert_json_snapshot!("users", second.json());
    assert_eq!(second.body, beyond.body, "beyond the end is the last page");
    assert_eq!(first.json()["lastPage"], false);
    assert_eq!(first.json()["users"].as_array().unwrap().len(), 10);
    let paging = [
        "x-total-count",
        "x-page-count",
        "x-current-page",
        "x-page-size",
    ];
    assert_eq!(
        paging.map(|name| second.header(name)),
        ["12", "2", "2", "2"]
    );
    assert_json_snapshot!(
        "groups",
        member.json(&format!("{BASE}/groups/{ORG}/0")).await
    );
    let of_group = member
        .json(&format!("{BASE}/users/{ORG}/0/Shop%20Managers"))
        .await;
    assert_eq!(of_group["users"].as_array().unwrap().len(), 3);
    let one = member
        .json(&format!("{BASE}/organizations/{ORG}/users/{ADA}"))
        .await;
    assert_eq!(
        (&one["result"], &one["user"]["firstname"]),
        (&"success".into(), &"Ada".into())
    );
    let none = member
        .json(&format!("{BASE}/users/{ORG}/0?domain=example.org"))
        .await;
    assert_eq!(none["users"], json!([]));
}

#[tokio::test]
async fn commands_change_the_directory_of_one_organization() {
    let place = Place::new();
    let (member, stranger) = (place.member(ORG), place.member(OTHER_ORG));
    let commands = json!([
        { "user": "new@example.com", "requestID": "a", "do": [
            { "createFederatedID": { "email": "new@example.com", "firstname": "New", "lastname": "Person", "country": "NL" } },
            { "add": { "group": ["AEM Users"] } },
        ] },
        { "user": ADA, "do": [{ "remove": "all" }, { "update": { "lastname": "Visser" } }] },
        { "usergroup": "Baristas", "do": [{ "createUserGroup": {} }, { "add": { "user": ["new@example.com"] } }] },
    ]);

    let done = act(&member, &commands, "").await;

    assert_eq!(
        done,
        json!({ "completed": 3, "completedInTestMode": 0, "notCompleted": 0, "result": "success" })
    );
    let new = member
        .json(&format!("{BASE}/organizations/{ORG}/users/new@example.com"))
        .await;
    assert_eq!(new["user"]["groups"], json!(["AEM Users", "Baristas"]));
    let ada = member
        .json(&format!("{BASE}/organizations/{ORG}/users/{ADA}"))
        .await;
    assert_eq!(
        (&ada["user"]["lastname"], ada["user"].get("groups")),
        (&"Visser".into(), None)
    );
    let foreign = stranger
        .get(&format!(
            "{BASE}/organizations/{OTHER_ORG}/users/new@example.com"
        ))
        .await;
    assert_eq!(foreign.status, 404);

    let removed = act(
        &member,
        &json!([{ "user": "new@example.com", "do": [{ "removeFromOrg": {} }] }]),
        "",
    )
    .await;
    assert_eq!(removed["result"], "success");
    assert_eq!(
        member
            .get(&format!("{BASE}/organizations/{ORG}/users/new@example.com"))
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn what_fails_is_listed_by_its_place_and_the_rest_is_done() {
    let place = Place::new();
    let member = place.member(ORG);
    let commands = json!([
        { "user": ADA, "do": [{ "add": { "group": ["Coffee Roasters"] } }] },
        { "user": ADA, "requestID": "two", "do": [
            { "update": { "country": "BE" } },
            { "add": { "group": ["NON_EXISTING_GROUP"] } },
        ] },
        { "user": "ghost@example.com", "do": [{ "update": { "country": "BE" } }] },
        { "user": ADA, "do": [{ "createFederatedID": { "email": ADA } }] },
        { "user": ADA, "do": [{ "dance": {} }] },
    ]);
    assert_json_snapshot!("partial", act(&member, &commands, "").await);

    let all_wrong = json!([{ "user": "ghost@example.com", "do": [{ "remove": "all" }] }]);
    assert_eq!(act(&member, &all_wrong, "").await["result"], "error");
}

#[tokio::test]
async fn test_mode_changes_nothing() {
    let place = Place::new();
    let member = place.member(ORG);
    let commands = json!([{ "user": ADA, "do": [{ "removeFromOrg": {} }] }]);
    let done = act(&member, &commands, "?testOnly=true").await;
    assert_eq!(
        done,
        json!({ "completed": 0, "completedInTestMode": 1, "notCompleted": 0, "result": "success" })
    );
    assert_eq!(
        member
            .get(&format!("{BASE}/organizations/{ORG}/users/{ADA}"))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn refusals_have_the_shapes_of_the_original() {
    let place = Place::new();
    let member = place.member(ORG);
    let bad = member.get(&format!("{BASE}/users/12345@AdobeOrg/0")).await;
    assert_eq!(
        (bad.status, &bad.json()["result"]),
        (400, &"error.organization.invalid_id".into())
    );
    assert_eq!(bad.json()["message"], "Bad organization Id");
    let foreign = member.get(&format!("{BASE}/users/{OTHER_ORG}/0")).await;
    assert_eq!((foreign.status, foreign.body.as_str()), (403, ""));
    let missing = member
        .get(&format!(
            "{BASE}/organizations/{ORG}/users/ghost@example.com"
        ))
        .await;
    assert_eq!(
        (missing.status, &missing.json()["result"]),
        (404, &"error.user.not_found".into())
    );
    let group = member.get(&format!("{BASE}/users/{ORG}/0/Nobody")).await;
    assert_eq!(
        (group.status, &group.json()["result"]),
        (404, &"error.group.not_found".into())
    );
    let page = member.get(&format!("{BASE}/users/{ORG}/first")).await;
    assert_eq!(
        (page.status, &page.json()["result"]),
        (400, &"error.page.invalid".into())
    );
    let eleven = vec![json!({ "user": ADA, "do": [] }); 11];
    for body in ["", "{}", "[]", "[1]", &json!(eleven).to_string()] {
        let malformed = member
            .send(Method::POST, &format!("{BASE}/action/{ORG}"), body)
            .await;
        assert_eq!(
            (malformed.status, &malformed.json()["result"]),
            (400, &"error.command.malformed".into())
        );
    }
}

async fn act(member: &Caller, commands: &Value, query: &str) -> Value {
    let path = format!("{BASE}/action/{ORG}{query}");
    let answer = member
        .send(Method::POST, &path, &commands.to_string())
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}
