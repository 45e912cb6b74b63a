//! The agent as a program of its own, as it runs in a pod.

use clap::Parser;
use dlmalloc::GlobalDlmalloc;
use netreach_agent::{Args, Config};

/// musl's own gives a page back to the kernel with nearly every probe, and asks for it anew with the next.
#[global_allocator]
static ALLOCATOR: GlobalDlmalloc = GlobalDlmalloc;

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    netreach_agent::log_to_stderr(args.verbose);
    let config = Config::try_from(args)?;
    Ok(async_std::task::block_on(netreach_agent::run(config))?)
}
