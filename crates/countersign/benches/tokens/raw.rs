//! The rate of bare signatures: what no server on these cores can exceed.

use std::time::{Duration, Instant};

use anyhow::anyhow;
use countersign_jose::{Algorithm, SigningKey};

use crate::process::own_seconds;

#[derive(Clone, Copy)]
pub struct Rate {
    /// On all cores together.
    pub per_second: f64,
    /// Processor time of one signature, in seconds.
    pub cpu_seconds: f64,
}

/// Every core signs for that long, with the code that signs tokens: `jose` on aws-lc-rs.
pub fn rate(algorithm: Algorithm, span: Duration) -> anyhow::Result<Rate> {
    let cores = std::thread::available_parallelism()?.get();
    let key = SigningKey::generate(algorithm)?;
    let (began, before) = (Instant::now(), own_seconds()?);
    let counts: anyhow::Result<Vec<u64>> = std::thread::scope(|scope| {
        let sign = || count(&key, began + span);
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(sign)).collect();
        let joined = threads.into_iter().map(|thread| thread.join());
        joined
            .map(|count| count.map_err(|_| anyhow!("a thread panicked"))?)
            .collect()
    });
    let signatures = counts?.iter().sum::<u64>() as f64;
    Ok(Rate {
        per_second: signatures / began.elapsed().as_secs_f64(),
        cpu_seconds: (own_seconds()? - before) / signatures,
    })
}

fn count(key: &SigningKey, until: Instant) -> anyhow::Result<u64> {
    // As long as what is signed of an access token.
    let message = [7; 700];
    let mut signatures = 0;
    while Instant::now() < until {
        std::hint::black_box(key.sign(&message)?);
        signatures += 1;
    }
    Ok(signatures)
}
