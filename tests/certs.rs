//! The keeper of certificates beside a real API server, with no more rights than `config/rbac` gives it.

#![allow(clippy::unwrap_used, reason = "a panic is the answer a test gives")]

use std::net::{Ipv4Addr, SocketAddr};
use std::process;
use std::sync::atomic::{AtomicU16, Ordering};

use netreach_tests::{ControlPlane, Kubectl, Program, Running};
use serde_json::{Value, json};

const NAMESPACE: &str = "netreach-system";
const CONFIGURATIONS: [&str; 2] = ["mutatingwebhookconfiguration", "validatingwebhookconfiguration"];

/// A server where NetReach was applied, and nothing runs yet.
struct Ground {
    plane: ControlPlane,
    kubectl: Kubectl,
}

impl Ground {
    fn new() -> Self {
        let plane = ControlPlane::start();
        let kubectl = plane.admin();
        for part in ["webhook/configurations", "manager", "rbac"] {
            kubectl.ok(&format!("apply -k config/{part}"));
        }
        Self { plane, kubectl }
    }

    /// The keeper, as the service account that it has in a cluster.
    fn keeper(&self) -> Running {
        static PORTS: AtomicU16 = AtomicU16::new(19_443);
        let account = format!("system:serviceaccount:{NAMESPACE}:netreach-certs");
        let groups = ["system:serviceaccounts", "system:serviceaccounts:netreach-system"];
        let kubeconfig = self.plane.user_kubeconfig(&account, &groups);
        let [_, a, b, c] = (process::id() << 2).to_be_bytes();
        let health = SocketAddr::from((Ipv4Addr::new(127, a, b, c), PORTS.fetch_add(1, Ordering::Relaxed)));
        let args = format!(
            "certs --namespace {NAMESPACE} --publish-ahead-s 1 --keep-old-s 1 --health-listen {health}"
        );
        let keeper = Program::at(env!("CARGO_BIN_EXE_netreach-manager")).args(&args);
        keeper.env("KUBECONFIG", &kubeconfig).start()
    }

    fn ready_keeper(&self) -> Running {
        let mut keeper = self.keeper();
        keeper.hear("ready: the certificates are in order");
        keeper
    }

    fn secret(&self, name: &str) -> Value {
        self.kubectl.get(&format!("secret {name} -n {NAMESPACE}"))
    }

    /// What both configurations tell API servers to believe.
    fn published(&self) -> Vec<Value> {
        let of = |kind: &&str| {
            let configuration = self.kubectl.get(&format!("{kind} netreach"));
            configuration["webhooks"][0]["clientConfig"]["caBundle"].clone()
        };
        CONFIGURATIONS.iter().map(of).collect()
    }

    /// Waits until the Secret of the CAs is as wanted.
    fn await_authorities(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        self.kubectl.await_object(&format!("secret netreach-ca -n {NAMESPACE}"), wanted)
    }
}

fn data<'a>(secret: &'a Value, key: &str) -> &'a Value {
    &secret["data"][key]
}

#[test]
fn certificates_are_made_published_and_left_alone() {
    let ground = Ground::new();
    let keeper = ground.ready_keeper();
    let (ca, leaf) = (ground.secret("netreach-ca"), ground.secret("netreach-webhook-tls"));
    assert_eq!(leaf["type"], "kubernetes.io/tls");
    for published in ground.published() {
        assert_eq!(&published, data(&ca, "ca.crt"));
    }
    assert_eq!(data(&leaf, "ca.crt"), data(&ca, "ca.crt"));
    assert!(data(&leaf, "ca.key").is_null(), "the CA's key stays where it is");
    drop(keeper);
    // Another one finds everything in order: nothing is written.
    drop(ground.ready_keeper());
    for before in [ca, leaf] {
        let name = before["metadata"]["name"].as_str().unwrap();
        assert_eq!(ground.secret(name)["metadata"]["resourceVersion"], before["metadata"]["resourceVersion"]);
    }
}

#[test]
fn a_rotation_is_asked_for_by_an_annotation() {
    let ground = Ground::new();
    let _keeper = ground.ready_keeper();
    let (before, leaf_before) = (ground.secret("netreach-ca"), ground.secret("netreach-webhook-tls"));
    ground.kubectl.ok(&format!("annotate secret netreach-ca -n {NAMESPACE} kdoctor.io/rotate=now"));
    let after = ground.await_authorities(|now| {
        data(now, "ca.crt") != data(&before, "ca.crt") && data(now, "old.crt").is_null()
    });
    assert!(after["metadata"]["annotations"]["kdoctor.io/rotate"].is_null(), "it was answered");
    assert!(data(&after, "next.crt").is_null());
    // The last write of a rotation is what is believed: the new one alone.
    let all = CONFIGURATIONS.map(|kind| {
        ground.kubectl.await_object(&format!("{kind} netreach"), |now| {
            &now["webhooks"][0]["clientConfig"]["caBundle"] == data(&after, "ca.crt")
        })
    });
    assert_eq!(all.len(), 2);
    assert_ne!(data(&ground.secret("netreach-webhook-tls"), "tls.crt"), data(&leaf_before, "tls.crt"));
}

