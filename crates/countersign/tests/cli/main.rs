//! The real binary: exit code, stdout, stderr.

#![expect(clippy::unwrap_used, reason = "tests")]

mod doctor;
mod program;
mod run;
mod stand_in;
mod token;
