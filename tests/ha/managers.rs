//! Two managers on one store.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use netreach_tests::{Running, net_reach};
use serde_json::json;

use super::ground::{DESK_PORT, Ground, HEALTH_PORT, NAMESPACE, Place};
use super::line::Line;

/// One that leads, and one that stands by.
pub(crate) fn pair(ground: &Ground) -> ([Place; 2], Running, Running) {
    let places = ground.places();
    let mut leader = ground.manager(&places[0]);
    leader.hear("ready term=");
    let mut other = ground.manager(&places[1]);
    other.hear("standing by");
    (places, leader, other)
}

/// Waits until it leads, and sees how long that took.
pub(crate) fn hear_lead(manager: &mut Running, since: Instant, what: &str, within: Duration) {
    manager.hear("ready term=");
    let took = since.elapsed();
    println!("{what}: {:.3} s", took.as_secs_f64());
    assert!(took <= within, "{what}: {took:?}");
}

/// The status of an answer, and its text.
fn get(place: &Place, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect((place.ip, HEALTH_PORT)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: health\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
}

fn assert_leads(place: &Place, leads: bool) {
    assert_eq!(get(place, "/healthz").0, 200);
    assert_eq!(get(place, "/readyz").0, 200, "readiness does not depend on who leads");
    let metrics = get(place, "/metrics").1;
    assert!(metrics.contains(&format!("netreach_manager_leading {}\n", u8::from(leads))), "{metrics}");
    assert_eq!(TcpStream::connect((place.ip, DESK_PORT)).is_ok(), leads, "whoever does not lead has no desk");
}

/// That the only round was carried to its end, once, with both agents.
pub(crate) fn assert_done(ground: &Ground) {
    let status = ground.await_status("task", |status| status["finish"] == true);
    assert_eq!(
        (&status["doneRound"], &status["lastRoundStatus"]),
        (&json!(1), &json!("succeed")),
        "{status}"
    );
    assert_eq!(status["history"].as_array().unwrap().len(), 1, "{status}");
    let nodes: Vec<_> =
        ground.agents.iter().map(|agent| agent.pod.replace("netreach-agent", "node")).collect();
    assert_eq!(status["history"][0]["succeedAgentNodeList"], json!(nodes), "{status}");
    assert_eq!(ground.count_events("task", "RoundSucceeded"), 1);
}

#[test]
fn a_round_goes_on_when_its_leader_is_killed_and_is_closed_once() {
    let ground = Ground::new();
    let (places, leader, mut other) = pair(&ground);
    assert_leads(&places[0], true);
    assert_leads(&places[1], false);
    assert_eq!(ground.leaders(), [places[0].pod]);
    ground.apply(&net_reach("task").lasting_s(4));
    ground.await_status("task", |status| status["history"][0]["status"] == "ongoing");
    let killed = Instant::now();
    drop(leader);
    hear_lead(&mut other, killed, "from kill -9 to the next leader", Duration::from_secs(15));
    // The pod of the one that was killed cannot take off its label itself.
    assert_eq!(ground.leaders(), [places[1].pod]);
    assert_leads(&places[1], true);
    assert_done(&ground);
}

#[test]
fn a_leader_that_stops_in_mid_round_is_followed_within_two_seconds() {
    let ground = Ground::new();
    let (places, leader, mut other) = pair(&ground);
    ground.apply(&net_reach("task").lasting_s(6));
    ground.await_status("task", |status| status["history"][0]["status"] == "ongoing");
    let stopped = Instant::now();
    leader.signal("TERM", leader.pid());
    let within = Duration::from_secs(2);
    hear_lead(&mut other, stopped, "from SIGTERM to the next leader", within);
    assert_eq!(ground.leaders(), [places[1].pod]);
    let ended = leader.finish();
    assert_eq!(ended.code, 0, "{}", ended.err);
    // It comes again, as a container does that was started anew, and its turn comes as well.
    let mut again = ground.manager(&places[0]);
    again.hear("standing by");
    assert_leads(&places[0], false);
    assert_leads(&places[1], true);
    let stopped = Instant::now();
    other.signal("TERM", other.pid());
    hear_lead(&mut again, stopped, "and back again", within);
    assert_eq!(ground.leaders(), [places[0].pod]);
    assert_done(&ground);
}

#[test]
fn a_leader_that_was_stopped_in_its_tracks_ends_when_it_goes_on() {
    let ground = Ground::new();
    let (places, leader, mut other) = pair(&ground);
    let stopped = Instant::now();
    leader.signal("STOP", leader.pid());
    hear_lead(&mut other, stopped, "from SIGSTOP to the next leader", Duration::from_secs(15));
    leader.signal("CONT", leader.pid());
    let ended = leader.finish();
    assert_ne!(ended.code, 0);
    assert!(ended.err.contains("lost the Lease netreach-manager"), "{}", ended.err);
    assert_eq!(ground.leaders(), [places[1].pod]);
    assert_leads(&places[1], true);
}

#[test]
fn a_leader_that_is_cut_off_from_the_api_server_ends_before_the_next_one_begins() {
    let ground = Ground::new();
    let places = ground.places();
    let kubeconfig = ground.kubeconfig();
    let line = Line::to(&kubeconfig);
    let mut leader = ground.manager_by(&places[0], &line.kubeconfig(&kubeconfig));
    leader.hear("ready term=");
    let mut other = ground.manager(&places[1]);
    other.hear("standing by");
    let cut = Instant::now();
    line.go_dead();
    let leader = thread::spawn(move || (leader.finish(), Instant::now()));
    other.hear("leading");
    let began = Instant::now();
    let (ended, at) = leader.join().unwrap();
    println!(
        "from the cut to the end of the leader: {:.3} s, to the next one: {:.3} s",
        (at - cut).as_secs_f64(),
        (began - cut).as_secs_f64()
    );
    assert!(at < began);
    assert_ne!(ended.code, 0);
    assert!(ended.err.contains("could not be renewed for 7 s"), "{}", ended.err);
    hear_lead(&mut other, cut, "from the cut to the next leader at work", Duration::from_secs(15));
    assert_eq!(ground.leaders(), [places[1].pod]);
}

#[test]
fn what_the_label_was_taken_from_gets_it_back() {
    let ground = Ground::new();
    let (places, _leader, _other) = pair(&ground);
    let [a, b] = places.map(|place| format!("label pod {} -n {NAMESPACE}", place.pod));
    ground.kubectl.ok(&format!("{a} kdoctor.io/role-"));
    ground.kubectl.ok(&format!("{b} kdoctor.io/role=leader"));
    let called = format!("get pods -n {NAMESPACE} -l kdoctor.io/role=leader -o name");
    let only = format!("pod/{}\n", places[0].pod);
    ground.kubectl.await_that(&called, |called| called.out == only);
}

#[test]
fn without_its_role_one_stands_by_in_vain_and_says_what_to_do() {
    let ground = Ground::new();
    let places = ground.places();
    ground.kubectl.ok(&format!("delete rolebinding netreach-leader -n {NAMESPACE}"));
    let mut manager = ground.manager(&places[0]);
    manager.hear("netreach-leader is bound");
    assert_eq!(get(&places[0], "/healthz").0, 200);
    assert_eq!(get(&places[0], "/readyz").0, 503, "whoever could not lead is not ready");
    let role = super::ground::overlay(&ground.kubectl)
        .into_iter()
        .find(|object| object["kind"] == "RoleBinding" && object["metadata"]["name"] == "netreach-leader");
    assert_eq!(ground.kubectl.apply(&role.unwrap().to_string()).code, 0);
    manager.hear("ready term=");
}
