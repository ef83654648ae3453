//! Runs the binary, with an environment that holds nothing of this machine's.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// In everything secret, and never in anything printed.
pub const CANARY: &str = "c4n4ry";
pub const SECRET: &str = "c4n4ry-s3cret";
pub const CLIENT: &str = "0123456789abcdef0123456789abcdef";
pub const ORG: &str = "0A1B2C3D4E5F60718293A4B5@AdobeOrg";
pub const ACCOUNT: &str = "1122334455667788990A0B0C@techacct.adobe.com";

pub struct Ran {
    pub exit: i32,
    pub stdout: String,
    pub stderr: String,
}

pub fn countersign(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.env_clear().args(args).stdin(Stdio::null());
    command
}

pub fn run(command: &mut Command) -> Ran {
    seen(&command.output().unwrap())
}

pub fn run_with_stdin(command: &mut Command, text: &str) -> Ran {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    seen(&child.wait_with_output().unwrap())
}

/// A folder with one file in it, and the path of the file.
pub fn file(name: &str, text: &str) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

fn seen(output: &Output) -> Ran {
    let ran = Ran {
        exit: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout.clone()).unwrap(),
        stderr: String::from_utf8(output.stderr.clone()).unwrap(),
    };
    let leaked = |text: &str| text.contains(CANARY) || text.contains('\u{1b}');
    assert!(
        !leaked(&ran.stdout) && !leaked(&ran.stderr),
        "{}{}",
        ran.stdout,
        ran.stderr
    );
    ran
}
