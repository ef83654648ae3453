//! Asks for tokens at a rate of its own, whatever the answers do.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Status and milliseconds of every answer.
pub struct Seen {
    answers: Vec<(u16, f64)>,
    elapsed: Duration,
}

impl Seen {
    pub fn tokens_per_second(&self) -> f64 {
        self.per_second(|status| status == 200)
    }

    pub fn per_second(&self, counts: impl Fn(u16) -> bool) -> f64 {
        let count = self.answers.iter().filter(|(status, _)| counts(*status));
        count.count() as f64 / self.elapsed.as_secs_f64()
    }

    /// Milliseconds within which that share of the answers with this status came.
    pub fn percentile(&self, share: f64, status: u16) -> f64 {
        let of_status = self.answers.iter().filter(|(s, _)| *s == status);
        let mut all: Vec<f64> = of_status.map(|(_, ms)| *ms).collect();
        all.sort_by(f64::total_cmp);
        let last = all.len().saturating_sub(1);
        let at = (last as f64 * share) as usize;
        all.get(at).copied().unwrap_or(f64::NAN)
    }
}

/// Each connection asks again when it was answered.
pub async fn closed(
    at: SocketAddr,
    request: &[u8],
    connections: usize,
    span: Duration,
) -> anyhow::Result<Seen> {
    run(at, request, connections, span, |_| Duration::ZERO).await
}

/// Asks so often a second, as far as there is a connection that is not waiting for an answer.
pub async fn open(
    at: SocketAddr,
    request: &[u8],
    connections: usize,
    per_second: f64,
    span: Duration,
) -> anyhow::Result<Seen> {
    let due = move |n: u32| Duration::from_secs_f64(f64::from(n) / per_second);
    run(at, request, connections, span, due).await
}

async fn run(
    at: SocketAddr,
    request: &[u8],
    connections: usize,
    span: Duration,
    due: impl Fn(u32) -> Duration + Copy + Send + 'static,
) -> anyhow::Result<Seen> {
    let mut open = Vec::new();
    for _ in 0..connections {
        let mut connection = Connection::open(at).await?;
        // Accepted, and not only put aside by the kernel, which forgets what is too much.
        connection
            .ask(b"GET /healthz HTTP/1.1\r\nHost: bench\r\n\r\n")
            .await?;
        open.push(connection);
    }
    let next = Arc::new(AtomicU32::new(0));
    let mut tasks = JoinSet::new();
    let began = Instant::now();
    for mut connection in open {
        let (next, request) = (Arc::clone(&next), request.to_vec());
        tasks.spawn(async move {
            let mut answers = Vec::new();
            loop {
                let at = due(next.fetch_add(1, Ordering::Relaxed));
                if at > span || began.elapsed() > span {
                    return Ok::<_, anyhow::Error>(answers);
                }
                // A timer has a step of a millisecond: what is due within it goes out together.
                tokio::time::sleep(at.saturating_sub(began.elapsed())).await;
                let sent = Instant::now();
                let (status, _) = connection.ask(&request).await?;
                answers.push((status, sent.elapsed().as_secs_f64() * 1000.0));
            }
        });
    }
    let mut answers = Vec::new();
    while let Some(task) = tasks.join_next().await {
        answers.extend(task??);
    }
    Ok(Seen {
        answers,
        elapsed: began.elapsed(),
    })
}

/// The body of one answer.
pub async fn once(at: SocketAddr, request: &[u8]) -> anyhow::Result<String> {
    Ok(Connection::open(at).await?.ask(request).await?.1)
}

/// A connection that is kept alive.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub async fn open(at: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(at).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: vec![0; 16_384],
        })
    }

    /// Status and body of the answer, which has a `Content-Length`.
    pub async fn ask(&mut self, request: &[u8]) -> anyhow::Result<(u16, String)> {
        self.stream.write_all(request).await?;
        let mut filled = 0;
        loop {
            let read = self.stream.read(&mut self.buffer[filled..]).await?;
            if read == 0 {
                bail!("the server closed the connection");
            }
            filled += read;
            let text = std::str::from_utf8(&self.buffer[..filled])?;
            let Some((head, body)) = text.split_once("\r\n\r\n") else {
                continue;
            };
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length")
                    .then(|| value.trim().parse::<usize>())
            });
            if body.len() >= length.context("a length")?? {
                let status = head.split(' ').nth(1).context("a status")?;
                return Ok((status.parse()?, body.to_owned()));
            }
        }
    }
}
