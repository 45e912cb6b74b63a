//! An agent on a loopback address, and the pod that an API server believes it to be in.

use std::net::Ipv4Addr;
use std::path::Path;
use std::thread::{self, JoinHandle};

use async_std::task::block_on;
use clap::Parser;
use netreach_agent::{Args, Config, run_until};
use netreach_serve::Stop;
use netreach_tests::{ControlPlane, Kubectl};
use netreach_wire::AgentId;
use serde_json::{Value, json};

use super::ground::NAMESPACE;

/// The port that every agent answers on, each at an address of its own.
pub(crate) const PORT: u16 = 18_080;

/// Where an agent is to be, and where its desk.
pub(crate) struct Post<'a> {
    pub(crate) plane: &'a ControlPlane,
    pub(crate) number: u8,
    pub(crate) ip: Ipv4Addr,
    pub(crate) desk: &'a str,
    pub(crate) ca: &'a Path,
}

/// One agent; ends when dropped.
pub(crate) struct Agent {
    pub(crate) pod: String,
    stop: Stop,
    thread: Option<JoinHandle<()>>,
}

impl Agent {
    /// Makes node and pod, and the agent in it.
    pub(crate) fn start(post: &Post<'_>) -> Self {
        let Post { ip, desk, ca, .. } = post;
        let AgentId { node, pod } = make(post);
        let token = post.plane.agent_token(NAMESPACE, "netreach-agent", Some(&pod));
        let ca = ca.display().to_string();
        let listen = format!("{ip}:{PORT}");
        let words = ["netreach-agent", "--desk", *desk, "--desk-ca", &ca, "--token", &token];
        let words = words.into_iter().chain(["--node", &node, "--pod", &pod, "--listen", &listen]);
        let config = Config::try_from(Args::parse_from(words)).unwrap();
        let stop = Stop::new();
        let until = stop.clone();
        let thread = thread::spawn(move || block_on(run_until(config, &until)).unwrap());
        Self { pod, stop, thread: Some(thread) }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The node of a post and the pod there.
pub(crate) fn make(post: &Post<'_>) -> AgentId {
    let kubectl = post.plane.admin();
    let (node, pod) = (format!("node-{}", post.number), format!("netreach-agent-{}", post.number));
    make_node(&kubectl, &node, post.ip);
    make_pod(&kubectl, &node, &pod, post.ip);
    AgentId { node, pod }
}

fn make_node(kubectl: &Kubectl, name: &str, ip: Ipv4Addr) {
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}});
    assert_eq!(kubectl.apply(&node.to_string()).code, 0);
    let status = json!({
        "addresses": [{"type": "InternalIP", "address": ip.to_string()}],
        "conditions": [{"type": "Ready", "status": "True", "reason": "", "message": ""}],
    });
    patch_status(kubectl, &format!("node {name}"), &status);
}

/// A pod as the DaemonSet of `config/agent` would make it.
fn make_pod(kubectl: &Kubectl, node: &str, name: &str, ip: Ipv4Addr) {
    let agents = kubectl.get(&format!("daemonset netreach-agent -n {NAMESPACE}"));
    let mut pod = agents["spec"]["template"].clone();
    pod["apiVersion"] = "v1".into();
    pod["kind"] = "Pod".into();
    pod["metadata"]["name"] = name.into();
    pod["metadata"]["namespace"] = NAMESPACE.into();
    pod["spec"]["nodeName"] = node.into();
    pod["spec"]["containers"][0]["ports"][0]["containerPort"] = PORT.into();
    let applied = kubectl.apply(&pod.to_string());
    assert_eq!(applied.code, 0, "{}", applied.err);
    let status = json!({
        "phase": "Running",
        "podIP": ip.to_string(),
        "podIPs": [{"ip": ip.to_string()}],
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [{
            "name": "agent", "image": "agent", "imageID": "", "ready": true, "started": true, "restartCount": 0,
            "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
        }],
    });
    patch_status(kubectl, &format!("pod {name} -n {NAMESPACE}"), &status);
}

pub(crate) fn patch_status(kubectl: &Kubectl, what: &str, status: &Value) {
    let patch = json!({"status": status}).to_string();
    let patched =
        kubectl.call("patch --subresource=status --type=merge").args(what).arg("-p").arg(patch).run();
    assert_eq!(patched.code, 0, "{}", patched.err);
}
