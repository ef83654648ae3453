//! Keeps a number of connections busy, each with one request at a time.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::bail;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::connection::{Answer, BUFFER};
use crate::requests::Requests;

/// What came of a load.
pub struct Seen {
    pub answers: usize,
    /// Requests that were sent away; not among the answers.
    pub shed: usize,
    pub elapsed: Duration,
    /// Sorted.
    latencies: Vec<Duration>,
}

impl Seen {
    pub fn new(mut latencies: Vec<Duration>, elapsed: Duration) -> Self {
        latencies.sort_unstable();
        Self {
            answers: latencies.len(),
            shed: 0,
            elapsed,
            latencies,
        }
    }

    pub fn per_second(&self) -> f64 {
        self.answers as f64 / self.elapsed.as_secs_f64()
    }

    /// Milliseconds within which that share of the requests was answered.
    pub fn percentile(&self, share: f64) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        let at = self.latencies.get((last as f64 * share) as usize);
        at.map_or(f64::NAN, |latency| latency.as_secs_f64() * 1000.0)
    }
}

/// A closed loop: whoever has an answer asks again at once.
pub async fn run(
    address: SocketAddr,
    requests: &Requests,
    connections: usize,
    span: Duration,
) -> anyhow::Result<Seen> {
    let mut tasks = JoinSet::new();
    let began = Instant::now();
    for _ in 0..connections {
        let requests = requests.clone();
        tasks.spawn(async move { one(address, &requests, began + span).await });
    }
    let (mut latencies, mut shed) = (Vec::new(), 0);
    while let Some(task) = tasks.join_next().await {
        let (of_one, shed_of_one) = task??;
        latencies.extend(of_one);
        shed += shed_of_one;
    }
    let seen = Seen::new(latencies, began.elapsed());
    Ok(Seen { shed, ..seen })
}

async fn one(
    address: SocketAddr,
    requests: &Requests,
    until: Instant,
) -> anyhow::Result<(Vec<Duration>, usize)> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut latencies, mut shed) = (Vec::new(), 0);
    let mut buffer = vec![0; BUFFER];
    loop {
        let began = Instant::now();
        if began >= until {
            return Ok((latencies, shed));
        }
        stream.write_all(requests.next()).await?;
        if is_granted(&mut stream, &mut buffer).await? {
            latencies.push(began.elapsed());
        } else {
            shed += 1;
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// How long somebody waits who was sent away. Clients wait longer; the machine shall stay full.
const PAUSE: Duration = Duration::from_millis(20);

/// Whether a token was granted, or the request was sent away; anything else ends the run.
async fn is_granted(stream: &mut TcpStream, buffer: &mut [u8]) -> anyhow::Result<bool> {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await?;
        if read == 0 {
            bail!("the server closed the connection");
        }
        filled += read;
        if let Some(answer) = Answer::read(&buffer[..filled])? {
            return match answer.is_shed() {
                true => Ok(false),
                false => answer.granted().map(|_| true),
            };
        }
    }
}
