//! Counts the transactions that a server commits to its SQLite database, from the outside: each is
//! a frame of the write-ahead log that names the size of the database after it.
//!
//! Source: <https://www.sqlite.org/fileformat2.html#the_write_ahead_log>.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::anyhow;

/// Counts from its start until it is asked.
pub struct Commits {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<u64>,
}

impl Commits {
    /// Watches the database of a data folder, which is there.
    pub fn watch(folder: &Path) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (path, stopped) = (folder.join("countersign.db-wal"), Arc::clone(&stop));
        let mut log = Log::new(path);
        log.read();
        log.commits = 0;
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                std::thread::sleep(EVERY);
                log.read();
            }
            log.commits
        });
        Self { stop, thread }
    }

    pub fn count(self) -> anyhow::Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        let joined = self.thread.join();
        joined.map_err(|_| anyhow!("the watcher of the log panicked"))
    }
}

/// The log begins anew after a checkpoint. What is committed just before that is missed; it takes
/// a thousand pages to come to one.
const EVERY: Duration = Duration::from_millis(20);

struct Log {
    path: PathBuf,
    /// Tells the log that began anew from the one before.
    salt: [u8; 8],
    position: u64,
    commits: u64,
}

impl Log {
    fn new(path: PathBuf) -> Self {
        Self {
            path,
            salt: [0; 8],
            position: 0,
            commits: 0,
        }
    }

    /// Reads what was added.
    fn read(&mut self) -> Option<()> {
        let file = File::open(&self.path).ok()?;
        let mut header = [0; 32];
        file.read_exact_at(&mut header, 0).ok()?;
        let salt: [u8; 8] = header[16..24].try_into().ok()?;
        if salt != self.salt {
            (self.salt, self.position) = (salt, 32);
        }
        let page = u32::from_be_bytes(header[8..12].try_into().ok()?);
        loop {
            let mut frame = [0; 24];
            file.read_exact_at(&mut frame, self.position).ok()?;
            if frame[8..16] != self.salt {
                return Some(());
            }
            let is_commit = frame[4..8] != [0; 4];
            self.commits += u64::from(is_commit);
            self.position += 24 + u64::from(page);
        }
    }
}
