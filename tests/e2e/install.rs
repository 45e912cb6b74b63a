//! NetReach as users install it: it refuses and fills in, its certificates change unnoticed, and it leaves nothing behind.

use std::collections::BTreeSet;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use netreach_tests::{Finished, Kubectl};
use serde_json::{Value, json};

use super::cluster::{Cluster, object};

/// How long volumes may take to show a new Secret, and everything after it.
const ROTATED_WITHIN: Duration = Duration::from_secs(300);

#[test]
fn what_is_wrong_is_refused_and_what_is_unset_is_filled_in() {
    let cluster = Cluster::with_net_reach();
    let wrong = json!({"request": {"qps": 0}, "schedule": {"schedule": "0 0 30 2 *"}});
    let refused = cluster.kubectl.apply(&object("wrong", &wrong));
    assert_eq!(refused.code, 1, "{}", refused.out);
    for path in ["spec.request.qps", "spec.schedule.schedule"] {
        assert!(refused.err.contains(path), "{}", refused.err);
    }
    for sample in ["netreach.yaml", "netreach-all.yaml"] {
        let applied = cluster.kubectl.call("apply -f").arg(format!("config/samples/{sample}")).run();
        assert_eq!(applied.code, 0, "{}", applied.err);
        // The webhook's own, beside those of the schema.
        let spec = cluster.kubectl.get("netreach task")["spec"].take();
        assert_eq!(spec["request"]["connection"], "new", "{spec}");
        cluster.kubectl.ok("delete nr task");
    }
}

/// The nodes that the webhook is on.
fn of_webhook(kubectl: &Kubectl) -> Vec<String> {
    let pods = "-n netreach-system get pods -l app.kubernetes.io/component=webhook --no-headers -o custom-columns=:.spec.nodeName";
    kubectl.ok(pods).split_whitespace().map(ToOwned::to_owned).collect()
}

/// The Secret of the CAs.
fn authorities(kubectl: &Kubectl) -> Value {
    kubectl.get("secret netreach-ca -n netreach-system")
}

/// What has been seen of the Secret's life: which certificates it held, one set after another.
fn has(secret: &Value, part: &str) -> bool {
    secret["data"].get(part).is_some()
}

fn apply_on(kubectl: &Kubectl, done: &Sender<Finished>) {
    for number in 1.. {
        let applied = kubectl.apply(&object("rotated", &json!({"request": {"qps": number % 1_000 + 1}})));
        if done.send(applied).is_err() {
            return;
        }
    }
}

#[test]
fn no_apply_fails_while_the_certificates_are_rotated() {
    // Nobody else has a round meanwhile: the CAs overlap for so short that an agent may not believe the desk for a while.
    let cluster = Cluster::with_agents();
    let before = authorities(&cluster.kubectl);
    let (send, done) = channel();
    let kubectl = cluster.kubectl.clone();
    let applying = thread::spawn(move || apply_on(&kubectl, &send));
    cluster.kubectl.ok("annotate secret netreach-ca -n netreach-system kdoctor.io/rotate=now");
    let (mut applies, mut failed, mut seen) = (0, Vec::new(), BTreeSet::new());
    let deadline = Instant::now() + ROTATED_WITHIN;
    loop {
        let finished = done.recv().unwrap();
        applies += 1;
        if finished.code != 0 {
            failed.push(finished.err);
        }
        let now = authorities(&cluster.kubectl);
        let is_new = now["data"]["ca.crt"] != before["data"]["ca.crt"];
        seen.extend(["next.crt", "old.crt"].into_iter().filter(|part| has(&now, part)));
        // The old one goes only after both replicas have shown a certificate by the new one.
        if is_new && !has(&now, "old.crt") {
            break;
        }
        assert!(Instant::now() < deadline, "not rotated after {ROTATED_WITHIN:?}: {seen:?}");
    }
    // What is believed now is the new one alone, and still everything is taken.
    for _ in 0..20 {
        applies += 1;
        let finished = done.recv().unwrap();
        failed.extend((finished.code != 0).then_some(finished.err));
    }
    drop(done);
    applying.join().unwrap();
    println!("e2e: {applies} applies during a rotation, {} failed", failed.len());
    assert_eq!(failed, Vec::<String>::new());
    assert_eq!(seen, BTreeSet::from(["next.crt", "old.crt"]));
    cluster.kubectl.ok("delete nr rotated");
}

#[test]
fn what_is_deleted_leaves_nothing_behind_and_what_is_installed_takes_the_first_write_on_two_nodes() {
    let cluster = Cluster::with_net_reach();
    let kubectl = &cluster.kubectl;
    assert_eq!(kubectl.apply(&object("left", &json!({}))).code, 0);
    kubectl.ok("delete -k config/e2e --timeout=120s");
    let kinds = "crd,mutatingwebhookconfigurations,validatingwebhookconfigurations,clusterroles,clusterrolebindings,namespaces";
    let left = kubectl.ok(&format!("get {kinds} -o name"));
    let is_ours = |name: &&str| name.contains("netreach") || name.contains("kdoctor");
    // The ingress controller is the ground's.
    let ours: Vec<_> =
        left.lines().filter(is_ours).filter(|name| !name.ends_with("/netreach-ingress")).collect();
    assert_eq!(ours, Vec::<&str>::new());
    for command in [
        "apply -k config/e2e",
        "-n netreach-system rollout status deployment --timeout=120s",
        "apply -f config/samples/netreach.yaml",
        "delete -f config/samples/netreach.yaml",
    ] {
        kubectl.ok(command);
    }
    // Whatever has gone on in the cluster before: these have just been placed.
    let nodes = of_webhook(kubectl);
    assert_eq!((nodes.len(), nodes.iter().collect::<BTreeSet<_>>().len()), (2, 2), "{nodes:?}");
}
