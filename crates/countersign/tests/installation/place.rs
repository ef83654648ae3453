//! A data folder, commands on it, and a server on it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};

use serde_json::Value;
use tempfile::TempDir;

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

pub fn run(command: &mut Command, stdin: &str) -> Ran {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    // A command that ends without reading is none of the test's business.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let output = child.wait_with_output().unwrap();
    Ran {
        exit: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A data folder that is gone at the end.
pub struct Place(TempDir);

impl Place {
    /// With nothing in it.
    pub fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// With one organization and the project `Demo`.
    pub fn with_project() -> Self {
        let place = Self::empty();
        place.json(&["organizations", "create", "--name", "Example"]);
        place.json(&["projects", "create", "--name", "Demo"]);
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = countersign(args);
        command.current_dir(self.0.path()).args(["--data", "data"]);
        command
    }

    pub fn admin(&self, args: &[&str]) -> Ran {
        self.admin_with_stdin(args, "")
    }

    pub fn admin_with_stdin(&self, args: &[&str], stdin: &str) -> Ran {
        run(&mut self.command(&[&["admin"], args].concat()), stdin)
    }

    /// What a command answers as JSON.
    pub fn json(&self, args: &[&str]) -> Value {
        let ran = self.admin(&[args, &["--json"]].concat());
        assert_eq!(ran.exit, 0, "{args:?}: {}", ran.stderr);
        serde_json::from_str(&ran.stdout).unwrap()
    }

    /// Makes a credential in the project `Demo`.
    pub fn create(&self, kind: &str, more: &[&str]) -> Ran {
        let args = [
            "credentials",
            "create",
            "--type",
            kind,
            "--project",
            "Demo",
            "--name",
            "first",
            "--owner-team",
            "Platform",
            "--owner-contact",
            "platform@example.com",
            "--service",
            "DocCloudSDK",
        ];
        self.admin(&[&args, more].concat())
    }

    pub fn serve(&self, environment: &[(&str, &str)]) -> Server {
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.envs(environment.iter().copied());
        Server::start(&mut command)
    }

    /// With the sample API behind a gateway.
    pub fn serve_sample(&self) -> Server {
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0", "--sample-api"]);
        Server::start(command.env("COUNTERSIGN__GATEWAY__ADDRESS", "127.0.0.1:0"))
    }
}

/// A running server; ended with the test, however that goes.
pub struct Server {
    child: Child,
    stderr: BufReader<ChildStderr>,
    pub origin: String,
}

impl Server {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        stderr.read_line(&mut line).unwrap();
        let origin = line
            .trim()
            .strip_prefix("listening on ")
            .unwrap_or_else(|| panic!("{line}"));
        Self {
            child,
            stderr,
            origin: origin.to_owned(),
        }
    }

    /// Status and body of a `GET`.
    pub fn get(&self, path: &str) -> (u16, String) {
        self.ask("GET", path, "")
    }

    /// Status and body of a form.
    pub fn post(&self, path: &str, form: &str) -> (u16, String) {
        self.ask("POST", path, form)
    }

    fn ask(&self, method: &str, path: &str, form: &str) -> (u16, String) {
        let address = self.origin.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        let length = form.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{form}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.to_owned())
    }

    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Reads on until a line holds `text`; gives what it read.
    pub fn wait_for(&mut self, text: &str) -> String {
        let mut said = String::new();
        while !said.lines().any(|line| line.contains(text)) {
            assert!(
                self.stderr.read_line(&mut said).unwrap() > 0,
                "ended without `{text}`"
            );
        }
        said
    }

    /// Waits for its end; gives what else it said.
    pub fn end(mut self) -> (ExitStatus, String) {
        let mut rest = String::new();
        self.stderr.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap(), rest)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Whether only its owner can read the file.
pub fn is_private(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().unwrap().permissions().mode() & 0o077 == 0
}
