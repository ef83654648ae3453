//! A process that calls go through, and what it takes of the processor.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

pub struct Proxy {
    pub address: SocketAddr,
    id: u32,
    /// None where somebody else ends it.
    child: Option<Child>,
}

impl Proxy {
    /// A process that was started, once it listens.
    pub fn started(mut child: Child, address: SocketAddr) -> anyhow::Result<Self> {
        let patience = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(address).is_err() {
            if let Some(status) = child.try_wait()? {
                bail!("what should listen at {address} ended: {status}");
            }
            if Instant::now() > patience {
                bail!("nothing listens at {address}");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(Self {
            address,
            id: child.id(),
            child: Some(child),
        })
    }

    pub fn of(id: u32, address: SocketAddr) -> Self {
        Self {
            address,
            id,
            child: None,
        }
    }

    /// Processor time since its start, in seconds.
    pub fn seconds(&self) -> anyhow::Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.id))?;
        let fields = stat.rsplit_once(')').context("fields behind the name")?.1;
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: Vec<u64> = ticks.map(str::parse).collect::<Result<_, _>>()?;
        // The unit of these fields is 1/100 s on every Linux that Rust runs on.
        Ok(ticks.iter().sum::<u64>() as f64 / 100.0)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            _ = child.kill();
            _ = child.wait();
        }
    }
}
