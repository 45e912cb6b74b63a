//! What the things made for a NetReach are called. Names of NetReaches reach 253 characters and hold dots; those of Services have 63
//! and hold none.

use std::collections::BTreeSet;

use netreach_wire::IpFamily;

use crate::limits::{HOST_PORTS, SLUG_CHARS_MAX};

/// The agents that serve every NetReach without an `agentSpec`.
pub(crate) const DEFAULT_AGENTS: &str = "netreach-agent";
/// Digits of a uid that tell one NetReach's things from another's.
const DIGITS: usize = 8;

/// `nr-<slug>-<8 hex of uid>`.
pub(crate) fn workload(name: &str, uid: &str) -> String {
    let slug: String = name
        .chars()
        .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' })
        .take(SLUG_CHARS_MAX)
        .collect();
    format!("nr-{}-{}", slug.trim_matches('-'), digits(uid))
}

/// The Service of one IP version in front of a workload.
pub(crate) fn service(workload: &str, ip_family: IpFamily) -> String {
    let version = match ip_family {
        IpFamily::V4 => "v4",
        IpFamily::V6 => "v6",
    };
    format!("{workload}-{version}")
}

/// The path by which an Ingress controller leads to the agents: one of its own for each workload, for a class of Ingresses
/// without hosts has all their paths in common.
pub(crate) fn path(uid: Option<&str>) -> String {
    match uid {
        None => "/kdoctoragent".to_owned(),
        Some(uid) => format!("/kdoctoragent-{}", digits(uid)),
    }
}

/// The port of agents in their node's network: none that is taken, as long as there is one.
pub(crate) fn host_port(uid: &str, taken: &BTreeSet<u16>) -> u16 {
    // FNV-1a: uids differ in all their digits.
    let hash =
        uid.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let span = u32::from(HOST_PORTS.end - HOST_PORTS.start);
    let first = u16::try_from(hash % span).unwrap_or_default();
    let mut ports = (0..HOST_PORTS.end - HOST_PORTS.start)
        .map(|step| (first + step) % (HOST_PORTS.end - HOST_PORTS.start));
    HOST_PORTS.start + ports.find(|port| !taken.contains(&(HOST_PORTS.start + port))).unwrap_or(first)
}

/// The first hex digits of a uid.
fn digits(uid: &str) -> String {
    uid.chars().filter(char::is_ascii_hexdigit).take(DIGITS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const UID: &str = "0c5e1fa2-77aa-4a5e-9c1d-2f6b9e6c1a01";

    #[test]
    fn names_fit_whatever_the_netreach_is_called() {
        assert_eq!(workload("task", UID), "nr-task-0c5e1fa2");
        assert_eq!(workload("mesh.every.minute", UID), "nr-mesh-every-minute-0c5e1fa2");
        let long = service(&workload(&"n.".repeat(126), UID), IpFamily::V6);
        assert!(long.len() <= 63 && long.ends_with("-0c5e1fa2-v6"), "{long}");
        assert!(!workload(&format!("{}.x", "a".repeat(39)), UID).contains("--"));
    }

    #[test]
    fn paths_and_ports_are_a_netreachs_own() {
        assert_eq!(
            (path(None).as_str(), path(Some(UID)).as_str()),
            ("/kdoctoragent", "/kdoctoragent-0c5e1fa2")
        );
        let free = host_port(UID, &BTreeSet::new());
        assert!(HOST_PORTS.contains(&free));
        let next = host_port(UID, &BTreeSet::from([free]));
        assert!(HOST_PORTS.contains(&next) && next != free);
        assert_eq!(host_port(UID, &HOST_PORTS.collect()), free);
    }
}
