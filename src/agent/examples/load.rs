//! The engine against one address: what `hack/bench.sh load` measures. Prints a JSON object.
//!   load IP:PORT new|reuse SECONDS closed AT-ONCE     as fast as answers come, with so many probes in flight
//!   load IP:PORT new|reuse SECONDS paced QPS          at this pace, as in a round

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use dlmalloc::GlobalDlmalloc;
use netreach_agent::load::{Cancel, run, run_closed};
use netreach_measure::Tally;
use netreach_wire::{AgentId, Assignment, Connection, EchoKey, Load, RoundId, Target, TargetFamily};
use serde_json::json;

/// As in an agent.
#[global_allocator]
static ALLOCATOR: GlobalDlmalloc = GlobalDlmalloc;

const TIMEOUT_MS: u32 = 5_000;

fn assignment(address: SocketAddr, load: Load) -> Assignment {
    Assignment {
        round: RoundId { uid: "bench".to_owned(), number: 1 },
        agent: AgentId { node: "bench".to_owned(), pod: "bench".to_owned() },
        load,
        targets: vec![Target {
            name: "bench".to_owned(),
            url: format!("http://{address}/"),
            address,
            family: TargetFamily::PodIp,
            backend: None,
            via: None,
        }],
        start_in_us: 0,
        deadline_us: u64::MAX,
        phase: 0,
        key: EchoKey::new([0; 32]),
    }
}

fn measure(arguments: &[String]) -> anyhow::Result<Tally> {
    let [address, connection, seconds, how, number] = arguments else {
        bail!("write IP:PORT new|reuse SECONDS closed|paced NUMBER");
    };
    let address = address.parse().context("could not read the address")?;
    let connection = match connection.as_str() {
        "new" => Connection::New,
        "reuse" => Connection::Reuse,
        other => bail!("connections are new or reuse, not {other}"),
    };
    let duration_s = seconds.parse().context("could not read the seconds")?;
    let number: u32 = number.parse().context("could not read the number")?;
    let load = Load { rate_qps: number, duration_s, timeout_ms: TIMEOUT_MS, connection };
    let assignment = assignment(address, load);
    match how.as_str() {
        "closed" => {
            let lasting = Duration::from_secs(duration_s.into());
            let tallies = run_closed(&assignment, number.try_into()?, lasting)?;
            tallies.into_iter().next().context("one target has one tally")
        }
        "paced" => {
            let done = run(&assignment, Instant::now(), &Cancel::new()?)?;
            let result = done.targets.first().context("one target has one result")?;
            Ok(Tally::try_from(&result.tally)?)
        }
        other => bail!("a load is closed or paced, not {other}"),
    }
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
