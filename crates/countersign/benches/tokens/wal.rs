//! Counts the transactions that a server commits to its SQLite database, from the outside: the
//! index of the write-ahead log has a counter of them.
//!
//! Source: <https://www.sqlite.org/walformat.html>, `iChange` of the header of the WAL-index.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// Where the counter stands, in the byte order of the machine.
const COUNTER: u64 = 8;

/// How many transactions were committed; only differences mean something.
pub fn commits(folder: &Path) -> anyhow::Result<u32> {
    let mut counter = [0; 4];
    File::open(folder.join("countersign.db-shm"))?.read_exact_at(&mut counter, COUNTER)?;
    Ok(u32::from_ne_bytes(counter))
}
