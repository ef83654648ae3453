//! How long lists of the management API take where an organization has very many projects:
//! `docs/performance.md` says how to run it and what the figures mean.
//!
//! In this process and without a network: what is measured is the server's own time.

use std::time::{Duration, Instant};

use anyhow::ensure;
use countersign_authority::NewAccessToken;
use countersign_testkit::app::{Node, operator};
use countersign_testkit::{TestApp, TestClient, TestDatabase, multitude};

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

async fn run(measures: bool) -> anyhow::Result<()> {
    let app = TestApp::on(TestDatabase::sqlite().await, Default::default()).await;
    let org = app.organization().await;
    let client = app.oauth(&org, &["DocCloudSDK"]).await;
    // Nobody may have the database open while it is filled.
    app.store.close().await;
    let projects = if measures { PROJECTS } else { FEW };
    multitude::multiply(app.database.url(), projects).await;
    multitude::vary(app.database.url()).await;
    let node = app.second_node().await;
    let bench = Bench {
        token: token(&node).await?,
        node,
    };

    println!("{projects} projects in one organization, SQLite, {TRIES} requests each\n");
    println!(
        "{:74} {:>5} {:>8} {:>8}",
        "list", "items", "p50 ms", "max ms"
    );
    let mut slow = Vec::new();
    for path in lists(&org.to_string(), &client) {
        let (items, mut took) = bench.ask(&path).await?;
        took.sort_unstable();
        let (middle, most) = (took[took.len() / 2], took[took.len() - 1]);
        let shown = path.replace(&org.to_string(), "{org}");
        println!(
            "{shown:74} {items:>5} {:>8.1} {:>8.1}",
            ms(middle),
            ms(most)
        );
        if most > GOAL {
            slow.push(shown);
        }
    }
    ensure!(!measures || slow.is_empty(), "over {GOAL:?}: {slow:#?}");
    Ok(())
}

struct Bench {
    node: Node,
    token: String,
}

impl Bench {
    async fn ask(&self, path: &str) -> anyhow::Result<(usize, Vec<Duration>)> {
        let (mut items, mut took) = (0, Vec::new());
        for _ in 0..TRIES {
            let call = self.node.anonymous().get(&format!("/api/v1{path}"));
            let began = Instant::now();
            let answer = call.bearer(&self.token).send().await;
            took.push(began.elapsed());
            ensure!(answer.status == 200, "{path}: {}", answer.body);
            items = answer.json()["items"].as_array().map_or(0, Vec::len);
        }
        Ok((items, took))
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

/// What fits often, seldom and never, in every order.
fn lists(org: &str, client: &TestClient) -> Vec<String> {
    let base = format!("/organizations/{org}");
    let projects = [
        "",
        "limit=200",
        "sort=-created_at",
        "sort=changed_at",
        "sort=-changed_at",
        "sort=active_at",
        "sort=title",
        "sort=-title",
        "search=project",
        "search=project+77",
        "search=no+such+thing",
        "created_by=person7%40",
        "created_by=nobody",
        "changed_by=person7%40",
        "service=DocCloudSDK",
        "service=StockSDK",
        "service=CampaignSDK",
        "has_jwt_credential=true",
        "has_jwt_credential=true&sort=-title",
        "certificates_expire_within_days=30",
        "certificates_expire_within_days=3650",
        "certificates_expire_within_days=0",
        "search=project&created_by=person7%40&service=DocCloudSDK&has_jwt_credential=true&sort=title",
        "search=project&service=StockSDK&certificates_expire_within_days=30&sort=-changed_at",
    ];
    let mut all: Vec<_> = projects
        .iter()
        .map(|query| format!("{base}/projects?{query}"))
        .collect();
    let by_id = [
        ("search", client.client_id.as_str()),
        ("search", client.project_id.as_str()),
    ];
    all.extend(by_id.map(|(name, value)| format!("{base}/projects?{name}={value}")));
    for list in [
        "/credentials",
        "/credentials?limit=200",
        "/members",
        "/invitations",
        "/profiles",
        "/activity",
        "/activity?limit=200",
        "/activity?actor=person%3Aperson7%40example.com",
        "/activity?actor=nobody",
        "/activity?action=credential.changed",
        "/activity?action=nothing",
    ] {
        all.push(format!("{base}{list}"));
    }
    all.push(format!("{base}/credentials?project={}", client.project_id));
    all.push(format!("{base}/activity?subject={}", client.id));
    all.extend(["/organizations", "/access-tokens", "/services"].map(str::to_owned));
    all
}

fn ms(span: Duration) -> f64 {
    span.as_secs_f64() * 1000.0
}
