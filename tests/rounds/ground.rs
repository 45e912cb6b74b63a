//! An API server with NetReach applied, two agents, and managers to be started and killed.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicU8, Ordering};

use netreach_report::RoundReport;
use netreach_store::Store;
use netreach_tests::{Authority, ControlPlane, Kubectl, Program, Running, Service, Spec};
use netreach_wire::RoundId;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::agent::{Agent, Post, post_all};
use super::published::{API_SERVICE, publish};

pub(crate) const NAMESPACE: &str = "netreach-system";
/// Another manager to test than the one just built: a build without optimizations says little of times.
const MANAGER: &str = "NETREACH_MANAGER";
const AGENTS: u16 = 2;
const DESK_PORT: u16 = 19_444;
const API_PORT: u16 = 19_445;
const HEALTH_PORT: u16 = 19_080;

/// Everything but a manager.
pub(crate) struct Ground {
    pub(crate) kubectl: Kubectl,
    pub(crate) agents: Vec<Agent>,
    plane: ControlPlane,
    dir: TempDir,
    number: u8,
}

impl Ground {
    pub(crate) fn new() -> Self {
        let mut agents = Vec::new();
        let ground = Self::of(AGENTS, |post| agents.push(Agent::start(post)));
        Self { agents, ..ground }
    }

