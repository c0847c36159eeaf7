//! The `tokenward` command.

use std::process::ExitCode;

/// Keeps the resident size small and small allocations cheap, also in a static binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    tokenward::cli::run()
}
