//! Certificates change and replicas come and go while objects are applied without a pause: nobody notices.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use netreach_tests::{Authority, Finished, Kubectl};
use serde_json::{Value, json};

use super::ground::{Ground, object};

/// How many callers apply at the same time.
const CALLERS: usize = 4;
/// How many objects one call of kubectl applies: starting it takes longer than an apply.
const BATCH: usize = 10;
/// Applies per second of the rotation, at least.
const RATE: usize = 20;
/// How long it lasts where NETREACH_ROTATION_S does not say, seconds.
const LASTS_S: u64 = 15;

/// One thing that is done while objects are applied.
type Step = fn(&mut Ground, &Authority);

const STEPS: [Step; 6] = [
    |ground, _| show(ground, None),
    |ground, _| ground.restart(0),
    // Both are believed before the second shows itself, and the first until it is shown nowhere.
    |ground, second| ground.register(&format!("{}{}", ground.authority.pem(), second.pem())),
    |ground, second| show(ground, Some(second)),
    |ground, _| ground.restart(1),
    |ground, second| ground.register(second.pem()),
];

/// Puts a new certificate where every replica finds it, and waits until each has.
fn show(ground: &mut Ground, by: Option<&Authority>) {
    let leaf = by.unwrap_or(&ground.authority).sign("127.0.0.1");
    ground.certificates.put(&[("tls.crt", &leaf.certificate), ("tls.key", &leaf.key)]);
    ground.hear_all(&leaf.fingerprint());
}

fn batch(caller: usize, number: usize) -> String {
    let one = |i| -> Value {
        let spec = json!({"request": {"qps": number % 1_000 + 1}});
        serde_json::from_str(&object(&format!("rotated-{caller}-{i}"), &spec)).unwrap()
    };
    json!({"apiVersion": "v1", "kind": "List", "items": (0..BATCH).map(one).collect::<Vec<_>>()}).to_string()
}

/// Applies one batch after another until nobody listens.
fn apply_on(kubectl: &Kubectl, caller: usize, done: &Sender<Finished>) {
    for number in 0.. {
        if done.send(kubectl.apply(&batch(caller, number))).is_err() {
            return;
        }
    }
}

/// Takes steps at even distances while batches come in; gives how many applies there were, and what failed.
fn rotate(ground: &mut Ground, done: &Receiver<Finished>, lasts: Duration) -> (usize, Vec<String>) {
    let second = Authority::new("second");
    let began = Instant::now();
    let mut steps = STEPS.iter().zip(1_u32..);
    let mut next = steps.next();
    let (mut applies, mut failed) = (0, Vec::new());
    let wanted = RATE * usize::try_from(lasts.as_secs()).unwrap();
    while next.is_some() || began.elapsed() < lasts || applies < wanted {
        let finished = done.recv().unwrap();
        applies += BATCH;
        if finished.code != 0 {
            failed.push(finished.err);
        }
        if let Some((step, number)) = next
            && began.elapsed() >= lasts * number / 7
        {
            step(ground, &second);
            next = steps.next();
        }
    }
    println!("admit: rotation took {:.0} s", began.elapsed().as_secs_f64());
    (applies, failed)
}

#[test]
fn no_apply_fails_while_certificate_and_authority_change_and_replicas_restart() {
    let mut ground = Ground::own(2);
    let lasts = std::env::var("NETREACH_ROTATION_S").map_or(LASTS_S, |text| text.parse().unwrap());
    let (send, done) = channel();
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let (kubectl, send) = (ground.kubectl.clone(), send.clone());
            thread::spawn(move || apply_on(&kubectl, caller, &send))
        })
        .collect();
    drop(send);
    let (applies, failed) = rotate(&mut ground, &done, Duration::from_secs(lasts));
    drop(done);
    callers.into_iter().for_each(|caller| caller.join().unwrap());
    println!("admit: {applies} applies, {} calls of kubectl failed", failed.len());
    assert_eq!(failed, Vec::<String>::new());
    // What was applied last is there: the webhook is still asked, and the API server believes it.
    assert!(ground.spec("rotated-0-0")["schedule"]["schedule"].is_string());
}