#[test]
fn what_others_take_away_or_damage_is_mended() {
    let ground = Ground::new();
    let _keeper = ground.ready_keeper();
    let ca = ground.secret("netreach-ca");
    // As a configuration is that was deleted and applied anew.
    ground.kubectl.ok("delete -k config/webhook/configurations");
    ground.kubectl.ok("apply -k config/webhook/configurations");
    for kind in CONFIGURATIONS {
        ground.kubectl.await_object(&format!("{kind} netreach"), |now| {
            &now["webhooks"][0]["clientConfig"]["caBundle"] == data(&ca, "ca.crt")
        });
    }
    let leaf = "secret netreach-webhook-tls -n netreach-system";
    ground.kubectl.ok(&format!("delete {leaf}"));
    ground.kubectl.await_object(leaf, |now| data(now, "tls.crt").is_string());
    let damage = json!({"data": {"ca.key": "bm8ga2V5"}}).to_string();
    let damaged =
        ground.kubectl.call(&format!("patch secret netreach-ca -n {NAMESPACE} -p")).arg(damage).run();
    assert_eq!(damaged.code, 0, "{}", damaged.err);
    let mended = ground.await_authorities(|now| data(now, "ca.crt") != data(&ca, "ca.crt"));
    for kind in CONFIGURATIONS {
        ground.kubectl.await_object(&format!("{kind} netreach"), |now| {
            &now["webhooks"][0]["clientConfig"]["caBundle"] == data(&mended, "ca.crt")
        });
    }
}

#[test]
fn two_at_once_agree() {
    let ground = Ground::new();
    let mut keepers = [ground.keeper(), ground.keeper(), ground.keeper()];
    for keeper in &mut keepers {
        keeper.hear("ready: the certificates are in order");
    }
    let ca = ground.secret("netreach-ca");
    for published in ground.published() {
        assert_eq!(&published, data(&ca, "ca.crt"));
    }
    for keeper in keepers {
        keeper.signal("TERM", keeper.pid());
        let ended = keeper.finish();
        assert_eq!(ended.code, 0, "{}", ended.err);
    }
}

#[test]
fn without_its_role_it_says_what_to_do_and_goes_on_trying() {
    let ground = Ground::new();
    ground.kubectl.ok(&format!("delete rolebinding netreach-certs -n {NAMESPACE}"));
    let mut keeper = ground.keeper();
    keeper.hear("see that the role netreach-certs is bound");
    ground.kubectl.ok("apply -k config/rbac");
    keeper.hear("ready: the certificates are in order");
}

/// The objects of an overlay.
fn overlay(kubectl: &Kubectl, name: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(&kubectl.ok(&format!("kustomize config/{name}"))).unwrap()
}

#[test]
fn an_api_server_takes_all_that_is_installed_and_no_role_has_a_wildcard() {
    let ground = Ground::new();
    ground.kubectl.ok("apply --dry-run=server -k config/default");
    let objects = overlay(&ground.kubectl, "default");
    let rules = objects.iter().filter_map(|object| object["rules"].as_array()).flatten();
    assert!(rules.clone().count() > 5);
    for rule in rules {
        assert!(!rule.to_string().contains('*'), "{rule}");
    }
}

#[test]
fn with_cert_manager_nothing_of_our_keeper_is_installed() {
    let ground = Ground::new();
    let (theirs, ours): (Vec<Value>, Vec<Value>) = overlay(&ground.kubectl, "certmanager")
        .into_iter()
        .partition(|object| object["apiVersion"] == "cert-manager.io/v1");
    assert_eq!(theirs.len(), 4);
    let by = "netreach-system/netreach-webhook";
    let injected =
        |object: &&Value| object["metadata"]["annotations"]["cert-manager.io/inject-ca-from"] == by;
    assert_eq!(ours.iter().filter(injected).count(), 2);
    assert!(!ours.iter().any(|object| object["metadata"]["name"] == "netreach-certs"));
    // What it writes is what the webhook mounts.
    assert!(theirs.iter().any(|object| object["spec"]["secretName"] == "netreach-webhook-tls"));
    let list = json!({"apiVersion": "v1", "kind": "List", "items": ours}).to_string();
    let taken = ground.kubectl.call("apply --dry-run=server -f -").input(list).run();
    assert_eq!(taken.code, 0, "{}", taken.err);
}
