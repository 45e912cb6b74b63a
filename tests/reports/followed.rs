//! Clients that follow reports over many rounds while their watches are dropped and the manager is replaced.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use netreach_tests::{Running, Service, net_reach};
use serde_json::Value;

use super::farm::Farm;
use super::ground::Ground;
use super::informer::{Held, Informer, by_name, informer};
use super::log::{errors, is_of_dropped_watch};
use super::reflector::Reflector;

const AGENTS: u16 = 2;
/// How often every connection of the followers is cut.
const CUT_EVERY: Duration = Duration::from_secs(5);
/// Rounds that go on at the same time, each of a NetReach of its own.
const AT_ONCE: usize = 10;
/// How often a follower may take in everything anew beside its beginning and the replaced manager: a cut may meet it in the midst of that.
const BEGUN_ANEW_MAX: u64 = 3;
const REPORTS: &str = "/apis/system.kdoctor.io/v1beta1/kdoctorreports";

/// Cuts the connections of these again and again.
struct Cuts {
    over: Sender<()>,
    cutting: JoinHandle<usize>,
}

impl Cuts {
    fn begin(lines: [Arc<Service>; 2]) -> Self {
        let (over, is_over) = channel();
        let cutting = thread::spawn(move || {
            let mut cuts = 0;
            while let Err(RecvTimeoutError::Timeout) = is_over.recv_timeout(CUT_EVERY) {
                lines.iter().for_each(|line| line.cut());
                cuts += 1;
            }
            cuts
        });
        Self { over, cutting }
    }

    /// How many there were.
    fn end(self) -> usize {
        self.over.send(()).unwrap();
        self.cutting.join().unwrap()
    }
}

/// What happens in the cluster while others follow.
struct Course {
    ground: Ground,
    manager: Option<Running>,
    /// The reports that should be there.
    there: BTreeSet<String>,
    /// Those that ever were.
    ever: BTreeSet<String>,
    /// What the API server said of us while we were there, but for watches that were dropped: how many there were of these.
    errors: Vec<String>,
    dropped: usize,
    logged: usize,
}

impl Course {
    /// With a manager whose reports can be had; they can as long as what is given beside it is held.
    fn begin() -> (Self, Farm, Service) {
        let (ground, farm) = Farm::on_ground(AGENTS);
        let manager = Some(ground.manager());
        let api = ground.publish_reports();
        let logged = ground.api_server_log().len();
        let (there, ever) = (BTreeSet::new(), BTreeSet::new());
        (Self { ground, manager, there, ever, errors: Vec::new(), dropped: 0, logged }, farm, api)
    }

    /// So many NetReaches have their round; then one of three gets a label, and another goes.
    fn rounds(&mut self, batch: usize, is_replaced: bool) {
        let names: Vec<_> = (0..AT_ONCE).map(|nth| format!("task-{batch}-{nth}")).collect();
        let specs: Vec<_> = names.iter().map(|name| net_reach(name).json().to_string()).collect();
        let applied = self.ground.kubectl.apply(&specs.join("\n---\n"));
        assert_eq!(applied.code, 0, "{}", applied.err);
        if is_replaced {
            self.replace_manager();
        }
        let all = names.join(" ");
        self.ground.kubectl.ok(&format!("wait --for=condition=Complete --timeout=150s nr {all}"));
        let reports = names.iter().map(|name| format!("netreach-{name}"));
        self.ever.extend(reports.clone());
        self.there.extend(reports);
        self.await_all_finished();
        let one_of_three =
            |rest| names.iter().enumerate().filter(move |(nth, _)| nth % 3 == rest).map(|(_, name)| name);
        let words = |rest| one_of_three(rest).cloned().collect::<Vec<_>>().join(" ");
        self.ground.kubectl.ok(&format!("label netreach {} followed=yes", words(1)));
        if is_replaced {
            // Followers that were sent away may come back later than this would be gone: then they need not know that it ever was.
            return;
        }
        self.ground.kubectl.ok(&format!("delete netreach {}", words(2)));
        for name in one_of_three(2) {
            self.there.remove(&format!("netreach-{name}"));
        }
    }

    /// One more round, and what a new list says then. Its report and that one's version come last: whoever holds them has been told of
    /// everything.
    fn last_round(&mut self) -> (Vec<Value>, String, u64) {
        self.await_all_finished();
        self.ground.apply(&net_reach("last"));
        let name = "netreach-last".to_owned();
        self.ever.insert(name.clone());
        self.there.insert(name.clone());
        let mut list = self.await_all_finished();
        let list: Vec<Value> = list["items"].as_array_mut().unwrap().drain(..).collect();
        let newest = list.iter().max_by_key(|report| version(report)).unwrap();
        assert_eq!(newest["metadata"]["name"], name);
        let version = version(newest);
        (list, name, version)
    }

