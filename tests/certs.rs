//! The keeper of certificates beside a real API server, with no more rights than `config/rbac` gives it.

#![allow(clippy::unwrap_used, reason = "a panic is the answer a test gives")]

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process;
use std::sync::atomic::{AtomicU16, Ordering};

use jiff::Timestamp;
use k8s_openapi::ByteString;
use netreach_manager::certs::secret::{read_authorities, read_leaf};
use netreach_tests::{ControlPlane, Kubectl, Program, Running, root};
use serde_json::{Value, json};

const NAMESPACE: &str = "netreach-system";
const SERVICES: [&str; 3] = ["netreach-webhook", "netreach-desk", "netreach-api"];
const API_SERVICE: &str = "apiservice v1beta1.system.kdoctor.io";
const CONFIG_MAP: &str = "configmap netreach-desk-ca -n netreach-system";
/// An object by the words after `get`, and which CA certificates it tells to believe.
type Place = (&'static str, fn(&Value) -> Value);

/// Where they are published.
const PLACES: [Place; 4] = [
    ("mutatingwebhookconfiguration netreach", of_webhook),
    ("validatingwebhookconfiguration netreach", of_webhook),
    (API_SERVICE, |object| object["spec"]["caBundle"].clone()),
    (CONFIG_MAP, of_config_map),
];

fn of_webhook(object: &Value) -> Value {
    object["webhooks"][0]["clientConfig"]["caBundle"].clone()
}

/// As a Secret has it.
fn of_config_map(object: &Value) -> Value {
    let text = object["data"]["ca.crt"].as_str();
    json!(text.map(|text| ByteString(text.into())))
}

/// A server where NetReach was applied, and nothing runs yet.
struct Ground {
    plane: ControlPlane,
    kubectl: Kubectl,
}

impl Ground {
    fn new() -> Self {
        let plane = ControlPlane::start();
        let kubectl = plane.admin();
        for part in ["webhook/configurations", "apiserver/registration", "manager", "apiserver", "rbac"] {
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

    fn leaf(&self, service: &str) -> Value {
        self.secret(&format!("{service}-tls"))
    }

    /// Waits until every place tells to believe what the Secret of the CAs has as its current one, and that alone.
    fn await_published(&self, ca: &Value) {
        for (place, said) in PLACES {
            self.kubectl.await_object(place, |now| &said(now) == data(ca, "ca.crt"));
        }
    }

    /// Has a new CA made.
    fn rotate(&self) {
        self.kubectl.ok(&format!("annotate secret netreach-ca -n {NAMESPACE} kdoctor.io/rotate=now"));
    }

    /// Waits until the Secret of the CAs is as wanted.
    fn await_authorities(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        self.kubectl.await_object(&format!("secret netreach-ca -n {NAMESPACE}"), wanted)
    }
}

fn data<'a>(secret: &'a Value, key: &str) -> &'a Value {
    &secret["data"][key]
}

/// That the leaf of a Service is by this CA, under the Service's name.
fn assert_signed(leaf: &Value, ca: &Value, service: &str) {
    let [leaf, ca] = [leaf, ca].map(|secret| serde_json::from_value(secret.clone()).unwrap());
    let (leaf, authority) = (read_leaf(&leaf).unwrap(), read_authorities(&ca).unwrap().current);
    let names = [format!("{service}.{NAMESPACE}.svc"), format!("{service}.{NAMESPACE}.svc.cluster.local")];
    assert!(authority.vouches_for(&leaf, &names, Timestamp::now()), "{service}: {leaf:?}");
}

#[test]
fn certificates_are_made_published_and_left_alone() {
    let ground = Ground::new();
    let keeper = ground.ready_keeper();
    let ca = ground.secret("netreach-ca");
    for service in SERVICES {
        let leaf = ground.leaf(service);
        assert_eq!(leaf["type"], "kubernetes.io/tls");
        assert_eq!(data(&leaf, "ca.crt"), data(&ca, "ca.crt"));
        assert!(data(&leaf, "ca.key").is_null(), "the CA's key stays where it is");
        assert_signed(&leaf, &ca, service);
    }
    for (place, said) in PLACES {
        assert_eq!(&said(&ground.kubectl.get(place)), data(&ca, "ca.crt"), "{place}");
    }
    let secrets = SERVICES.map(|service| format!("secret {service}-tls -n {NAMESPACE}"));
    let all = || -> Vec<Value> {
        let names = secrets.iter().map(String::as_str).chain(PLACES.map(|(place, _)| place));
        names.map(|name| ground.kubectl.get(name)["metadata"]["resourceVersion"].take()).collect()
    };
    let before = all();
    drop(keeper);
    // Another one finds everything in order: nothing is written.
    drop(ground.ready_keeper());
    assert_eq!(ground.secret("netreach-ca"), ca);
    assert_eq!(all(), before);
}

#[test]
fn a_rotation_is_asked_for_by_an_annotation() {
    let ground = Ground::new();
    let _keeper = ground.ready_keeper();
    let (before, leaves_before) = (ground.secret("netreach-ca"), SERVICES.map(|of| ground.leaf(of)));
    ground.rotate();
    let after = ground.await_authorities(|now| {
        data(now, "ca.crt") != data(&before, "ca.crt") && data(now, "old.crt").is_null()
    });
    assert!(after["metadata"]["annotations"]["kdoctor.io/rotate"].is_null(), "it was answered");
    assert!(data(&after, "next.crt").is_null());
    // The last write of a rotation is what is believed: the new one alone.
    ground.await_published(&after);
    for (service, before) in SERVICES.iter().zip(leaves_before) {
        let leaf = ground.leaf(service);
        assert_ne!(data(&leaf, "tls.crt"), data(&before, "tls.crt"));
        assert_signed(&leaf, &after, service);
    }
}

#[test]
fn the_old_ca_is_believed_until_the_replicas_of_every_service_show_the_new_one() {
    let ground = Ground::new();
    // Nobody has this address: it is for documentation.
    let slice = json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "silent",
            "namespace": NAMESPACE,
            "labels": {"kubernetes.io/service-name": "netreach-desk"},
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["192.0.2.1"]}],
        "ports": [{"name": "desk", "port": 9_444}],
    });
    let applied = ground.kubectl.apply(&slice.to_string());
    assert_eq!(applied.code, 0, "{}", applied.err);
    let mut keeper = ground.ready_keeper();
    ground.rotate();
    keeper.hear("a replica does not show the new certificate yet");
    let during = ground.secret("netreach-ca");
    assert!(data(&during, "old.crt").is_string());
    for (place, said) in PLACES {
        let said: ByteString = serde_json::from_value(said(&ground.kubectl.get(place))).unwrap();
        let said = String::from_utf8(said.0).unwrap();
        assert_eq!(said.matches("BEGIN CERTIFICATE").count(), 2, "{place}");
    }
    ground.kubectl.ok(&format!("delete endpointslice silent -n {NAMESPACE}"));
    let after = ground.await_authorities(|now| data(now, "old.crt").is_null());
    assert_eq!(data(&after, "ca.crt"), data(&during, "ca.crt"));
    ground.await_published(&after);
}

