//! Answers, and a connection that asks and waits: one thread's view of a server.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use anyhow::{Context as _, bail, ensure};

/// Longer than any answer.
pub const BUFFER: usize = 16_384;

pub struct Answer<'a> {
    pub status: u16,
    pub body: &'a str,
}

impl<'a> Answer<'a> {
    /// The answer, once all of it is there. It says its length in `Content-Length`.
    pub fn read(bytes: &'a [u8]) -> anyhow::Result<Option<Self>> {
        let text = std::str::from_utf8(bytes)?;
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            return Ok(None);
        };
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let length = lines.find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim().parse::<usize>())
        });
        let (status, length) = (status.context("a status")?, length.context("a length")??);
        Ok(body.get(..length).map(|body| Self {
            status: status.parse().unwrap_or(0),
            body,
        }))
    }

    /// Whether it sends away: more is asked for than can be signed in time.
    pub fn is_shed(&self) -> bool {
        self.status == 503
    }

    /// It, if it grants what was asked for.
    pub fn granted(self) -> anyhow::Result<Self> {
        ensure!(self.status == 200, "{}: {}", self.status, self.body);
        Ok(self)
    }
}

pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub fn open(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: vec![0; BUFFER],
        })
    }

    pub fn ask(&mut self, request: &[u8]) -> anyhow::Result<Answer<'_>> {
        self.stream.write_all(request)?;
        let mut filled = 0;
        loop {
            let read = self.stream.read(&mut self.buffer[filled..])?;
            if read == 0 {
                bail!("the server closed the connection");
            }
            filled += read;
            if Answer::read(&self.buffer[..filled])?.is_some() {
                break;
            }
        }
        Answer::read(&self.buffer[..filled])?.context("read above")
    }
}
