//! From an empty folder to a token, to the reason of a refusal, to the end.

use std::fs;

use crate::place::{Place, countersign, run};

#[test]
fn an_empty_folder_serves_tokens_after_the_steps_it_names() {
    let place = Place::empty();
    let mut server = place.serve(&[]);
    server.wait_for("next, in another terminal");
    server.wait_for("credentials create");
    place.json(&["organizations", "create", "--name", "Example"]);
    place.json(&["projects", "create", "--name", "Demo"]);
    let saved = place.create(
        "oauth-server-to-server",
        &["--save", "c.json", "--issuer", &server.origin],
    );
    assert_eq!(saved.exit, 0, "{}", saved.stderr);

    let token = run(
        &mut countersign(&["token", "--file", &place.text("c.json")]),
        "",
    );
    assert_eq!(token.stdout.matches('.').count(), 2, "{}", token.stderr);

    let file = fs::read_to_string(place.path("c.json")).unwrap();
    let at = file.find("p8e-").unwrap();
    let secret = &file[at..at + 36];
    fs::write(
        place.path("wrong.json"),
        file.replace(secret, "not-the-secret"),
    )
    .unwrap();
    let refused = run(
        &mut countersign(&["token", "--file", &place.text("wrong.json")]),
        "",
    );
    let id = refused
        .stderr
        .split('`')
        .find(|part| part.len() == 36 && part.matches('-').count() == 4)
        .unwrap();
    let explained = place.json(&["explain", id]);
    assert_eq!(
        (&explained["endpoint"], &explained["status"]),
        (&"/ims/token/v3".into(), &400.into())
    );
    assert!(
        explained["cause"]
            .as_str()
            .unwrap()
            .contains("none of the credential's 1 live secrets")
    );

    let client = explained["client_id"].as_str().unwrap();
    server.signal("-TERM");
    let (status, said) = server.end();
    assert_eq!(status.code(), Some(0));
    let listed = place.json(&["secrets", "list", client]);
    assert!(!listed[0]["last_client_credentials"].is_null());
    let callers = place.json(&["credentials", "callers", client]);
    assert_eq!(
        (&callers[0]["network"], &callers[0]["uses"]),
        (&"127.0.0.0/24".into(), &1.into())
    );
    assert!(
        !said.contains(secret) && !said.contains(token.stdout.trim()),
        "{said}"
    );
}

#[test]
fn tokens_are_ended_one_by_one_and_with_what_minted_them() {
    let place = Place::with_project();
    let server = place.serve(&[]);
    let save = ["--save", "c.json", "--issuer", &server.origin];
    assert_eq!(place.create("oauth-server-to-server", &save).exit, 0);
    let file = fs::read_to_string(place.path("c.json")).unwrap();
    let file: serde_json::Value = serde_json::from_str(&file).unwrap();
    let client = file["client_id"].as_str().unwrap();
    let asked = ["token", "--file", &place.text("c.json")];
    let token = run(&mut countersign(&asked), "").stdout;
    let secret = place.json(&["secrets", "list", client])[0]["id"].clone();
    let secret = secret.as_str().unwrap();

    let one = place.admin_with_stdin(&["tokens", "revoke", "--token-stdin"], &token);
    let none = place.admin_with_stdin(&["tokens", "revoke", "--token-stdin"], "x.y.z");
    let of_secret = place.json(&["tokens", "revoke", "--secret-id", secret]);
    let of_credential = place.json(&["tokens", "revoke", "--credential", client]);
    let delete = [
        "secrets",
        "delete",
        client,
        secret,
        "--force",
        "--also-end-tokens",
    ];
    let deleted = place.json(&delete);

    assert_eq!(one.exit, 0, "{}", one.stderr);
    assert!(!one.stdout.contains(token.trim()));
    assert!(
        none.exit == 1 && none.stderr.contains("nothing to end"),
        "{}",
        none.stderr
    );
    assert_eq!(of_secret["ended"], format!("secret:{secret}"));
    let ended = of_credential["ended"].as_str().unwrap();
    assert!(ended.starts_with("credential:"), "{ended}");
    assert_eq!(deleted["left"], 0);
    let never = "0123456789abcdef0123456789abcdef";
    let refused = place.admin(&["tokens", "revoke", "--certificate-id", never]);
    assert_eq!(refused.exit, 1);
    assert_eq!(place.admin(&["tokens", "revoke"]).exit, 2);
}

