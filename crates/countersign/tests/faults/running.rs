//! The real binary, serving, started by a shell that prepares what is to go wrong.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::http::get;
use crate::place::{Place, Ran, run};

const BINARY: &str = env!("CARGO_BIN_EXE_countersign");

/// How a program of ours is started: within another program, and after a line of shell.
#[derive(Default)]
pub struct Around {
    /// A program that starts another one, such as `unshare`.
    pub launcher: Vec<String>,
    /// What the shell does first.
    pub prepare: String,
}

impl Around {
    /// A command of ours in the place's folder.
    pub fn command(&self, place: &Place, args: &[&str]) -> Command {
        // Whoever enters a namespace leaves the working directory.
        let script = format!("cd \"$PLACE\"\n{}\nexec \"$@\"", self.prepare);
        let mut words = self.launcher.clone();
        words.extend(["sh", "-c", &script, "sh", BINARY].map(str::to_owned));
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).args(args);
        command
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("PLACE", place.path(""));
        command.env("COUNTERSIGN__IMS__TOKENS_PER_MINUTE", "0");
        command.stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub fn run(&self, place: &Place, args: &[&str]) -> Ran {
        run(&mut self.command(place, args), "")
    }

    /// Starts a server on the folder `data`.
    pub fn serve(&self, place: &Place, data: &str) -> Running {
        let args = ["serve", "--listen", "127.0.0.1:0", "--data", data];
        let mut command = self.command(place, &args);
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(String::new()));
        let said = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                said.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        let mut running = Running {
            child,
            log,
            origin: String::new(),
        };
        running.wait_for_log("listening on ");
        let said = running.said();
        let line = said
            .lines()
            .find_map(|line| line.strip_prefix("listening on "));
        running.origin = line.unwrap().to_owned();
        running
    }
}

/// A server; it ends with the test, however that goes.
pub struct Running {
    child: Child,
    log: Arc<Mutex<String>>,
    pub origin: String,
}

impl Running {
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything it logged.
    pub fn said(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub fn wait_for_log(&mut self, text: &str) {
        let began = Instant::now();
        while !self.said().contains(text) {
            let ended = self.child.try_wait().unwrap();
            let is_late = began.elapsed() > Duration::from_secs(20);
            assert!(ended.is_none() && !is_late, "no `{text}`: {}", self.said());
            sleep(Duration::from_millis(20));
        }
    }

    /// Waits until readiness says all of this, and gives it back.
    pub fn wait_until_ready_says(&self, words: &[&str]) -> String {
        let began = Instant::now();
        loop {
            let ready = get(&self.origin, "/readyz");
            assert_eq!(ready.status, 200, "known clients are served: {ready:?}");
            if words.iter().all(|word| ready.body.contains(word)) {
                return ready.body;
            }
            let is_late = began.elapsed() > Duration::from_secs(10);
            assert!(!is_late, "no {words:?}: {ready:?}\n{}", self.said());
            sleep(Duration::from_millis(50));
        }
    }

    /// Whether the metric has this value.
    pub fn wait_until_metric(&self, line: &str) {
        let began = Instant::now();
        while !get(&self.origin, "/metrics")
            .body
            .lines()
            .any(|l| l == line)
        {
            assert!(began.elapsed() < Duration::from_secs(10), "no `{line}`");
            sleep(Duration::from_millis(50));
        }
    }

    /// SIGTERM; gives the exit code.
    pub fn end(mut self) -> Option<i32> {
        let id = self.id().to_string();
        assert!(Command::new("kill").arg(&id).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Copies a database whose last user closed it.
pub fn copy(from: &Path, to: &Path) {
    fs::copy(from.join("countersign.db"), to.join("countersign.db")).unwrap();
    for side in ["countersign.db-wal", "countersign.db-shm"] {
        drop(fs::remove_file(to.join(side)));
    }
}
