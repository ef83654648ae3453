//! What is left for whom when a noisy client asks for more tokens than can be signed:
//! `docs/performance.md` says how to run it and what the figures mean.

mod flood;
mod probe;
mod server;

use std::net::SocketAddr;
use std::time::Duration;

use countersign_testkit::clients::urlencoded;
use countersign_testkit::{TestApp, TestClient};

use flood::Seen;
use probe::Probe;
use server::Server;

/// Of each load.
const SPAN: Duration = Duration::from_secs(8);
/// So many that those who wait for their turn do not keep the rest from being asked.
const CONNECTIONS: usize = 2000;

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(run())
}

async fn run() -> anyhow::Result<()> {
    let app = TestApp::new().await;
    let org = app.organization().await;
    let noisy = app.oauth(&org, &["CloudManagerSDK"]).await;
    let quiet = app.oauth(&org, &["CloudManagerSDK"]).await;
    // The test's own node ends here; its database is the server's.
    let database = app.database;
    let server = Server::start(database.url())?;
    let at = server.address;
    let (noisy, quiet) = (token_request(at, &noisy), Quiet::new(at, &quiet).await?);

    let peak = flood::closed(at, &noisy, 64, SPAN)
        .await?
        .tokens_per_second();
    println!("peak, by 64 connections that wait for each answer: {peak:.0} tokens/s\n");
    println!(
        "load  asked/s  tokens/s  refused/s  p50 ms  p99 ms  refusal p99       quiet  validation        keys      health"
    );
    for load in [0.5, 1.0, 2.0, 5.0, 10.0] {
        let probes = quiet.probes(at);
        let seen = flood::open(at, &noisy, CONNECTIONS, peak * load, SPAN).await?;
        let mut row = row(load, &seen);
        for probe in probes {
            row += &format!(" {:>11}", probe.end().await?);
        }
        println!("{row}");
    }
    println!("\nprobes: p99 in ms and, if there were any, answers that were not 200");
    Ok(())
}

fn row(load: f64, seen: &Seen) -> String {
    format!(
        "{load:>3}x {:>8.0} {:>9.0} {:>10.0} {:>7.1} {:>7.1} {:>12.1}",
        seen.per_second(|_| true),
        seen.tokens_per_second(),
        seen.per_second(|status| status == 503),
        seen.percentile(0.5, 200),
        seen.percentile(0.99, 200),
        seen.percentile(0.99, 503),
    )
}

/// Somebody who asks for a token now and then, and all that is cheap.
struct Quiet {
    token: Vec<u8>,
    validation: Vec<u8>,
}

impl Quiet {
    async fn new(at: SocketAddr, client: &TestClient) -> anyhow::Result<Self> {
        let token = token_request(at, client);
        let answer = flood::once(at, &token).await?;
        let access_token = answer.split('"').nth(3).unwrap_or_default();
        let form = urlencoded(&[
            ("client_id", client.client_id.as_str()),
            ("token", access_token),
            ("type", "access_token"),
        ]);
        let validation = post(at, "/ims/validate_token/v1", &form);
        Ok(Self { token, validation })
    }

    fn probes(&self, at: SocketAddr) -> [Probe; 4] {
        let often = Duration::from_millis(20);
        [
            Probe::start(at, self.token.clone(), often),
            Probe::start(at, self.validation.clone(), often),
            Probe::start(at, get(at, "/ims/keys"), often),
            Probe::start(at, get(at, "/healthz"), often),
        ]
    }
}

fn token_request(at: SocketAddr, client: &TestClient) -> Vec<u8> {
    post(at, "/ims/token/v3", &urlencoded(&client.form("openid")))
}

fn post(at: SocketAddr, path: &str, form: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nHost: {at}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len(),
    )
    .into_bytes()
}

fn get(at: SocketAddr, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {at}\r\n\r\n").into_bytes()
}
