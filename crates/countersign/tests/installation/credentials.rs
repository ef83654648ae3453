//! Credentials, their secrets and certificates.

use std::fs;

use crate::place::{Place, is_private, run};

const JWT: &str = "service-account-jwt";
const OAUTH: &str = "oauth-server-to-server";
const IMPORTED: &str = "c4n4ry-5up3r-s3cret-of-an-older-installation";

#[test]
fn an_oauth_credential_lives_from_create_to_delete() {
    let place = Place::with_project();
    let made = place.create(OAUTH, &["--json"]);
    let made: serde_json::Value = serde_json::from_str(&made.stdout).unwrap();
    let (id, client) = (
        made["id"].as_str().unwrap(),
        made["client_id"].as_str().unwrap(),
    );
    assert!(made["client_secret"].as_str().unwrap().starts_with("p8e-"));
    assert_eq!(made["owner"]["team"], "Platform");

    assert_eq!(
        place.json(&["credentials", "list", "--project", "Demo"])[0]["id"],
        id
    );
    assert_eq!(
        place.json(&["credentials", "disable", client])["enabled"],
        false
    );
    assert_eq!(place.json(&["credentials", "enable", id])["enabled"], true);
    place.json(&[
        "profiles",
        "create",
        "--service",
        "UserMgmtSDK",
        "--name",
        "Everybody",
    ]);
    place.json(&[
        "credentials",
        "subscribe",
        id,
        "--service",
        "UserMgmtSDK:Everybody",
    ]);
    place.json(&["credentials", "unsubscribe", id, "--service", "DocCloudSDK"]);
    let shown = place.json(&["credentials", "show", client]);
    assert_eq!(shown["services"].as_array().unwrap().len(), 1);
    assert_eq!(
        shown["services"][0]["profiles"].as_array().unwrap().len(),
        1
    );
    assert!(
        shown["scopes"]
            .as_array()
            .unwrap()
            .contains(&"user_management_sdk".into())
    );

    assert_eq!(
        place.json(&["credentials", "delete", id])["client_id"],
        client
    );
    assert_eq!(place.admin(&["credentials", "show", id]).exit, 1);
}

#[test]
fn a_secret_is_printed_once_and_never_again() {
    let place = Place::with_project();
    let lines = place.create(OAUTH, &["--env"]);
    assert!(lines.stderr.contains("shown this once"), "{}", lines.stderr);
    let value = |name: &str| {
        let line = lines
            .stdout
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name}='")))
            .unwrap();
        line.strip_suffix('\'').unwrap().to_owned()
    };
    let (client, secret) = (value("CLIENT_ID"), value("CLIENT_SECRET"));
    assert_eq!(value("SCOPES"), "openid,AdobeID,DCAPI");
    assert_eq!(value("IMS"), "http://127.0.0.1:8080");
    assert!(!lines.stderr.contains(&secret));

    let added = place.json(&[
        "secrets",
        "add",
        &client,
        "--label",
        "second",
        "--expires-at",
        "2999-01-01",
    ]);
    let second = added["client_secret"].as_str().unwrap();
    let file = place.path("old");
    fs::write(&file, format!("{IMPORTED}\n")).unwrap();
    let from_file = [
        "secrets",
        "import",
        &client,
        "--label",
        "old",
        "--secret-file",
        "old",
    ];
    let imported = place.admin(&from_file);
    let weak = place.admin_with_stdin(
        &[
            "secrets",
            "import",
            &client,
            "--label",
            "weak",
            "--secret-file",
            "-",
        ],
        "changeme",
    );
    assert!(
        weak.exit == 0 && weak.stderr.contains("easy to guess"),
        "{}",
        weak.stderr
    );

    let listed = place.admin(&["secrets", "list", &client]);
    let shown = place.admin(&["credentials", "show", &client, "--json"]);
    for text in [
        &listed.stdout,
        &shown.stdout,
        &imported.stdout,
        &imported.stderr,
        &weak.stdout,
        &weak.stderr,
    ] {
        for secret in [secret.as_str(), second, IMPORTED, "changeme"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    assert!(
        listed.stdout.contains(&secret[secret.len() - 4..]),
        "{}",
        listed.stdout
    );

    let all = place.json(&["secrets", "list", &client]);
    let ids: Vec<&str> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|secret| secret["id"].as_str().unwrap())
        .collect();
    for id in &ids[1..] {
        place.json(&["secrets", "delete", &client, id]);
    }
    let last = place.admin(&["secrets", "delete", &client, ids[0]]);
    assert!(
        last.exit == 1 && last.stderr.contains("--force"),
        "{}",
        last.stderr
    );
    assert_eq!(
        place.json(&["secrets", "delete", &client, ids[0], "--force"])["left"],
        0
    );
}

