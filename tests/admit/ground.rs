//! A real API server and our real webhook beside it, registered as `config/webhook` has it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use k8s_openapi::ByteString;
use netreach_tests::{Authority, ControlPlane, Finished, Kubectl, Mount, Program, Running, Service};
use serde_json::{Value, json};

/// A cluster that can serve whatever is asked for.
pub(crate) const ABLE: &str = include_str!("facts.yaml");

/// All of it; ended when dropped.
pub(crate) struct Ground {
    pub(crate) kubectl: Kubectl,
    pub(crate) service: Service,
    pub(crate) authority: Authority,
    pub(crate) certificates: Mount,
    pub(crate) facts: Mount,
    replicas: Mutex<Vec<Replica>>,
    // Last, for it ends last.
    _own_plane: Option<ControlPlane>,
}

/// One process of the webhook.
struct Replica {
    address: SocketAddr,
    running: Running,
}

/// The one of the tests that change nothing but their own objects; ended with the last of them.
static SHARED: Mutex<Weak<Ground>> = Mutex::new(Weak::new());

impl Ground {
    pub(crate) fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let ground = Arc::new(Self::on(ControlPlane::shared().admin(), None, 1));
            *shared = Arc::downgrade(&ground);
            ground
        })
    }

    /// One whose webhook a test may break.
    pub(crate) fn own(replicas: usize) -> Self {
        let plane = ControlPlane::start();
        Self::on(plane.admin(), Some(plane), replicas)
    }

    fn on(kubectl: Kubectl, own_plane: Option<ControlPlane>, replicas: usize) -> Self {
        kubectl.ok("apply -f config/crd/bases");
        // kubectl gives up on an object that has no conditions yet.
        kubectl.await_ok("wait --for=condition=Established crd/netreaches.kdoctor.io");
        let authority = Authority::new("first");
        let leaf = authority.sign("127.0.0.1");
        let certificates = Mount::of(&[("tls.crt", &leaf.certificate), ("tls.key", &leaf.key)]);
        let facts = Mount::of(&[("facts.yaml", ABLE)]);
        let replicas = Mutex::new((0..replicas).map(|_| Replica::start(&certificates, &facts)).collect());
        let service = Service::start();
        let ground =
            Self { kubectl, service, authority, certificates, facts, replicas, _own_plane: own_plane };
        ground.serve_by(|_| true);
        ground.register(ground.authority.pem());
        // An API server learns of a new configuration as everybody does: from a watch.
        ground.kubectl.await_answer("--dry-run=server -o json", &object("await", &json!({})), |answer| {
            answer.code == 0 && answer.json()["spec"]["schedule"]["schedule"] == "0 60"
        });
        ground
    }

    /// Lets the Service have these replicas as its endpoints.
    pub(crate) fn serve_by(&self, wanted: impl Fn(usize) -> bool) {
        let replicas = self.replicas.lock().unwrap();
        let all = replicas.iter().map(|replica| replica.address).enumerate();
        let endpoints: Vec<_> = all.filter(|(i, _)| wanted(*i)).map(|(_, address)| address).collect();
        self.service.set_endpoints(&endpoints);
    }

    /// Ends a replica as a kubelet does, and starts it anew.
    pub(crate) fn restart(&self, which: usize) {
        self.serve_by(|i| i != which);
        let ended = self.replicas.lock().unwrap().remove(which).end();
        assert_eq!(ended.code, 0, "{}", ended.err);
        let anew = Replica::start(&self.certificates, &self.facts);
        self.replicas.lock().unwrap().insert(which, anew);
        self.serve_by(|_| true);
    }

    /// Waits until every replica has said this once more.
    pub(crate) fn hear_all(&self, text: &str) {
        self.replicas.lock().unwrap().iter_mut().for_each(|replica| replica.running.hear(text));
    }

    /// Registers the webhook's configurations, with these CA certificates. They are those that are shipped, but for the
    /// address: there is no cluster network here.
    pub(crate) fn register(&self, authorities: &str) {
        let shipped = self.kubectl.ok("kustomize config/webhook/configurations");
        let mut shipped: Vec<Value> = serde_saphyr::from_multiple(&shipped).unwrap();
        shipped.retain(|object| object["webhooks"].is_array());
        assert_eq!(shipped.len(), 2, "one that mutates and one that validates");
        for object in &mut shipped {
            for webhook in object["webhooks"].as_array_mut().unwrap() {
                let path = webhook["clientConfig"]["service"]["path"].as_str().unwrap();
                let url = format!("https://{}{path}", self.service.address());
                webhook["clientConfig"] = json!({"url": url, "caBundle": ByteString(authorities.into())});
            }
        }
        let list = json!({"apiVersion": "v1", "kind": "List", "items": shipped});
        let applied = self.kubectl.apply(&list.to_string());
        assert_eq!(applied.code, 0, "{}", applied.err);
    }

    /// Applies an object of this name and spec.
    pub(crate) fn apply(&self, name: &str, spec: &Value) -> Finished {
        self.kubectl.apply(&object(name, spec))
    }

    pub(crate) fn spec(&self, name: &str) -> Value {
        self.kubectl.get(&format!("netreach {name}"))["spec"].take()
    }
}

impl Replica {
    fn start(certificates: &Mount, facts: &Mount) -> Self {
        // All of 127.0.0.0/8 is loopback: an address of this process's own, so that no port can be taken.
        static PORTS: AtomicU16 = AtomicU16::new(9_443);
        let [_, a, b, c] = (process::id() << 2).to_be_bytes();
        let address = SocketAddr::from((Ipv4Addr::new(127, a, b, c), PORTS.fetch_add(1, Ordering::Relaxed)));
        let health = SocketAddr::new(address.ip(), address.port() + 10_000);
        let mut running = webhook(address, health, certificates.dir(), &facts.file("facts.yaml")).start();
        running.hear("ready");
        Self { address, running }
    }

    /// Tells it to end and waits for that.
    fn end(self) -> Finished {
        self.running.signal("TERM", self.running.pid());
        self.running.finish()
    }
}

fn webhook(listen: SocketAddr, health: SocketAddr, certificates: &Path, facts: &Path) -> Program {
    Program::at(env!("CARGO_BIN_EXE_netreach-webhook"))
        .args(&format!("--listen {listen} --health-listen {health}"))
        .arg("--certificates")
        .arg(certificates)
        .arg("--cluster-facts")
        .arg(facts)
}

/// A manifest.
pub(crate) fn object(name: &str, spec: &Value) -> String {
    let metadata = json!({"name": name});
    json!({"apiVersion": "kdoctor.io/v1beta1", "kind": "NetReach", "metadata": metadata, "spec": spec})
        .to_string()
}

/// What kubectl passed on as warnings, a line each.
pub(crate) fn warnings(finished: &Finished) -> Vec<&str> {
    finished.err.lines().filter_map(|line| line.strip_prefix("Warning: ")).collect()
}
