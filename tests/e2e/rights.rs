//! What agents may do: nothing, but to speak to the desk; and nobody else may do that.

use std::collections::BTreeSet;
use std::fs;

use netreach_tests::{Kubectl, Program};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::cluster::Cluster;

/// For whom an agent's own token is made.
const DESK: &str = "--audience=netreach";
/// For whom tokens are made that nobody has asked anything of: the API server.
const API_SERVER: &str = "";
/// An account that nobody has given anything.
const ANYBODY: (&str, &str) = ("default", "default");
/// Those of the agents.
const AGENTS: [(&str, &str); 2] =
    [("netreach-system", "netreach-agent"), ("netreach-host", "netreach-agent")];

/// What an agent would have to be able to ask for to look around, or to do harm.
const ASKED: [(&str, &str); 35] = [
    ("GET", "/api/v1/namespaces"),
    ("GET", "/api/v1/nodes"),
    ("GET", "/api/v1/pods"),
    ("GET", "/api/v1/services"),
    ("GET", "/api/v1/namespaces/netreach-system/configmaps"),
    ("GET", "/api/v1/namespaces/netreach-system/configmaps/netreach-desk-ca"),
    ("GET", "/api/v1/namespaces/netreach-system/events"),
    ("GET", "/api/v1/namespaces/netreach-system/pods"),
    ("GET", "/api/v1/namespaces/netreach-system/secrets"),
    ("GET", "/api/v1/namespaces/netreach-system/secrets/netreach-ca"),
    ("GET", "/api/v1/namespaces/netreach-system/serviceaccounts"),
    ("GET", "/apis/apps/v1/daemonsets"),
    ("GET", "/apis/apps/v1/namespaces/netreach-system/daemonsets/netreach-agent"),
    ("GET", "/apis/coordination.k8s.io/v1/namespaces/netreach-system/leases"),
    ("GET", "/apis/kdoctor.io/v1beta1/netreaches"),
    ("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles"),
    ("GET", "/apis/system.kdoctor.io/v1beta1/kdoctorreports"),
    ("POST", "/api/v1/namespaces/netreach-system/configmaps"),
    ("POST", "/api/v1/namespaces/netreach-system/events"),
    ("POST", "/api/v1/namespaces/netreach-system/pods"),
    ("POST", "/api/v1/namespaces/netreach-system/secrets"),
    ("POST", "/api/v1/namespaces/netreach-system/serviceaccounts/netreach-agent/token"),
    ("POST", "/apis/apps/v1/namespaces/netreach-system/daemonsets"),
    ("POST", "/apis/authentication.k8s.io/v1/tokenreviews"),
    ("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews"),
    ("POST", "/apis/kdoctor.io/v1beta1/netreaches"),
    ("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"),
    ("PUT", "/api/v1/namespaces/netreach-system/configmaps/netreach-desk-ca"),
    ("PUT", "/apis/kdoctor.io/v1beta1/netreaches/any"),
    ("PUT", "/apis/kdoctor.io/v1beta1/netreaches/any/status"),
    ("DELETE", "/api/v1/nodes/any"),
    ("DELETE", "/api/v1/namespaces/netreach-system/pods/any"),
    ("DELETE", "/api/v1/namespaces/netreach-system/secrets/netreach-ca"),
    ("DELETE", "/apis/apps/v1/namespaces/netreach-system/daemonsets/netreach-agent"),
    ("DELETE", "/apis/kdoctor.io/v1beta1/netreaches/any"),
];

/// Whoever has a token, and nothing else to show.
struct Bearer {
    kubectl: Kubectl,
    server: String,
    token: String,
    _directory: TempDir,
}

/// What an API server answered: 403 and why, or else.
#[derive(Debug)]
struct Answer {
    code: u16,
    text: String,
}

impl Bearer {
    fn of(kubectl: &Kubectl, token: &str) -> Self {
        let mut config = kubectl.call("config view --minify --flatten -o json").run().json();
        config["users"][0]["user"] = json!({"token": token});
        let server = config["clusters"][0]["cluster"]["server"].as_str().unwrap().to_owned();
        let directory = TempDir::new().unwrap();
        let kubeconfig = directory.path().join("kubeconfig");
        fs::write(&kubeconfig, config.to_string()).unwrap();
        let kubectl = Kubectl::of(kubeconfig);
        Self { kubectl, server, token: token.to_owned(), _directory: directory }
    }

    /// Asks the API server for something, without asking first what there is.
    fn ask(&self, method: &str, path: &str) -> Answer {
        let call = Program::at("curl").args("-sk -m 10 -w \\n%{http_code} -X").arg(method);
        let call = call.arg("-H").arg(format!("Authorization: Bearer {}", self.token));
        let call = call.arg("-H").arg("Content-Type: application/json");
        let call = if matches!(method, "POST" | "PUT") { call.args("-d {}") } else { call };
        let answered = call.arg(format!("{}{path}", self.server)).run();
        let (text, code) = answered.out.trim().rsplit_once('\n').unwrap_or(("", &answered.out));
        let code = code.trim().parse().unwrap_or_else(|_| panic!("no answer: {answered:?}"));
        Answer { code, text: text.to_owned() }
    }

