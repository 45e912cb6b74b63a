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

/// Where an agent is, and where its desk.
pub(crate) struct Post<'a> {
    pub(crate) me: AgentId,
    pub(crate) token: String,
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
    pub(crate) fn start(post: &Post<'_>) -> Self {
        let Post { me: AgentId { node, pod }, token, ip, desk, ca } = post;
        let ca = ca.display().to_string();
        let listen = format!("{ip}:{PORT}");
        let words = ["netreach-agent", "--desk", *desk, "--desk-ca", &ca, "--token", token];
        let words = words.into_iter().chain(["--node", node, "--pod", pod, "--listen", &listen]);
        let config = Config::try_from(Args::parse_from(words)).unwrap();
        let stop = Stop::new();
        let until = stop.clone();
        let thread = thread::spawn(move || block_on(run_until(config, &until)).unwrap());
        Self { pod: pod.clone(), stop, thread: Some(thread) }
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

/// Makes a node for each address, and the pod of an agent there as the DaemonSet of `config/agent` would make it; starts each at its post.
pub(crate) fn post_all(
    plane: &ControlPlane,
    ips: &[Ipv4Addr],
    (desk, ca): (&str, &Path),
    mut start: impl FnMut(&Post<'_>),
) {
    let (kubectl, count) = (plane.admin(), ips.len());
    let wanted = json!({
        "currentNumberScheduled": count, "numberMisscheduled": 0, "desiredNumberScheduled": count, "numberReady": count,
        "observedGeneration": 1,
    });
    let agents = format!("daemonset netreach-agent -n {NAMESPACE}");
    patch_status(&kubectl, &agents, &wanted);
    let template = &kubectl.get(&agents)["spec"]["template"];
    let id = |number| AgentId { node: format!("node-{number}"), pod: format!("netreach-agent-{number}") };
    let ids: Vec<_> = (1..=count).map(id).collect();
    let pairs = ids.iter().zip(ips);
    let objects: Vec<_> = pairs.flat_map(|(id, ip)| [node(&id.node, *ip), pod(template, id, *ip)]).collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string();
    for how in ["create", "replace --subresource=status"] {
        let made = kubectl.call(how).args("-f -").input(list.clone()).run();
        assert_eq!(made.code, 0, "{how}: {}", made.err);
    }
    let pods: Vec<_> = ids.iter().map(|id| id.pod.as_str()).collect();
    let tokens = plane.agent_tokens(NAMESPACE, "netreach-agent", &pods);
    for ((me, token), ip) in ids.into_iter().zip(tokens).zip(ips) {
        start(&Post { me, token, ip: *ip, desk, ca });
    }
}

fn node(name: &str, ip: Ipv4Addr) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name},
        "status": {
            "addresses": [{"type": "InternalIP", "address": ip.to_string()}],
            "conditions": [{"type": "Ready", "status": "True", "reason": "", "message": ""}],
        },
    })
}

fn pod(template: &Value, id: &AgentId, ip: Ipv4Addr) -> Value {
    let mut pod = template.clone();
    pod["apiVersion"] = "v1".into();
    pod["kind"] = "Pod".into();
    pod["metadata"]["name"] = id.pod.as_str().into();
    pod["metadata"]["namespace"] = NAMESPACE.into();
    pod["spec"]["nodeName"] = id.node.as_str().into();
    pod["spec"]["containers"][0]["ports"][0]["containerPort"] = PORT.into();
    pod["status"] = json!({
        "phase": "Running",
        "podIP": ip.to_string(),
        "podIPs": [{"ip": ip.to_string()}],
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [{
            "name": "agent", "image": "agent", "imageID": "", "ready": true, "started": true, "restartCount": 0,
            "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
        }],
    });
    pod
}

pub(crate) fn patch_status(kubectl: &Kubectl, what: &str, status: &Value) {
    let patch = json!({"status": status}).to_string();
    let patched =
        kubectl.call("patch --subresource=status --type=merge").args(what).arg("-p").arg(patch).run();
    assert_eq!(patched.code, 0, "{}", patched.err);
}
