//! Chance that can be repeated.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

/// Names the seed of a run that is to be repeated.
pub const VARIABLE: &str = "COUNTERSIGN_TEST_SEED";

/// Numbers that follow from a seed (the generator is SplitMix64).
pub struct Chance {
    seed: u64,
    state: u64,
}

impl Chance {
    /// With the seed that the environment names, or a new one.
    pub fn from_environment() -> Self {
        let named = std::env::var(VARIABLE)
            .ok()
            .map(|text| text.parse().unwrap());
        let seed = named.unwrap_or_else(|| RandomState::new().build_hasher().finish());
        Self { seed, state: seed }
    }

    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// From 0 up to, but not including, `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}