#[test]
fn an_assertion_of_a_generated_key_is_exchanged_until_its_credential_is_switched_off() {
    let place = Place::with_project();
    let server = place.serve(&[]);
    let more = [
        "--generate-key",
        "--private-key-out",
        "key.pem",
        "--save",
        "c.json",
    ];
    let saved = place.create(
        "service-account-jwt",
        &[&more[..], &["--issuer", &server.origin]].concat(),
    );
    assert_eq!(saved.exit, 0, "{}", saved.stderr);
    let ask = || {
        run(
            &mut countersign(&["token", "--file", &place.text("c.json")]),
            "",
        )
    };

    let token = ask();
    let file: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(place.path("c.json")).unwrap()).unwrap();
    place.json(&[
        "credentials",
        "disable",
        file["client_id"].as_str().unwrap(),
    ]);
    let mut late = ask();
    for _ in 0..30 {
        if late.exit != 0 {
            break;
        }
        // Other processes are followed within a second.
        std::thread::sleep(std::time::Duration::from_millis(100));
        late = ask();
    }

    assert_eq!(token.stdout.matches('.').count(), 2, "{}", token.stderr);
    assert_eq!(
        (late.exit, late.stdout.as_str()),
        (1, ""),
        "{}",
        late.stderr
    );
}

#[test]
fn a_refusal_that_nobody_knows_is_said_to_be_unknown() {
    let place = Place::empty();
    let ran = place.admin(&["explain", "00000000-0000-4000-8000-000000000000"]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (1, ""));
    assert!(ran.stderr.contains("x-debug-id"), "{}", ran.stderr);
}

#[test]
fn a_second_signal_ends_at_once_with_a_status_of_its_own() {
    let place = Place::empty();
    let mut server = place.serve(&[("COUNTERSIGN__SERVER__DRAIN_DELAY_SECONDS", "60")]);
    server.signal("-HUP");
    server.wait_for("nothing to reload");
    server.signal("-INT");
    server.wait_for("a second signal ends at once");

    server.signal("-TERM");

    assert_eq!(server.end().0.code(), Some(143));
}

#[test]
fn a_starting_server_prints_the_link_of_the_first_administrator() {
    let place = Place::empty();
    let mut server = place.serve(&[]);
    let said = server.wait_for("/console/invitation?code=");
    let link = said.lines().last().unwrap().trim().to_owned();
    let path = link.strip_prefix(server.origin.as_str()).unwrap();

    let (status, page) = server.get(path);
    assert_eq!(status, 200);
    assert!(page.contains("Set up this installation"), "{page}");
    let (status, page) = server.get(&path.replace("code=", "code=x"));
    assert_eq!(status, 409);
    assert!(page.contains("This invitation does not work"), "{page}");

    let later = place.json(&["members", "invite", "--first", "--issuer", &server.origin]);
    assert_eq!(server.get(path).0, 409, "a later link replaces it");
    let later = later["link"].as_str().unwrap();
    let later = later.strip_prefix(server.origin.as_str()).unwrap();
    assert_eq!(server.get(later).0, 200);
    server.signal("-TERM");
    let (_, said) = server.end();
    let code = path.split('=').nth(1).unwrap();
    assert!(!said.contains(code), "links are in no log: {said}");
}

#[test]
fn json_logs_are_json_from_the_first_line() {
    let place = Place::empty();
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    let mut child = command
        .env("COUNTERSIGN__LOG__FORMAT", "json")
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(
        &mut std::io::BufReader::new(child.stderr.take().unwrap()),
        &mut line,
    )
    .unwrap();
    child.kill().unwrap();
    child.wait().unwrap();

    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert!(
        line["server.address"]
            .as_str()
            .unwrap()
            .starts_with("127.0.0.1:"),
        "{line}"
    );
}

/// Everything that a discovery document of the running server names is there.
#[test]
fn what_is_advertised_is_served() {
    let place = Place::empty();
    let server = place.serve(&[]);
    for document in [
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
        "/ims/.well-known/openid-configuration",
    ] {
        let (status, body) = server.get(document);
        assert_eq!(status, 200, "{document}");
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        let members = body.as_object().unwrap().iter();
        let urls = members
            .filter(|(name, _)| name.ends_with("_endpoint") || *name == "jwks_uri")
            .map(|(_, url)| url.as_str().unwrap());
        for url in urls {
            let path = url.strip_prefix(server.origin.as_str()).unwrap();
            let (status, _) = server.get(path);
            assert_ne!(status, 404, "{document} names {url}");
        }
    }
}
