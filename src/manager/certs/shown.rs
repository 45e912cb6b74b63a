//! Sees by a handshake with each replica of a Service whether the leaf it shows is one that the CA alone vouches for: that, and
//! nothing a replica says of itself, is what callers will go by.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_std::future::timeout;
use async_std::net::TcpStream;
use futures_rustls::TlsConnector;
use futures_rustls::rustls::ClientConfig;
use futures_rustls::rustls::pki_types::ServerName;
use futures_util::{StreamExt, stream};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::ListParams;
use kube::{Api, Client};

use super::CertsError;
use super::authority::{Authority, provider};
use crate::limits::{REPLICAS_ASKED_MAX, SHOWN_WITHIN_S};

/// Whether every replica behind the Service shows what this CA vouches for.
pub(super) async fn is_shown(
    client: &Client,
    namespace: &str,
    service: &str,
    by: &Authority,
) -> Result<bool, CertsError> {
    let api: Api<EndpointSlice> = Api::namespaced(client.clone(), namespace);
    let of_service = ListParams::default().labels(&format!("kubernetes.io/service-name={service}"));
    let slices = api.list(&of_service).await;
    let slices = slices
        .map_err(|source| CertsError::Read { what: format!("the endpoints of Service {service}"), source })?;
    let name = ServerName::try_from(format!("{service}.{namespace}.svc"))
        .map_err(|_| CertsError::Name(service.to_owned()))?;
    let config = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let config = config.map_err(super::authority::CertificateError::from)?;
    let config = Arc::new(config.with_root_certificates(by.roots()?).with_no_client_auth());
    let addresses = slices.items.iter().flat_map(addresses).collect::<Vec<_>>();
    let asked = stream::iter(addresses).map(|address| {
        let (config, name) = (Arc::clone(&config), name.clone());
        async move {
            let shows = handshake(address, config, name);
            let shows = timeout(Duration::from_secs(SHOWN_WITHIN_S), shows).await;
            let shows = shows.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()));
            shows.inspect_err(|error| tracing::info!(%address, %error, "a replica does not show the new certificate yet")).is_ok()
        }
    });
    Ok(asked.buffer_unordered(REPLICAS_ASKED_MAX).all(|shows| async move { shows }).await)
}

/// Addresses of the replicas that stay: one on its way out shows nobody anything any more.
fn addresses(slice: &EndpointSlice) -> Vec<SocketAddr> {
    let ports = slice.ports.iter().flatten().filter_map(|port| u16::try_from(port.port?).ok());
    let ports: Vec<_> = ports.collect();
    let stay = slice.endpoints.iter().filter(|endpoint| {
        endpoint.conditions.as_ref().is_none_or(|conditions| conditions.terminating != Some(true))
    });
    let ips = stay.flat_map(|endpoint| &endpoint.addresses).filter_map(|ip| ip.parse::<IpAddr>().ok());
    ips.flat_map(|ip| ports.iter().map(move |port| SocketAddr::new(ip, *port))).collect()
}

async fn handshake(
    address: SocketAddr,
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
) -> std::io::Result<()> {
    let stream = TcpStream::connect(address).await?;
    TlsConnector::from(config).connect(name, stream).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use async_std::task::block_on;
    use jiff::Timestamp;
    use k8s_openapi::api::discovery::v1::{Endpoint, EndpointConditions, EndpointPort};
    use netreach_serve::{Limits, Stop, Tls, bind, run_tls};

    use super::*;

    fn config(by: &Authority) -> Arc<ClientConfig> {
        let config =
            ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().unwrap();
        Arc::new(config.with_root_certificates(by.roots().unwrap()).with_no_client_auth())
    }

    #[test]
    fn what_a_replica_shows_is_seen_by_a_handshake() {
        let now = Timestamp::now();
        let (old, new) = (Authority::new(now).unwrap(), Authority::new(now).unwrap());
        let names = ["a.b.svc".to_owned()];
        let name = ServerName::try_from("a.b.svc").unwrap();
        let leaf = old.sign(&names, now).unwrap();
        let tls = Tls::new(leaf.certificate.as_bytes(), leaf.key.as_bytes()).unwrap();
        block_on(async {
            let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
            let address = listener.local_addr().unwrap();
            let stop = Stop::new();
            let serving = run_tls(tls.clone(), listener, tide::new(), Limits::default(), stop.clone());
            let serving = async_std::task::spawn(serving);
            assert!(handshake(address, config(&old), name.clone()).await.is_ok());
            assert!(handshake(address, config(&new), name.clone()).await.is_err());
            let leaf = new.sign(&names, now).unwrap();
            tls.set_identity(leaf.certificate.as_bytes(), leaf.key.as_bytes()).unwrap();
            assert!(handshake(address, config(&new), name.clone()).await.is_ok());
            stop.stop();
            serving.await.unwrap();
            assert!(handshake(address, config(&new), name).await.is_err(), "nobody is there any more");
        });
    }

    #[test]
    fn replicas_on_their_way_out_are_not_asked() {
        let endpoint = |ip: &str, terminating: Option<bool>| Endpoint {
            addresses: vec![ip.to_owned()],
            conditions: Some(EndpointConditions { terminating, ..EndpointConditions::default() }),
            ..Endpoint::default()
        };
        let endpoints = vec![
            endpoint("10.0.0.1", None),
            endpoint("10.0.0.2", Some(true)),
            endpoint("fd00::3", Some(false)),
        ];
        let ports = vec![EndpointPort { port: Some(9443), ..EndpointPort::default() }];
        let slice = EndpointSlice { endpoints, ports: Some(ports), ..EndpointSlice::default() };
        let expected: Vec<SocketAddr> =
            ["10.0.0.1:9443", "[fd00::3]:9443"].map(|text| text.parse().unwrap()).to_vec();
        assert_eq!(addresses(&slice), expected);
    }
}
