//! What is a Lease to an API server is a record to us. Pure.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use serde_json::{Value, json};

use super::plan::{Record, Write};

/// What a Lease says. One that does not say how long it lasts does so for `lasts`.
pub(super) fn read(lease: &Lease, lasts: Duration) -> Record {
    let spec = lease.spec.clone().unwrap_or_default();
    let seconds = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
    Record {
        version: lease.metadata.resource_version.clone().unwrap_or_default(),
        holder: spec.holder_identity.unwrap_or_default(),
        lasts: seconds.filter(|seconds| *seconds > 0).map_or(lasts, Duration::from_secs),
        transitions: spec.lease_transitions.and_then(|times| u32::try_from(times).ok()).unwrap_or_default(),
    }
}

/// The change that a write makes, refused where the Lease is not what was read any more. The instants in it are for people alone.
pub(super) fn patch(write: &Write, now: Timestamp) -> Value {
    let Write { version, holder, lasts, transitions, is_new } = write;
    let mut spec = json!({
        "holderIdentity": holder,
        "leaseDurationSeconds": lasts.as_secs(),
        "leaseTransitions": transitions,
        "renewTime": MicroTime(now),
    });
    if *is_new {
        spec["acquireTime"] = json!(MicroTime(now));
    }
    json!({"metadata": {"resourceVersion": version}, "spec": spec})
}

/// One that nobody holds: applied where there is one, it changes nothing.
pub(super) fn unheld(name: &str) -> Value {
    json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name}, "spec": {}})
}

#[cfg(test)]
mod tests {
    use super::*;

    const LASTS: Duration = Duration::from_secs(10);

    fn check(spec: &Value, holder: &str, lasts_s: u64, transitions: u32) {
        let lease = json!({"metadata": {"name": "a", "resourceVersion": "7"}, "spec": spec});
        let record = read(&serde_json::from_value(lease).unwrap(), LASTS);
        let expected = Record {
            version: "7".to_owned(),
            holder: holder.to_owned(),
            lasts: Duration::from_secs(lasts_s),
            transitions,
        };
        assert_eq!(record, expected, "{spec}");
    }

    #[test]
    fn whatever_a_lease_says_is_a_record() {
        check(&json!({}), "", 10, 0);
        check(&Value::Null, "", 10, 0);
        check(&json!({"holderIdentity": "a", "leaseDurationSeconds": 15, "leaseTransitions": 3}), "a", 15, 3);
        // Others may write what they like.
        check(&json!({"holderIdentity": "a", "leaseDurationSeconds": 0, "leaseTransitions": -1}), "a", 10, 0);
        check(&json!({"holderIdentity": "a", "leaseDurationSeconds": -5}), "a", 10, 0);
        check(&json!({"holderIdentity": "", "renewTime": "2026-03-01T00:00:00.000000Z"}), "", 10, 0);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let write = Write {
            version: "6".to_owned(),
            holder: "a".to_owned(),
            lasts: LASTS,
            transitions: 4,
            is_new: true,
        };
        let now: Timestamp = "2026-03-01T00:00:00.25Z".parse().unwrap();
        let change = patch(&write, now);
        assert_eq!(change["metadata"], json!({"resourceVersion": "6"}));
        assert_eq!(change["spec"]["renewTime"], "2026-03-01T00:00:00.250000Z");
        assert_eq!(change["spec"]["acquireTime"], change["spec"]["renewTime"]);
        check(&change["spec"], "a", 10, 4);
        // A renewal leaves the beginning as it was.
        let renewal = patch(&Write { is_new: false, ..write }, now);
        assert_eq!(renewal["spec"].get("acquireTime"), None);
    }
}
