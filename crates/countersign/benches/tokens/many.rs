//! What it costs to store many credentials: the same load from the same number of clients, in a
//! small installation and in a large one.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use countersign_testkit::multitude;
use countersign_wire::ClientSecret;
use tokio::runtime::Runtime;

use crate::chance::Chance;
use crate::goals::Goals;
use crate::installation::{Opened, client_credentials, url};
use crate::issuance::load_once;
use crate::kinds::Kind;
use crate::options::Options;
use crate::process::{Cpu, Log, Server};
use crate::requests::Requests;
use crate::start;
use crate::wal;

/// Clients that ask again and again.
const ACTIVE: u32 = 10_000;
/// Clients that ask once: more than can do so while it is measured.
const STRANGERS: u32 = 100_000;
const CONNECTIONS: usize = 64;
/// Both are measured in turn, so that what drifts meets both.
const TURNS: usize = 3;

pub fn measure(options: &Options, runtime: &Runtime, goals: &mut Goals) -> anyhow::Result<()> {
    let active = ACTIVE.min(options.many / 4);
    let few = runtime.block_on(Stored::prepare(active))?;
    let many = runtime.block_on(Stored::prepare(options.many))?;
    println!(
        "\n### {} stored credentials, {CONNECTIONS} connections\n",
        options.many
    );
    let start = start::median(options, &many.folder, &many.request(0))?;
    let first = start::millis(start.first_token);
    println!(
        "First token {first:.0} ms after the start, {:.1} MiB when idle.",
        start.idle
    );
    println!("\n{HEAD}");

    let [small, large] = [few.serve()?, many.serve()?];
    let mut loads = [
        Load::new(&few, &small, "one", 1),
        Load::new(&few, &small, "again and again", active),
        Load::new(&many, &large, "again and again", active),
    ];
    for load in &loads {
        load.introduce(runtime)?;
    }
    for _ in 0..TURNS {
        for load in &mut loads {
            load.add_turn(options, runtime)?;
        }
    }
    let strangers = STRANGERS.min(options.many);
    let mut strangers = Load::new(&many, &large, "for the first time", strangers);
    strangers.add_turn(options, runtime)?;
    for load in loads.iter().chain([&strangers]) {
        load.tell();
    }

    let [_, by_few, by_many] = loads;
    let kept = by_many.per_second() / by_few.per_second() * 100.0;
    goals.at_least("throughput with many stored credentials", 95.0, kept, " %");
    let memory = large.memory()?.highest;
    goals.at_most(
        "resident memory with many stored credentials",
        250.0,
        memory,
        " MiB",
    );
    Ok(())
}

const HEAD: &str = "\
| stored | clients | tokens/s | server µs | transactions per 1000 tokens | resident |
|---|---|---|---|---|---|";

/// A load on a server, taken in turns with others, and what came of it.
struct Load<'a> {
    stored: &'a Stored,
    server: &'a Server,
    how: &'static str,
    clients: u32,
    requests: Requests,
    answers: usize,
    elapsed: Duration,
    /// Processor time of the server, in seconds.
    used: f64,
    commits: u32,
    resident: f64,
}

impl<'a> Load<'a> {
    fn new(stored: &'a Stored, server: &'a Server, how: &'static str, clients: u32) -> Self {
        Self {
            stored,
            server,
            how,
            clients,
            requests: stored.requests(clients),
            answers: 0,
            elapsed: Duration::ZERO,
            used: 0.0,
            commits: 0,
            resident: 0.0,
        }
    }

    /// Lets everybody ask once: from then on they are known.
    fn introduce(&self, runtime: &Runtime) -> anyhow::Result<()> {
        let mut asked = 0;
        while asked < self.clients as usize {
            let span = Duration::from_secs(1);
            let (_, seen) = load_once(runtime, self.server, &self.requests, CONNECTIONS, span)?;
            asked += seen.answers;
        }
        self.server.settle()
    }

    /// What is left to be done after the last answer counts, too.
    fn add_turn(&mut self, options: &Options, runtime: &Runtime) -> anyhow::Result<()> {
        let (server, requests) = (self.server, &self.requests);
        let (commits, before) = (wal::commits(&server.folder)?, Cpu::now(server)?);
        let (_, seen) = load_once(runtime, server, requests, CONNECTIONS, options.span)?;
        server.settle()?;
        self.used += Cpu::now(server)?.since(&before).server;
        self.commits += wal::commits(&server.folder)?.wrapping_sub(commits);
        self.answers += seen.answers;
        self.elapsed += seen.elapsed;
        self.resident = server.memory()?.resident;
        Ok(())
    }

    fn per_second(&self) -> f64 {
        self.answers as f64 / self.elapsed.as_secs_f64()
    }

    fn tell(&self) {
        println!(
            "| {} | {}, {} | {:.0} | {:.1} | {:.1} | {:.1} MiB |",
            self.stored.credentials,
            self.clients,
            self.how,
            self.per_second(),
            self.used / self.answers as f64 * 1e6,
            f64::from(self.commits) / self.answers as f64 * 1000.0,
            self.resident,
        );
    }
}

/// A data folder with many credentials, made once and used again by later runs.
struct Stored {
    folder: PathBuf,
    credentials: u32,
    secret: ClientSecret,
}

impl Stored {
    async fn prepare(credentials: u32) -> anyhow::Result<Self> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("stored-{credentials}"));
        let secret = folder.join("secret");
        // It is written last: a folder without it was left in the middle.
        if !secret.exists() {
            fill(&folder, credentials, &secret).await?;
        }
        let secret = ClientSecret::parse(&fs::read_to_string(secret)?).context("a secret")?;
        Ok(Self {
            folder,
            credentials,
            secret,
        })
    }

    fn serve(&self) -> anyhow::Result<Server> {
        Server::start(&self.folder, Log::Warnings)
    }

    fn request(&self, copy: u32) -> Vec<u8> {
        client_credentials(Kind::IMS.token, &multitude::client_id(copy), &self.secret)
    }

    /// Of so many clients, chosen at random.
    fn requests(&self, clients: u32) -> Requests {
        let mut chance = Chance::new(u64::from(clients));
        let copies = (0..clients).map(|_| chance.below(self.credentials));
        Requests::new(copies.map(|copy| self.request(copy)))
    }
}

async fn fill(folder: &Path, credentials: u32, secret: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    let began = Instant::now();
    let opened = Opened::open(folder).await?;
    let org = opened.organization().await?;
    let project = opened.project(&org, "original").await?;
    let original = opened.credential(project, Kind::IMS).await?;
    opened.store.close().await;
    multitude::multiply(&url(folder), credentials).await;
    eprintln!(
        "stored {credentials} credentials in {:.0} s",
        began.elapsed().as_secs_f64()
    );
    Ok(fs::write(secret, original.created.secret.expose())?)
}
