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
use crate::process::{Log, Server};
use crate::requests::Requests;
use crate::start;
use crate::wal::Commits;

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

    let served = [few.serve()?, many.serve()?];
    let again = [few.requests(active), many.requests(active)];
    let mut turns = [Turns::default(), Turns::default()];
    for (server, requests) in served.iter().zip(&again) {
        // From now on everybody is known.
        load_once(runtime, server, requests, CONNECTIONS, options.span)?;
    }
    for _ in 0..TURNS {
        for ((turns, server), requests) in turns.iter_mut().zip(&served).zip(&again) {
            turns.add(options, runtime, server, requests)?;
        }
    }
    turns[0].tell(&few, &served[0], &format!("{active}, again and again"))?;
    turns[1].tell(&many, &served[1], &format!("{active}, again and again"))?;
    let mut strangers = Turns::default();
    let once = many.requests(STRANGERS.min(options.many));
    strangers.add(options, runtime, &served[1], &once)?;
    strangers.tell(&many, &served[1], "everybody, for the first time")?;

    let kept = turns[1].per_second() / turns[0].per_second() * 100.0;
    goals.at_least("throughput with many stored credentials", 95.0, kept, " %");
    let memory = served[1].memory()?.highest;
    goals.at_most(
        "resident memory with many stored credentials",
        250.0,
        memory,
        " MiB",
    );
    Ok(())
}

const HEAD: &str = "\
| stored | clients | tokens/s | server µs | transactions/s | resident |
|---|---|---|---|---|---|";

/// What came of all turns of one server.
#[derive(Default)]
struct Turns {
    answers: usize,
    elapsed: Duration,
    used: f64,
    commits: u64,
}

impl Turns {
    fn add(
        &mut self,
        options: &Options,
        runtime: &Runtime,
        server: &Server,
        requests: &Requests,
    ) -> anyhow::Result<()> {
        let commits = Commits::watch(&server.folder);
        let (used, seen) = load_once(runtime, server, requests, CONNECTIONS, options.span)?;
        self.commits += commits.count()?;
        self.answers += seen.answers;
        self.elapsed += seen.elapsed;
        self.used += used.server;
        Ok(())
    }

    fn per_second(&self) -> f64 {
        self.answers as f64 / self.elapsed.as_secs_f64()
    }

    fn tell(&self, stored: &Stored, server: &Server, clients: &str) -> anyhow::Result<()> {
        println!(
            "| {} | {clients} | {:.0} | {:.1} | {:.1} | {:.1} MiB |",
            stored.credentials,
            self.per_second(),
            self.used / self.answers as f64 * 1e6,
            self.commits as f64 / self.elapsed.as_secs_f64(),
            server.memory()?.resident,
        );
        Ok(())
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
