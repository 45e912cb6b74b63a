//! An API server with `config/ha` applied, two agents, the pods of two managers, and what leads from one to the other: a Service.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU8, Ordering};

use netreach_store::Location;
use netreach_tests::{Authority, ControlPlane, Kubectl, Program, Running, Spec};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::agent::{Agent, Post, patch_status, post_all};
use super::follow::Following;
use super::published::{API_SERVICE, publish};

pub(crate) const NAMESPACE: &str = "netreach-system";
pub(crate) const DESK_PORT: u16 = 19_444;
pub(crate) const HEALTH_PORT: u16 = 19_080;
const API_PORT: u16 = 19_445;
const AGENTS: u16 = 2;
/// What has API servers call somebody who is not there.
const CALLED: [&str; 3] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "APIService"];

/// Everything but managers.
pub(crate) struct Ground {
    pub(crate) kubectl: Kubectl,
    pub(crate) plane: ControlPlane,
    pub(crate) agents: Vec<Agent>,
    /// Where managers keep rounds, and by which variables of theirs they find it.
    pub(crate) store: (Location, Vec<(String, String)>),
    dir: TempDir,
    number: u8,
    _desk: Following,
}

/// A pod for a manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) pod: &'static str,
    pub(crate) ip: Ipv4Addr,
}

impl Ground {
    pub(crate) fn new() -> Self {
        let mut agents = Vec::new();
        let ground = Self::of(AGENTS, |post| agents.push(Agent::start(post)));
        Self { agents, ..ground }
    }

    /// With so many agents, each of which is started at its post. Seven at most: managers have the addresses after theirs.
    pub(crate) fn of(count: u16, start: impl FnMut(&Post<'_>)) -> Self {
        static GROUNDS: AtomicU8 = AtomicU8::new(0);
        let plane = ControlPlane::start();
        let kubectl = plane.admin();
        let items: Vec<_> = overlay(&kubectl)
            .into_iter()
            .filter(|object| !CALLED.contains(&object["kind"].as_str().unwrap()))
            .collect();
        let applied = kubectl.apply(&json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string());
        assert_eq!(applied.code, 0, "{}", applied.err);
        let dir = tempfile::tempdir().unwrap();
        let number = GROUNDS.fetch_add(1, Ordering::Relaxed);
        let store = (Location::Directory(dir.path().join("store")), Vec::new());
        let desk = Following::start(&plane.admin_kubeconfig(), "netreach-desk", DESK_PORT);
        let at = desk.service.address();
        let ground = Self { kubectl, plane, agents: Vec::new(), store, dir, number, _desk: desk };
        ground.certify(&at.ip().to_string());
        let (desk, ca) = (format!("https://{at}"), ground.dir.path().join("ca.crt"));
        let ips: Vec<_> = (1..=count).map(|number| ground.ip(number)).collect();
        post_all(&ground.plane, &ips, (&desk, &ca), start);
        ground
    }

    /// Has the API server pass on requests for reports to the leader, as long as what is given back is held.
    pub(crate) fn publish_reports(&self) -> Following {
        let api = Following::start(&self.plane.admin_kubeconfig(), API_SERVICE, API_PORT);
        publish(&self.kubectl, &api.service, &self.dir.path().join("ca.crt"));
        api
    }

    /// Makes the pods of two managers.
    pub(crate) fn places(&self) -> [Place; 2] {
        let places = [("netreach-manager-a", 8), ("netreach-manager-b", 9)]
            .map(|(pod, number)| Place { pod, ip: self.ip(number) });
        for place in &places {
            self.make_pod(place);
        }
        places
    }

    /// A manager in its pod, with the rights and the command line that it has there, but for where things are in this test.
    pub(crate) fn manager(&self, place: &Place) -> Running {
        self.manager_by(place, &self.kubeconfig())
    }

    /// The same, with these credentials.
    pub(crate) fn manager_by(&self, place: &Place, kubeconfig: &Path) -> Running {
        let deployment = self.kubectl.get(&format!("deployment netreach-manager -n {NAMESPACE}"));
        let args = deployment["spec"]["template"]["spec"]["containers"][0]["args"].clone();
        let args = args.as_array().unwrap().iter().map(|arg| arg.as_str().unwrap());
        let args: Vec<_> = args.filter(|arg| !arg.starts_with("--store=")).collect();
        assert_eq!(args, ["run", "--lead-by=netreach-manager"]);
        self.start(&args.join(" "), place, kubeconfig)
    }

    /// One that knows of no others.
    pub(crate) fn manager_alone(&self, place: &Place) -> Running {
        self.start("run", place, &self.kubeconfig())
    }

    fn start(&self, args: &str, place: &Place, kubeconfig: &Path) -> Running {
        let (Place { pod, ip }, dir, (store, variables)) = (place, self.dir.path().display(), &self.store);
        let args = format!(
            "{args} --namespace {NAMESPACE} --pod {pod} --store {store} --desk-certificates {dir} --api-certificates {dir} \
             --desk-listen {ip}:{DESK_PORT} --api-listen {ip}:{API_PORT} --health-listen {ip}:{HEALTH_PORT}",
        );
        let manager = Program::at(env!("CARGO_BIN_EXE_netreach-manager")).args(&args);
        let manager = variables.iter().fold(manager, |manager, (name, value)| manager.env(name, value));
        manager.env("KUBECONFIG", kubeconfig).start()
    }

    /// The credentials of managers.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        let account = format!("system:serviceaccount:{NAMESPACE}:netreach-manager");
        let groups =
            ["system:serviceaccounts", "system:serviceaccounts:netreach-system", "system:authenticated"];
        self.plane.user_kubeconfig(&account, &groups)
    }

