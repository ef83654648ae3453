//! Replays the corpus of the fuzz targets, and what fuzzing has found, in ordinary test runs.

#[path = "../fuzz/src/lib.rs"]
mod targets;

fn replay(target: &str, run: fn(&[u8])) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let inputs: Vec<_> = folder
        .read_dir()
        .expect("a corpus")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    assert!(!inputs.is_empty());
    inputs
        .iter()
        .for_each(|input| run(&std::fs::read(input).expect("readable")));
}

#[test]
fn forms() {
    replay("form", targets::form);
}

#[test]
fn paths() {
    replay("path", targets::path);
}

#[test]
fn texts() {
    replay("text", targets::text);
}
