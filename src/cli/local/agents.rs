//! The agents of a local run: child processes of this very program, one loopback address each.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use async_channel::{Receiver, Sender};
use async_io::Timer;
use async_process::{Child, ChildStderr, ChildStdin, Command};
use async_std::task::JoinHandle;
use futures_lite::io::BufReader;
use futures_lite::{AsyncBufReadExt, FutureExt, StreamExt};
use netreach_serve::Stop;
use netreach_wire::AgentId;

use crate::ending::{Trouble, tell};

/// First argument of a child: be an agent.
pub(crate) const AGENT_WORD: &str = "agent";
/// How long an agent that was asked to end may take before it is killed.
const END_WITHIN: Duration = Duration::from_secs(1);
/// Longest line of an agent's log that is kept as its last words, bytes.
const WORDS_BYTES_MAX: usize = 500;

/// What the children need to know.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    /// The desk's URL.
    pub(crate) desk: String,
    /// Whether they answer on ::1 too.
    pub(crate) ipv6: bool,
    /// Whether they answer on 127.0.0.x.
    pub(crate) ipv4: bool,
    /// Ports they may take; none for the system's choice.
    pub(crate) ports: Option<RangeInclusive<u16>>,
    /// How much they log.
    pub(crate) verbose: u8,
}

/// An agent's process is over.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    pub(crate) agent: AgentId,
    /// E.g. `process ended by signal 9`.
    pub(crate) how: String,
    /// The last line it logged, if any.
    pub(crate) words: Option<String>,
}

/// Running agents. They end when this is dropped: their standard input closes.
#[derive(Debug)]
pub(crate) struct Agents {
    pub(crate) ended: Receiver<Ended>,
    inputs: Vec<ChildStdin>,
    watches: Vec<JoinHandle<()>>,
    kill: Stop,
}

/// The agents of a run of so many, and who they are.
pub(crate) fn identities(count: u8) -> Vec<AgentId> {
    let identity =
        |number| AgentId { node: format!("local-{number}"), pod: format!("netreach-agent-{number}") };
    (1..=count).map(identity).collect()
}

impl Agents {
    /// Starts one process for each; `tokens` are what they show to the desk.
    pub(crate) fn start(setup: &Setup, agents: &[(AgentId, String)]) -> Result<Self, Trouble> {
        let (sender, ended) = async_channel::unbounded();
        let mut all = Self { ended, inputs: Vec::new(), watches: Vec::new(), kill: Stop::new() };
        for (number, (agent, token)) in (1..).zip(agents) {
            let failed = |source| Trouble::System { attempt: "start an agent", source };
            let mut child = command(setup, agent, token, number).map_err(failed)?.spawn().map_err(failed)?;
            all.inputs.extend(child.stdin.take());
            let watch = watch(child, agent.clone(), setup.verbose > 0, all.kill.clone(), sender.clone());
            all.watches.push(async_std::task::spawn(watch));
        }
        Ok(all)
    }

    /// Asks all to end, and kills those that do not.
    pub(crate) async fn end(self) {
        let Self { ended: _, inputs, watches, kill } = self;
        drop(inputs);
        let all = async {
            for watch in watches {
                watch.await;
            }
        };
        let too_long = async {
            Timer::after(END_WITHIN).await;
            kill.stop();
            std::future::pending().await
        };
        all.or(too_long).await;
    }
}

fn command(setup: &Setup, agent: &AgentId, token: &str, number: u8) -> std::io::Result<Command> {
    let Setup { desk, ipv6, ipv4, ports, verbose } = setup;
    let mut command = std::process::Command::new(std::env::current_exe()?);
    command.arg(AGENT_WORD).args([
        "--desk",
        desk,
        "--node",
        &agent.node,
        "--pod",
        &agent.pod,
        "--until-stdin-closes",
    ]);
    let ports = ports.as_ref().map_or("0".to_owned(), |ports| format!("{}-{}", ports.start(), ports.end()));
    let four = ipv4.then_some(IpAddr::from(Ipv4Addr::new(127, 0, 0, number)));
    let six = ipv6.then_some(IpAddr::from(Ipv6Addr::LOCALHOST));
    for ip in four.into_iter().chain(six) {
        let host = if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() };
        command.arg("--listen").arg(format!("{host}:{ports}"));
    }
    command.args(std::iter::repeat_n(OsString::from("-v"), usize::from(*verbose)));
    // One thread answers probes; load has its own. More would only be idle.
    command.env("NETREACH_TOKEN", token).env("ASYNC_STD_THREAD_COUNT", "1");
    // A group of their own: Ctrl-C at the terminal is for us, who then ask them for what they have.
    command.process_group(0);
    // Only now: the conversion does not take over what the streams were set to.
    let mut command = Command::from(command);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    Ok(command)
}

async fn watch(mut child: Child, agent: AgentId, forward: bool, kill: Stop, ended: Sender<Ended>) {
    let stderr = child.stderr.take();
    let status = child.status();
    let killing = async {
        kill.stopped().await;
        // Refused only when it has ended.
        let _ = child.kill();
        std::future::pending().await
    };
    let ending = async {
        let words = match stderr {
            Some(stderr) => listen(stderr, &agent, forward).await,
            None => None,
        };
        (status.await, words)
    };
    let (status, words) = ending.or(killing).await;
    let how = status.map_or_else(|error| format!("process was lost: {error}"), describe);
    // Nobody listens any more when the run is over.
    let _ = ended.send(Ended { agent, how, words }).await;
}

/// Reads an agent's log to its end; returns the last line.
async fn listen(stderr: ChildStderr, agent: &AgentId, forward: bool) -> Option<String> {
    let mut lines = BufReader::new(stderr).lines();
    let mut last = None;
    while let Some(Ok(mut line)) = lines.next().await {
        if forward {
            tell(&format!("{}: {line}", agent.pod));
        }
        line.truncate(line.floor_char_boundary(WORDS_BYTES_MAX));
        last = Some(line);
    }
    last
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("process ended with exit code {code}"),
        (None, Some(signal)) => format!("process ended by signal {signal}"),
        (None, None) => "process ended".to_owned(),
    }
}
