//! The `countersign` command.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A call through the gateway allocates a few dozen times: a tenth more calls pass for the same
/// processor time (`docs/performance.md`).
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    countersign::main()
}