    /// With so many agents, each of which is started at its post.
    pub(crate) fn of(count: u16, start: impl FnMut(&Post<'_>)) -> Self {
        static GROUNDS: AtomicU8 = AtomicU8::new(0);
        let plane = ControlPlane::start();
        let kubectl = plane.admin();
        for part in ["crd", "manager", "rbac", "agent", "apiserver"] {
            kubectl.ok(&format!("apply -k config/{part}"));
        }
        let dir = tempfile::tempdir().unwrap();
        let number = GROUNDS.fetch_add(1, Ordering::Relaxed);
        let ground = Self { kubectl, agents: Vec::new(), plane, dir, number };
        certify(&ground.dir, ground.ip(0));
        let desk = format!("https://{}:{DESK_PORT}", ground.ip(0));
        let ca = ground.dir.path().join("ca.crt");
        let ips: Vec<_> = (1..=count).map(|number| ground.ip(number)).collect();
        post_all(&ground.plane, &ips, (&desk, &ca), start);
        ground
    }

    /// A loopback address: the manager's is 0, and agents have those from 1. The first twelve are of this process and this ground alone.
    fn ip(&self, number: u16) -> Ipv4Addr {
        let [_, _, a, b] = process::id().to_be_bytes();
        let first = Ipv4Addr::new(127, a, b, (self.number % 20) * 12 + 10);
        (u32::from(first) + u32::from(number)).into()
    }

    /// A manager, as the service account that it has in a cluster, once it is ready.
    pub(crate) fn manager(&self) -> Running {
        self.manager_with("")
    }

    /// The same, with further arguments.
    pub(crate) fn manager_with(&self, args: &str) -> Running {
        self.ready(Program::at(manager()), args)
    }

    /// The same, by a program that starts it: its path and arguments come after those that are there.
    pub(crate) fn manager_by(&self, starter: Program) -> Running {
        self.ready(starter.arg(manager()), "")
    }

    fn ready(&self, program: Program, more: &str) -> Running {
        let account = format!("system:serviceaccount:{NAMESPACE}:netreach-manager");
        let groups =
            ["system:serviceaccounts", "system:serviceaccounts:netreach-system", "system:authenticated"];
        let kubeconfig = self.plane.user_kubeconfig(&account, &groups);
        let (ip, dir) = (self.ip(0), self.dir.path().display());
        let args = format!(
            "run --namespace {NAMESPACE} --store {} --desk-certificates {dir} --api-certificates {dir} --desk-listen {ip}:{DESK_PORT} \
             --api-listen {ip}:{API_PORT} --health-listen {ip}:{HEALTH_PORT} {more}",
            self.store().display()
        );
        let mut manager = program.args(&args).env("KUBECONFIG", &kubeconfig).start();
        manager.hear("ready");
        manager
    }

    /// Has the API server pass on requests for reports to the manager that runs, as long as what is given back is held: a Service cannot
    /// be reached without nodes.
    pub(crate) fn publish_reports(&self) -> Service {
        let service = Service::start();
        service.set_endpoints(&[(self.ip(0), API_PORT).into()]);
        publish(&self.kubectl, &service, &self.dir.path().join("ca.crt"));
        service
    }

    /// kubectl as somebody without any right but those of the role.
    pub(crate) fn user(&self, name: &str, role: Option<&str>) -> Kubectl {
        if let Some(role) = role {
            self.kubectl.ok(&format!("create clusterrolebinding {name} --clusterrole={role} --user={name}"));
        }
        self.plane.user(name, &[])
    }

    /// The credentials of somebody without any right but those of the role, who reaches the API server at that address.
    pub(crate) fn kubeconfig_at(&self, address: SocketAddr, name: &str, role: &str) -> PathBuf {
        self.kubectl.ok(&format!("create clusterrolebinding {name} --clusterrole={role} --user={name}"));
        let text = fs::read_to_string(self.plane.user_kubeconfig(name, &[])).unwrap();
        let path = self.dir.path().join(name).with_extension("kubeconfig");
        fs::write(&path, text.replace(&self.api_server().to_string(), &address.to_string())).unwrap();
        path
    }

    /// Where the API server listens.
    pub(crate) fn api_server(&self) -> SocketAddr {
        self.plane.address()
    }

    /// Where a manager has its desk.
    pub(crate) fn desk(&self) -> SocketAddr {
        (self.ip(0), DESK_PORT).into()
    }

    /// Where a manager serves reports, and the CA to believe there (PEM).
    pub(crate) fn served_at(&self) -> (SocketAddr, String) {
        ((self.ip(0), API_PORT).into(), fs::read_to_string(self.dir.path().join("ca.crt")).unwrap())
    }

    pub(crate) fn plane(&self) -> &ControlPlane {
        &self.plane
    }

    /// All that the API server has logged.
    pub(crate) fn api_server_log(&self) -> String {
        self.plane.log()
    }

    /// Where rounds and results are kept.
    pub(crate) fn store(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    pub(crate) fn uid(&self, name: &str) -> String {
        self.kubectl.ok(&format!("get netreach {name} -o jsonpath={{.metadata.uid}}"))
    }

    /// The record of a closed round.
    pub(crate) fn record(&self, name: &str, number: u64) -> RoundReport {
        let store = Store::open_local(&self.store()).unwrap();
        store.read_round(&RoundId { uid: self.uid(name), number }).unwrap().unwrap()
    }

    pub(crate) fn apply(&self, spec: &Spec) {
        let applied = self.kubectl.apply(&spec.yaml());
        assert_eq!(applied.code, 0, "{}", applied.err);
    }

    /// Changes parts of a spec.
    pub(crate) fn edit(&self, name: &str, spec: &Value) {
        let patch = json!({"spec": spec}).to_string();
        let patched = self.kubectl.call("patch --type=merge netreach").arg(name).arg("-p").arg(patch).run();
        assert_eq!(patched.code, 0, "{}", patched.err);
    }

    /// The status, once every round is done, however long that takes.
    pub(crate) fn await_complete(&self, name: &str) -> Value {
        self.kubectl.ok(&format!("wait --for=condition=Complete nr/{name} --timeout=150s"));
        self.kubectl.get(&format!("netreach {name}"))["status"].take()
    }

    /// The status, once it is as wanted.
    pub(crate) fn await_status(&self, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.kubectl.await_object(&format!("netreach {name}"), |object| wanted(&object["status"]))["status"]
            .take()
    }

    /// The status, once every round is done.
    pub(crate) fn await_finish(&self, name: &str) -> Value {
        self.await_status(name, |status| status["finish"] == true)
    }

    /// Waits until it is so, for as long as for any object.
    pub(crate) fn until(&self, is_so: impl Fn() -> bool) {
        self.kubectl.await_object("namespace default", |_| is_so());
    }

    /// The reasons of the Events about a NetReach, in no order.
    pub(crate) fn events(&self, name: &str) -> Vec<String> {
        let events =
            self.kubectl.get(&format!("events -n default --field-selector involvedObject.name={name}"));
        let mut reasons: Vec<_> = events["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| event["reason"].as_str().unwrap().to_owned())
            .collect();
        reasons.sort();
        reasons
    }
}

fn manager() -> String {
    std::env::var(MANAGER).unwrap_or_else(|_| env!("CARGO_BIN_EXE_netreach-manager").to_owned())
}

/// A condition's status and reason.
pub(crate) fn condition<'a>(status: &'a Value, kind: &str) -> (&'a str, &'a str) {
    let one = named(status, kind).unwrap();
    (one["status"].as_str().unwrap(), one["reason"].as_str().unwrap())
}

/// What a condition says; nothing while it is not there.
pub(crate) fn words<'a>(status: &'a Value, kind: &str) -> &'a str {
    named(status, kind).and_then(|one| one["message"].as_str()).unwrap_or_default()
}

fn named<'a>(status: &'a Value, kind: &str) -> Option<&'a Value> {
    status["conditions"].as_array()?.iter().find(|one| one["type"] == kind)
}

/// A certificate for everything that a manager serves, through a [`Service`] as well, and the CA to believe.
fn certify(dir: &TempDir, ip: Ipv4Addr) {
    let authority = Authority::new("netreach-rounds-test");
    let leaf = authority.sign_all(&[&ip.to_string(), "127.0.0.1", &format!("{API_SERVICE}.{NAMESPACE}.svc")]);
    for (name, text) in [("ca.crt", authority.pem()), ("tls.crt", &leaf.certificate), ("tls.key", &leaf.key)]
    {
        fs::write(dir.path().join(name), text).unwrap();
    }
}
