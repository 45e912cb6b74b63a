//! The engine against one address: what `hack/bench.sh load` measures. Prints a JSON object.
//!   load IP:PORT new|reuse SECONDS closed AT-ONCE     as fast as answers come, with so many probes in flight
//!   load IP:PORT new|reuse SECONDS paced QPS TARGETS  as in a round: so many targets, all there, each at this pace

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use mimalloc::MiMalloc;
use netreach_agent::load::{Cancel, run, run_closed};
use netreach_measure::Tally;
use netreach_wire::{AgentId, Assignment, Connection, EchoKey, Load, RoundId, Target, TargetFamily};
use serde_json::json;

/// As in an agent.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const TIMEOUT_MS: u32 = 5_000;

fn assignment(address: SocketAddr, load: Load, targets: usize) -> Assignment {
    let target = |number: usize| Target {
        name: format!("bench-{number}"),
        url: format!("http://{address}/"),
        address,
        family: TargetFamily::PodIp,
        backend: None,
        via: None,
        shift: u64::MAX / targets as u64 * number as u64,
    };
    Assignment {
        round: RoundId { uid: "bench".to_owned(), number: 1 },
        agent: AgentId { node: "bench".to_owned(), pod: "bench".to_owned() },
        load,
        targets: (0..targets).map(target).collect(),
        start_in_us: 0,
        deadline_us: u64::MAX,
        nonces_from: 0,
        key: EchoKey::new([0; 32]),
    }
}

fn measure(arguments: &[String]) -> anyhow::Result<Tally> {
    let [address, connection, seconds, how @ ..] = arguments else {
        bail!("write IP:PORT new|reuse SECONDS closed AT-ONCE|paced QPS TARGETS");
    };
    let address = address.parse().context("could not read the address")?;
    let connection = match connection.as_str() {
        "new" => Connection::New,
        "reuse" => Connection::Reuse,
        other => bail!("connections are new or reuse, not {other}"),
    };
    let duration_s = seconds.parse().context("could not read the seconds")?;
    let load = |rate_qps| Load { rate_qps, duration_s, timeout_ms: TIMEOUT_MS, connection };
    let tallies = match how {
        [how, at_once] if how == "closed" => {
            let lasting = Duration::from_secs(duration_s.into());
            run_closed(
                &assignment(address, load(1), 1),
                at_once.parse().context("could not read how many at once")?,
                lasting,
            )?
        }
        [how, qps, targets] if how == "paced" => {
            let qps = qps.parse().context("could not read the pace")?;
            let targets = targets.parse().context("could not read how many targets")?;
            let assignment = assignment(address, load(qps), targets);
            let done = run(&assignment, Instant::now(), &Cancel::new()?)?;
            done.targets.iter().map(|result| Tally::try_from(&result.tally)).collect::<Result<_, _>>()?
        }
        _ => bail!("a load is closed AT-ONCE or paced QPS TARGETS, not {how:?}"),
    };
    let all = tallies.into_iter().reduce(|mut all, one| {
        all.merge(&one);
        all
    });
    all.context("without targets nothing is measured")
}

fn main() -> anyhow::Result<()> {
    let tally = measure(&std::env::args().skip(1).collect::<Vec<_>>())?;
    let parts = tally.parts();
    let failures: BTreeMap<_, _> =
        parts.failures.iter().map(|(failure, count)| (failure.key(), count)).collect();
    let lateness = &parts.lateness;
    let said = json!({
        "requests": tally.sent(), "unsent": parts.unsent, "statuses": parts.statuses, "failures": failures,
        "latenessMicros": {"p50": lateness.quantile_us(0.5), "p99": lateness.quantile_us(0.99), "max": lateness.max_us()},
    });
    println!("{said}");
    Ok(())
}
