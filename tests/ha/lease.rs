//! Those who stand for a Lease, in this process: each test for one of its own.

use std::path::Path;
use std::time::{Duration, Instant};

use async_channel::{Receiver, Sender, unbounded};
use async_std::future::timeout;
use async_std::task::{JoinHandle, block_on, spawn};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use netreach_manager::lead::{Candidate, Standing, Term};
use netreach_serve::Stop;
use netreach_tests::{ControlPlane, Kubectl};
use serde_json::{Value, json};

use super::line::Line;

/// Far longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What somebody who stands has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    Leads(String),
    Ended(String, Result<(), String>),
}

/// When it was said.
type Heard = (Instant, Said);

/// Those who stand for one Lease.
struct Election {
    lease: &'static str,
    kubectl: Kubectl,
    say: Sender<Heard>,
    said: Receiver<Heard>,
}

/// One of them; gone without a word when dropped.
struct Standee {
    stop: Stop,
    task: Option<JoinHandle<()>>,
}

impl Election {
    /// For a Lease that was given up by somebody.
    fn of(lease: &'static str) -> Self {
        let election = Self::of_none(lease);
        let given_up = json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": lease, "namespace": "default"},
            "spec": {"holderIdentity": "", "leaseTransitions": 1},
        });
        assert_eq!(election.kubectl.apply(&given_up.to_string()).code, 0);
        election
    }

    /// For a Lease that is not there.
    fn of_none(lease: &'static str) -> Self {
        let (say, said) = unbounded();
        Self { lease, kubectl: ControlPlane::shared().admin(), say, said }
    }

    fn stand(&self, name: &str) -> Standee {
        self.stand_by(name, &ControlPlane::shared().admin_kubeconfig())
    }

    fn stand_by(&self, name: &str, kubeconfig: &Path) -> Standee {
        let (lease, name, say) = (self.lease, name.to_owned(), self.say.clone());
        let client = block_on(client(kubeconfig));
        let stop = Stop::new();
        let until = stop.clone();
        let task = spawn(async move {
            let place = ("default", lease);
            let candidate = Candidate::new(client.clone(), client, place, name.clone(), Standing::default());
            let Some(leader) = candidate.win(&until).await else { return };
            let _ = say.send((Instant::now(), Said::Leads(name.clone()))).await;
            let ended = leader.keep(&until).await.map_err(|error| error.to_string());
            let _ = say.send((Instant::now(), Said::Ended(name, ended))).await;
        });
        Standee { stop, task: Some(task) }
    }

    fn hear(&self) -> Heard {
        block_on(timeout(PATIENCE, self.said.recv())).expect("somebody has something to say").unwrap()
    }

    #[track_caller]
    fn hear_lead(&self) -> (Instant, String) {
        match self.hear() {
            (at, Said::Leads(name)) => (at, name),
            (_, other) => panic!("{other:?}"),
        }
    }

    fn record(&self) -> Value {
        self.kubectl.get(&format!("lease {}", self.lease))["spec"].take()
    }
}

impl Drop for Standee {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            block_on(task.cancel());
        }
    }
}

async fn client(kubeconfig: &Path) -> Client {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    Client::try_from(config).unwrap()
}

fn tell(what: &str, took: Duration) {
    println!("{what}: {:.3} s", took.as_secs_f64());
}

#[test]
fn of_several_one_leads_and_one_that_stops_is_followed_within_two_seconds() {
    let election = Election::of("stops");
    let mut standees: Vec<_> = ["a", "b", "c", "d"].map(|name| (name, election.stand(name))).into();
    let mut order = Vec::new();
    let (_, mut leader) = election.hear_lead();
    while standees.len() > 1 {
        assert_eq!(election.record()["holderIdentity"], leader.as_str());
        let at = standees.iter().position(|(name, _)| *name == leader).unwrap();
        let (name, standee) = standees.remove(at);
        let stopped = Instant::now();
        standee.stop.stop();
        // It has ended before the next one begins, but whose word is heard first is the scheduler's to say.
        let mut heard = [election.hear(), election.hear()];
        heard.sort_by_key(|(_, said)| matches!(said, Said::Leads(_)));
        let [(_, ended), (began, next)] = heard;
        assert_eq!(ended, Said::Ended(name.to_owned(), Ok(())));
        let Said::Leads(next) = next else { panic!("{next:?}") };
        let took = began - stopped;
        tell("from a clean stop to the next leader", took);
        assert!(took <= Duration::from_secs(2), "{took:?}");
        order.push(std::mem::replace(&mut leader, next));
    }
    let record = election.record();
    assert_eq!(record["leaseTransitions"], 1 + 4, "{record}");
    assert_eq!(record["leaseDurationSeconds"], 10, "{record}");
    let (_, last) = standees.pop().unwrap();
    last.stop.stop();
    assert_eq!(election.hear().1, Said::Ended(leader, Ok(())));
    let record = election.record();
    assert_eq!(
        (&record["holderIdentity"], &record["leaseDurationSeconds"]),
        (&json!(""), &json!(1)),
        "{record}"
    );
}

