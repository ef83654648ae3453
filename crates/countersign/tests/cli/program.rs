//! The program as a whole: help, pages, scripts, bad usage.

use crate::run::{SECRET, countersign, run};

#[test]
fn pages_and_scripts_go_to_stdout() {
    for (args, holds) in [
        (&["--help"][..], "token"),
        (&["man"], ".TH countersign 1"),
        (&["man", "token"], ".TH countersign-token 1"),
        (&["completions", "bash"], "_countersign"),
        (&["completions", "zsh"], "#compdef countersign"),
    ] {
        let ran = run(&mut countersign(args));
        assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""), "{args:?}");
        assert!(ran.stdout.contains(holds), "{args:?}");
    }
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let script = format!(
        "{{ '{}' completions bash; echo $? >&2; }} | true",
        env!("CARGO_BIN_EXE_countersign")
    );
    let ran = run(std::process::Command::new("sh").args(["-c", &script]));
    assert_eq!(ran.stderr, "0\n");
}

#[test]
fn bad_usage_is_broken() {
    for args in [
        &["no-such-command"][..],
        &["token", "--no-such-flag"],
        &["man", "no-such"],
    ] {
        let ran = run(&mut countersign(args));
        assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""), "{args:?}");
    }
}

#[test]
fn secrets_in_arguments_are_refused_without_an_echo() {
    for args in [
        &["token", "--client-secret", SECRET][..],
        &["token", "--client-id", "p8e-c4n4ryc4n4ryc4n4ryc4n4ryc4n4ry"],
        &["doctor", "--ims=https://u:c4n4ry@ims.example.com"],
        &["token", "--org-id", "c4n4ry"],
    ] {
        let ran = run(&mut countersign(args));
        assert!(ran.exit != 0, "{args:?}");
    }
}