#[test]
fn a_jwt_credential_moves_to_oauth() {
    let place = Place::with_project();
    let made = place.create(
        JWT,
        &["--generate-key", "--private-key-out", "key.pem", "--json"],
    );
    assert!(is_private(&place.path("key.pem")));
    let pem = fs::read_to_string(place.path("key.pem")).unwrap();
    assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----"));
    assert!(!made.stdout.contains("PRIVATE KEY") && !made.stderr.contains("PRIVATE KEY"));
    let made: serde_json::Value = serde_json::from_str(&made.stdout).unwrap();
    let id = made["id"].as_str().unwrap();

    let second = place.json(&["certificates", "generate", id]);
    assert!(
        second["private_key"]
            .as_str()
            .unwrap()
            .contains("PRIVATE KEY")
    );
    let listed = place.json(&["certificates", "list", id]);
    assert_eq!(listed.as_array().unwrap().len(), 2);
    place.json(&["certificates", "delete", id, second["id"].as_str().unwrap()]);

    assert_eq!(
        place.json(&["credentials", "add-oauth-half", id])["migration"]["state"],
        "started"
    );
    assert_eq!(
        place.json(&["credentials", "cancel-oauth-half", id])["migration"]["state"],
        "cancelled"
    );
    place.json(&["credentials", "add-oauth-half", id]);
    let force = ["--force", "Demo", "--reason", "nobody ever used it"];
    place.json(&[&["credentials", "disable-jwt-half", id], &force[..]].concat());
    assert_eq!(
        place.json(&[&["credentials", "remove-jwt-half", id], &force[..]].concat())["type"],
        "oauth_server_to_server"
    );
}

#[test]
fn a_certificate_is_read_from_a_file_and_refused_with_a_reason() {
    let place = Place::with_project();
    let saved = place.create(JWT, &["--generate-key", "--save", "c.json"]);
    assert_eq!(saved.exit, 0, "{}", saved.stderr);
    let file: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(place.path("c.json")).unwrap()).unwrap();
    fs::write(place.path("c.pem"), file["certificate"].as_str().unwrap()).unwrap();
    let client = file["client_id"].as_str().unwrap();

    let twice = place.admin(&["certificates", "add", client, "--certificate", "c.pem"]);
    assert!(
        twice.exit == 1 && twice.stderr.contains("already has this certificate"),
        "{}",
        twice.stderr
    );
    fs::write(place.path("bad.pem"), "nonsense").unwrap();
    assert_eq!(
        place
            .admin(&["certificates", "add", client, "--certificate", "bad.pem"])
            .exit,
        1
    );
    assert_eq!(
        place
            .admin(&["certificates", "add", client, "--certificate", "no.pem"])
            .exit,
        2
    );
}

#[test]
fn a_saved_credential_is_private_whole_and_never_overwritten() {
    let place = Place::with_project();
    let saved = place.create(OAUTH, &["--save", "c.json"]);
    assert_eq!(saved.exit, 0, "{}", saved.stderr);
    assert!(is_private(&place.path("c.json")));
    let text = fs::read_to_string(place.path("c.json")).unwrap();
    let file: serde_json::Value = serde_json::from_str(&text).unwrap();
    let secret = file["client_secret"].as_str().unwrap();
    assert!(!saved.stdout.contains(secret) && !saved.stderr.contains(secret));

    place.json(&["projects", "create", "--name", "Other"]);
    let again = place.admin(&[
        "credentials",
        "create",
        "--type",
        OAUTH,
        "--project",
        "Other",
        "--name",
        "x",
        "--owner-team",
        "x",
        "--owner-contact",
        "x",
        "--save",
        "c.json",
    ]);
    assert!(
        again.exit == 2 && again.stderr.contains("not overwritten"),
        "{}",
        again.stderr
    );
    assert_eq!(fs::read_to_string(place.path("c.json")).unwrap(), text);
    assert_eq!(
        place
            .json(&["credentials", "list"])
            .as_array()
            .unwrap()
            .len(),
        1,
        "and nothing was made"
    );
}

#[test]
fn what_may_not_be_is_refused_with_a_hint_and_what_is_missing_is_named() {
    let place = Place::with_project();
    let ownerless = run(
        &mut place.command(&[
            "admin",
            "credentials",
            "create",
            "--type",
            OAUTH,
            "--project",
            "Demo",
            "--name",
            "x",
        ]),
        "",
    );
    assert!(
        ownerless.exit == 2 && ownerless.stderr.contains("--owner-team"),
        "{}",
        ownerless.stderr
    );
    let keyless = place.create(JWT, &[]);
    assert!(
        keyless.exit == 1 && keyless.stderr.contains("hint: add `--certificate FILE`"),
        "{}",
        keyless.stderr
    );
    let homeless = place.create(JWT, &["--generate-key"]);
    assert!(
        homeless.exit == 2 && homeless.stderr.contains("--private-key-out"),
        "{}",
        homeless.stderr
    );
    assert_eq!(place.create(OAUTH, &["--generate-key", "--json"]).exit, 2);
    assert_eq!(place.create(OAUTH, &["--service", "NoSuchSDK"]).exit, 1);

    place.json(&["policy", "set", "--preset", "as-it-went"]);
    let late = place.create(JWT, &["--generate-key", "--private-key-out", "key.pem"]);

    assert_eq!((late.exit, late.stdout.as_str()), (1, ""));
    assert!(
        late.stderr.contains("since 2024-06-04") && late.stderr.contains("hint: "),
        "{}",
        late.stderr
    );
    assert!(!place.path("key.pem").exists(), "the reserved file is gone");
}
