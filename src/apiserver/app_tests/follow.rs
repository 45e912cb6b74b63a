//! Watchers that follow the protocol end with what the server has, whatever happens between.
//!
//! Each seed is one history: reports come, change and go, heads are pruned, connections break, servers are replaced by ones of
//! higher epochs, time passes; and watchers list, watch, go on from where they have been, or begin anew as they are told to.

use std::collections::BTreeMap;

use fastrand::Rng;

use super::*;
use crate::limits::BOOKMARK_EVERY;
use crate::log::tests::narrow;

const SEEDS: u64 = 300;
const STEPS: usize = 120;
/// So few changes are kept that watchers miss some all the time.
const KEPT: usize = 12;

/// What a watcher knows: by name the uid and what has been reported last.
type Known = BTreeMap<String, (String, u64)>;

struct Watcher {
    accept: &'static str,
    list_accept: &'static str,
    selector: &'static str,
    /// Whether it begins with a list, or with a watch that tells everything.
    lists: bool,
    bookmarks: bool,
    known: Known,
    /// What it hears before everything has been told.
    initial: Option<Known>,
    version: Option<String>,
    stream: Option<Stream>,
}

impl Watcher {
    fn new(rng: &mut Rng) -> Self {
        let (accept, list_accept) =
            *rng.choice(&[(JSON, JSON), (METADATA, METADATA_LIST), (TABLE, TABLE)]).unwrap();
        let selector =
            *rng.choice(&["", "", "labelSelector=even", "fieldSelector=spec.Status%3DFinished"]).unwrap();
        let (lists, bookmarks) = (rng.bool(), rng.bool());
        // Who begins with a watch must hear where the beginning ends.
        let bookmarks = bookmarks || !lists;
        Self {
            accept,
            list_accept,
            selector,
            lists,
            bookmarks,
            known: Known::new(),
            initial: None,
            version: None,
            stream: None,
        }
    }

    /// Goes on: connects where it is not connected, and hears what there is, or a part of it.
    fn go_on(&mut self, api: &Api, rng: &mut Rng, is_patient: bool) {
        if self.stream.is_none() && !self.connect(api, rng) {
            return;
        }
        let Some(stream) = &mut self.stream else { return };
        let mut events = stream.events();
        let is_over = stream.end.is_some();
        if !is_patient && rng.u8(..3) == 0 {
            // The connection breaks: what was on its way is lost.
            events.truncate(rng.usize(..=events.len()));
            self.stream = None;
        }
        for event in events {
            self.hear(&event);
        }
        if is_over {
            self.stream = None;
        }
        if self.stream.is_none() && self.initial.take().is_some() {
            self.version = None;
        }
    }

    /// Whether it is connected now.
    fn connect(&mut self, api: &Api, rng: &mut Rng) -> bool {
        let bookmarks = if self.bookmarks { "&allowWatchBookmarks=true" } else { "" };
        let selector = self.selector;
        let query = match &self.version {
            Some(version) => format!("{selector}{bookmarks}&resourceVersion={version}"),
            None if self.lists => {
                self.list(api, rng);
                return false;
            }
            None => {
                self.initial = Some(Known::new());
                format!("{selector}{bookmarks}&sendInitialEvents=true&resourceVersionMatch=NotOlderThan")
            }
        };
        self.stream = Some(api.watch(&query, self.accept));
        true
    }

    /// Lists in pages, perhaps with changes in between: the pages make one list.
    fn list(&mut self, api: &Api, rng: &mut Rng) {
        let mut known = Known::new();
        let mut token = String::new();
        loop {
            let limit = rng.usize(1..4);
            let query = format!("{}&limit={limit}&continue={token}", self.selector);
            let (code, list) = api.get(&format!("{REPORTS}?{query}"), self.list_accept);
            if code == 410 {
                return;
            }
            assert_eq!(code, 200, "{query}: {list}");
            let items = if self.accept == TABLE { &list["rows"] } else { &list["items"] };
            for item in items.as_array().unwrap() {
                let (name, told) = read(item);
                known.insert(name, told);
            }
            match list["metadata"]["continue"].as_str() {
                Some(next) => token = next.to_owned(),
                None => {
                    self.version = list["metadata"]["resourceVersion"].as_str().map(str::to_owned);
                    self.known = known;
                    return;
                }
            }
            if rng.u8(..4) == 0 {
                change(api, rng);
            }
        }
    }

