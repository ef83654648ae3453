//! A PostgreSQL of a test's own, which may be stopped.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::node::signal;

/// A server with its own cluster. It ends with this value.
pub struct Postgres {
    programs: PathBuf,
    folder: TempDir,
    port: u16,
    /// Other users of this machine reach loopback, too.
    password: String,
}

impl Postgres {
    pub fn start() -> Self {
        let tools = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../tests-support/find-postgres"
        );
        let programs = PathBuf::from(run(&mut Command::new(tools)).trim());
        let folder = TempDir::new().unwrap();
        let password = uuid::Uuid::new_v4().simple().to_string();
        std::fs::write(folder.path().join("password"), &password).unwrap();
        if let Some(user) = unprivileged() {
            run(Command::new("chown")
                .arg("--recursive")
                .arg(user)
                .arg(folder.path()));
        }
        let mut postgres = Self {
            programs,
            folder,
            port: 0,
            password,
        };
        postgres.create();
        postgres.start_on_a_free_port();
        postgres
    }

    /// The URL of its administrator.
    pub fn url(&self) -> String {
        let (password, port) = (&self.password, self.port);
        format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres")
    }

    /// Stops it: connections are closed, and new ones are refused.
    pub fn stop(&self) {
        run(&mut self.control(&["stop", "--mode", "fast", "--wait", "--silent"]));
    }

    /// Starts it again where it was.
    pub fn start_again(&self) {
        run(&mut self.starting(self.port));
    }

    /// Stops every process of it where it is: connections stay open, new ones are taken by the
    /// kernel, and nobody answers.
    pub async fn freeze(&self) {
        signal("STOP", &self.processes()).await;
    }

    /// Lets them go on.
    pub async fn thaw(&self) {
        signal("CONT", &self.processes()).await;
    }

    fn create(&self) {
        let mut initdb = self.as_owner("initdb");
        initdb.args(["--username", "postgres", "--auth", "password", "--pwfile"]);
        initdb.arg(self.folder.path().join("password"));
        initdb.args(["--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"]);
        run(&mut initdb);
    }

    fn start_on_a_free_port(&mut self) {
        // The port may be taken before we are there.
        for _ in 0..5 {
            let free = TcpListener::bind("127.0.0.1:0").unwrap();
            self.port = free.local_addr().unwrap().port();
            drop(free);
            if self.starting(self.port).status().unwrap().success() {
                return;
            }
        }
        panic!(
            "PostgreSQL does not start: {}",
            std::fs::read_to_string(self.log()).unwrap()
        );
    }

    fn starting(&self, port: u16) -> Command {
        // Without fsync a commit still survives a stopped process: enough here.
        let folder = self.folder.path().display();
        let options = format!("-h 127.0.0.1 -p {port} -k {folder} -c fsync=off");
        let mut start = self.control(&["start", "--wait", "--silent", "--options", &options]);
        start.arg("--log").arg(self.log());
        start
    }

    fn control(&self, args: &[&str]) -> Command {
        let mut control = self.as_owner("pg_ctl");
        control.args(args);
        control
    }

    /// A program on the cluster, which refuses to run as root.
    fn as_owner(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = match unprivileged() {
            Some(user) => {
                let mut command = Command::new("runuser");
                command.args(["--user", &user, "--"]).arg(program);
                command
            }
            None => Command::new(program),
        };
        command.arg("--pgdata").arg(self.folder.path().join("data"));
        command.current_dir("/");
        command
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// The server and its children.
    fn processes(&self) -> Vec<u32> {
        let file = self.folder.path().join("data/postmaster.pid");
        let text = std::fs::read_to_string(file).unwrap();
        let server: u32 = text.lines().next().unwrap().parse().unwrap();
        let numbers = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
            let name = entry.unwrap().file_name();
            name.to_str()?.parse::<u32>().ok()
        });
        let mut all = vec![server];
        all.extend(numbers.filter(|process| parent(*process) == Some(server)));
        all
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // A test that failed may have left it frozen or stopped; neither is worth a second panic.
        let pids = self.folder.path().join("data/postmaster.pid");
        if pids.exists() {
            let all = self.processes();
            _ = Command::new("kill")
                .arg("-CONT")
                .args(all.iter().map(u32::to_string))
                .output();
            _ = self
                .control(&["stop", "--mode", "immediate", "--silent"])
                .output();
        }
    }
}

/// Which process started this one, if it is still there.
fn parent(process: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(Path::new("/proc").join(process.to_string()).join("stat"));
    // The name, in brackets, may hold anything.
    let rest = stat.ok()?.rsplit_once(')')?.1.to_owned();
    rest.split_whitespace().nth(1)?.parse().ok()
}

/// The user to be instead of root.
fn unprivileged() -> Option<String> {
    let id = |args: &[&str]| Command::new("id").args(args).output().unwrap();
    let is_root = id(&["--user"]).stdout == b"0\n";
    let user = if id(&["postgres"]).status.success() {
        "postgres"
    } else {
        "nobody"
    };
    is_root.then(|| user.to_owned())
}

/// What a program says, which must succeed.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {told}");
    String::from_utf8(output.stdout).unwrap()
}
