//! A real desk on a real socket with its composer's side in the test's hands, and agents that talk to it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread::JoinHandle as Thread;
use std::time::{Duration, Instant};

use async_channel::{Receiver, Sender, unbounded};
use async_std::future::timeout;
use async_std::task::{JoinHandle, block_on, spawn};
use async_trait::async_trait;
use clap::Parser;
use futures_lite::AsyncReadExt;
use netreach_agent::{AgentError, Args, Config};
use netreach_dispatch::limits::server_limits;
use netreach_dispatch::{Desk, DeskEvent, SystemClock, Tokens};
use netreach_report::Submitted;
use netreach_serve::{ServeError, Stop, bind, run};
use netreach_wire::{AgentId, Poll, PollReply, Receipt, RoundId};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Far longer than anything here takes on a busy machine: whatever waits so long waits for ever.
const PATIENCE: Duration = Duration::from_secs(60);

/// A desk that is served.
pub(crate) struct OpenDesk {
    pub(crate) desk: Desk,
    pub(crate) port: u16,
    events: Receiver<DeskEvent>,
    said: Receiver<Said>,
    stop: Stop,
    serving: JoinHandle<Result<(), ServeError>>,
}

/// A whole agent on a thread of its own.
pub(crate) struct Runner {
    stop: Stop,
    thread: Thread<Result<(), AgentError>>,
}

/// Shows every poll to the test before the desk gets it, and the answer before the agent does.
struct Tap(Sender<Said>);

enum Said {
    Poll(Poll),
    Reply(PollReply),
}

pub(crate) fn agent(name: &str) -> AgentId {
    AgentId { node: format!("node-{name}"), pod: format!("agent-{name}") }
}

impl OpenDesk {
    /// Opens a desk at the port (0 takes any) that knows these agents by their tokens.
    pub(crate) fn at(port: u16, agents: &[&str]) -> Self {
        Self::made(port, agents, Desk::new)
    }

    /// The same, in the place of an earlier one.
    pub(crate) fn catching_up_at(port: u16, agents: &[&str]) -> Self {
        Self::made(port, agents, Desk::catching_up)
    }

    fn made(
        port: u16,
        agents: &[&str],
        make: impl FnOnce(Tokens, SystemClock) -> (Desk, Receiver<DeskEvent>),
    ) -> Self {
        let mut tokens = Tokens::default();
        agents.iter().for_each(|name| tokens.give(token(name), agent(name)));
        let (desk, events) = make(tokens, SystemClock);
        let (tap, said) = unbounded();
        let mut app = desk.app();
        app.with(Tap(tap));
        let (listener, stop) = (bind(SocketAddr::from(([127, 0, 0, 1], port))).unwrap(), Stop::new());
        let port = listener.local_addr().unwrap().port();
        let serving = spawn(run(listener, app, server_limits(), stop.clone()));
        Self { desk, port, events, said, stop, serving }
    }

    /// Where the agent answers probes, once it has come.
    pub(crate) fn hear_of(&self, name: &str) -> SocketAddr {
        loop {
            if let DeskEvent::Present { agent: who, listening, .. } = self.next_event()
                && who == agent(name)
            {
                return listening[0];
            }
        }
    }

    /// The next result that is handed in; it is kept, and its agent gets the receipt.
    pub(crate) fn next_result(&self) -> Submitted {
        loop {
            if let DeskEvent::Submitted { agent, receipt, result, keeping, .. } = self.next_event() {
                keeping.confirm();
                return Submitted { agent, result: *result, late: receipt == Receipt::Late };
            }
        }
    }

    /// Waits for a poll that says so.
    pub(crate) fn await_poll(&self, is_it: impl Fn(&Poll) -> bool) {
        self.listen(|said| matches!(said, Said::Poll(poll) if is_it(poll)));
    }

    /// Waits until an agent is told that it may forget its result, and the agent's next poll that shows it has.
    pub(crate) fn await_forgotten(&self, round: &RoundId) {
        self.listen(|said| matches!(said, Said::Reply(reply) if reply.closed == [round.clone()]));
        self.await_poll(|poll| poll.held.is_empty());
    }

