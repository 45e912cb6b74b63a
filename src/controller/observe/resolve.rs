//! Names of hosts → addresses, once a round.

use async_std::future::timeout;
use async_std::net::ToSocketAddrs;

use super::inventory::Hosts;
use crate::limits::{HOST_ADDRESSES_MAX, RESOLVE_WITHIN};

/// A host that does not resolve in time has no address: its targets are missing then.
pub(crate) async fn resolve(hosts: Vec<String>) -> Hosts {
    let mut resolved = Hosts::new();
    for host in hosts {
        let looked_up = timeout(RESOLVE_WITHIN, (host.as_str(), 0).to_socket_addrs()).await;
        let addresses = match looked_up {
            Ok(Ok(found)) => {
                let mut addresses: Vec<_> =
                    found.map(|address| address.ip()).take(HOST_ADDRESSES_MAX).collect();
                addresses.sort();
                addresses.dedup();
                addresses
            }
            Ok(Err(error)) => {
                tracing::warn!(host, %error, "a load balancer's name does not resolve");
                Vec::new()
            }
            Err(_) => {
                tracing::warn!(host, "a load balancer's name did not resolve in time");
                Vec::new()
            }
        };
        resolved.insert(host, addresses);
    }
    resolved
}
