//! What is allowed and probably not meant: kubectl says so, and the object is stored all the same.

use serde::Deserialize;
use serde_json::{Value, json};

use super::ground::{Ground, object, warnings};

#[derive(Deserialize)]
struct Warned {
    spec: Value,
    says: String,
}

fn cases(yaml: &str) -> Vec<Warned> {
    serde_saphyr::from_str(yaml).unwrap()
}

#[test]
fn each_family_of_warnings() {
    let ground = Ground::shared();
    let cases = cases(include_str!("warned.yaml"));
    for (i, Warned { spec, says }) in cases.iter().enumerate() {
        let answer = ground.apply(&format!("warned-{i}"), spec);
        assert_eq!(answer.code, 0, "{spec}: {}", answer.err);
        let warned = warnings(&answer);
        assert!(warned.len() == 1 && warned[0].contains(says), "{spec}: {warned:?}");
        // Longer ones may be cut by an API server.
        assert!(warned[0].chars().count() <= 256, "{}", warned[0]);
    }
    println!("admit: {} families of warnings", cases.len());
}

#[test]
fn what_the_cluster_cannot_serve_now_is_followed_as_it_changes() {
    let mut ground = Ground::own(1);
    let all = json!({"ingress": true, "loadBalancer": true, "multusInterface": true});
    assert_eq!(warnings(&ground.apply("able", &json!({"target": all}))), Vec::<&str>::new());
    ground.facts.put(&[("facts.yaml", include_str!("facts-unable.yaml"))]);
    ground.kubectl.await_answer("--dry-run=server", &object("await", &json!({"target": all})), |answer| {
        !warnings(answer).is_empty()
    });
    for Warned { spec, says } in cases(include_str!("warned-unable.yaml")) {
        let answer = ground.apply("unable", &spec);
        assert_eq!(answer.code, 0, "{spec}: {}", answer.err);
        let warned = warnings(&answer);
        assert!(warned.len() == 1 && warned[0].contains(&says), "{spec}: {warned:?}");
        ground.kubectl.ok("delete nr unable");
    }
    // The IP versions that nobody asks for are those that the cluster has.
    assert_eq!(ground.apply("by-default", &json!({})).code, 0);
    assert_eq!(ground.spec("by-default")["target"]["ipv6"], false);
}