#[test]
fn agents_in_a_namespace_that_comes_later_are_told_too() {
    let ground = Ground::new();
    let _keeper = ground.ready_keeper();
    let there = "configmap netreach-desk-ca -n netreach-host";
    assert_ne!(ground.kubectl.run(&format!("get {there}")).code, 0);
    ground.kubectl.ok("apply -k config/host-network");
    let ca = ground.secret("netreach-ca");
    let told = |now: &Value| &of_config_map(now) == data(&ca, "ca.crt");
    ground.kubectl.await_object(there, told);
    ground.kubectl.ok(&format!("delete {there}"));
    ground.kubectl.await_object(there, told);
}

#[test]
fn what_others_take_away_or_damage_is_mended() {
    let ground = Ground::new();
    let _keeper = ground.ready_keeper();
    let ca = ground.secret("netreach-ca");
    // As objects are that were deleted and applied anew.
    for part in ["webhook/configurations", "apiserver/registration"] {
        ground.kubectl.ok(&format!("delete -k config/{part}"));
        ground.kubectl.ok(&format!("apply -k config/{part}"));
    }
    ground.kubectl.ok(&format!("delete {CONFIG_MAP}"));
    ground.await_published(&ca);
    for service in SERVICES {
        let leaf = format!("secret {service}-tls -n {NAMESPACE}");
        ground.kubectl.ok(&format!("delete {leaf}"));
        ground.kubectl.await_object(&leaf, |now| data(now, "tls.crt").is_string());
    }
    let damage = json!({"data": {"ca.key": "bm8ga2V5"}}).to_string();
    let damaged =
        ground.kubectl.call(&format!("patch secret netreach-ca -n {NAMESPACE} -p")).arg(damage).run();
    assert_eq!(damaged.code, 0, "{}", damaged.err);
    let mended = ground.await_authorities(|now| data(now, "ca.crt") != data(&ca, "ca.crt"));
    ground.await_published(&mended);
}

