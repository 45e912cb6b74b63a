//! A run in a cluster: creates the NetReach, follows its status, shows the report of each round, deletes it.
//!
//! What a status says is worked out in `story`, what is sent in `object`: both do no I/O. Rounds are run and judged by
//! the manager in the cluster; nothing of that is here.

mod follow;
mod object;
mod reports;
mod story;
#[cfg(test)]
mod story_tests;
mod target;
mod trouble;
mod wording;

use async_std::task::block_on;
use jiff::Timestamp;
use netreach_api::{Admitted, NetReach};

use crate::args::RunArgs;
use crate::connect::Cluster;
use crate::documents::Documents;
use crate::ending::{Ending, Trouble, tell};
use crate::input::{self, with_rounds};
use crate::interrupt::heed_signals;
use crate::progress::Progress;
use follow::Follow;
use target::Target;
use wording::Wanted;

pub(crate) use trouble::ClusterTrouble;

/// Runs every round the NetReach asks for.
pub(crate) fn run(args: &RunArgs) -> Result<Ending, Trouble> {
    let mut raw = input::read(args.file.source())?;
    if let Some(name) = &args.name {
        object::rename(&mut raw, name);
    }
    let Admitted { net_reach, checked, warnings: _ } = input::prove(args.file.source(), raw.clone())?;
    let checked = match args.rounds {
        Some(rounds) => with_rounds(&net_reach, rounds)?,
        None => checked,
    };
    if checked.suspend() {
        return Err(Trouble::Suspended);
    }
    let wanted = Wanted { rounds: checked.rounds(), load: checked.load() };
    let object = object::as_written(&raw, &net_reach, args.rounds);
    if let Some(dir) = &args.report {
        Documents::prepare(dir)?;
    }
    block_on(create_and_follow(args, &object, wanted))
}

async fn create_and_follow(args: &RunArgs, object: &NetReach, wanted: Wanted) -> Result<Ending, Trouble> {
    let interrupted = heed_signals()?;
    let cluster = Cluster::of(args.context.as_deref()).await.map_err(ClusterTrouble::from)?;
    tell(&format!("in {}", cluster.place));
    let target = Target::create(cluster.client, object).await?;
    let end = if args.keep { "it stays when this run ends" } else { "it is deleted when this run ends" };
    tell(&format!("NetReach {} is created; {end}", target.name));
    let documents = args.report.as_deref().map(|dir| Documents::of(dir, &target.name, Timestamp::now()));
    let progress = Progress::new();
    let mut follow = Follow::new(&target, wanted, args.output, documents, &progress, &interrupted);
    let ending = follow.until_done().await;
    progress.clear();
    let name = &target.name;
    if args.keep {
        tell(&format!("NetReach {name} is still there; kubectl delete netreach {name} deletes it"));
    } else if let Err(why) = target.delete().await {
        tell(&format!(
            "could not delete NetReach {name}: {why}; kubectl delete netreach {name} does it later"
        ));
    }
    ending
}
