//! Everything that can be seen from outside of the crate.
#![expect(clippy::unwrap_used, reason = "tests")]

mod assertions;
mod certificates;
mod id_tokens;
mod keys;
mod oracle;
mod properties;
mod support;
mod test_keys;
mod tokens;
mod vectors;
mod wycheproof;
