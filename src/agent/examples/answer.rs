//! The answering side alone, to probes that `load` sends: what `hack/bench.sh answer` measures. Runs until it is ended.
//!   answer IP:PORT

use anyhow::Context;
use mimalloc::MiMalloc;
use netreach_wire::EchoKey;

/// As in an agent.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> anyhow::Result<()> {
    let address = std::env::args().nth(1).context("write IP:PORT")?;
    let address = address.parse().context("could not read the address")?;
    Ok(async_std::task::block_on(netreach_agent::answer_for_ever(address, &EchoKey::new([0; 32])))?)
}
