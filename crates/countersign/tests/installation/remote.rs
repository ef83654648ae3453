//! Commands on a running server, by its management API.

use std::process::Command;
use std::time::Duration;

use countersign_authority::Clock;
use serde_json::{Value, json};

use crate::place::{Place, Ran, Server, countersign, is_private, run};

/// Somebody with an access token, in front of a server.
pub struct Remote {
    pub place: Place,
    server: Server,
    token: String,
}

impl Remote {
    /// The operator, in front of an installation with the project `Demo`.
    fn operator() -> Self {
        Self::at(Place::with_project())
    }

    /// The operator, in front of an installation that is there.
    pub fn at(place: Place) -> Self {
        let made = place.json(&["access-tokens", "create", "--name", "test"]);
        let token = made["token"].as_str().unwrap().to_owned();
        let server = place.serve(&[]);
        Self {
            place,
            server,
            token,
        }
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = countersign(args);
        command
            .current_dir(self.place.path("."))
            .env("COUNTERSIGN_SERVER", &self.server.origin)
            .env("COUNTERSIGN_ACCESS_TOKEN", &self.token);
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        run(&mut self.command(args), "")
    }

    pub fn json(&self, args: &[&str]) -> Value {
        let ran = self.run(&[args, &["--json"]].concat());
        assert_eq!(ran.exit, 0, "{args:?}: {}", ran.stderr);
        serde_json::from_str(&ran.stdout).unwrap()
    }

    pub fn refused(&self, args: &[&str], exit: i32, said: &str) {
        let ran = self.run(args);
        assert_eq!(
            (ran.exit, ran.stdout.as_str()),
            (exit, ""),
            "{args:?}: {}",
            ran.stderr
        );
        assert!(ran.stderr.contains(said), "{args:?}: {}", ran.stderr);
    }
}

const CREATE: [&str; 13] = [
    "credentials",
    "create",
    "--project",
    "Demo",
    "--name",
    "Nightly",
    "--owner-team",
    "Data",
    "--owner-contact",
    "data@example.com",
    "--service",
    "DocCloudSDK",
    "--type",
];

#[test]
fn a_credential_is_made_used_and_rotated_from_afar() {
    let remote = Remote::operator();
    let made = remote.json(&[&CREATE[..], &["oauth-server-to-server"]].concat());
    let (id, client_id) = (
        made["id"].as_str().unwrap(),
        made["client_id"].as_str().unwrap(),
    );
    let table = remote
        .run(&["credentials", "list", "--project", "Demo"])
        .stdout;
    assert!(
        table.starts_with("id\tclient_id\tname\t") && table.contains("\tNightly\t"),
        "{table}"
    );
    let shown = remote.json(&["credentials", "show", client_id]);
    assert_eq!(shown["technical_account_id"], made["technical_account_id"]);

    let added = remote.json(&["secrets", "add", client_id, "--label", "next"]);
    let form = [
        "grant_type=client_credentials&scope=openid&client_id=",
        client_id,
        "&client_secret=",
        added["client_secret"].as_str().unwrap(),
    ]
    .concat();
    assert_eq!(remote.server.post("/ims/token/v3", &form).0, 200);
    let listed = remote.json(&["secrets", "list", id]);
    let [first, second] = [0, 1].map(|at| listed[at]["id"].as_str().unwrap().to_owned());
    assert!(listed[0].get("client_secret").is_none());
    let ended = remote.json(&["secrets", "end-tokens", id, &second]);
    assert_eq!(ended["subject"], format!("secret:{second}"));
    remote.json(&["secrets", "delete", id, &first, "--also-end-tokens"]);
    remote.refused(
        &["secrets", "delete", id, &second],
        1,
        "hint: repeat the command with `--force`",
    );
    remote.json(&["secrets", "delete", id, &second, "--force"]);
    assert_eq!(remote.server.post("/ims/token/v3", &form).0, 400);

    let changed = remote.json(&["credentials", "change", id, "--name", "Daily"]);
    assert_eq!(changed["name"], "Daily");
    assert_eq!(
        remote.json(&["credentials", "disable", id])["enabled"],
        false
    );
    let subscribed = remote.json(&["credentials", "subscribe", id, "--service", "UserMgmtSDK"]);
    assert_eq!(subscribed["services"].as_array().unwrap().len(), 2);
    remote.refused(
        &["projects", "delete", "Demo"],
        1,
        "still has 1 credentials",
    );
    remote.json(&["credentials", "delete", id]);
    remote.json(&["projects", "delete", "Demo"]);
    assert_eq!(remote.json(&["projects", "list"]), json!([]));
}

