//! The whole road in one process: checks, plans, hands out, collects, keeps, judges and shows, with the agents as child
//! processes on loopback.
//!
//! The stages are those of the manager, in the same order; what a cluster would bring is what this module brings.

mod agents;
mod house;
mod keep;
mod round;
mod walk;

use async_std::task::block_on;
use jiff::Timestamp;
use netreach_api::Admitted;

use crate::args::RunArgs;
use crate::ending::{Ending, Trouble};
use crate::input::with_rounds;
use crate::progress::Progress;
use house::House;
use keep::Keep;
use walk::Walk;

pub(crate) use agents::AGENT_WORD;

/// The hidden command behind each child process.
pub(crate) fn be_an_agent(args: netreach_agent::Args) -> Result<Ending, Trouble> {
    block_on(netreach_agent::run(netreach_agent::Config::try_from(args)?))?;
    Ok(Ending::Succeeded)
}

/// Runs every round the NetReach asks for.
pub(crate) fn run(args: &RunArgs, admitted: Admitted, verbose: u8) -> Result<Ending, Trouble> {
    let Admitted { net_reach, checked, warnings: _ } = admitted;
    let checked = match args.rounds {
        Some(rounds) => with_rounds(&net_reach, rounds)?,
        None => checked,
    };
    if checked.suspend() {
        return Err(Trouble::Suspended);
    }
    let task = net_reach.metadata.name.unwrap_or_default();
    // Each agent takes a few of ours too.
    netreach_agent::raise_open_files();
    let created = Timestamp::now();
    let keep = Keep::open(args.report.as_deref(), &task, created)?;
    block_on(async {
        let progress = Progress::new();
        let house = House::open(args, &checked, verbose).await?;
        let mut walk = Walk::new(args, &checked, (task, created), house, keep, &progress);
        let ending = walk.walk().await;
        progress.clear();
        walk.house.end().await;
        ending
    })
}
