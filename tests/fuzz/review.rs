//! Whatever an API server, or somebody in its place, sends to the webhook: an answer or a refusal, never a panic. The first byte says
//! whether the rest is the whole body, the spec of an object that is made, or specs before and after a change.

#![no_main]

use libfuzzer_sys::fuzz_target;
use netreach_api::ClusterFacts;
use netreach_webhook::{Phase, review};

const FACTS: ClusterFacts = ClusterFacts {
    ipv4: true,
    ipv6: false,
    nodes: Some(100),
    load_balancer: Some(false),
    ingress: None,
    multus: None,
};

fn object(spec: &[u8]) -> Vec<u8> {
    let head = br#"{"apiVersion":"kdoctor.io/v1beta1","kind":"NetReach","metadata":{"name":"task"},"spec":"#;
    [head, spec, b"}"].concat()
}

fn asked(operation: &str, new: &[u8], old: &[u8]) -> Vec<u8> {
    let head = format!(
        r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{{"uid":"u","operation":"{operation}","kind":{{"group":"kdoctor.io","version":"v1beta1","kind":"NetReach"}},"object":"#
    );
    [head.as_bytes(), new, br#","oldObject":"#, old, b"}}"].concat()
}

fuzz_target!(|data: &[u8]| {
    let Some((how, rest)) = data.split_first() else { return };
    let body = match how % 3 {
        0 => rest.to_vec(),
        1 => asked("CREATE", &object(rest), b"null"),
        _ => {
            let middle = rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len() / 2);
            asked(
                "UPDATE",
                &object(&rest[..middle]),
                &object(rest[middle..].strip_prefix(b"\0").unwrap_or(&rest[middle..])),
            )
        }
    };
    for phase in [Phase::Mutate, Phase::Validate] {
        if let Ok(answer) = review(phase, &body, &FACTS) {
            assert!(
                answer.allowed != answer.status.is_some(),
                "a refusal says why, and nothing else does: {answer:?}"
            );
        }
    }
});
