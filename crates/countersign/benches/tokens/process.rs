//! The server as a process of its own: only so is its share of the cores known.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::connection::Connection;
use crate::installation::ISSUER;

pub struct Server {
    child: Child,
    pub folder: PathBuf,
    pub address: SocketAddr,
    began: Instant,
    /// From its start to the first answer that it is ready.
    pub ready_after: Duration,
}

/// What it writes to its log.
#[derive(Clone, Copy, Eq, PartialEq)]
pub enum Log {
    /// Only what somebody should look at.
    Warnings,
    /// A line for each request, as JSON, thrown away by whoever reads it.
    Everything,
}

impl Server {
    pub fn start(folder: &Path, log: Log) -> anyhow::Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let began = Instant::now();
        let (filter, stderr) = match log {
            Log::Warnings => ("warn", Stdio::inherit()),
            Log::Everything => ("info", Stdio::null()),
        };
        let child = command()
            .args(["serve", "--listen", &address.to_string()])
            .args(["--issuer", ISSUER, "--data"])
            .arg(folder)
            .env("COUNTERSIGN__IMS__TOKENS_PER_MINUTE", "0")
            .env("COUNTERSIGN__SERVER__MAX_CONNECTIONS_PER_SOURCE", "4096")
            .env("COUNTERSIGN__LOG__FILTER", filter)
            .env("COUNTERSIGN__LOG__FORMAT", "json")
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn()?;
        let mut server = Self {
            child,
            folder: folder.to_owned(),
            address,
            began,
            ready_after: Duration::ZERO,
        };
        server.wait_until_ready()?;
        Ok(server)
    }

    fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        while !is_ready(self.address) {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended: {status}");
            }
            if self.since_start() > Duration::from_secs(120) {
                bail!("the server is not ready after two minutes");
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        self.ready_after = self.since_start();
        Ok(())
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it has done what it still had to do, such as to write evidence of use.
    pub fn settle(&self) -> anyhow::Result<()> {
        const LOOK: Duration = Duration::from_millis(300);
        const AT_REST: f64 = 0.015;
        for _ in 0..100 {
            let before = Cpu::now(self)?;
            std::thread::sleep(LOOK);
            if Cpu::now(self)?.since(&before).server < AT_REST {
                break;
            }
        }
        Ok(())
    }

    pub fn since_start(&self) -> Duration {
        self.began.elapsed()
    }

    pub fn memory(&self) -> anyhow::Result<Memory> {
        Ok(Memory {
            resident: self.status("VmRSS:")?,
            highest: self.status("VmHWM:")?,
        })
    }

    pub fn threads(&self) -> anyhow::Result<usize> {
        Ok(fs::read_dir(self.proc("task"))?.count())
    }

    pub fn descriptors(&self) -> anyhow::Result<usize> {
        Ok(fs::read_dir(self.proc("fd"))?.count())
    }

    /// A line of its status, in mebibytes.
    fn status(&self, name: &str) -> anyhow::Result<f64> {
        let status = fs::read_to_string(self.proc("status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kibibytes = line.context("a line of memory")?;
        let kibibytes: f64 = kibibytes.trim().trim_end_matches(" kB").parse()?;
        Ok(kibibytes / 1024.0)
    }

    fn proc(&self, file: &str) -> String {
        format!("/proc/{}/{file}", self.id())
    }
}

/// Ends it in good order, so that its database is as an operator leaves it, and a profiler writes
/// what it has.
impl Drop for Server {
    fn drop(&mut self) {
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status();
        for _ in 0..PATIENCE {
            match self.child.try_wait() {
                Ok(None) if asked.is_ok() => std::thread::sleep(Duration::from_millis(10)),
                _ => break,
            }
        }
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Hundredths of a second that a server may take to end.
const PATIENCE: u32 = 3000;

/// Under a profiler, if the environment names one: `COUNTERSIGN_BENCH_UNDER="perf record .."`.
fn command() -> Command {
    let binary = env!("CARGO_BIN_EXE_countersign");
    let under = std::env::var("COUNTERSIGN_BENCH_UNDER").unwrap_or_default();
    let mut words = under.split_whitespace();
    let Some(profiler) = words.next() else {
        return Command::new(binary);
    };
    let mut command = Command::new(profiler);
    command.args(words).arg(binary);
    command
}

/// Resident memory in mebibytes.
#[derive(Clone, Copy)]
pub struct Memory {
    pub resident: f64,
    /// The most there ever was.
    pub highest: f64,
}

/// Processor time, user and system, in seconds.
pub struct Cpu {
    /// Of the server.
    pub server: f64,
    /// Of this process, which makes the load.
    pub load: f64,
}

impl Cpu {
    /// Of each process since its start.
    pub fn now(server: &Server) -> anyhow::Result<Self> {
        Ok(Self {
            server: seconds(&server.child.id().to_string())?,
            load: own_seconds()?,
        })
    }

    pub fn since(&self, before: &Self) -> Self {
        Self {
            server: self.server - before.server,
            load: self.load - before.load,
        }
    }
}

/// Processor time of this process since its start.
pub fn own_seconds() -> anyhow::Result<f64> {
    seconds("self")
}

fn seconds(process: &str) -> anyhow::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let fields = stat.rsplit_once(')').context("fields behind the name")?.1;
    let ticks: Vec<u64> = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    // The unit of these fields is 1/100 s on every Linux that Rust runs on.
    Ok(ticks.iter().sum::<u64>() as f64 / 100.0)
}

fn is_ready(address: SocketAddr) -> bool {
    let request = b"GET /readyz HTTP/1.1\r\nHost: bench.example\r\n\r\n";
    Connection::open(address).is_ok_and(|mut connection| {
        let answer = connection.ask(request);
        answer.is_ok_and(|answer| answer.status == 200)
    })
}
