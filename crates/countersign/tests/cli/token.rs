//! `countersign token`

use std::process::Command;

use countersign_jose::{Algorithm, SigningKey};

use crate::run::{ACCOUNT, CLIENT, ORG, SECRET, countersign, file, run, run_with_stdin};
use crate::stand_in::{StandIn, generous, refusing};

/// A command that has everything from the environment.
fn from_environment(ims: &StandIn, args: &[&str]) -> Command {
    let mut command = countersign(args);
    command
        .env("COUNTERSIGN_IMS", &ims.origin)
        .env("COUNTERSIGN_CLIENT_ID", CLIENT)
        .env("COUNTERSIGN_CLIENT_SECRET", SECRET)
        .env("COUNTERSIGN_SCOPES", "openid,AdobeID");
    command
}

/// AEM service credentials with a fresh key, for `ims`.
fn aem(ims: &str) -> String {
    let key = SigningKey::generate(Algorithm::Rs256).unwrap();
    let pem = key.to_pem().unwrap().replace('\n', "\\r\\n");
    format!(
        r#"{{"ok":true,"integration":{{"imsEndpoint":"{ims}","metascopes":"ent_x,ent_y",
        "technicalAccount":{{"clientId":"cm-p1-e2-integration","clientSecret":"{SECRET}"}},
        "id":"{ACCOUNT}","org":"{ORG}","privateKey":"{pem}"}},"statusCode":200}}"#
    )
}

#[test]
fn the_token_is_alone_on_stdout() {
    let ims = generous();
    let ran = run(&mut from_environment(&ims, &["token"]));
    assert_eq!((ran.exit, ran.stdout.as_str()), (0, "a.b.c\n"));
    assert!(
        ran.stderr.starts_with("note: valid until 2"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.ends_with("note: debug id `debug-1`\n"),
        "{}",
        ran.stderr
    );
    assert!(ims.asked()[0].contains("scope=openid%2CAdobeID"));
}

#[test]
fn the_whole_reply_on_request() {
    let ran = run(&mut from_environment(&generous(), &["token", "--json"]));
    assert_eq!(
        ran.stdout,
        "{\"access_token\":\"a.b.c\",\"token_type\":\"bearer\",\"expires_in\":86399}\n"
    );
}

#[test]
fn flags_win_and_the_secret_comes_through_stdin() {
    let ims = generous();
    let args = ["token", "--scopes", "other", "--client-secret-file", "-"];
    let mut command = from_environment(&ims, &args);
    let ran = run_with_stdin(
        command.env_remove("COUNTERSIGN_CLIENT_SECRET"),
        "c4n4ry-2\n",
    );
    assert_eq!((ran.exit, ran.stdout.as_str()), (0, "a.b.c\n"));
    let asked = &ims.asked()[0];
    assert!(asked.contains("scope=other") && asked.contains("client_secret=c4n4ry-2"));
}

#[test]
fn aem_service_credentials_make_an_exchange() {
    let ims = generous();
    let args = ["token", "--file", "-"];
    let ran = run_with_stdin(&mut countersign(&args), &aem(&ims.origin));
    assert_eq!(
        (ran.exit, ran.stdout.as_str()),
        (0, "a.b.c\n"),
        "{}",
        ran.stderr
    );
    assert!(ims.asked()[0].contains("jwt_token=ey"));
}

#[test]
fn an_assertion_needs_nobody() {
    let (_folder, path) = file("aem.json", &aem("ims.example.com"));
    let ran = run(&mut countersign(&["token", "--file", &path, "--assertion"]));
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    assert_eq!(ran.stdout.trim().split('.').count(), 3);
}

#[test]
fn a_curl_command_takes_the_secret_from_a_variable() {
    let ran = run(&mut from_environment(&generous(), &["token", "--curl"]));
    assert_eq!(ran.exit, 0);
    assert!(ran.stdout.contains("$COUNTERSIGN_CLIENT_SECRET"));
    assert!(
        ran.stdout
            .contains("--data-urlencode 'scope=openid,AdobeID'")
    );
}

#[test]
fn our_own_file_names_its_key_beside_it() {
    let text = format!(
        r#"{{"grant":"jwt","ims":"https://ims.example.com","client_id":"{CLIENT}",
        "org_id":"{ORG}","technical_account_id":"{ACCOUNT}","metascopes":["ent_x"],
        "private_key_file":"key.pem"}}"#
    );
    let (folder, path) = file("credential.json", &text);
    let key = SigningKey::generate(Algorithm::Rs256).unwrap();
    std::fs::write(folder.path().join("key.pem"), &*key.to_pem().unwrap()).unwrap();
    let ran = run(&mut countersign(&["token", "--file", &path, "--assertion"]));
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
}

#[test]
fn the_second_run_takes_the_token_from_the_file() {
    let ims = generous();
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("token");
    for _ in 0..2 {
        let args = ["token", "--cache", cache.to_str().unwrap()];
        let ran = run(&mut from_environment(&ims, &args));
        assert_eq!((ran.exit, ran.stdout.as_str()), (0, "a.b.c\n"));
    }
    assert_eq!(ims.asked().len(), 1);
}

#[test]
fn a_refusal_says_what_to_do() {
    let ims = refusing(
        400,
        "invalid_client",
        "invalid client_secret parameter c4n4ry-s3cret",
    );
    let ran = run(&mut from_environment(&ims, &["token"]));
    assert_eq!((ran.exit, ran.stdout.as_str()), (1, ""));
    assert_eq!(
        ran.stderr,
        "error: refused with status 400 `invalid_client`: invalid client_secret parameter [secret]\n\
         hint: add a new secret to the credential and use that one\n\
         hint: whoever runs the IMS finds the cause under debug id `debug-2`\n"
    );
}

#[test]
fn what_is_missing_is_named_at_once() {
    let ran = run(&mut countersign(&["token", "--client-id", CLIENT]));
    assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""));
    assert!(
        ran.stderr.starts_with(
            "error: the credential is incomplete: `scopes`, `client_secret` missing\n"
        )
    );
}

#[test]
fn a_server_that_is_away_is_broken_and_not_refused() {
    let mut command = from_environment(&generous(), &["token", "--ims", "http://127.0.0.1:1"]);
    let ran = run(&mut command);
    assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""));
    assert!(
        ran.stderr
            .starts_with("error: cannot reach `http://127.0.0.1:1`")
    );
}

#[test]
fn files_that_are_no_credentials_are_broken() {
    for text in ["", "c4n4ry", r#"{"c4n4ry":1}"#, r#"{"grant":"c4n4ry"}"#] {
        let (_folder, path) = file("x.json", text);
        let ran = run(&mut countersign(&["token", "--file", &path]));
        assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""), "{text}");
    }
}
