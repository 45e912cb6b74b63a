//! The app without a socket. Whose certificate a caller shows is told by a header here.

mod follow;
mod rounds;
mod single;
mod some;
mod there;
mod watching;
mod who;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_lite::AsyncReadExt;
use futures_lite::future::{block_on, poll_once};
use futures_lite::stream;
use serde_json::{Value, json};
use tide::Server;
use tide::http::{Method, Request, Response};

use crate::app::app_seeing;
use crate::clock::tests::Told;
use crate::head::tests::head;
use crate::identity::Vouched;
use crate::tell::rounds::tests::summary;
use crate::{
    Access, Authorizer, Caller, Contents, Filter, FrontProxy, Head, Log, Reports, Round, RoundSummary,
    Ruling, State, Trouble, Verb, Which,
};

const REPORTS: &str = "/apis/system.kdoctor.io/v1beta1/kdoctorreports";
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
const METADATA: &str = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
const METADATA_LIST: &str = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
const JSON: &str = "application/json";

/// Rounds as somebody keeps them, by uid and number. Clones are the same. A report that is called `broken` cannot be opened, one
/// that is called `torn` cannot be read to its end.
#[derive(Clone, Default)]
struct Shelf(Arc<Kept>);

#[derive(Default)]
struct Kept {
    rounds: Mutex<BTreeMap<(String, u64), String>>,
    filling: usize,
    opened: AtomicUsize,
    asked: Mutex<Vec<Filter>>,
}

impl Shelf {
    /// Whose documents have so many bytes more.
    fn filled(filling: usize) -> Self {
        Self(Arc::new(Kept { filling, ..Kept::default() }))
    }

    fn keep(&self, head: &Head) {
        let key = (head.uid.clone(), head.round);
        self.0.rounds.lock().unwrap().insert(key, head.name.clone());
    }

    fn forget(&self, uid: &str, is_kept: impl Fn(u64) -> bool) {
        self.0.rounds.lock().unwrap().retain(|(of, round), _| of != uid || is_kept(*round));
    }

    fn opened(&self) -> usize {
        self.0.opened.load(Ordering::Relaxed)
    }

    /// The round of this uid, or else the next that is kept.
    fn find(&self, uid: &str, round: u64) -> Option<u64> {
        let rounds = self.0.rounds.lock().unwrap();
        let from = (uid.to_owned(), round);
        rounds.range(from..).next().filter(|((of, _), _)| of == uid).map(|((_, number), _)| *number)
    }

    fn contents(&self, name: &str, uid: &str, round: u64) -> Contents {
        let filling = "a".repeat(self.0.filling);
        let spec = json!({"TaskName": name, "Uid": uid, "ReportRoundNumber": round, "Filling": filling});
        let text = json!({"spec": spec}).to_string().into_bytes();
        let mut pieces: Vec<Result<Vec<u8>, Trouble>> =
            text.chunks(10_000).map(|piece| Ok(piece.to_vec())).collect();
        if name == "torn" {
            pieces.push(Err("no disk".into()));
        }
        Contents::new(stream::iter(pieces))
    }
}

#[async_trait]
impl Reports for Shelf {
    async fn open(&self, head: &Head) -> Result<Option<Contents>, Trouble> {
        self.0.opened.fetch_add(1, Ordering::Relaxed);
        if head.name == "broken" {
            return Err("no disk".into());
        }
        let found = self.find(&head.uid, head.round);
        Ok(found.map(|round| self.contents(&head.name, &head.uid, round)))
    }

    async fn rounds(&self, name: &str, uid: Option<&str>) -> Result<Option<Vec<RoundSummary>>, Trouble> {
        let living = format!("uid-of-{name}");
        let uid = uid.unwrap_or(&living);
        let rounds = self.0.rounds.lock().unwrap();
        let of_uid = rounds.iter().filter(|((of, _), named)| of == uid && *named == name);
        let summaries: Vec<_> =
            of_uid.map(|((uid, number), _)| RoundSummary { uid: uid.clone(), ..summary(*number) }).collect();
        Ok(Some(summaries).filter(|summaries| !summaries.is_empty()))
    }

    async fn round(&self, name: &str, which: Which, filter: &Filter) -> Result<Option<Round>, Trouble> {
        self.0.asked.lock().unwrap().push(filter.clone());
        let uid = filter.uid.clone().unwrap_or_else(|| format!("uid-of-{name}"));
        let summaries = self.rounds(name, Some(&uid)).await?.unwrap_or_default();
        let numbers = summaries.iter().map(|summary| summary.number);
        let number = match which {
            Which::Last => numbers.max(),
            Which::Number(number) => numbers.into_iter().find(|other| *other == number),
        };
        Ok(number.map(|number| {
            let contents = self.contents(name, &uid, number);
            Round { uid, created: head(name).created, contents }
        }))
    }
}

/// Alice may do anything, Bob may list, Carol may see what is called `carols`, and of Eve nothing can be told.
struct Known;

