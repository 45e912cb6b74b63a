//! What `config/ha` puts on top of `config/default`.

use netreach_tests::ControlPlane;
use serde_json::{Value, json};

use super::ground::overlay;

fn find<'a>(objects: &'a [Value], kind: &str, name: &str) -> &'a Value {
    let is_it = |object: &&Value| object["kind"] == kind && object["metadata"]["name"] == name;
    objects.iter().find(is_it).unwrap_or_else(|| panic!("no {kind} {name}"))
}

#[test]
fn an_api_server_takes_it_without_a_warning_and_no_role_has_a_wildcard() {
    let plane = ControlPlane::start();
    let kubectl = plane.admin();
    let applied = kubectl.run("apply -k config/ha");
    assert_eq!(applied.code, 0, "{}", applied.err);
    let warnings: Vec<_> = applied.err.lines().filter(|line| line.starts_with("Warning: ")).collect();
    assert!(warnings.is_empty(), "{}", applied.err);
    // It goes as it came: by way of what it has in common with config/default, and beside it.
    let again = kubectl.ok("apply -k config/ha");
    assert!(
        again.lines().all(|line| line.ends_with(" unchanged") || line.ends_with(" configured")),
        "{again}"
    );
    let objects = overlay(&kubectl);
    for rule in objects.iter().filter_map(|object| object["rules"].as_array()).flatten() {
        assert!(!rule.to_string().contains('*'), "{rule}");
    }
    assert!(objects.iter().all(|object| object["kind"] != "Secret"), "keys are no part of it");
}

#[test]
fn callers_are_sent_to_the_leader_alone_and_kubelets_and_budgets_see_all() {
    let plane = ControlPlane::shared();
    let objects = overlay(&plane.admin());
    let managers = json!({"app.kubernetes.io/name": "netreach", "app.kubernetes.io/component": "manager"});
    let mut leader = managers.clone();
    leader["kdoctor.io/role"] = "leader".into();
    for service in ["netreach-desk", "netreach-api"] {
        assert_eq!(find(&objects, "Service", service)["spec"]["selector"], leader, "{service}");
    }
    let deployment = find(&objects, "Deployment", "netreach-manager");
    assert_eq!(deployment["spec"]["selector"]["matchLabels"], managers);
    assert_eq!(deployment["spec"]["template"]["metadata"]["labels"], managers, "nobody is born a leader");
    assert_eq!(deployment["spec"]["replicas"], 2);
    let budget = find(&objects, "PodDisruptionBudget", "netreach-manager");
    assert_eq!(budget["spec"]["selector"]["matchLabels"], managers);
    let pod = &deployment["spec"]["template"]["spec"];
    assert!(pod["volumes"].as_array().unwrap().iter().all(|volume| volume["name"] != "store"));
    let named = &pod["containers"][0]["args"][1];
    assert_eq!(named, "--lead-by=netreach-manager");
    let role = find(&objects, "Role", "netreach-leader");
    assert_eq!(role["rules"][0]["resourceNames"], json!(["netreach-manager"]));
}