    /// The reports, once they are those that should be there, and done.
    fn await_all_finished(&self) -> Value {
        let are_done = |list: &Value| {
            let items = list["items"].as_array().unwrap();
            let names: BTreeSet<_> = by_name(items).into_keys().collect();
            names == self.there && items.iter().all(|report| report["spec"]["Status"] == "Finished")
        };
        self.ground.kubectl.await_object("kdoctorreports", are_done)
    }

    /// As a Deployment that recreates its pod: the next one starts when this one has ended.
    fn replace_manager(&mut self) {
        self.note_errors();
        let manager = self.manager.take().unwrap();
        manager.signal("TERM", manager.pid());
        let ended = manager.finish();
        assert_eq!(ended.code, 0, "{}", ended.err);
        self.manager = Some(self.ground.manager());
        self.ground.kubectl.await_ok(&format!("get --raw {REPORTS}"));
        self.ground
            .kubectl
            .ok("wait apiservice v1beta1.system.kdoctor.io --for=condition=Available --timeout=60s");
        let log = self.ground.api_server_log();
        for error in errors(&log[self.logged..]) {
            println!("reports: logged while the manager was away: {error}");
        }
        self.logged = log.len();
    }

    /// Takes up what the API server has logged since, while the manager was there.
    fn note_errors(&mut self) {
        let log = self.ground.api_server_log();
        let (dropped, errors): (Vec<_>, Vec<_>) =
            errors(&log[self.logged..]).into_iter().partition(|error| is_of_dropped_watch(error));
        self.dropped += dropped.len();
        self.errors.extend(errors);
        self.logged = log.len();
    }
}

fn version(report: &Value) -> u64 {
    report["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap()
}

/// After so many rounds both followers hold what a new list says, have seen every report that ever was, and did so by watching.
fn are_followed(rounds: usize) {
    let Some(informer) = informer() else { return };
    let began = Instant::now();
    let (mut course, _farm, _api) = Course::begin();
    let lines = ["client-go", "kube-rs"].map(|who| {
        let line = Arc::new(Service::start());
        line.set_endpoints(&[course.ground.api_server()]);
        let kubeconfig = course.ground.kubeconfig_at(line.address(), who, "netreach-viewer");
        (line, kubeconfig)
    });
    let [(of_informer, informers), (of_reflector, reflectors)] = lines;
    let informer = Informer::start(informer, &informers);
    let reflector = Reflector::start(&reflectors);
    let cuts = Cuts::begin([Arc::clone(&of_informer), Arc::clone(&of_reflector)]);
    let batches = rounds / AT_ONCE;
    for batch in 0..batches {
        course.rounds(batch, batch == batches / 2);
    }
    let (list, name, version) = course.last_round();
    let cuts = cuts.end();
    let held = [
        ("client-go", of_informer.connections(), informer.end(&name, version)),
        ("kube-rs", of_reflector.connections(), reflector.end(&name, version)),
    ];
    course.note_errors();
    println!("reports: {rounds} rounds and {cuts} cuts in {:?}, {} reports", began.elapsed(), list.len());
    for (who, connections, Held { reports, seen, begun }) in held {
        println!("reports: {who} connected {connections} times and began anew {begun} times");
        assert_eq!(reports, by_name(&list), "{who}");
        assert_eq!(seen, course.ever, "{who}");
        assert!((2..=2 + BEGUN_ANEW_MAX).contains(&begun), "{who}: {begun}");
        assert!(connections > cuts, "{who}: {connections} connections, {cuts} cuts");
    }
    assert_eq!(course.errors, Vec::<String>::new());
    // Whose watches those were is known: nobody else's was dropped.
    assert!(course.dropped <= 2 * cuts, "{} watches were dropped by {cuts} cuts", course.dropped);
    println!(
        "reports: no error about us was logged but for {} of {} watches that were cut",
        course.dropped,
        2 * cuts
    );
}

#[test]
fn followers_whose_watches_are_dropped_hold_in_the_end_what_a_new_list_says() {
    are_followed(30);
}

#[test]
#[ignore = "takes four minutes"]
fn followers_hold_what_a_new_list_says_after_two_hundred_rounds() {
    are_followed(200);
}