    /// What it may do in a namespace, as an API server tells it.
    fn may(&self, namespace: &str) -> BTreeSet<String> {
        let told = self.kubectl.ok(&format!("auth can-i --list --no-headers -n {namespace}"));
        told.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }
}

/// A token of an account; `how` are further words for `create token`.
fn token(kubectl: &Kubectl, (namespace, account): (&str, &str), how: &str) -> String {
    kubectl.ok(&format!("create token {account} -n {namespace} {how}")).trim().to_owned()
}

/// The agent that everybody has on some node.
fn agent(kubectl: &Kubectl) -> String {
    let agents = kubectl.get("pods -n netreach-system -l kdoctor.io/default-agents=true");
    let ready =
        agents["items"].as_array().unwrap().iter().find(|pod| pod["metadata"]["deletionTimestamp"].is_null());
    ready.unwrap()["metadata"]["name"].as_str().unwrap().to_owned()
}

/// The words by which a token is bound to a pod.
fn bound_to(pod: &str, how: &str) -> String {
    format!("--bound-object-kind=Pod --bound-object-name={pod} {how}")
}

#[test]
fn an_agent_may_no_more_than_anybody() {
    let cluster = Cluster::shared();
    let kubectl = &cluster.kubectl;
    let anybody = Bearer::of(kubectl, &token(kubectl, ANYBODY, API_SERVER));
    let bound = token(kubectl, AGENTS[0], &bound_to(&agent(kubectl), API_SERVER));
    let on_host = token(kubectl, AGENTS[1], API_SERVER);
    for token in [bound, on_host] {
        let agent = Bearer::of(kubectl, &token);
        for namespace in ["default", "kube-system", "netreach-system", "netreach-host"] {
            let rights = agent.may(namespace);
            assert_eq!(rights, anybody.may(namespace), "in {namespace}");
            // The little that everybody may is not nothing.
            assert!(rights.iter().any(|right| right.contains("selfsubjectreviews")), "{rights:?}");
        }
        let known = agent.ask("GET", "/version");
        assert_eq!(known.code, 200, "{known:?}");
        for (method, path) in ASKED {
            let (agents, anybodys) = (agent.ask(method, path), anybody.ask(method, path));
            for (account, answer) in [(":netreach-agent", agents), (":default:default", anybodys)] {
                // By its name: known, and not allowed.
                let is_refused = answer.code == 403 && answer.text.contains(account);
                assert!(is_refused, "{account}: {method} {path}: {answer:?}");
            }
        }
    }
}

#[test]
fn a_token_for_the_desk_is_worth_nothing_at_the_api_server() {
    let cluster = Cluster::shared();
    let kubectl = &cluster.kubectl;
    let token = token(kubectl, AGENTS[0], &bound_to(&agent(kubectl), DESK));
    let bearer = Bearer::of(kubectl, &token);
    for path in ["/version", "/api", "/api/v1/pods", "/apis/system.kdoctor.io/v1beta1/kdoctorreports"] {
        let refused = bearer.ask("GET", path);
        assert_eq!(refused.code, 401, "{path}: {refused:?}");
    }
}

/// A pod in our namespace, with something in its spec or in its container's security.
fn pod(spec: Value, security: Value) -> String {
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "outsider", "namespace": "netreach-system"},
        "spec": {
            "containers": [{"name": "it", "image": "outsider", "securityContext": {
                "allowPrivilegeEscalation": false, "runAsNonRoot": true, "capabilities": {"drop": ["ALL"]},
                "seccompProfile": {"type": "RuntimeDefault"},
            }}],
        },
    });
    let merge = |into: &mut Value, from: Value| {
        let Value::Object(from) = from else { panic!("no object: {from}") };
        into.as_object_mut().unwrap().extend(from);
    };
    merge(&mut pod["spec"]["containers"][0]["securityContext"], security);
    merge(&mut pod["spec"], spec);
    pod.to_string()
}

