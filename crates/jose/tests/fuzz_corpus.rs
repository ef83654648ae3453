//! Replays the corpus of the fuzz targets, and what fuzzing has found, in ordinary test runs.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "../fuzz/src/lib.rs"]
mod targets;

fn replay(target: &str, run: fn(&[u8])) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let inputs: Vec<_> = folder
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(!inputs.is_empty());
    inputs
        .iter()
        .for_each(|input| run(&std::fs::read(input).unwrap()));
}

#[test]
fn tokens() {
    replay("token", targets::token);
}

#[test]
fn json() {
    replay("json", targets::json);
}

#[test]
fn certificates() {
    replay("certificate", targets::certificate);
}

#[test]
fn key_sets() {
    replay("jwks", targets::jwks);
}
