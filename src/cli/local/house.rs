//! Desk and agents of a local run, and everything that can happen to them as one stream of events.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use async_channel::Receiver;
use async_io::Timer;
use async_std::task::JoinHandle;
use futures_lite::FutureExt;
use netreach_api::CheckedSpec;
use netreach_dispatch::limits::server_limits;
use netreach_dispatch::{Desk, DeskEvent, SystemClock, Tokens};
use netreach_plan::{AgentPod, Inventory, Place};
use netreach_serve::{Limits, ServeError, Stop, bind_first, run as serve};
use netreach_wire::AgentId;

use super::agents::{self, Agents, Ended, Setup};
use crate::args::RunArgs;
use crate::ending::Trouble;
use crate::interrupt::heed_signals;

/// How long the agents may take to find the desk.
const READY_WITHIN: Duration = Duration::from_secs(15);
/// How long interrupted agents may take to hand in what they have.
pub(crate) const PARTIAL_WITHIN: Duration = Duration::from_millis(800);
/// How long the desk's last answers may take, milliseconds: the agents are gone by then.
const DRAIN_MS: u64 = 500;

/// Something happened.
pub(crate) enum Event {
    Desk(DeskEvent),
    Ended(Ended),
    /// The user wants it to end.
    Interrupted,
    /// The awaited instant is here.
    Due,
}

/// The desk, the agents, and who of them is there.
pub(crate) struct House {
    pub(crate) desk: Desk,
    events: Receiver<DeskEvent>,
    agents: Agents,
    serving: JoinHandle<Result<(), ServeError>>,
    stop: Stop,
    interrupted: Stop,
    /// Where each agent answers, or did.
    pub(crate) present: BTreeMap<AgentId, Vec<SocketAddr>>,
    /// Agents whose process is over, and how it ended.
    pub(crate) gone: BTreeMap<AgentId, String>,
    /// What is to be added to an agent's clock to get ours, microseconds.
    pub(crate) clock_offsets_us: BTreeMap<AgentId, i64>,
}

impl House {
    /// Opens the desk, starts the agents and waits until all have come.
    pub(crate) async fn open(args: &RunArgs, spec: &CheckedSpec, verbose: u8) -> Result<Self, Trouble> {
        let interrupted = heed_signals()?;
        let listener = bind_first(Ipv4Addr::LOCALHOST.into(), args.ports.clone().unwrap_or(0..=0))?;
        let address =
            listener.local_addr().map_err(|source| Trouble::System { attempt: "open the desk", source })?;
        let identities = agents::identities(args.agents);
        let mut tokens = Tokens::default();
        let mut agents = Vec::new();
        for agent in identities {
            let token: String = random::<16>().iter().map(|byte| format!("{byte:02x}")).collect();
            tokens.give(token.clone(), agent.clone());
            agents.push((agent, token));
        }
        let (desk, events) = Desk::new(tokens, SystemClock);
        let stop = Stop::new();
        let limits = Limits { drain_ms: DRAIN_MS, ..server_limits() };
        let serving = async_std::task::spawn(serve(listener, desk.app(), limits, stop.clone()));
        let (ipv4, ipv6) = (spec.target().ipv4, spec.target().ipv6);
        let setup =
            Setup { desk: format!("http://{address}"), ipv4, ipv6, ports: args.ports.clone(), verbose };
        let mut house = Self {
            desk,
            events,
            agents: Agents::start(&setup, &agents)?,
            serving,
            stop,
            interrupted,
            present: BTreeMap::new(),
            gone: BTreeMap::new(),
            clock_offsets_us: BTreeMap::new(),
        };
        house.await_agents(agents.len()).await?;
        Ok(house)
    }

    async fn await_agents(&mut self, wanted: usize) -> Result<(), Trouble> {
        let deadline = Instant::now() + READY_WITHIN;
        while self.present.len() < wanted {
            let interrupted = async {
                self.interrupted.stopped().await;
                Some(Event::Interrupted)
            };
            match interrupted.or(self.next_before(deadline)).await {
                Some(Event::Desk(DeskEvent::Present { agent, listening, clock_offset_us })) => {
                    self.greet(agent, listening, clock_offset_us);
                }
                Some(Event::Ended(Ended { agent, how, words })) => {
                    let words = words.unwrap_or(how);
                    // The child names itself at the front of its line, as every program does.
                    let words = words.strip_prefix("netreach: ").unwrap_or(&words).to_owned();
                    return Err(Trouble::AgentEnded { pod: agent.pod, words });
                }
                Some(Event::Interrupted) => return Err(Trouble::Interrupted),
                Some(Event::Desk(_) | Event::Due) => {}
                None => {
                    let (present, seconds) = (self.present.len(), READY_WITHIN.as_secs());
                    return Err(Trouble::NotReady { present, wanted, seconds });
                }
            }
        }
        Ok(())
    }

    /// The next event, or [`Event::Due`] after `wait`.
    pub(crate) async fn next(&self, wait: Duration) -> Event {
        let due = async {
            Timer::after(wait).await;
            Event::Due
        };
        let interrupted = async {
            self.interrupted.stopped().await;
            Event::Interrupted
        };
        interrupted.or(self.news()).or(due).await
    }

    /// What desk or agents say next, if it comes before the deadline: also after an interrupt.
    pub(crate) async fn next_before(&self, deadline: Instant) -> Option<Event> {
        let event = async { Some(self.news().await) };
        let too_late = async {
            Timer::at(deadline).await;
            None
        };
        event.or(too_late).await
    }

    fn news(&self) -> impl Future<Output = Event> + '_ {
        let desk = async {
            match self.events.recv().await {
                Ok(event) => Event::Desk(event),
                // Our own desk lives as long as we do.
                Err(_) => std::future::pending().await,
            }
        };
        let ended = async {
            match self.agents.ended.recv().await {
                Ok(ended) => Event::Ended(ended),
                // Every process is over and was told of.
                Err(_) => std::future::pending().await,
            }
        };
        // What an agent handed in before it ended comes first.
        desk.or(ended)
    }

    pub(crate) fn greet(&mut self, agent: AgentId, listening: Vec<SocketAddr>, clock_offset_us: i64) {
        self.clock_offsets_us.insert(agent.clone(), clock_offset_us);
        self.present.insert(agent, listening);
    }

    /// Its process is over. It stays expected, and its addresses stay targets, as a pod's do that has died.
    pub(crate) fn forget(&mut self, ended: Ended) {
        self.gone.insert(ended.agent, ended.how);
    }

    pub(crate) fn nobody_left(&self) -> bool {
        self.present.keys().all(|agent| self.gone.contains_key(agent))
    }

    /// What can be probed here.
    pub(crate) fn inventory(&self) -> Inventory {
        let pod = |(id, addresses): (&AgentId, &Vec<SocketAddr>)| AgentPod {
            id: id.clone(),
            addresses: addresses.clone(),
            nics: Vec::new(),
            nic_port: 0,
        };
        Inventory { agents: self.present.iter().map(pod).collect(), ..Inventory::empty(Place::Local) }
    }

    /// Sends everybody home.
    pub(crate) async fn end(self) {
        let Self { desk, events, agents, serving, stop, .. } = self;
        agents.end().await;
        desk.end();
        // Results nobody will take any more are refused at once.
        drop(events);
        stop.stop();
        if let Err(error) = serving.await {
            tracing::warn!(%error, "the desk did not end well");
        }
    }
}

/// Bytes that nobody can guess.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("every Linux since 3.17 gives random bytes");
    bytes
}