#[test]
fn our_namespace_holds_restricted_pods_alone() {
    let cluster = Cluster::with_net_reach();
    let kubectl = &cluster.kubectl;
    let namespace = kubectl.get("namespace netreach-system");
    assert_eq!(namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"], "restricted");
    kubectl.ok("-n netreach-system wait pod --all --for=condition=Ready --timeout=60s");
    let apply = |pod: &str| kubectl.call("apply --dry-run=server -f -").input(pod).run();
    let plain = apply(&pod(json!({}), json!({})));
    assert_eq!(plain.code, 0, "a pod that asks for nothing is let in: {}", plain.err);
    for (asked, spec, security) in [
        ("host namespaces", json!({"hostNetwork": true}), json!({})),
        ("hostPath", json!({"volumes": [{"name": "node", "hostPath": {"path": "/"}}]}), json!({})),
        ("privileged", json!({}), json!({"privileged": true, "allowPrivilegeEscalation": true})),
        ("runAsUser=0", json!({}), json!({"runAsUser": 0})),
        ("unrestricted capabilities", json!({}), json!({"capabilities": {"add": ["NET_RAW"]}})),
        ("runAsNonRoot", json!({}), json!({"runAsNonRoot": false})),
        ("allowPrivilegeEscalation", json!({}), json!({"allowPrivilegeEscalation": true})),
    ] {
        let refused = apply(&pod(spec, security));
        assert_eq!(refused.code, 1, "{asked}: {}", refused.out);
        let told = refused.err.contains("violates PodSecurity \"restricted") && refused.err.contains(asked);
        assert!(told, "{asked}: {}", refused.err);
    }
}

/// A part of ours, as any node reaches it.
struct Door {
    node: String,
    address: String,
}

impl Door {
    fn of(kubectl: &Kubectl, service: &str) -> Self {
        let nodes = kubectl.get("nodes -l !node-role.kubernetes.io/control-plane");
        let service = kubectl.get(&format!("service {service} -n netreach-system"));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            node: text(&nodes["items"][0]["metadata"]["name"]),
            address: text(&service["spec"]["clusterIP"]),
        }
    }

    /// The status of the answer to a call with these headers: to a `POST` of `body`, where there is one.
    fn knock(&self, path: &str, headers: &[String], body: Option<&str>) -> u16 {
        let url = format!("https://{}{path}", self.address);
        let call = Program::at("docker").args("exec").arg(&self.node);
        let call = call.args("curl -sk -m 10 -o /dev/null -w %{http_code}").arg(url);
        let call = headers.iter().fold(call, |call, header| call.arg("-H").arg(header));
        let answered = body.into_iter().fold(call, |call, body| call.arg("-d").arg(body)).run();
        answered.out.trim().parse().unwrap_or_else(|_| panic!("no answer: {answered:?}"))
    }

    /// What the desk says to somebody with this token: 400 to an agent, for this is neither a poll nor a result.
    fn ask_desk(&self, token: Option<&str>) -> [u16; 2] {
        let headers: Vec<_> =
            token.map(|token| format!("authorization: Bearer {token}")).into_iter().collect();
        ["/v1/poll", "/v1/results"].map(|path| self.knock(path, &headers, Some("{}")))
    }
}

#[test]
fn the_desk_hears_agents_alone() {
    let cluster = Cluster::with_net_reach();
    let kubectl = &cluster.kubectl;
    let desk = Door::of(kubectl, "netreach-desk");
    let pod = agent(kubectl);
    let good = token(kubectl, AGENTS[0], &bound_to(&pod, DESK));
    assert_eq!(desk.ask_desk(Some(&good)), [400, 400], "an agent is heard");
    assert_eq!(desk.ask_desk(None), [401, 401], "without a token");
    // The same claims under a signature that is none.
    let (unsigned, _) = good.rsplit_once('.').unwrap();
    let forged =
        [("nothing of a token", "token".to_owned()), ("one that nobody signed", format!("{unsigned}.AAAA"))];
    let accounts = [
        ("another account's", ANYBODY, DESK.to_owned()),
        ("the manager's", ("netreach-system", "netreach-manager"), DESK.to_owned()),
        ("an agent's, of no pod", AGENTS[0], DESK.to_owned()),
        ("an agent's on the host, of no pod", AGENTS[1], DESK.to_owned()),
        ("an agent's, for the API server", AGENTS[0], bound_to(&pod, API_SERVER)),
        ("an agent's, for somebody else", AGENTS[0], bound_to(&pod, "--audience=somebody")),
    ];
    let made = accounts.map(|(whose, account, how)| (whose, token(kubectl, account, &how)));
    for (whose, token) in forged.into_iter().chain(made) {
        assert_eq!(desk.ask_desk(Some(&token)), [401, 401], "with a token, {whose}");
    }
    kubectl.ok(&format!("delete pod {pod} -n netreach-system"));
    assert_eq!(desk.ask_desk(Some(&good)), [401, 401], "an agent that is gone");
    kubectl.ok("-n netreach-system rollout status daemonset netreach-agent --timeout=60s");
}

#[test]
fn reports_are_shown_to_those_alone_that_the_api_server_vouches_for() {
    let cluster = Cluster::shared();
    let kubectl = &cluster.kubectl;
    let reports = Door::of(kubectl, "netreach-api");
    let bearer = format!(
        "authorization: Bearer {}",
        token(kubectl, AGENTS[0], &bound_to(&agent(kubectl), API_SERVER))
    );
    let claimed = ["x-remote-user: admin".to_owned(), "x-remote-group: system:masters".to_owned()];
    for headers in [&[] as &[String], &[bearer], &claimed] {
        for path in ["", "/netreach-any"] {
            let path = format!("/apis/system.kdoctor.io/v1beta1/kdoctorreports{path}");
            assert_eq!(reports.knock(&path, headers, None), 401, "{path} with {headers:?}");
        }
    }
}
