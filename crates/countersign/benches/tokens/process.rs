//! The server as a process of its own: only so is its share of the cores known.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::setup::Prepared;

pub struct Server {
    child: Child,
    pub address: SocketAddr,
    pub ready_after: Duration,
}

impl Server {
    pub fn start(prepared: &Prepared) -> anyhow::Result<Self> {
        let began = Instant::now();
        let child = Command::new(env!("CARGO_BIN_EXE_countersign"))
            .args(["serve", "--listen", &prepared.address.to_string(), "--data"])
            .arg(prepared.folder.path())
            .env("COUNTERSIGN__IMS__TOKENS_PER_MINUTE", "0")
            .env("COUNTERSIGN__SERVER__MAX_CONNECTIONS_PER_SOURCE", "4096")
            // Says nothing unless something is wrong.
            .env("COUNTERSIGN__LOG__FILTER", "warn")
            .env("COUNTERSIGN__LOG__FORMAT", "json")
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()?;
        let mut server = Self {
            child,
            address: prepared.address,
            ready_after: Duration::ZERO,
        };
        while !is_ready(server.address) {
            if let Some(status) = server.child.try_wait()? {
                bail!("the server ended: {status}");
            }
            if began.elapsed() > Duration::from_secs(20) {
                bail!("the server is not ready after 20 s");
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        server.ready_after = began.elapsed();
        Ok(server)
    }

    pub fn resident_mebibytes(&self) -> anyhow::Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .context("VmRSS")?;
        let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kibibytes / 1024.0)
    }
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

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn is_ready(address: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect(address) else {
        return false;
    };
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let mut answer = String::new();
    stream.write_all(request.as_bytes()).is_ok()
        && stream.read_to_string(&mut answer).is_ok()
        && answer.starts_with("HTTP/1.1 200")
}