#[test]
fn a_private_key_that_the_server_makes_goes_into_a_file_of_its_own() {
    let remote = Remote::operator();
    let jwt = [&CREATE[..], &["service-account-jwt"]].concat();
    remote.refused(&jwt, 2, "needs a key pair");
    let ran = remote.run(&[&jwt[..], &["--private-key-out", "key.pem"]].concat());
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("client_secret") && !ran.stdout.contains("PRIVATE KEY"));
    let key = remote.place.path("key.pem");
    assert!(is_private(&key));
    assert!(
        std::fs::read_to_string(&key)
            .unwrap()
            .contains("PRIVATE KEY")
    );

    let listed = remote.json(&["credentials", "list"]);
    let id = listed[0]["id"].as_str().unwrap();
    remote.refused(
        &["certificates", "add", id, "--private-key-out", "key.pem"],
        2,
        "exists already",
    );
    let added = remote.json(&["certificates", "add", id, "--private-key-out", "second.pem"]);
    assert_eq!(added["private_key"], Value::Null);
    let listed = remote.json(&["certificates", "list", id]);
    assert_eq!(listed.as_array().unwrap().len(), 2);
    let pem = listed[0]["pem"].as_str().unwrap();
    std::fs::write(remote.place.path("own.pem"), pem).unwrap();
    remote.refused(
        &["certificates", "add", id, "--certificate", "own.pem"],
        1,
        "already has this certificate",
    );
    let second = added["id"].as_str().unwrap();
    remote.json(&["certificates", "delete", id, second]);
}

#[test]
fn a_credential_is_tried_out_and_its_log_is_read_from_afar() {
    let remote = Remote::operator();
    let jwt = [&CREATE[..], &["service-account-jwt"]].concat();
    let made = remote.json(&[&jwt[..], &["--private-key-out", "key.pem"]].concat());
    let id = made["id"].as_str().unwrap();
    let with_key = ["--private-key-file", "key.pem"];
    let token = remote.json(&[&["credentials", "generate-token", id][..], &with_key].concat());
    assert!(token["access_token"].as_str().unwrap().starts_with("eyJ"));
    let assertion = remote.json(&[&["credentials", "generate-jwt", id][..], &with_key].concat());
    assert!(assertion["assertion"].as_str().unwrap().starts_with("eyJ"));
    remote.refused(&["credentials", "generate-token", id], 1, "OAuth");

    let set = remote.json(&["credentials", "set-token-kind", id, "standard:ES256"]);
    assert_eq!(set["token_kind"], "standard:ES256");
    let none = remote.run(&["credentials", "jwks", id]);
    assert_eq!(
        none.stdout.replace(char::is_whitespace, ""),
        r#"{"keys":[]}"#
    );
    let document = remote.run(&["projects", "download", "Demo"]);
    assert!(
        document.stdout.contains("\"workspace\""),
        "{}",
        document.stdout
    );

    let of_credential = remote.json(&["credentials", "activity", id]);
    let newest = &of_credential[0];
    assert_eq!(newest["action"], "credential.token_kind_set");
    let tried = ["--action", "token.generated"];
    let tried = remote.json(&[&["projects", "activity", "Demo"][..], &tried].concat());
    assert_eq!(tried.as_array().unwrap().len(), 1);
    let changed = remote.json(&["projects", "list", "--changed-by", "nobody"]);
    assert_eq!(changed, serde_json::json!([]));
}

#[test]
fn who_cannot_be_told_is_listed_from_afar() {
    let remote = Remote::operator();
    remote.json(&[&CREATE[..], &["oauth-server-to-server"]].concat());
    assert_eq!(
        remote.json(&["notices", "unreachable"]),
        serde_json::json!([])
    );
    let changed = ["credentials", "change", "--owner-contact", "#data"];
    let id = remote.json(&["credentials", "list"])[0]["id"].clone();
    remote.json(&[&changed[..], &[id.as_str().unwrap()]].concat());

    let unreachable = remote.json(&["notices", "unreachable"]);
    assert_eq!(unreachable[0]["id"], id);
    assert_eq!(unreachable[0]["owner_contact"], "#data");
    let told = remote.json(&["notices", "list", "--state", "failed"]);
    assert_eq!(told, serde_json::json!([]));
}

