//! What both sides of these tests share: rounds against peers on loopback, the peers' threads, the signed answer, and
//! a test that runs once more as a process of its own.

use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use netreach_agent::load::{Cancel, run};
use netreach_measure::Tally;
use netreach_wire::{
    AgentId, Assignment, EchoKey, Load, ProbeTag, RoundId, Signer, Target, TargetFamily, TargetResult,
};

/// The pod that is meant to answer.
pub(crate) const ME: &str = "agent-a";
/// Tells a test that it is the process started by itself, and what it shall do.
const ROLE: &str = "NETREACH_TEST_ROLE";
/// What precedes a child's result among the words of the test harness.
const RESULT: &str = "result: ";
const KEY: [u8; 32] = [7; 32];

static SIGNER: LazyLock<Signer> = LazyLock::new(|| Signer::new(&EchoKey::new(KEY)));

// === rounds ===

/// Probes these addresses for the whole of a round; `backend` is the pod that must answer there, if it matters.
pub(crate) fn probe(load: Load, targets: &[(SocketAddr, Option<&str>)]) -> Vec<TargetResult> {
    let cancel = Cancel::new().unwrap();
    let done = run(&assignment(load, targets), Instant::now(), &cancel).unwrap();
    assert!(!done.interrupted);
    done.targets
}

pub(crate) fn tally(result: &TargetResult) -> Tally {
    Tally::try_from(&result.tally).unwrap()
}

fn assignment(load: Load, targets: &[(SocketAddr, Option<&str>)]) -> Assignment {
    let target = |&(address, backend): &(SocketAddr, Option<&str>)| Target {
        name: format!("AgentPodV4IP_{}_{address}", backend.unwrap_or("any")),
        url: format!("http://{address}"),
        address,
        family: TargetFamily::PodIp,
        backend: backend.map(str::to_owned),
        via: None,
        shift: 0,
    };
    Assignment {
        round: RoundId { uid: "uid".to_owned(), number: 1 },
        agent: AgentId { node: "node-a".to_owned(), pod: ME.to_owned() },
        load,
        targets: targets.iter().map(target).collect(),
        start_in_us: 0,
        deadline_us: 60_000_000,
        nonces_from: 0,
        key: EchoKey::new(KEY),
    }
}

// === peers ===

/// Listens on loopback; so many threads take connections and do the same to each, until the test process ends.
pub(crate) fn peer(workers: usize, act: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    staff(listener, workers, act);
    address
}

/// The same with a listener that is there already.
pub(crate) fn staff(listener: TcpListener, workers: usize, act: impl Fn(TcpStream) + Send + Sync + 'static) {
    let (listener, act) = (Arc::new(listener), Arc::new(act));
    for _ in 0..workers {
        let (listener, act) = (Arc::clone(&listener), Arc::clone(&act));
        let work = move || listener.incoming().flatten().for_each(|stream| act(stream));
        std::thread::Builder::new().stack_size(128 << 10).spawn(work).unwrap();
    }
}

/// The tag of the next probe on a connection; none when the prober has gone.
pub(crate) fn next_probe(stream: &mut TcpStream) -> Option<ProbeTag> {
    let (mut head, mut piece) = (Vec::new(), [0; 1024]);
    while !head.ends_with(b"\r\n\r\n") {
        let bytes = stream.read(&mut piece).ok().filter(|&bytes| bytes > 0)?;
        head.extend_from_slice(&piece[..bytes]);
    }
    let text = std::str::from_utf8(&head).unwrap();
    let header = text.lines().find_map(|line| line.strip_prefix("netreach-probe: "));
    Some(SIGNER.verify_tag(header.unwrap().as_bytes()).expect("a probe carries the round's tag"))
}

/// The body that names `pod`, and what signs it for this probe.
pub(crate) fn echo(tag: &ProbeTag, pod: &str) -> (String, String) {
    SIGNER.sign_echo(tag, pod, "node-a", "127.0.0.1:4711")
}

/// A well-formed answer to this probe, signed by the pod that was meant.
pub(crate) fn right_answer(tag: &ProbeTag) -> Vec<u8> {
    let (body, mac) = echo(tag, ME);
    let head = format!("HTTP/1.1 200 OK\r\nnetreach-echo: {mac}\r\ncontent-length: {}\r\n\r\n", body.len());
    [head, body].concat().into_bytes()
}

// === a process of its own ===

/// What this process was started for, in a test that [`again`] started.
pub(crate) fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}

/// Starts this very test once more in a process of its own, in the given role, behind the words of a wrapper.
pub(crate) fn again(wrapper: &[&str], test: &str, role: &str) -> Child {
    let myself = std::env::current_exe().unwrap().into_os_string().into_string().unwrap();
    let words = [wrapper, &[&myself, "--exact", test, "--nocapture"]].concat();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).env(ROLE, role).stdout(Stdio::piped()).spawn().unwrap()
}

/// Hands a child's result to whoever started it.
pub(crate) fn hand_over(result: &TargetResult) {
    println!("\n{RESULT}{}", serde_json::to_string(result).unwrap());
}

/// What a child has handed over by its end.
pub(crate) fn take_over(child: Child) -> Tally {
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    let line = said.lines().find_map(|line| line.strip_prefix(RESULT));
    tally(&serde_json::from_str(line.unwrap_or_else(|| panic!("no result in {said}"))).unwrap())
}
