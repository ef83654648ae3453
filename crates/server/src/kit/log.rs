//! Where log lines go: to standard error, through a queue, so that a full disk or a slow reader
//! never holds up a request (REL-36).

use std::io;
use std::io::IsTerminal as _;
use std::io::Write as _;
use std::panic;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::SyncSender;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::thread::JoinHandle;

use serde::Deserialize;
use serde::Serialize;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Shape of the log.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// For people.
    #[default]
    Text,
}

/// Why no log was started.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter is not understood.
    #[error("log filter is not valid: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// Another log was started before.
    #[error("a log is already running")]
    Running,
    /// No thread for the writer.
    #[error("log writer could not start: {0}")]
    Writer(#[from] io::Error),
}

/// Starts the log of this process. `filter` is a `tracing` filter like `info,hyper=warn`.
///
/// Also takes over the panic message: place and fixed text only, because a formatted one may hold
/// what a caller sent (LOG-01).
///
/// # Errors
/// [`LogError`], where nothing has been started.
pub fn init(format: LogFormat, filter: &str) -> Result<LogGuard, LogError> {
    let filter = EnvFilter::try_new(filter)?;
    let (queue, guard) = start_writer()?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(queue);
    let started = match format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => builder.with_ansi(colours()).try_init(),
    };
    started.map_err(|_| LogError::Running)?;
    panic::set_hook(Box::new(log_panic));
    Ok(guard)
}

/// Writes out what is queued when it is dropped, last thing in `main`.
#[must_use = "dropping the guard ends the log"]
pub struct LogGuard {
    queue: SyncSender<Entry>,
    writer: Option<JoinHandle<()>>,
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        let told = self.queue.send(Entry::End).is_ok();
        if let Some(writer) = self.writer.take().filter(|_| told) {
            drop(writer.join());
        }
    }
}

fn colours() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn log_panic(panic: &panic::PanicHookInfo<'_>) {
    let text = panic.payload().downcast_ref::<&'static str>().copied();
    let place = panic.location().map(ToString::to_string);
    tracing::error!(place, text, "a bug: the code panicked");
}

fn start_writer() -> io::Result<(Queue, LogGuard)> {
    let (queue, lines) = sync_channel(QUEUED_LINES);
    let writer = thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || write(&lines))?;
    let guard = LogGuard {
        queue: queue.clone(),
        writer: Some(writer),
    };
    Ok((Queue(queue), guard))
}

fn write(lines: &Receiver<Entry>) {
    let mut stderr = io::stderr();
    while let Ok(Entry::Line(line)) = lines.recv() {
        // Nothing sensible is left to do when even standard error fails.
        drop(stderr.write_all(&line));
    }
}

enum Entry {
    Line(Vec<u8>),
    End,
}

#[derive(Clone)]
struct Queue(SyncSender<Entry>);

impl<'a> MakeWriter<'a> for Queue {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl io::Write for Queue {
    /// The formatter hands over whole lines. A line that finds the queue full is lost and counted.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.0.try_send(Entry::Line(line.to_vec())).is_err() {
            metrics::counter!(crate::metrics::LOG_LINES_LOST).increment(1);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const QUEUED_LINES: usize = 8192;
