//! Every way in which kubectl writes.

use std::thread;

use netreach_tests::Finished;
use serde_json::{Value, json};

use super::ground::{Ground, object, warnings};
use super::table::stored;

const WRONG: &str = "spec.schedule.schedule";

fn wrong() -> Value {
    json!({"schedule": {"schedule": "0 0 30 2 *"}})
}

fn assert_told(answer: &Finished) {
    assert_eq!(answer.code, 1, "{}", answer.out);
    assert!(answer.err.contains(WRONG) && answer.err.contains("can never fire"), "{}", answer.err);
}

fn assert_done(answer: &Finished) {
    assert_eq!(answer.code, 0, "{}", answer.err);
}

#[test]
fn create_and_replace() {
    let ground = Ground::shared();
    let run = |verb: &str, spec: &Value| {
        ground.kubectl.call(&format!("{verb} -f -")).input(object("replaced", spec)).run()
    };
    assert_told(&run("create", &wrong()));
    assert_done(&run("create", &json!({"request": {"qps": 3}})));
    assert_told(&run("replace", &wrong()));
    assert_done(&run("replace", &json!({"request": {"durationInSecond": 3}})));
    assert_eq!(ground.spec("replaced"), stored(&json!({"request": {"durationInSecond": 3}}), &Value::Null));
}

#[test]
fn apply_from_the_servers_side() {
    let ground = Ground::shared();
    let run = |who: &str, spec: &Value| {
        let call = ground.kubectl.call("apply --server-side -f - --field-manager").arg(who);
        call.input(object("server-side", spec)).run()
    };
    assert_told(&run("alice", &wrong()));
    assert_done(&run("alice", &json!({"request": {"qps": 3}})));
    // What the webhook fills in is nobody's whom it would bring in conflict with the next.
    assert_done(&run("bob", &json!({"schedule": {"schedule": "0 9 * * *"}})));
    let both = json!({"request": {"qps": 3}, "schedule": {"schedule": "0 9 * * *"}});
    assert_eq!(ground.spec("server-side"), stored(&both, &Value::Null));
    let conflict = run("bob", &json!({"request": {"qps": 4}}));
    assert!(conflict.err.contains("conflict with \"alice\""), "{}", conflict.err);
    // What is no longer applied is a default again.
    assert_done(&run("alice", &json!({"suspend": true})));
    assert_eq!(ground.spec("server-side")["request"], stored(&json!({}), &Value::Null)["request"]);
}

#[test]
fn patch() {
    let ground = Ground::shared();
    assert_done(&ground.apply("patched", &json!({})));
    let run = |kind: &str, patch: Value| {
        ground.kubectl.call(&format!("patch nr patched --type={kind} -p")).arg(patch.to_string()).run()
    };
    assert_told(&run("merge", json!({"spec": wrong()})));
    assert_done(&run("merge", json!({"spec": {"request": {"qps": 7}}})));
    assert_told(&run(
        "json",
        json!([{"op": "replace", "path": "/spec/schedule/schedule", "value": "0 0 30 2 *"}]),
    ));
    assert_done(&run(
        "json",
        json!([{"op": "remove", "path": "/spec/request/qps"}, {"op": "add", "path": "/spec/suspend", "value": true}]),
    ));
    assert_eq!(ground.spec("patched"), stored(&json!({"suspend": true}), &Value::Null));
    assert_done(&run("merge", json!({"metadata": {"labels": {"a": "b"}}})));
}

#[test]
fn a_rehearsal_on_the_server() {
    let ground = Ground::shared();
    let run = |spec: &Value| {
        let call = ground.kubectl.call("apply --dry-run=server -o json -f -");
        call.input(object("rehearsed", spec)).run()
    };
    assert_told(&run(&wrong()));
    let answer = run(&json!({"target": {"enableLatencyMetric": true}}));
    assert_done(&answer);
    assert_eq!(
        answer.json()["spec"],
        stored(&json!({"target": {"enableLatencyMetric": true}}), &Value::Null)
    );
    assert_eq!(warnings(&answer).len(), 1, "{}", answer.err);
    assert_eq!(ground.kubectl.run("get nr rehearsed").code, 1);
}

#[test]
fn the_least_object_there_is() {
    let ground = Ground::shared();
    let least =
        json!({"apiVersion": "kdoctor.io/v1beta1", "kind": "NetReach", "metadata": {"name": "least"}});
    assert_done(&ground.kubectl.apply(&least.to_string()));
    assert_eq!(ground.spec("least"), stored(&json!({}), &Value::Null));
}

#[test]
fn two_hundred_at_once() {
    let ground = Ground::shared();
    let read = |name: &str, qps: u32| -> Value {
        serde_json::from_str(&object(name, &json!({"request": {"qps": qps}}))).unwrap()
    };
    let quarter = &|which: u32| {
        let items: Vec<_> = (1..=50).map(|i| read(&format!("many-{which}-{i}"), i)).collect();
        ground.kubectl.apply(&json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string())
    };
    thread::scope(|scope| {
        let quarters: Vec<_> = (0..4).map(|which| scope.spawn(move || quarter(which))).collect();
        for answer in quarters.into_iter().map(|quarter| quarter.join().unwrap()) {
            assert_done(&answer);
            assert_eq!(answer.out.lines().filter(|line| line.ends_with(" created")).count(), 50);
        }
    });
    let all = ground.kubectl.get("netreaches");
    let name = |one: &Value| one["metadata"]["name"].as_str().unwrap().to_owned();
    let many: Vec<_> =
        all["items"].as_array().unwrap().iter().filter(|one| name(one).starts_with("many-")).collect();
    assert_eq!(many.len(), 200);
    for one in many {
        let qps: u32 = name(one).rsplit_once('-').unwrap().1.parse().unwrap();
        assert_eq!(one["spec"], stored(&json!({"request": {"qps": qps}}), &Value::Null));
    }
}