#[async_trait]
impl Authorizer for Known {
    async fn rule(&self, caller: &Caller, access: &Access) -> Result<Ruling, Trouble> {
        assert_eq!((access.group, access.version), ("system.kdoctor.io", "v1beta1"));
        assert_eq!(access.resource, "kdoctorreports");
        let is_carols = access.name.as_deref() == Some("carols");
        match (caller.user.as_str(), access.verb) {
            ("alice", _) => Ok(Ruling::Allowed),
            ("bob", Verb::List) if access.subresource.is_none() => Ok(Ruling::Allowed),
            ("carol", _) if is_carols && access.subresource.is_none() => Ok(Ruling::Allowed),
            ("eve", _) => Err("no answer".into()),
            _ => Ok(Ruling::Denied(None)),
        }
    }
}

struct Api {
    app: Server<State>,
    state: State,
    log: Log,
    clock: Told,
    shelf: Shelf,
}

impl Api {
    /// Of reports of these names.
    fn of(names: &[&str]) -> Self {
        Self::filled(names, 0)
    }

    /// Of reports of these names, each with so many bytes more.
    fn filled(names: &[&str], filling: usize) -> Self {
        let api = Self::over(Log::new(7), Shelf::filled(filling));
        for name in names {
            api.put(head(name));
        }
        api.log.begin();
        api
    }

    fn over(log: Log, shelf: Shelf) -> Self {
        let clock = Told::new();
        let state = State::with_clock(log.clone(), shelf.clone(), Known, clock.clone());
        state.set_front_proxy(FrontProxy {
            allowed_names: vec!["front-proxy".to_owned()],
            username_headers: vec!["X-Remote-User".to_owned()],
            group_headers: vec!["X-Remote-Group".to_owned()],
            ..FrontProxy::default()
        });
        let app = app_seeing(state.clone(), |request| {
            let common_name = request.header("certificate").map(|name| name.as_str());
            common_name.is_some().then_some(Vouched { common_name })
        });
        Self { app, state, log, clock, shelf }
    }

    fn put(&self, head: Head) -> u64 {
        self.shelf.keep(&head);
        self.log.put(head)
    }

    fn put_round(&self, name: &str, round: u64) -> u64 {
        self.put(Head { round, ..head(name) })
    }

    fn remove(&self, name: &str) {
        self.shelf.forget(&format!("uid-of-{name}"), |_| false);
        self.log.remove(name);
    }

    fn respond(&self, request: Request) -> Response {
        block_on(self.app.respond(request)).unwrap()
    }

    fn ask(&self, request: Request) -> (u16, Value, Response) {
        let mut response = self.respond(request);
        let body = block_on(response.body_bytes()).unwrap();
        let value = serde_json::from_slice(&body)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&body).into_owned()));
        (response.status().into(), value, response)
    }

    /// As Alice.
    fn get(&self, path: &str, accept: &str) -> (u16, Value) {
        let (code, value, _) = self.ask(accepting(accept, path));
        (code, value)
    }

    /// As Alice; the query without its question mark.
    fn watch(&self, query: &str, accept: &str) -> Stream {
        let mut response = self.respond(accepting(accept, &format!("{REPORTS}?watch=true&{query}")));
        assert_eq!(response.status(), 200, "{query}: {:?}", block_on(response.body_string()));
        Stream { response, read: Vec::new(), end: None }
    }
}

/// A watch as its watcher sees it.
struct Stream {
    response: Response,
    read: Vec<u8>,
    end: Option<std::io::Result<()>>,
}

impl Stream {
    /// All events that are there by now.
    fn events(&mut self) -> Vec<Value> {
        let mut buffer = [0; 4_096];
        while self.end.is_none() {
            match block_on(poll_once(self.response.read(&mut buffer))) {
                None => break,
                Some(Ok(0)) => self.end = Some(Ok(())),
                Some(Ok(count)) => self.read.extend_from_slice(&buffer[..count]),
                Some(Err(error)) => self.end = Some(Err(error)),
            }
        }
        let whole = self.read.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let lines: Vec<u8> = self.read.drain(..whole).collect();
        let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
    }

    /// `TYPE name` of each of them, of tables those of their rows.
    fn told(&mut self) -> Vec<String> {
        let name = |event: &Value| {
            let object = &event["object"];
            let cell = object["rows"][0]["cells"][0].as_str();
            let named = cell.or(object["metadata"]["name"].as_str()).or(object["reason"].as_str());
            let told = format!("{} {}", event["type"].as_str().unwrap(), named.unwrap_or_default());
            told.trim_end().to_owned()
        };
        self.events().iter().map(name).collect()
    }

    /// Whether it has ended as it should.
    fn is_over(&mut self) -> bool {
        self.events();
        matches!(self.end, Some(Ok(()))) && self.read.is_empty()
    }
}

fn bare(path: &str) -> Request {
    Request::new(Method::Get, format!("http://localhost{path}").as_str())
}

fn by(user: &str, path: &str) -> Request {
    let mut request = bare(path);
    request.insert_header("certificate", "front-proxy");
    request.insert_header("x-remote-user", user);
    request
}

/// By Alice.
fn accepting(accept: &str, path: &str) -> Request {
    let mut request = by("alice", path);
    request.insert_header("accept", accept);
    request
}

fn names(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().unwrap().iter();
    items.map(|item| item["metadata"]["name"].as_str().unwrap()).collect()
}
