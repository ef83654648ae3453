//! An installation from the command line: the real binary, on a data folder of its own.

#![expect(clippy::unwrap_used, reason = "tests")]

mod configuration;
mod credentials;
mod gateway;
mod nouns;
mod place;
mod remote;
mod sample;
mod serving;
mod tokens;
mod waves;
