//! `serve --sample-api`.

use std::path::Path;
use std::process::Command;

use crate::place::{Place, run};

#[test]
fn the_start_message_leads_to_a_call_of_the_sample_that_passes() {
    let place = Place::empty();
    let mut server = place.serve_sample();
    let said = server.wait_for("x-gw-ims-org-id");
    let (_, said) = said.split_once("next, in another terminal:").unwrap();
    let commands: Vec<&str> = said.lines().filter(|line| line.starts_with("  ")).collect();

    let binary = Path::new(env!("CARGO_BIN_EXE_countersign"));
    let path = format!(
        "{}:{}",
        binary.parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    let mut shell = Command::new("sh");
    shell.args(["-euc", &commands.join("\n")]);
    shell.current_dir(place.path(".")).env("PATH", path);
    let ran = run(&mut shell, "");

    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    assert!(
        ran.stdout.contains(r#""name":"Harbour Coffee""#),
        "{}",
        ran.stdout
    );
    server.signal("-TERM");
    let (status, rest) = server.end();
    assert_eq!(status.code(), Some(0));
    assert!(rest.contains("everything in flight was answered"), "{rest}");
}

#[test]
fn the_sample_is_only_for_this_machine() {
    let place = Place::empty();
    let mut command = place.command(&["serve", "--sample-api", "--check"]);
    let refused = run(
        command.env("COUNTERSIGN__SAMPLE_API__ADDRESS", "0.0.0.0:0"),
        "",
    );
    assert_eq!(refused.exit, 2);
    assert!(
        refused.stderr.contains("`sample_api.address` is 0.0.0.0:0"),
        "{}",
        refused.stderr
    );
}

#[test]
fn the_sample_does_not_take_the_place_of_a_service() {
    let place = Place::empty();
    let config = r#"
        [[gateway.services]]
        name = "mine"
        service = "CloudManagerSDK"
        prefix = "/api"
        upstreams = ["http://127.0.0.1:9"]
    "#;
    std::fs::write(place.path("mine.toml"), config).unwrap();
    let more = [
        "serve",
        "--sample-api",
        "--listen",
        "127.0.0.1:0",
        "--config",
        "mine.toml",
    ];
    let refused = run(&mut place.command(&more), "");
    assert_eq!(refused.exit, 2);
    assert!(
        refused.stderr.contains("sample-cloud-manager") && refused.stderr.contains("mine"),
        "{}",
        refused.stderr
    );
}