    pub(crate) fn apply(&self, spec: &Spec) {
        let applied = self.kubectl.apply(&spec.yaml());
        assert_eq!(applied.code, 0, "{}", applied.err);
    }

    /// The status, once it is as wanted.
    pub(crate) fn await_status(&self, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.kubectl.await_object(&format!("netreach {name}"), |object| wanted(&object["status"]))["status"]
            .take()
    }

    /// The pods that Services take for the leader's.
    pub(crate) fn leaders(&self) -> Vec<String> {
        let called = self.kubectl.ok(&format!("get pods -n {NAMESPACE} -l kdoctor.io/role=leader -o name"));
        called.lines().map(|line| line.trim_start_matches("pod/").to_owned()).collect()
    }

    /// How many Events of a reason there are about a NetReach, repeated ones counted.
    pub(crate) fn count_events(&self, name: &str, reason: &str) -> u64 {
        let selector = format!("involvedObject.name={name},reason={reason}");
        let events = self.kubectl.get(&format!("events -n default --field-selector {selector}"));
        let times =
            |event: &Value| event["series"]["count"].as_u64().or(event["count"].as_u64()).unwrap_or(1);
        events["items"].as_array().unwrap().iter().map(|event| times(event).max(1)).sum()
    }

    /// Loopback addresses of this process and this ground alone.
    fn ip(&self, number: u16) -> Ipv4Addr {
        let [_, _, a, b] = process::id().to_be_bytes();
        let first = Ipv4Addr::new(127, a, b, (self.number % 20) * 10 + 10);
        (u32::from(first) + u32::from(number)).into()
    }

    fn certify(&self, name: &str) {
        let authority = Authority::new("netreach-ha-test");
        let leaf = authority.sign_all(&[name, &format!("{API_SERVICE}.{NAMESPACE}.svc")]);
        for (name, text) in
            [("ca.crt", authority.pem()), ("tls.crt", &leaf.certificate), ("tls.key", &leaf.key)]
        {
            fs::write(self.dir.path().join(name), text).unwrap();
        }
    }

    /// A pod as the Deployment of `config/ha` would make it. It is ready whoever leads.
    fn make_pod(&self, place: &Place) {
        let managers = self.kubectl.get(&format!("deployment netreach-manager -n {NAMESPACE}"));
        let mut pod = managers["spec"]["template"].clone();
        pod["apiVersion"] = "v1".into();
        pod["kind"] = "Pod".into();
        pod["metadata"]["name"] = place.pod.into();
        pod["metadata"]["namespace"] = NAMESPACE.into();
        let applied = self.kubectl.apply(&pod.to_string());
        assert_eq!(applied.code, 0, "{}", applied.err);
        let status = json!({
            "phase": "Running", "podIP": place.ip.to_string(), "podIPs": [{"ip": place.ip.to_string()}],
            "conditions": [{"type": "Ready", "status": "True"}],
        });
        patch_status(&self.kubectl, &format!("pod {} -n {NAMESPACE}", place.pod), &status);
    }
}

/// The objects of `config/ha`.
pub(crate) fn overlay(kubectl: &Kubectl) -> Vec<Value> {
    serde_saphyr::from_multiple(&kubectl.ok("kustomize config/ha")).unwrap()
}
