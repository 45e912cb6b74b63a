//! The agent as a program of its own, as it runs in a pod.

use clap::Parser;
use mimalloc::MiMalloc;
use netreach_agent::{Args, Config};

/// musl's own gives a page back to the kernel with nearly every probe, and asks for it anew with the next; this one also keeps
/// threads out of each other's way.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> anyhow::Result<()> {
    // Where the kernel gives huge pages unasked, each thread would hold 2 MB of memory for its first few bytes. No kernel that we
    // know refuses, and with one that did we would only be larger.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    let args = Args::parse();
    netreach_agent::log_to_stderr(args.verbose);
    let config = Config::try_from(args)?;
    Ok(async_std::task::block_on(netreach_agent::run(config))?)
}
