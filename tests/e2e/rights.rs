//! What agents may do: nothing, but to speak to the desk; and nobody else may do that.

use std::collections::BTreeSet;
use std::fs;

use netreach_tests::{Finished, Kubectl, Program};
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
    ("get", "/api/v1/namespaces"),
    ("get", "/api/v1/nodes"),
    ("get", "/api/v1/pods"),
    ("get", "/api/v1/services"),
    ("get", "/api/v1/namespaces/netreach-system/configmaps"),
    ("get", "/api/v1/namespaces/netreach-system/configmaps/netreach-desk-ca"),
    ("get", "/api/v1/namespaces/netreach-system/events"),
    ("get", "/api/v1/namespaces/netreach-system/pods"),
    ("get", "/api/v1/namespaces/netreach-system/secrets"),
    ("get", "/api/v1/namespaces/netreach-system/secrets/netreach-ca"),
    ("get", "/api/v1/namespaces/netreach-system/serviceaccounts"),
    ("get", "/apis/apps/v1/daemonsets"),
    ("get", "/apis/apps/v1/namespaces/netreach-system/daemonsets/netreach-agent"),
    ("get", "/apis/coordination.k8s.io/v1/namespaces/netreach-system/leases"),
    ("get", "/apis/kdoctor.io/v1beta1/netreaches"),
    ("get", "/apis/rbac.authorization.k8s.io/v1/clusterroles"),
    ("get", "/apis/system.kdoctor.io/v1beta1/kdoctorreports"),
    ("create", "/api/v1/namespaces/netreach-system/configmaps"),
    ("create", "/api/v1/namespaces/netreach-system/events"),
    ("create", "/api/v1/namespaces/netreach-system/pods"),
    ("create", "/api/v1/namespaces/netreach-system/secrets"),
    ("create", "/api/v1/namespaces/netreach-system/serviceaccounts/netreach-agent/token"),
    ("create", "/apis/apps/v1/namespaces/netreach-system/daemonsets"),
    ("create", "/apis/authentication.k8s.io/v1/tokenreviews"),
    ("create", "/apis/authorization.k8s.io/v1/subjectaccessreviews"),
    ("create", "/apis/kdoctor.io/v1beta1/netreaches"),
    ("create", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"),
    ("replace", "/api/v1/namespaces/netreach-system/configmaps/netreach-desk-ca"),
    ("replace", "/apis/kdoctor.io/v1beta1/netreaches/any"),
    ("replace", "/apis/kdoctor.io/v1beta1/netreaches/any/status"),
    ("delete", "/api/v1/nodes/any"),
    ("delete", "/api/v1/namespaces/netreach-system/pods/any"),
    ("delete", "/api/v1/namespaces/netreach-system/secrets/netreach-ca"),
    ("delete", "/apis/apps/v1/namespaces/netreach-system/daemonsets/netreach-agent"),
    ("delete", "/apis/kdoctor.io/v1beta1/netreaches/any"),
];

/// kubectl as whoever has a token, and with nothing else to show.
struct Bearer {
    kubectl: Kubectl,
    _directory: TempDir,
}

impl Bearer {
    fn of(kubectl: &Kubectl, token: &str) -> Self {
        let mut config = kubectl.call("config view --minify --flatten -o json").run().json();
        config["users"][0]["user"] = json!({"token": token});
        let directory = TempDir::new().unwrap();
        let kubeconfig = directory.path().join("kubeconfig");
        fs::write(&kubeconfig, config.to_string()).unwrap();
        Self { kubectl: Kubectl::of(kubeconfig), _directory: directory }
    }

    /// Asks the API server for something, without asking first what there is.
    fn ask(&self, verb: &str, path: &str) -> Finished {
        let call = self.kubectl.call(verb).arg("--raw").arg(path);
        let has_body = matches!(verb, "create" | "replace");
        if has_body { call.args("-f -").input("{}").run() } else { call.run() }
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
    let cluster = Cluster::with_net_reach();
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
        let known = agent.ask("get", "/version");
        assert_eq!(known.code, 0, "{}", known.err);
        for (verb, path) in ASKED {
            let (agents, anybodys) = (agent.ask(verb, path), anybody.ask(verb, path));
            for (account, answer) in [(":netreach-agent", agents), (":default:default", anybodys)] {
                assert_ne!(answer.code, 0, "{account} may {verb} {path}: {}", answer.out);
                // By its name: known, and not allowed.
                let refused = answer.err.contains("(Forbidden)") && answer.err.contains(account);
                assert!(refused, "{account} asked to {verb} {path}: {}", answer.err);
            }
        }
    }
}

#[test]
fn a_token_for_the_desk_is_worth_nothing_at_the_api_server() {
    let cluster = Cluster::with_net_reach();
    let kubectl = &cluster.kubectl;
    let token = token(kubectl, AGENTS[0], &bound_to(&agent(kubectl), DESK));
    let bearer = Bearer::of(kubectl, &token);
    for path in ["/version", "/api", "/api/v1/pods", "/apis/system.kdoctor.io/v1beta1/kdoctorreports"] {
        let refused = bearer.ask("get", path);
        assert_eq!(refused.code, 1, "{path}: {}", refused.out);
        assert!(
            refused.err.contains("(Unauthorized)") || refused.err.contains("must be logged in"),
            "{}",
            refused.err
        );
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
    let cluster = Cluster::with_net_reach();
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
