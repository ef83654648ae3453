//! What is said about a wrong configuration, and what is shown of a right one.

use std::fs;

use crate::place::{Place, countersign, run};

#[test]
fn a_misspelt_key_stops_the_start_and_is_named() {
    let place = Place::empty();
    fs::write(place.path("c.toml"), "[server]\nadress = \"127.0.0.1:1\"\n").unwrap();

    let ran = run(
        &mut place.command(&["serve", "--check", "--config", "c.toml"]),
        "",
    );

    assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""));
    assert!(
        ran.stderr
            .starts_with("error: c.toml:2:1: unknown field `adress`, expected"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("`address`"), "{}", ran.stderr);
    assert_eq!(
        run(&mut place.command(&["serve", "--config", "none.toml"]), "").exit,
        2
    );
}

#[test]
fn check_opens_nothing_and_makes_nothing() {
    let place = Place::empty();

    let fine = run(&mut place.command(&["serve", "--check"]), "");
    let public = run(
        &mut place.command(&[
            "serve",
            "--check",
            "--listen",
            "0.0.0.0:80",
            "--issuer",
            "https://ims.example.com",
        ]),
        "",
    );
    let guess = run(
        &mut place.command(&["serve", "--check", "--listen", "0.0.0.0:80"]),
        "",
    );

    assert_eq!(fine.exit, 0, "{}", fine.stderr);
    assert!(
        public.exit == 2 && public.stderr.contains("plain HTTP"),
        "{}",
        public.stderr
    );
    assert!(
        guess.exit == 2 && guess.stderr.contains("ims.issuer"),
        "{}",
        guess.stderr
    );
    assert!(!place.path("data").exists());
}

#[test]
fn the_file_in_the_data_folder_is_found_and_shown_without_secrets() {
    let place = Place::empty();
    fs::create_dir(place.path("data")).unwrap();
    fs::write(
        place.path("data/countersign.toml"),
        "[ims]\nregion = \"xx9\"\n",
    )
    .unwrap();
    let url = ("COUNTERSIGN__STORE__URL", "postgres://ann:c4n4ry@db/x");

    let ran = run(place.command(&["admin", "config", "show"]).envs([url]), "");
    let json = run(
        place
            .command(&["admin", "config", "show", "--json"])
            .envs([url]),
        "",
    );

    assert!(
        ran.stdout.contains("region = \"xx9\"") && ran.stdout.contains("ann:***@db"),
        "{}",
        ran.stdout
    );
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["store"]["url"], "postgres://ann:***@db/x");
    assert!(!ran.stdout.contains("c4n4ry") && !json.to_string().contains("c4n4ry"));
}

#[test]
fn another_master_key_is_noticed() {
    let place = Place::with_project();
    let key = fs::read_to_string(place.path("data/master.key")).unwrap();
    let other = if key.starts_with('A') {
        key.replacen('A', "B", 1)
    } else {
        format!("A{}", &key[1..])
    };

    let mut wrong = countersign(&["admin", "organizations", "list"]);
    let wrong = run(
        wrong
            .current_dir(place.path(""))
            .args(["--data", "data"])
            .env("COUNTERSIGN_MASTER_KEY", &other),
        "",
    );
    let served = run(
        place
            .command(&["serve", "--listen", "127.0.0.1:0"])
            .env("COUNTERSIGN_MASTER_KEY", &other),
        "",
    );

    for ran in [wrong, served] {
        assert!(
            ran.exit == 2 && ran.stderr.contains("another master key"),
            "{}",
            ran.stderr
        );
        assert!(
            ran.stderr.contains("hint: ") && !ran.stderr.contains(other.trim()),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn a_lost_master_key_is_not_replaced_by_a_new_one() {
    let place = Place::with_project();
    fs::remove_file(place.path("data/master.key")).unwrap();

    let listed = run(&mut place.command(&["admin", "organizations", "list"]), "");
    let served = run(
        &mut place.command(&["serve", "--listen", "127.0.0.1:0"]),
        "",
    );

    for ran in [listed, served] {
        assert!(
            ran.exit == 2 && ran.stderr.contains("restore it from your backup"),
            "{}",
            ran.stderr
        );
    }
    assert!(!place.path("data/master.key").exists());
}

const NOTIFICATIONS: &str = "
[notifications]
from = 'Countersign <ims@example.com>'
[notifications.smtp]
host = '127.0.0.1'
security = 'loopback'
[[notifications.webhooks]]
name = 'ops'
url = 'http://127.0.0.1:9/h1dden'
secret_file = 'secret'
allow_private = true
";

#[test]
fn who_is_told_is_checked_before_anything_is_opened() {
    let place = Place::empty();
    let secret = format!("whsec_{}", "c4n4ryAA".repeat(4));
    fs::write(place.path("secret"), &secret).unwrap();
    let check = |text: &str| {
        fs::write(place.path("c.toml"), text).unwrap();
        let args = ["serve", "--check", "--config", "c.toml"];
        run(&mut place.command(&args), "")
    };

    let fine = check(NOTIFICATIONS);
    assert_eq!(fine.exit, 0, "{}", fine.stderr);
    for (given, instead, said) in [
        ("allow_private = true", "", "allow_private"),
        ("from = 'Countersign <ims@example.com>'", "", "`from`"),
        (
            "host = '127.0.0.1'",
            "host = '192.0.2.1'",
            "`smtp.security`",
        ),
        (
            "secret_file = 'secret'",
            "",
            "COUNTERSIGN_WEBHOOK_SECRET_OPS",
        ),
        ("secret_file = 'secret'", "secret_file = 'c.toml'", "whsec_"),
        ("name = 'ops'", "name = 'O p s'", "a name has"),
        (
            "security = 'loopback'",
            "user = 'ims'",
            "COUNTERSIGN_SMTP_PASSWORD",
        ),
    ] {
        let refused = check(&NOTIFICATIONS.replace(given, instead));
        assert!(
            refused.exit == 2 && refused.stderr.contains(said),
            "{instead}: {}",
            refused.stderr
        );
        assert!(!refused.stderr.contains(&secret) && !refused.stderr.contains("h1dden"));
    }
    fs::write(place.path("c.toml"), NOTIFICATIONS).unwrap();
    let args = ["admin", "config", "show", "--config", "c.toml"];
    let shown = run(&mut place.command(&args), "").stdout;
    assert!(shown.contains("http://127.0.0.1:9/…"), "{shown}");
    assert!(!shown.contains("h1dden") && !shown.contains(&secret));
}
