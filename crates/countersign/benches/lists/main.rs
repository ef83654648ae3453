//! How long lists take where an organization has very many projects, on both engines:
//! `docs/performance.md` says how to run it and what the figures mean.
//!
//! In this process and without a network: what is measured is the server's own time.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use countersign_authority::NewAccessToken;
use countersign_model::Role;
use countersign_testkit::app::{Node, operator};
use countersign_testkit::{Answer, Person, TestApp, TestDatabase, multitude};

mod paths;

use paths::{Face, List, Place};

/// Projects of the organization, each with a credential.
const PROJECTS: u32 = 100_000;
/// `cargo test` runs it for a moment, so that it goes on working.
const FEW: u32 = 500;
const TRIES: usize = 15;
/// What every list keeps to.
const GOAL: Duration = Duration::from_millis(100);

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(run(std::env::args().any(|arg| arg == "--bench")))
}

/// On SQLite and, where `tests-support/with-postgres` gives one, on PostgreSQL.
async fn run(measures: bool) -> anyhow::Result<()> {
    let mut slow = on("SQLite", TestDatabase::sqlite().await, measures).await?;
    if let Some(database) = TestDatabase::postgres().await {
        slow.extend(on("PostgreSQL", database, measures).await?);
    }
    ensure!(!measures || slow.is_empty(), "over {GOAL:?}: {slow:#?}");
    Ok(())
}

/// Measures all lists; gives those that took too long.
async fn on(engine: &str, database: TestDatabase, measures: bool) -> anyhow::Result<Vec<String>> {
    let app = TestApp::on(database, Default::default()).await;
    let org = app.organization().await;
    let client = app.oauth(&org, &["DocCloudSDK"]).await;
    // Nobody may have the database open while it is filled.
    app.store.close().await;
    let projects = if measures { PROJECTS } else { FEW };
    multitude::multiply(app.database.url(), projects).await;
    multitude::vary(app.database.url()).await;
    let node = app.second_node().await;
    let by = operator();
    let found = node.authority.find_organization(&org, &by).await?;
    let credential = node.authority.find_credential(client.id.as_str(), &by);
    // One in five has the older half, and nobody knows whom it meets.
    let half = match credential.await?.0.grants.has_jwt_half() {
        true => "serviceaccount",
        false => "oauthservertoserver",
    };
    let place = Place {
        org: org.to_string(),
        number: found.numeric_id.to_string(),
        client,
        half,
        projects,
    };
    let bench = Bench {
        person: node
            .person(&org, "bench@example.com", Role::SystemAdministrator)
            .await,
        token: token(&node).await?,
        node: &node,
    };

    println!("{projects} projects in one organization, {engine}, {TRIES} requests each\n");
    println!(
        "{:100} {:>5} {:>8} {:>8} {:>8}",
        "list", "items", "least ms", "p50 ms", "most ms"
    );
    let mut slow = Vec::new();
    for list in paths::all(&place) {
        let mut asked = Some(list);
        // The page behind the first one, too: it begins at a key.
        for _ in 0..2 {
            let Some(list) = asked.take() else { break };
            let most = bench.measure(&place, &list, &mut asked).await?;
            if most > GOAL {
                slow.push(format!("{engine}: {}", list.path));
            }
        }
    }
    println!();
    drop(bench);
    drop(node);
    app.remove().await;
    Ok(slow)
}

struct Bench<'a> {
    node: &'a Node,
    person: Person,
    token: String,
}

impl Bench<'_> {
    /// Asks for a list again and again, says how long that took, and gives the longest time;
    /// `next` becomes the page behind it, where its first page has one.
    async fn measure(
        &self,
        place: &Place,
        list: &List,
        next: &mut Option<List>,
    ) -> anyhow::Result<Duration> {
        let (mut took, mut last) = (Vec::new(), None);
        for _ in 0..TRIES {
            let began = Instant::now();
            let answer = self.ask(list).await;
            took.push(began.elapsed());
            ensure!(answer.status == 200, "{}: {}", list.path, answer.body);
            last = Some(answer);
        }
        let answer = last.context("nothing was asked")?;
        took.sort_unstable();
        let (least, middle, most) = (took[0], took[took.len() / 2], took[took.len() - 1]);
        println!(
            "{:100} {:>5} {:>8.1} {:>8.1} {:>8.1}",
            place.shown(&list.path),
            list.items(&answer),
            ms(least),
            ms(middle),
            ms(most)
        );
        *next = list.behind(&answer);
        Ok(most)
    }

    async fn ask(&self, list: &List) -> Answer {
        let call = match list.face {
            Face::Page => self.person.call(&list.path),
            Face::Api => self.node.anonymous().get(&list.path).bearer(&self.token),
            Face::Transporter => {
                let call = self.node.anonymous().get(&list.path).bearer(&self.token);
                call.header("x-api-key", "aio-cli-console-auth")
            }
        };
        call.send().await
    }
}

async fn token(node: &Node) -> anyhow::Result<String> {
    let new = NewAccessToken {
        name: "bench".to_owned(),
        role: None,
        expires_at: node
            .authority
            .clock()
            .now()
            .plus(Duration::from_secs(86_400)),
    };
    let made = node.authority.create_access_token(new, &operator()).await?;
    Ok(made.1.expose().to_owned())
}

fn ms(span: Duration) -> f64 {
    span.as_secs_f64() * 1000.0
}
