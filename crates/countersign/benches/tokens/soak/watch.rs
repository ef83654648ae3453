//! Looks at a server from outside while it is under load.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::SHARE;
use super::rate::Rate;
use super::tally::Tally;
use crate::process::{Cpu, Server};

/// How often it looks.
const EVERY: Duration = Duration::from_secs(5);
const GAUGE: &str = "revocations ";
/// How many samples are told in one line.
const LINE: usize = 12;

pub struct Watch<'a> {
    server: &'a Server,
    tally: &'a Tally,
    rate: &'a Rate,
    began: Instant,
    seen: (Instant, Cpu),
    pub samples: Vec<Sample>,
}

/// What was seen in a few seconds.
#[derive(Clone, Copy)]
pub struct Sample {
    pub per_second: f64,
    /// The share of all cores that server and load had.
    pub busy: f64,
    /// Processor time of the server for one request, in microseconds.
    pub server: f64,
    /// Milliseconds.
    pub p50: f64,
    pub p99: f64,
    /// Mebibytes.
    pub resident: f64,
    pub descriptors: usize,
    pub threads: usize,
    /// Of the database, in pages that hold something.
    pub used_bytes: u64,
    pub log_bytes: u64,
    /// All that were made so far.
    pub changes: u64,
    /// Revocations that the server remembers.
    pub remembered: u64,
}

impl<'a> Watch<'a> {
    pub fn new(server: &'a Server, tally: &'a Tally, rate: &'a Rate) -> anyhow::Result<Self> {
        tally.take_window();
        Ok(Self {
            server,
            tally,
            rate,
            began: Instant::now(),
            seen: (Instant::now(), Cpu::now(server)?),
            samples: Vec::new(),
        })
    }

    pub fn until(&mut self, end: Instant) -> anyhow::Result<()> {
        while Instant::now() + EVERY <= end {
            std::thread::sleep(EVERY);
            let sample = self.sample()?;
            self.rate.steer(sample.busy, SHARE, sample.p50);
            self.samples.push(sample);
            if self.samples.len().is_multiple_of(LINE) {
                self.tell();
            }
        }
        Ok(())
    }

    fn sample(&mut self) -> anyhow::Result<Sample> {
        let seen = self.tally.take_window();
        let now = (Instant::now(), Cpu::now(self.server)?);
        let (before, used) = (self.seen.0, now.1.since(&self.seen.1));
        let core_seconds = (now.0 - before).as_secs_f64() * cores();
        self.seen = now;
        let (used_bytes, log_bytes) = database(&self.server.folder)?;
        Ok(Sample {
            per_second: seen.per_second(),
            busy: (used.server + used.load) / core_seconds,
            server: used.server / seen.answers as f64 * 1e6,
            p50: seen.percentile(0.50),
            p99: seen.percentile(0.99),
            resident: self.server.memory()?.resident,
            descriptors: self.server.descriptors()?,
            threads: self.server.threads()?,
            used_bytes,
            log_bytes,
            changes: self.tally.changes.load(Ordering::Relaxed),
            remembered: remembered(self.server.address)?,
        })
    }

    /// One line of the last minute: its middle samples, and how things stand.
    fn tell(&self) {
        let minute = &self.samples[self.samples.len() - LINE..];
        let now = minute[LINE - 1];
        println!(
            "minute {:>4.0}: {:>6.0}/s, {:.0} % busy, {:.0} µs each, p50 {:.2} ms, p99 {:.2} ms, {} errors, {:.1} MiB, {} descriptors, {} threads, database {} KiB + {} KiB log, {} changes, {} revocations, {} rotations",
            self.began.elapsed().as_secs_f64() / 60.0,
            median(minute, |sample| sample.per_second),
            median(minute, |sample| sample.busy * 100.0),
            median(minute, |sample| sample.server),
            median(minute, |sample| sample.p50),
            median(minute, |sample| sample.p99),
            self.tally.errors.load(Ordering::Relaxed),
            now.resident,
            now.descriptors,
            now.threads,
            now.used_bytes / 1024,
            now.log_bytes / 1024,
            now.changes,
            now.remembered,
            self.tally.rotations.load(Ordering::Relaxed),
        );
    }
}

fn cores() -> f64 {
    std::thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64)
}

pub fn median(samples: &[Sample], of: impl Fn(&Sample) -> f64) -> f64 {
    let mut values: Vec<f64> = samples.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Bytes of the pages in use as the file's header tells them, which is as of the last checkpoint,
/// and of the write-ahead log. Source: <https://www.sqlite.org/fileformat2.html#the_database_header>.
fn database(folder: &Path) -> anyhow::Result<(u64, u64)> {
    let mut header = [0; 100];
    File::open(folder.join("countersign.db"))?.read_exact_at(&mut header, 0)?;
    let number = |at: usize| {
        u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    let page = u64::from(u16::from_be_bytes([header[16], header[17]]));
    let used = u64::from(number(28).saturating_sub(number(36)));
    let log = fs::metadata(folder.join("countersign.db-wal"));
    Ok((used * page, log.map_or(0, |log| log.len())))
}

/// How many revocations the server remembers, as its metrics tell.
fn remembered(address: SocketAddr) -> anyhow::Result<u64> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")?;
    let mut metrics = String::new();
    stream.read_to_string(&mut metrics)?;
    let value = metrics.lines().find_map(|line| line.strip_prefix(GAUGE));
    let value: f64 = value.context("no gauge of revocations")?.trim().parse()?;
    Ok(value as u64)
}