#[test]
fn one_that_is_gone_without_a_word_is_followed_within_fifteen_seconds() {
    let election = Election::of("gone");
    let first = election.stand("first");
    election.hear_lead();
    let _second = election.stand("second");
    // It knows whose turn it is once the Lease was renewed before its eyes.
    let renewed = election.record()["renewTime"].clone();
    election.kubectl.await_object("lease gone", |lease| lease["spec"]["renewTime"] != renewed);
    let killed = Instant::now();
    drop(first);
    let (began, name) = election.hear_lead();
    let took = began - killed;
    tell("from a crash to the next leader", took);
    assert_eq!(name, "second");
    assert!(took <= Duration::from_secs(15), "{took:?}");
    assert!(took >= Duration::from_secs(7), "sooner than a leader that is alive has to know: {took:?}");
}

#[test]
fn one_that_is_cut_off_ends_before_the_next_one_begins() {
    let election = Election::of("cut-off");
    let admin = ControlPlane::shared().admin_kubeconfig();
    let line = Line::to(&admin);
    let _first = election.stand_by("first", &line.kubeconfig(&admin));
    election.hear_lead();
    let _second = election.stand("second");
    let renewed = election.record()["renewTime"].clone();
    election.kubectl.await_object("lease cut-off", |lease| lease["spec"]["renewTime"] != renewed);
    let cut = Instant::now();
    line.go_dead();
    let (ended, said) = election.hear();
    let Said::Ended(name, Err(why)) = said else { panic!("{said:?}") };
    assert_eq!(name, "first");
    assert!(why.contains("could not be renewed for 7 s"), "{why}");
    let (began, name) = election.hear_lead();
    assert_eq!(name, "second");
    tell("from the cut to the end of the leader", ended - cut);
    tell("from that to the next leader", began - ended);
    assert!(ended < began && began - cut <= Duration::from_secs(15));
}

#[test]
fn one_whose_lease_is_deleted_goes_on_and_nobody_else_begins() {
    let election = Election::of_none("deleted");
    let leader = election.stand("leader");
    // There may have been one that was deleted while somebody relied on it.
    election.hear_lead();
    let _other = election.stand("other");
    for _ in 0..3 {
        election.kubectl.ok("delete lease deleted");
        let made = election
            .kubectl
            .await_object("lease deleted", |lease| lease["spec"]["holderIdentity"] == "leader");
        assert_eq!(made["spec"]["leaseTransitions"], 1);
    }
    assert!(election.said.is_empty());
    leader.stop.stop();
    let heard: Vec<_> = [election.hear().1, election.hear().1].into();
    assert!(heard.contains(&Said::Ended("leader".to_owned(), Ok(()))), "{heard:?}");
    assert!(heard.contains(&Said::Leads("other".to_owned())), "{heard:?}");
}

#[test]
fn what_another_has_taken_is_lost_at_once() {
    let election = Election::of("taken");
    let _first = election.stand("first");
    election.hear_lead();
    let patch = json!({"spec": {"holderIdentity": "somebody", "leaseTransitions": 9}}).to_string();
    let patched = election.kubectl.call("patch lease taken --type=merge -p").arg(patch).run();
    assert_eq!(patched.code, 0, "{}", patched.err);
    let said = election.hear().1;
    let Said::Ended(_, Err(why)) = said else { panic!("{said:?}") };
    assert!(why.contains("somebody holds it"), "{why}");
    // It is not ours to give up.
    assert_eq!(election.record()["holderIdentity"], "somebody");
}

#[test]
fn a_term_goes_on_while_the_process_is_busy_and_is_numbered() {
    let election = Election::of("busy");
    let (ended, number) = block_on(async {
        let client = client(&ControlPlane::shared().admin_kubeconfig()).await;
        let candidate =
            Candidate::new(client.clone(), client, ("default", "busy"), "me".to_owned(), Standing::default());
        let term = Term::begin(candidate.win(&Stop::new()).await.unwrap()).unwrap();
        let number = term.number();
        let renewed = election.record()["renewTime"].clone();
        // Blocks this thread, and with it whatever else is on it.
        election.kubectl.await_object("lease busy", |lease| lease["spec"]["renewTime"] != renewed);
        let ended = timeout(Duration::ZERO, term.lost()).await.is_ok();
        term.give_up().await;
        (ended, number)
    });
    assert!(!ended);
    assert_eq!(number, 2);
    assert_eq!(election.record()["holderIdentity"], "");
}