#[test]
fn members_and_policy_are_looked_after_from_afar() {
    let remote = Remote::operator();
    let invited = remote.json(&["members", "invite", "eve@example.com", "--role", "viewer"]);
    assert!(invited["link_code"].is_string());
    let id = invited["id"].as_str().unwrap();
    assert_eq!(remote.json(&["members", "invitations"])[0]["id"], id);
    remote.json(&["members", "withdraw", id]);
    assert_eq!(remote.json(&["members", "list"]), serde_json::json!([]));
    remote.refused(
        &["members", "remove", "eve@example.com"],
        1,
        "no such member",
    );

    let set = remote.json(&[
        "policy",
        "set",
        "--preset",
        "as-it-went",
        "--final-on",
        "never",
    ]);
    assert_eq!(set["final_on"], Value::Null);
    assert_eq!(set["no_new_on"], "2024-06-04T00:00:00Z");
    remote.json(&[
        "policy",
        "set",
        "--installation",
        "--final-on",
        "2031-01-01",
    ]);
    assert_eq!(
        remote.json(&["policy", "clear"])["final_on"],
        "2031-01-01T00:00:00Z"
    );
    let foreseen = remote.json(&["policy", "preview", "--final-on", "2031-01-01"]);
    assert_eq!(foreseen[1]["date"], "final_on");
    assert_eq!(foreseen[1]["credentials"], 0);
    let wrong = ["policy", "set", "--final-on", "2001-01-01"];
    remote.refused(&wrong, 1, "`final_on` must not be before `deprecated_on`");
    remote.refused(&["policy", "set"], 2, "there is nothing to set");
}

#[test]
fn the_token_comes_from_a_file_or_the_environment_and_from_nowhere_else() {
    let remote = Remote::operator();
    let list = ["projects", "list"];
    let file = remote.place.path("token");
    std::fs::write(&file, format!("{}\n", remote.token)).unwrap();
    let mut with_file = remote.command(&["projects", "list", "--access-token-file", "token"]);
    let ran = run(with_file.env_remove("COUNTERSIGN_ACCESS_TOKEN"), "");
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    let mut with_stdin = remote.command(&["projects", "list", "--access-token-file", "-"]);
    let ran = run(
        with_stdin.env_remove("COUNTERSIGN_ACCESS_TOKEN"),
        &remote.token,
    );
    assert_eq!(ran.exit, 0, "{}", ran.stderr);

    for args in [
        ["--access-token", remote.token.as_str()],
        ["--search", remote.token.as_str()],
    ] {
        let ran = remote.run(&[&list[..], &args[..]].concat());
        assert_eq!(ran.exit, 2);
        assert!(
            ran.stderr.contains("secrets are not taken from arguments"),
            "{}",
            ran.stderr
        );
        assert!(!ran.stderr.contains(&remote.token));
    }
    let said = |variable: &str, value: &str| {
        let ran = run(remote.command(&list).env(variable, value), "");
        (ran.exit, ran.stderr)
    };
    let (exit, told) = said("COUNTERSIGN_ACCESS_TOKEN", "cspat-mistyped");
    assert!(
        exit == 2 && told.contains("cut off, or mistyped") && !told.contains("cspat-m"),
        "{told}"
    );
    let (exit, told) = said("COUNTERSIGN_SERVER", "http://example.com");
    assert!(exit == 2 && told.contains("plain http"), "{told}");
    let (exit, told) = said("COUNTERSIGN_SERVER", "http://127.0.0.1:1");
    assert!(exit == 2 && told.contains("cannot reach"), "{told}");
    let (exit, told) = said("COUNTERSIGN_ORG", "mine");
    assert!(exit == 2 && told.contains("`COUNTERSIGN_ORG`: "), "{told}");

    remote
        .place
        .json(&["organizations", "create", "--name", "Second"]);
    remote.refused(&list, 2, "name one with `--org ID`");
    let listed = remote.place.json(&["access-tokens", "list"]);
    let own = listed[0]["id"].as_str().unwrap();
    remote.place.json(&["access-tokens", "delete", own]);
    remote.refused(&list, 1, "no access token that works");
}