#[test]
fn what_is_not_installed_has_nobody_to_tell() {
    let ground = Ground::new();
    for part in ["webhook/configurations", "apiserver/registration"] {
        ground.kubectl.ok(&format!("delete -k config/{part}"));
    }
    let _keeper = ground.ready_keeper();
    assert_ne!(ground.kubectl.run(&format!("get {API_SERVICE}")).code, 0);
    assert!(data(&ground.leaf("netreach-api"), "tls.crt").is_string());
}

#[test]
fn two_at_once_agree() {
    let ground = Ground::new();
    let mut keepers = [ground.keeper(), ground.keeper(), ground.keeper()];
    for keeper in &mut keepers {
        keeper.hear("ready: the certificates are in order");
    }
    ground.await_published(&ground.secret("netreach-ca"));
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
fn an_api_server_takes_all_that_is_installed_without_a_warning_and_no_role_has_a_wildcard() {
    let ground = Ground::new();
    let applied = ground.kubectl.run("apply -k config/e2e");
    assert_eq!(applied.code, 0, "{}", applied.err);
    // Such as Pod Security's, whose namespaces these are.
    let warnings: Vec<_> = applied.err.lines().filter(|line| line.starts_with("Warning: ")).collect();
    assert!(warnings.is_empty(), "{}", applied.err);
    let objects = overlay(&ground.kubectl, "e2e");
    let rules = objects.iter().filter_map(|object| object["rules"].as_array()).flatten();
    assert!(rules.clone().count() > 5);
    for rule in rules {
        assert!(!rule.to_string().contains('*'), "{rule}");
    }
}

#[test]
fn a_volume_can_take_the_place_of_the_store_that_ends_with_its_pod() {
    let ground = Ground::new();
    // An overlay names what it is made of by ways that lead from it.
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("persistent");
    let config = format!("{}{}/config", "../".repeat(dir.components().count() - 1), root().display());
    let overlay = json!({
        "resources": [format!("{config}/default")],
        "components": [format!("{config}/persistent")],
    });
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("kustomization.yaml"), overlay.to_string()).unwrap();
    let applied = ground.kubectl.call("apply -k").arg(&dir).run();
    assert_eq!(applied.code, 0, "{}", applied.err);
    let manager = ground.kubectl.get(&format!("deployment netreach-manager -n {NAMESPACE}"));
    let volumes = manager["spec"]["template"]["spec"]["volumes"].as_array().unwrap();
    let store = volumes.iter().find(|volume| volume["name"] == "store").unwrap();
    assert_eq!(store["persistentVolumeClaim"]["claimName"], "netreach-store");
    assert!(store["emptyDir"].is_null());
}

#[test]
fn with_cert_manager_nothing_of_our_keeper_is_installed() {
    let ground = Ground::new();
    let (theirs, ours): (Vec<Value>, Vec<Value>) = overlay(&ground.kubectl, "certmanager")
        .into_iter()
        .partition(|object| object["apiVersion"] == "cert-manager.io/v1");
    assert_eq!(theirs.len(), 6);
    let injected = |object: &Value| {
        object["metadata"]["annotations"]["cert-manager.io/inject-ca-from"].as_str().map(str::to_owned)
    };
    let injected: Vec<_> = ours.iter().filter_map(injected).collect();
    let [webhook, _, api] = SERVICES.map(|service| format!("{NAMESPACE}/{service}"));
    assert_eq!(injected, [webhook.clone(), webhook, api]);
    assert!(!ours.iter().any(|object| object["metadata"]["name"] == "netreach-certs"));
    // What it writes is what our servers mount.
    for service in SERVICES {
        let secret = format!("{service}-tls");
        assert!(theirs.iter().any(|object| object["spec"]["secretName"] == secret), "{secret}");
    }
    let list = json!({"apiVersion": "v1", "kind": "List", "items": ours}).to_string();
    let taken = ground.kubectl.call("apply --dry-run=server -f -").input(list).run();
    assert_eq!(taken.code, 0, "{}", taken.err);
}
