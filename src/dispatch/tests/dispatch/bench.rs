//! A desk with a clock one can move, agents `a`, `b` and `c` with their tokens, and rounds to lay down.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_channel::Receiver;
use async_std::task::block_on;
use netreach_dispatch::{Clock, Desk, DeskEvent, Tokens};
use netreach_measure::{Digits, Tally};
use netreach_wire::{
    AgentId, AgentResult, Assignment, Connection, EchoKey, Load, Poll, PollReply, Receipt, Refusal, RoundId,
    Target, TargetFamily, TargetResult, Usage, VERSION,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tide::http::{Method, Request, Response, StatusCode, Url};
use tide::{Body, Server};

/// The desk's wall clock at the start, microseconds.
pub(crate) const WALL_US: i64 = 1_000_000_000;

pub(crate) struct Bench {
    pub(crate) desk: Desk,
    pub(crate) events: Receiver<DeskEvent>,
    pub(crate) began: Instant,
    passed: Passed,
    app: Server<Desk>,
}

#[derive(Clone, Default)]
struct Passed(Arc<Mutex<Duration>>);

struct Stopped {
    began: Instant,
    passed: Passed,
}

impl Clock for Stopped {
    fn now(&self) -> Instant {
        self.began + *self.passed.0.lock().unwrap()
    }

    fn wall_us(&self) -> i64 {
        WALL_US + i64::try_from(self.passed.0.lock().unwrap().as_micros()).unwrap()
    }
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(Desk::new)
    }

    /// With a desk in the place of an earlier one.
    pub(crate) fn catching_up() -> Self {
        Self::with(Desk::catching_up)
    }

    fn with(make: impl FnOnce(Tokens, Stopped) -> (Desk, Receiver<DeskEvent>)) -> Self {
        let mut tokens = Tokens::default();
        for name in ["a", "b", "c"] {
            tokens.give(format!("token-{name}"), agent(name));
        }
        let (began, passed) = (Instant::now(), Passed::default());
        let (desk, events) = make(tokens, Stopped { began, passed: passed.clone() });
        let app = desk.app();
        Self { desk, events, began, passed, app }
    }

    pub(crate) fn pass(&self, ms: u64) {
        *self.passed.0.lock().unwrap() += Duration::from_millis(ms);
    }

    /// Lays down a round for these agents that starts after one second and has its deadline three later.
    pub(crate) fn open(&self, number: u64, agents: &[&str]) {
        let second = Duration::from_secs(1);
        let now = self.began + *self.passed.0.lock().unwrap();
        let assignments = agents.iter().map(|name| assignment(number, name)).collect();
        self.desk.open(round(number), now + second, now + 4 * second, assignments).unwrap();
    }

    pub(crate) async fn send(&self, path: &str, token: &str, body: impl Into<Body>) -> Response {
        let mut request = Request::new(Method::Post, Url::parse(&format!("http://desk{path}")).unwrap());
        if !token.is_empty() {
            request.insert_header("authorization", format!("Bearer {token}"));
        }
        request.set_body(body);
        self.app.respond(request).await.unwrap()
    }

    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        path: &str,
        name: &str,
        words: &impl Serialize,
    ) -> Result<T, Refused> {
        let mut response = self.send(path, &format!("token-{name}"), Body::from_json(words).unwrap()).await;
        match response.status() {
            StatusCode::Ok => Ok(response.body_json().await.unwrap()),
            status => Err(Refused(status.into(), response.body_json::<Refusal>().await.unwrap().error)),
        }
    }

    pub(crate) fn poll(&self, name: &str, poll: &Poll) -> PollReply {
        block_on(self.call("/v1/poll", name, poll)).unwrap()
    }

    pub(crate) async fn submit(&self, name: &str, result: &AgentResult) -> Result<Receipt, Refused> {
        self.call("/v1/results", name, result).await
    }

    /// Submits, with a composer that keeps whatever comes.
    pub(crate) fn hand_in(&self, name: &str, result: &AgentResult) -> Result<Receipt, Refused> {
        block_on(async {
            let submitting = self.submit(name, result);
            futures_lite::future::or(submitting, self.keep_all()).await
        })
    }

    /// Hears out an agent, while a composer keeps whatever comes.
    pub(crate) async fn keep_all<T>(&self) -> T {
        loop {
            if let DeskEvent::Submitted { keeping, .. } = self.events.recv().await.unwrap() {
                keeping.confirm();
            }
        }
    }
}

/// A refusal: its status and its sentence.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused(pub(crate) u16, pub(crate) String);

/// Polls a future that must not be ready, lets something happen, and waits for what that made of it.
pub(crate) fn meanwhile<T>(future: impl Future<Output = T>, happens: impl FnOnce()) -> T {
    block_on(async {
        let mut future = std::pin::pin!(future);
        assert!(futures_lite::future::poll_once(&mut future).await.is_none(), "it did not wait");
        happens();
        future.await
    })
}

pub(crate) fn agent(name: &str) -> AgentId {
    AgentId { node: format!("node-{name}"), pod: format!("agent-{name}") }
}

pub(crate) fn round(number: u64) -> RoundId {
    RoundId { uid: "0815".into(), number }
}

pub(crate) fn assignment(number: u64, name: &str) -> Assignment {
    let target = Target {
        name: "AgentPodV4IP_agent-a_127.0.0.1".into(),
        url: "http://127.0.0.1:80".into(),
        address: "127.0.0.1:80".parse().unwrap(),
        family: TargetFamily::PodIp,
        backend: None,
        via: None,
        shift: 0,
    };
    Assignment {
        round: round(number),
        agent: agent(name),
        load: Load { rate_qps: 1, duration_s: 1, timeout_ms: 500, connection: Connection::New },
        targets: vec![target],
        start_in_us: 0,
        deadline_us: 0,
        nonces_from: 0,
        key: EchoKey::new([7; 32]),
    }
}

pub(crate) fn result(number: u64) -> AgentResult {
    AgentResult {
        version: VERSION,
        round: round(number),
        started_at_us: WALL_US,
        elapsed_us: 10,
        interrupted: false,
        trouble: None,
        targets: vec![TargetResult { began_us: 1, ended_us: 2, tally: (&Tally::new(Digits::Three)).into() }],
        usage: Usage::default(),
    }
}

/// A poll that does not wait.
pub(crate) fn asking() -> Poll {
    Poll { version: VERSION, clock_us: WALL_US, ..Poll::default() }
}

/// A poll that waits as long as it may.
pub(crate) fn waiting() -> Poll {
    Poll { wait_ms: u64::MAX, ..asking() }
}