/// Makes a Service Account (JWT) credential in a project of its own; gives its id.
pub fn make_jwt(remote: &Remote, project: &str) -> String {
    remote.json(&["projects", "create", project]);
    let key = remote.place.text(&format!("{project}.pem"));
    let args = CREATE.map(|arg| if arg == "Demo" { project } else { arg });
    let more = ["service-account-jwt", "--private-key-out", &key];
    let made = remote.json(&[&args[..], &more].concat());
    made["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_credential_is_migrated_from_afar() {
    let remote = Remote::operator();
    let id = make_jwt(&remote, "Old");
    let migrate = |args: &[&str]| remote.json(&[&["migrate"], args].concat());

    assert_eq!(migrate(&["status", &id])["state"], "not_started");
    assert_eq!(migrate(&["start", &id])["state"], "started");
    assert_eq!(migrate(&["start", &id])["state"], "started");
    assert_eq!(migrate(&["review", &id])["verdict"], "wait");
    let file = remote.place.text("review.jws");
    migrate(&["review", &id, "--export", &file]);
    let exported = std::fs::read_to_string(&file).unwrap();
    assert_eq!(exported.split('.').count(), 3, "{exported}");
    remote.refused(&["migrate", "review", &id, "--export", &file], 2, "exists");
    let all = ["migrate", "review", "--all", "--export", "other.jws"];
    remote.refused(&all, 2, "for one credential");
    remote.refused(&["migrate", "disable", &id], 1, "--force PROJECT");
    let force = ["--force", "Old", "--reason", "nobody uses it"];
    let disabled = migrate(&[&["disable", &id, "--also-end-tokens"], &force[..]].concat());
    assert_eq!(disabled["state"], "disabled");
    assert_eq!(migrate(&["restore", &id])["state"], "started");
    remote.refused(&["migrate", "finish", &id], 1, "disable it first");
    migrate(&[&["disable", &id], &force[..]].concat());
    let finished = migrate(&[&["finish", &id], &force[..]].concat());
    assert_eq!(finished["state"], "completed");
    assert_eq!(migrate(&["finish", &id])["state"], "completed");
    remote.refused(&["migrate", "cancel", &id], 1, "is completed");
    remote.refused(&["migrate", "start"], 2, "CREDENTIAL");
    remote.refused(
        &["migrate", "start", "--all", &id],
        2,
        "cannot be used with",
    );

    // The same where the database is.
    let id = make_jwt(&remote, "Near");
    let admin = |verb: &str, more: &[&str]| {
        let args = [&["credentials", verb, &id], more].concat();
        remote.place.json(&args)["migration"]["state"].clone()
    };
    let force = ["--force", "Near", "--reason", "nobody uses it"];
    assert_eq!(admin("add-oauth-half", &[]), "started");
    assert_eq!(admin("disable-jwt-half", &force), "disabled");
    assert_eq!(admin("restore-jwt-half", &[]), "started");
    assert_eq!(admin("disable-jwt-half", &force), "disabled");
    assert_eq!(admin("remove-jwt-half", &force), "completed");
}

#[test]
fn a_brown_out_is_planned_shown_and_undone_from_afar() {
    let remote = Remote::operator();
    let (id, other) = (make_jwt(&remote, "Old"), make_jwt(&remote, "Older"));
    let migrate = |args: &[&str]| remote.json(&[&["migrate"], args].concat());
    let plan = [
        "migrate", "brownout", &id, "--for", "10m", "--name", "first",
    ];
    remote.refused(&plan, 1, "start its migration first");
    remote.refused(
        &["migrate", "brownout", "--all", "--for", "1h"],
        1,
        "both halves",
    );
    migrate(&["start", &id]);

    let planned = remote.json(&plan);
    assert_eq!(planned["state"], "running");
    let link = planned["undo_link"].as_str().unwrap();
    assert!(link.contains("/console/brown-out?code="), "{link}");
    let again = remote.run(&plan);
    assert_eq!(again.exit, 0, "{}", again.stderr);
    assert!(
        again.stderr.contains("planned before: nothing is changed"),
        "{}",
        again.stderr
    );
    assert!(!again.stdout.contains("code="), "{}", again.stdout);
    remote.refused(&[&plan[..], &["--allow", "9"]].concat(), 1, "another plan");
    migrate(&["start", &other]);
    let tomorrow = Clock::system().now().plus(Duration::from_secs(86_400));
    let named = migrate(&[
        "brownout",
        "--all",
        "--for",
        "1h",
        "--at",
        &tomorrow.to_string(),
        "--caller",
        "consumer=nightly,network=203.0.113.0/24",
        "--repeat",
        "daily",
        "--times",
        "3",
    ]);
    assert_eq!(named["credentials"].as_array().unwrap().len(), 2);
    assert_eq!(named["callers"][0]["consumer"], "nightly");
    assert_eq!(named["state"], "planned");
    for (args, told) in [
        (vec!["--for", "1x"], "write a number"),
        (
            vec!["--for", "1h", "--percent", "5", "--caller", "consumer=a"],
            "cannot be used with",
        ),
        (
            vec!["--for", "1h", "--caller", "a"],
            "write `consumer=NAME`",
        ),
        (vec!["--for", "1h", "--repeat", "daily"], "--times"),
    ] {
        remote.refused(
            &[&["migrate", "brownout", &id], &args[..]].concat(),
            2,
            told,
        );
    }

    assert_eq!(migrate(&["brownouts"]).as_array().unwrap().len(), 2);
    let shown = migrate(&["brownouts", "first"]);
    assert_eq!(shown["report"][0]["noticed"], serde_json::json!([]));
    let on_paper = remote.run(&["migrate", "brownouts", "first"]);
    assert!(
        on_paper.stderr.contains("is running: 0 callers failed"),
        "{}",
        on_paper.stderr
    );
    remote.refused(
        &["migrate", "brownouts", "second"],
        1,
        "there is no brown-out",
    );
    remote.refused(&["migrate", "brownouts", "--undo"], 2, "BROWNOUT");
    for _ in 0..2 {
        let undone = migrate(&["brownouts", "first", "--undo"]);
        assert_eq!(undone["state"], "undone");
    }
    let id = planned["id"].as_str().unwrap();
    assert_eq!(migrate(&["brownouts", id])["state"], "undone");
}

#[test]
fn many_credentials_are_migrated_at_once_and_again() {
    let remote = Remote::operator();
    let ids = ["A", "B", "C"].map(|project| make_jwt(&remote, project));
    remote.json(&[&CREATE[..], &["oauth-server-to-server"]].concat());
    let outcomes = |args: &[&str]| -> Vec<String> {
        let lines = remote.json(&[&["migrate"], args].concat());
        let lines = lines.as_array().unwrap().iter();
        lines
            .map(|line| line["outcome"].as_str().unwrap().to_owned())
            .collect()
    };
    remote.json(&["migrate", "start", &ids[0]]);
    remote.json(&["migrate", "cancel", &ids[0]]);

    let first = outcomes(&["start", "--all", "--at-once", "2"]);
    assert_eq!(first.iter().filter(|one| *one == "done").count(), 2);
    assert_eq!(first.iter().filter(|one| *one == "skipped").count(), 1);
    let again = remote.run(&["migrate", "start", "--project", "B"]);
    assert_eq!(again.exit, 0, "{}", again.stderr);
    assert!(
        again.stdout.contains("\tunchanged\tstarted\t"),
        "{}",
        again.stdout
    );
    assert!(
        again.stderr.contains("1 of 1 credentials, 1 unchanged"),
        "{}",
        again.stderr
    );
    // Each is asked for by its name, so each is tried.
    let named = remote.run(&["migrate", "disable", &ids[1], &ids[2], "--json"]);
    assert_eq!(named.exit, 1, "{}", named.stderr);
    let refused: Value = serde_json::from_str(&named.stdout).unwrap();
    assert_eq!(refused[0]["outcome"], "refused");
    let message = refused[0]["message"].as_str().unwrap();
    assert!(message.contains("does not call it safe"), "{message}");
    remote.refused(
        &[
            "migrate", "finish", "--all", "--force", "A", "--reason", "x",
        ],
        2,
        "of one credential",
    );

    let reviews = remote.json(&["migrate", "review", "--all"]);
    assert_eq!(reviews.as_array().unwrap().len(), 3);
    let status =
        |within: &str| remote.run(&["migrate", "status", "--all", "--fail-within", within]);
    assert_eq!(status("30d").exit, 0);
    let (late, table) = (status("3650d"), remote.run(&["migrate", "status", "--all"]));
    assert_eq!(late.exit, 1, "{}", late.stderr);
    assert_eq!(late.stdout.lines().count(), 4, "{}", late.stdout);
    assert_eq!((table.exit, table.stdout.lines().count()), (0, 4));
    assert_eq!(status("10y").exit, 2);
}
