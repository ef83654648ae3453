//! `countersign doctor`

use std::process::Command;

use countersign_jose::{Algorithm, Certificate, SigningKey};

use crate::run::{ACCOUNT, CLIENT, ORG, Ran, SECRET, countersign, run};
use crate::stand_in::{Reply, StandIn, generous, refusing};

fn oauth(ims: &str, scopes: &str) -> Command {
    let mut command = countersign(&["doctor", "--ims", ims, "--scopes", scopes]);
    command
        .env("COUNTERSIGN_CLIENT_ID", CLIENT)
        .env("COUNTERSIGN_CLIENT_SECRET", SECRET);
    command
}

/// The check words of the findings with this level, joined.
fn found(ran: &Ran, level: &str) -> String {
    let lines = ran
        .stdout
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>());
    let checks = lines
        .filter(|cells| cells[0] == level)
        .map(|cells| cells[1].to_owned());
    checks.collect::<Vec<_>>().join(" ")
}

#[test]
fn a_good_set_up_is_said_to_be_good() {
    let ran = run(&mut oauth(&generous().origin, "openid"));
    assert_eq!(
        (ran.exit, found(&ran, "wrong")),
        (0, String::new()),
        "{}",
        ran.stdout
    );
    assert_eq!(found(&ran, "ok"), "credential host token");
}

#[test]
fn refusals_are_explained() {
    for (code, description, check) in [
        ("invalid_client", "invalid client_id parameter", "client"),
        (
            "invalid_client",
            "invalid client_secret parameter",
            "secret",
        ),
        ("unauthorized_client", "x", "grant"),
        ("invalid_target_scope", "x", "scope"),
    ] {
        let ran = run(&mut oauth(
            &refusing(400, code, description).origin,
            "openid",
        ));
        assert_eq!(
            (ran.exit, found(&ran, "wrong").as_str()),
            (1, check),
            "{}",
            ran.stdout
        );
    }
}

#[test]
fn a_mistyped_secret_of_ours_is_noticed() {
    let ims = refusing(400, "invalid_client", "invalid client_secret parameter");
    let mut command = oauth(&ims.origin, "openid");
    let ran = run(command.env("COUNTERSIGN_CLIENT_SECRET", format!("p8e-{:032}", 0)));
    assert!(
        ran.stdout.contains("checksum does not agree"),
        "{}",
        ran.stdout
    );
}

#[test]
fn the_scope_that_is_not_granted_is_named() {
    let ims = StandIn::start(|path, body| -> Reply {
        let (status, reply) = match path {
            "/ims/token/v3" if body.contains("nope") => (400, r#"{"error":"invalid_scope"}"#),
            _ => (
                200,
                r#"{"access_token":"a.b.c","token_type":"bearer","expires_in":9}"#,
            ),
        };
        (status, String::new(), reply.to_owned())
    });
    let ran = run(&mut oauth(&ims.origin, "openid,nope,AdobeID"));
    assert_eq!(
        (ran.exit, found(&ran, "wrong").as_str()),
        (1, "scope scope")
    );
    assert!(
        ran.stdout.contains("`nope` is not granted"),
        "{}",
        ran.stdout
    );
    assert_eq!(ims.asked().len(), 4);
}

#[test]
fn the_search_for_the_scope_is_bounded() {
    let scopes: Vec<String> = (0..50).map(|n| format!("s{n}")).collect();
    let ims = refusing(400, "invalid_scope", "x");
    let ran = run(&mut oauth(&ims.origin, &scopes.join(",")));
    assert_eq!(ims.asked().len(), 31);
    assert!(
        ran.stdout.contains("20 scopes were not asked for"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_clock_that_is_off_is_noticed() {
    let ims = StandIn::start(|_, _| -> Reply {
        let date = "date: Thu, 01 Jan 2015 00:00:00 GMT\r\n".to_owned();
        (404, date, String::new())
    });
    let ran = run(&mut oauth(&ims.origin, "openid"));
    assert!(found(&ran, "wrong").starts_with("clock"), "{}", ran.stdout);
}

#[test]
fn an_unreachable_host_is_a_finding() {
    let ran = run(&mut oauth("http://127.0.0.1:1", "openid"));
    assert_eq!((ran.exit, found(&ran, "wrong").as_str()), (1, "host"));
}

#[test]
fn a_server_without_tls_is_a_finding() {
    let ims = generous().origin.replace("http:", "https:");
    let ran = run(&mut oauth(&ims, "openid"));
    assert_eq!(found(&ran, "wrong"), "host");
    assert!(ran.stdout.contains("TLS"), "{}", ran.stdout);
}

#[test]
fn findings_come_as_json() {
    let ims = refusing(400, "invalid_client", "invalid client_id parameter");
    let mut command = oauth(&ims.origin, "openid");
    let ran = run(command.arg("--json"));
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        (ran.exit, &report["ok"]),
        (1, &serde_json::Value::Bool(false))
    );
    assert!(
        report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one["check"] == "client")
    );
}

#[test]
fn a_file_that_cannot_be_read_is_a_finding() {
    let ran = run(&mut countersign(&["doctor", "--file", "no-such-file.json"]));
    assert_eq!((ran.exit, found(&ran, "wrong").as_str()), (1, "credential"));
}

/// Findings about a key and a certificate made by another key or with other dates.
fn with_certificate(same_key: bool, not_before: i64, not_after: i64) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let key = SigningKey::generate(Algorithm::Rs256).unwrap();
    let other = SigningKey::generate(Algorithm::Rs256).unwrap();
    let signer = if same_key { &key } else { &other };
    let certificate = Certificate::make_self_signed(signer, "x", not_before, not_after).unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("key.pem"), &*key.to_pem().unwrap()).unwrap();
    std::fs::write(path("cert.pem"), certificate.to_pem()).unwrap();
    let ims = generous();
    let mut command = countersign(&["doctor", "--ims", &ims.origin, "--metascopes", "ent_x"]);
    command
        .args(["--org-id", ORG, "--technical-account-id", ACCOUNT])
        .args([
            "--private-key-file",
            &path("key.pem"),
            "--certificate-file",
            &path("cert.pem"),
        ])
        .env("COUNTERSIGN_CLIENT_ID", CLIENT)
        .env("COUNTERSIGN_CLIENT_SECRET", SECRET);
    run(&mut command)
}

const Y2000: i64 = 946_684_800;
const Y2001: i64 = 978_307_200;
const Y2100: i64 = 4_102_444_800;
const Y2101: i64 = 4_133_980_800;

#[test]
fn keys_and_certificates_are_looked_at() {
    let good = with_certificate(true, Y2000, Y2100);
    assert_eq!(
        (good.exit, found(&good, "wrong")),
        (0, String::new()),
        "{}",
        good.stdout
    );

    for (ran, check, text) in [
        (
            with_certificate(true, Y2000, Y2001),
            "certificate",
            "expired on 2001-01-01",
        ),
        (
            with_certificate(true, Y2100, Y2101),
            "certificate",
            "not valid before 2100-01-01",
        ),
        (
            with_certificate(false, Y2000, Y2100),
            "key",
            "does not belong to the certificate",
        ),
    ] {
        assert_eq!(
            (ran.exit, found(&ran, "wrong").as_str()),
            (1, check),
            "{}",
            ran.stdout
        );
        assert!(ran.stdout.contains(text), "{}", ran.stdout);
    }
}