    fn hear(&mut self, event: &Value) {
        let object = &event["object"];
        let item = if self.accept == TABLE { &object["rows"][0] } else { object };
        let kind = event["type"].as_str().unwrap();
        let known = self.initial.as_mut().unwrap_or(&mut self.known);
        match kind {
            "ADDED" | "MODIFIED" => {
                let (name, told) = read(item);
                known.insert(name, told);
            }
            "DELETED" => {
                assert!(self.initial.is_none(), "nothing goes while everything is being told");
                let (name, (uid, _)) = read(item);
                if self.known.get(&name).is_some_and(|(known, _)| *known == uid) {
                    self.known.remove(&name);
                }
            }
            "BOOKMARK" => {
                let metadata =
                    if self.accept == TABLE { &item["object"]["metadata"] } else { &item["metadata"] };
                let is_end = metadata["annotations"]["k8s.io/initial-events-end"] == "true";
                assert_eq!(is_end, self.initial.is_some(), "{event}");
                if let Some(initial) = self.initial.take() {
                    self.known = initial;
                }
            }
            _ => {
                assert_eq!((kind, &object["code"]), ("ERROR", &json!(410)), "{event}");
                (self.version, self.initial) = (None, None);
                return;
            }
        }
        if self.initial.is_none() {
            let version = object["metadata"]["resourceVersion"].as_str().unwrap();
            let was = self.version.as_ref().map_or(0, |was| was.parse::<u64>().unwrap());
            assert!(version.parse::<u64>().unwrap() >= was, "{event} after {was}");
            self.version = Some(version.to_owned());
        }
    }
}

/// Name, uid and round of an object or a row.
fn read(item: &Value) -> (String, (String, u64)) {
    let is_row = item["cells"].is_array();
    let metadata = if is_row { &item["object"]["metadata"] } else { &item["metadata"] };
    let text = |field: &str| metadata[field].as_str().unwrap_or_else(|| panic!("{item}")).to_owned();
    let round = match &item["spec"]["ReportRoundNumber"] {
        Value::Number(round) => round.as_u64().unwrap(),
        // Metadata alone say it by a label.
        _ => metadata["labels"]["round"].as_str().unwrap().parse().unwrap(),
    };
    (text("name"), (text("uid"), round))
}

fn change(api: &Api, rng: &mut Rng) {
    let name = format!("n{}", rng.u8(..6));
    let present = api.log.get(&name);
    let (kept, fresh) = (present.is_some(), rng.u8(..10));
    if kept && fresh < 3 {
        let uid = present.unwrap().head.uid.clone();
        // In either order: the store and the log are not one.
        if rng.bool() {
            api.shelf.forget(&uid, |_| false);
            api.log.remove(&name);
        } else {
            api.log.remove(&name);
            api.shelf.forget(&uid, |_| false);
        }
        return;
    }
    let (uid, round) = match &present {
        Some(shown) if fresh < 9 => (shown.head.uid.clone(), shown.head.round + 1),
        _ => (format!("u{}", rng.u32(..)), 1),
    };
    let mut labels = BTreeMap::from([("round".to_owned(), round.to_string())]);
    if round % 2 == 0 {
        labels.insert("even".to_owned(), String::new());
    }
    api.put(Head { uid: uid.clone(), round, labels, is_finished: round % 3 == 0, ..head(&name) });
    if rng.u8(..4) == 0 {
        api.shelf.forget(&uid, |kept| kept >= round);
    }
}

/// A server in the place of this one, with what it had.
fn restart(api: Api, epoch: &mut u32, rng: &mut Rng) -> Api {
    *epoch += rng.u32(1..3);
    let next = Api::over(narrow(*epoch, KEPT), api.shelf.clone());
    for shown in api.log.now().shown {
        next.log.put(shown.head.clone());
    }
    next.log.begin();
    next
}

/// What a watcher of these should know.
fn expected(api: &Api, selector: &str) -> Known {
    let all = api.log.now().shown;
    let selected = all.iter().map(|shown| &shown.head).filter(|head| match selector {
        "" => true,
        "labelSelector=even" => head.labels.contains_key("even"),
        _ => head.is_finished,
    });
    selected.map(|head| (head.name.clone(), (head.uid.clone(), head.round))).collect()
}

fn run(seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let mut epoch = rng.u32(1..9);
    let mut api = Api::over(narrow(epoch, KEPT), Shelf::default());
    api.log.begin();
    let mut watchers: Vec<Watcher> = (0..6).map(|_| Watcher::new(&mut rng)).collect();
    for _ in 0..STEPS {
        match rng.u8(..20) {
            0 => {
                watchers.iter_mut().for_each(|watcher| {
                    // Streams of the old server end with it, within whatever they were at.
                    watcher.stream = None;
                    if watcher.initial.take().is_some() {
                        watcher.version = None;
                    }
                });
                api = restart(api, &mut epoch, &mut rng);
            }
            1 | 2 => api.clock.go_on(BOOKMARK_EVERY),
            3..=10 => change(&api, &mut rng),
            _ => {
                let at = rng.usize(..watchers.len());
                watchers[at].go_on(&api, &mut rng, false);
            }
        }
    }
    for watcher in &mut watchers {
        // At the most: hear of the end of a window, list, watch.
        for _ in 0..4 {
            watcher.go_on(&api, &mut Rng::with_seed(seed), true);
        }
        let Watcher { known, accept, selector, lists, .. } = watcher;
        assert_eq!(*known, expected(&api, selector), "seed {seed}: {accept} {selector} lists: {lists}");
    }
}

#[test]
fn whoever_follows_ends_with_what_there_is() {
    for seed in 0..SEEDS {
        run(seed);
    }
}
