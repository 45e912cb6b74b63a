//! A probing agent: ask → load → submit, for ever; and, beside it, the answers to the probes of others.
//!
//! Takes assignments from the desk, makes results. Reports facts and judges nothing. Does not know Kubernetes, what a
//! NetReach is, or why it is asked to probe.

mod answer;
mod conduct;
mod config;
pub mod desk;
mod http;
mod keys;
pub mod load;
mod session;
mod usage;

#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub use http::fuzz;

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_std::net::TcpListener;
use netreach_serve::{BindError, Limits, Stop, bind_each, bind_first, run as serve};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::info;

use answer::Answerer;
pub use config::{Args, Config, ConfigError};
use config::{Listen, Listening};
use desk::{Client, Desk, Trust};
use keys::Keys;
use session::Session;

/// A request to an agent has no body; this is what a confused caller may send before it is refused.
const PROBE_BODY_BYTES_MAX: u64 = 1 << 10;

/// An agent that could not begin, or had to end.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// An address to answer on.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The answering side ended.
    #[error("the answering side failed")]
    Serve(#[from] netreach_serve::ServeError),
    /// Sockets, signals.
    #[error("could not set up {what}")]
    Setup {
        /// What for.
        what: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// The desk's URL has no room for a path.
    #[error("desk's URL takes no path")]
    Desk(#[from] http_types::url::ParseError),
}

/// Runs an agent until it is told to end: by SIGTERM or SIGINT, or by the end of standard input where the configuration says so.
///
/// # Errors
/// When an address cannot be listened on or the system gives no sockets; nothing has been probed then.
pub async fn run(config: Config) -> Result<(), AgentError> {
    raise_open_files();
    let stop = Stop::new();
    stop.throw_on_signals().map_err(|source| AgentError::Setup { what: "signals", source })?;
    if config.until_stdin_closes {
        stop_with_stdin(&stop)?;
    }
    run_until(config, &stop).await
}

/// Runs an agent until it is stopped.
///
/// # Errors
/// When an address cannot be listened on; nothing has been probed then.
pub async fn run_until(config: Config, stop: &Stop) -> Result<(), AgentError> {
    let Config { desk, desk_ca, token, me, listen, finish_within, until_stdin_closes: _ } = config;
    let (me, keys) = (Arc::new(me), Arc::<Keys>::default());
    let over = Stop::new();
    let listeners = match listen {
        Listening::Everywhere(port) => bind_each(&[], port)?,
        Listening::On(each) => {
            let each = each.into_iter().map(|Listen { ip, ports }| bind_first(ip, ports));
            each.collect::<Result<Vec<_>, _>>()?
        }
    };
    let local = |listener: &TcpListener| {
        listener.local_addr().map_err(|source| AgentError::Setup { what: "a listening socket", source })
    };
    let listening = listeners.iter().map(local).collect::<Result<Vec<SocketAddr>, _>>()?;
    info!(agent = %me, ?listening, "agent is ready");
    let answerer = Answerer { me: Arc::clone(&me), keys: Arc::clone(&keys) };
    let answering: Vec<_> = listeners
        .into_iter()
        .map(|listener| {
            async_std::task::spawn(serve(listener, answer::app(answerer.clone()), limits(), over.clone()))
        })
        .collect();
    let desk = Desk::new(Client::new(desk_ca.map(Trust::new)), &desk, token)?;
    // Those who answer stop after the session: while its rounds go on, others probe this agent.
    Session::new(desk, me, keys, listening).run(stop, finish_within).await;
    over.stop();
    for task in answering {
        task.await?;
    }
    Ok(())
}

/// The answering side alone, for `hack/bench.sh`: answers probes of a round with this key, for ever.
///
/// # Errors
/// When the address cannot be listened on.
#[cfg(feature = "bench")]
pub async fn answer_for_ever(listen: SocketAddr, key: &netreach_wire::EchoKey) -> Result<(), AgentError> {
    use netreach_wire::{AgentId, RoundId};

    let keys = Arc::<Keys>::default();
    keys.add(&RoundId { uid: "bench".to_owned(), number: 1 }, key);
    let me = AgentId { node: "worker-2".to_owned(), pod: "netreach-agent-x7k2p".to_owned() };
    let listener = bind_first(listen.ip(), listen.port()..=listen.port())?;
    let app = answer::app(Answerer { me: Arc::new(me), keys });
    Ok(serve(listener, app, limits(), Stop::new()).await?)
}

/// Logs to standard error: warnings, with `verbose` 1 what happens, with 2 every step.
pub fn log_to_stderr(verbose: u8) {
    let level = match verbose {
        0 => tracing::Level::WARN,
        1 => tracing::Level::INFO,
        _ => tracing::Level::DEBUG,
    };
    let colours =
        std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let log = tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).with_ansi(colours);
    // Set already when the program that holds the agent logs itself.
    let _ = log.try_init();
}

/// Whole microseconds: what the wire and the tallies count in.
fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn limits() -> Limits {
    Limits { body_bytes_max: PROBE_BODY_BYTES_MAX, drain_ms: 1_000, ..Limits::default() }
}

/// Lifts the soft limit on open files to the hard one: every probe in flight is an open file, and the soft limit is often 1,024.
pub fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    // Refused only where the limits forbid it; then probes beyond them are counted as local-resource.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

/// A thread that sleeps in read(2): no event loop can watch every kind of standard input.
fn stop_with_stdin(stop: &Stop) -> Result<(), AgentError> {
    let stop = stop.clone();
    let wait = move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        stop.stop();
    };
    let spawned = std::thread::Builder::new().name("stdin".to_owned()).stack_size(64 << 10).spawn(wait);
    spawned.map(drop).map_err(|source| AgentError::Setup { what: "a thread", source })
}

#[cfg(test)]
mod loopback_tests;
