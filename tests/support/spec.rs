//! NetReach objects, built by sentence.

use serde_json::{Value, json};

/// A NetReach under construction.
#[derive(Debug, Clone)]
pub struct Spec(Value);

/// A NetReach that probes pod IPs over IPv4: one round of one second at 20 requests/s.
#[must_use]
pub fn net_reach(name: &str) -> Spec {
    Spec(json!({
        "apiVersion": "kdoctor.io/v1beta1",
        "kind": "NetReach",
        "metadata": {"name": name},
        "spec": {
            "expect": {"meanAccessDelayInMs": 1500, "successRate": 1},
            "request": {"durationInSecond": 1, "perRequestTimeoutInMS": 500, "qps": 20},
            "schedule": {"roundNumber": 1, "roundTimeoutMinute": 1, "schedule": "0 1"},
            "target": {
                "endpoint": true, "clusterIP": false, "nodePort": false, "loadBalancer": false, "ingress": false,
                "multusInterface": false, "ipv4": true, "ipv6": false,
            },
        },
    }))
}

impl Spec {
    /// Sets a field, by its path in JSON-pointer form below the object, e.g. `/spec/request/qps`.
    #[must_use]
    pub fn with(mut self, pointer: &str, value: impl Into<Value>) -> Self {
        let (parent, field) = pointer.rsplit_once('/').expect("a pointer begins with a slash");
        let parent = self.0.pointer_mut(parent).expect("the parent is there");
        parent[field] = value.into();
        self
    }

    /// Sends requests for so long.
    #[must_use]
    pub fn lasting_s(self, seconds: u32) -> Self {
        self.with("/spec/request/durationInSecond", seconds)
    }

    /// As JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        self.0.clone()
    }

    /// As YAML.
    #[must_use]
    pub fn yaml(&self) -> String {
        serde_saphyr::to_string(&self.0).expect("JSON is YAML")
    }
}
