//! The `countersign` command.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A call allocates a few dozen times, and the system's allocator was a quarter of its processor
/// time (`docs/performance.md`).
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    countersign::main()
}
