//! An API server whose reports nobody serves.

use std::path::Path;
use std::time::Instant;

use async_std::task::block_on;
use netreach_tests::{Kubectl, ends, net_reach};
use serde_json::json;

use super::ground::Ground;
use super::log::errors;
use super::reflector::client;

const API_SERVICE: &str = "apiservice v1beta1.system.kdoctor.io";
/// How long an API server may take to see that somebody is away, or back.
const SEEN_WITHIN: &str = "--timeout=90s";

/// Waits until discovery, which whoever deletes a namespace goes by, says this of us: that it knows what we have (`Current`), that it
/// cannot tell (`Stale`, and namespaces wait), or nothing at all.
fn await_freshness(ground: &Ground, discoverer: &Path, wanted: Option<&str>) {
    let began = Instant::now();
    ground.kubectl.await_object("namespace default", |_| freshness(discoverer).as_deref() == wanted);
    println!("reports: {wanted:?} in discovery {:?} later", began.elapsed());
}

fn freshness(kubeconfig: &Path) -> Option<String> {
    let groups =
        block_on(async { client(kubeconfig).await.list_api_groups_aggregated().await.unwrap().items });
    let is_ours = |name: Option<String>| name.as_deref() == Some("system.kdoctor.io");
    let mut ours =
        groups.into_iter().filter(|group| is_ours(group.metadata.clone().and_then(|one| one.name)));
    ours.next()?.versions.remove(0).freshness
}

/// Waits until the API server says that reports can be had, or cannot.
fn await_available(kubectl: &Kubectl, is: &str) {
    let began = Instant::now();
    kubectl.ok(&format!("wait {API_SERVICE} --for=condition=Available={is} {SEEN_WITHIN}"));
    println!("reports: Available={is} after {:?}", began.elapsed());
}

/// What has nothing to do with reports is read and written as ever.
fn all_else_goes_on(kubectl: &Kubectl, name: &str) {
    let config_map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
    for object in [config_map, net_reach(name).with("/spec/suspend", true).json()] {
        let applied = kubectl.apply(&object.to_string());
        assert_eq!(applied.code, 0, "{}", applied.err);
    }
    kubectl.ok(&format!("label configmap,netreach {name} seen=yes"));
    let found = kubectl.ok("get configmaps,netreach,nodes,pods -A -o name");
    let ours = [format!("configmap/{name}"), format!("netreach.kdoctor.io/{name}"), "node/node-1".to_owned()];
    for one in ours {
        assert!(found.lines().any(|line| line == one), "{one}: {found}");
    }
    kubectl.ok("explain netreach.spec.schedule");
    kubectl.ok(&format!("delete configmap,netreach {name}"));
}

#[test]
fn without_our_server_all_else_goes_on_and_it_is_missed_no_longer_than_it_is_registered() {
    let ground = Ground::new();
    let kubectl = &ground.kubectl;
    let manager = ground.manager();
    let _api = ground.publish_reports();
    ground.apply(&net_reach("task"));
    ground.await_finish("task");
    let discoverer = ground.kubeconfig_at(ground.api_server(), "discoverer", "system:discovery");
    await_freshness(&ground, &discoverer, Some("Current"));
    let logged = ground.api_server_log().len();

    drop(manager);
    await_available(kubectl, "False");
    let conditions = kubectl.get(API_SERVICE)["status"]["conditions"].take();
    assert_eq!(conditions[0]["reason"], "FailedDiscoveryCheck", "{conditions}");
    all_else_goes_on(kubectl, "away");
    let unavailable =
        "Error from server (ServiceUnavailable): the server is currently unable to handle the request";
    ends(&kubectl.run("get kdoctorreports"), 1, &[unavailable]);
    await_freshness(&ground, &discoverer, Some("Stale"));
    let told = errors(&ground.api_server_log()[logged..]);
    println!("reports: {} errors about us while we were away, as {:?}", told.len(), told.first());
    assert!(!told.is_empty(), "an API server says what it lacks");

    let manager = ground.manager();
    await_available(kubectl, "True");
    kubectl.await_ok("get kdoctorreport netreach-task");
    await_freshness(&ground, &discoverer, Some("Current"));

    drop(manager);
    await_available(kubectl, "False");
    await_freshness(&ground, &discoverer, Some("Stale"));
    kubectl.ok(&format!("delete {API_SERVICE}"));
    await_freshness(&ground, &discoverer, None);
    all_else_goes_on(kubectl, "gone");
    ends(&kubectl.run("get kdoctorreports"), 1, &["Error from server (NotFound)"]);

    let _manager = ground.manager();
    let _api = ground.publish_reports();
    kubectl.await_ok("get kdoctorreport netreach-task");
    await_freshness(&ground, &discoverer, Some("Current"));
}