    /// Waits until an agent is told to end its round.
    pub(crate) fn await_cancel(&self, round: &RoundId) {
        self.listen(|said| matches!(said, Said::Reply(reply) if reply.cancel == [round.clone()]));
    }

    fn listen(&self, is_it: impl Fn(&Said) -> bool) {
        let said = async { while !is_it(&self.said.recv().await.unwrap()) {} };
        block_on(timeout(PATIENCE, said)).expect("nobody says so");
    }

    /// Goes away: its port is free when this returns, and what was not kept is not kept.
    pub(crate) fn leave(self) {
        let Self { desk, events, stop, serving, .. } = self;
        drop(events);
        desk.end();
        stop.stop();
        block_on(serving).unwrap();
    }

    fn next_event(&self) -> DeskEvent {
        block_on(timeout(PATIENCE, self.events.recv())).expect("nothing happens").unwrap()
    }
}

impl Runner {
    pub(crate) fn start(name: &str, desk_port: u16) -> Self {
        Self::start_with(name, desk_port, &[])
    }

    pub(crate) fn start_with(name: &str, desk_port: u16, more: &[&str]) -> Self {
        let AgentId { node, pod } = agent(name);
        let (desk, token) = (format!("http://127.0.0.1:{desk_port}"), token(name));
        let words = ["netreach-agent", "--desk", &desk, "--token", &token, "--node", &node, "--pod", &pod];
        let listen = ["--listen", "127.0.0.1:0"];
        let args = Args::parse_from(words.iter().chain(&listen).chain(more));
        let (config, stop) = (Config::try_from(args).unwrap(), Stop::new());
        let stopped = stop.clone();
        let agent = async move { netreach_agent::run_until(config, &stopped).await };
        Self { stop, thread: std::thread::spawn(|| block_on(agent)) }
    }

    /// Tells it to end, and lets it.
    pub(crate) fn tell_to_end(&self) {
        self.stop.stop();
    }

    pub(crate) fn end(self) {
        self.stop.stop();
        self.thread.join().unwrap().unwrap();
    }
}

/// One request of an agent that is no more than a token.
pub(crate) fn post<T: DeserializeOwned>(port: u16, path: &str, name: &str, words: &impl Serialize) -> T {
    let body = serde_json::to_vec(words).unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: desk\r\nauthorization: Bearer {}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        token(name),
        body.len()
    );
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(&[head.as_bytes(), &body].concat()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// Takes connections in the desk's place and cuts them; whether one of them tried to hand in a result.
pub(crate) fn cut_all_until(port: u16, end: Instant) -> bool {
    let listener = bind(SocketAddr::from(([127, 0, 0, 1], port))).unwrap();
    let mut has_tried = false;
    let cutting = async {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut begin = [0; 16];
            has_tried |= stream.read_exact(&mut begin).await.is_ok() && begin == *b"POST /v1/results";
        }
    };
    let end = end.saturating_duration_since(Instant::now());
    assert!(block_on(timeout(end, cutting)).is_err());
    has_tried
}

fn token(name: &str) -> String {
    format!("token-of-{name}")
}

#[async_trait]
impl<S: Clone + Send + Sync + 'static> tide::Middleware<S> for Tap {
    async fn handle(&self, mut request: tide::Request<S>, next: tide::Next<'_, S>) -> tide::Result {
        let body = request.body_bytes().await?;
        // The test may have heard enough.
        if let Ok(poll) = serde_json::from_slice(&body) {
            let _ = self.0.send(Said::Poll(poll)).await;
        }
        request.set_body(body);
        let mut response = next.run(request).await;
        let body = response.take_body().into_bytes().await?;
        if let Ok(reply) = serde_json::from_slice(&body) {
            let _ = self.0.send(Said::Reply(reply)).await;
        }
        response.set_body(body);
        Ok(response)
    }
}
