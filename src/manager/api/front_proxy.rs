//! Follows what the cluster says of its front proxy: ConfigMap `extension-apiserver-authentication` in kube-system, which every
//! API server keeps for whoever serves behind it.

use futures_util::TryStreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client};
use netreach_apiserver::{FrontProxy, State};
use netreach_serve::{Callers, Tls, TlsError};

const NAMESPACE: &str = "kube-system";
const NAME: &str = "extension-apiserver-authentication";

/// A ConfigMap that does not say whom to believe.
#[derive(Debug, thiserror::Error)]
enum FrontProxyError {
    #[error("could not find {0} (does the API server run with --requestheader-client-ca-file?)")]
    Missing(&'static str),
    #[error("could not read {key} ({source}): it should be a list of texts in JSON")]
    Unreadable { key: &'static str, source: serde_json::Error },
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Has the server of the aggregated API believe the front proxy, and goes on with every change, for ever. The app is ready once it
/// has been read; what is of no use, and what is taken away, leaves in force what was read before.
pub async fn follow_front_proxy(client: Client, state: State, tls: Tls) {
    let config_maps: Api<ConfigMap> = Api::namespaced(client, NAMESPACE);
    let named = watcher::Config::default().fields(&format!("metadata.name={NAME}"));
    let mut events = std::pin::pin!(watcher(config_maps, named).default_backoff());
    loop {
        match events.try_next().await {
            Ok(Some(watcher::Event::Apply(found) | watcher::Event::InitApply(found))) => {
                match believe(&found, &state, &tls) {
                    Ok(()) => tracing::info!("the front proxy is known"),
                    Err(error) => tracing::warn!(%error, "ConfigMap {NAMESPACE}/{NAME} is of no use"),
                }
            }
            Ok(Some(watcher::Event::InitDone)) if !state.is_ready() => {
                tracing::warn!("ConfigMap {NAMESPACE}/{NAME} does not say yet whom to believe");
            }
            Ok(Some(_)) => {}
            Ok(None) => return,
            Err(error) => tracing::warn!(
                %error,
                "could not read ConfigMap {NAMESPACE}/{NAME}: see that the role extension-apiserver-authentication-reader is bound \
                 to this service account in {NAMESPACE}"
            ),
        }
    }
}

/// First the CA: who is believed by name must have been vouched for.
fn believe(found: &ConfigMap, state: &State, tls: &Tls) -> Result<(), FrontProxyError> {
    let (ca, front_proxy) = read(found)?;
    tls.set_callers(&Callers::Asked(ca))?;
    state.set_front_proxy(front_proxy);
    Ok(())
}

/// The CA certificates (PEM), and what the proxy is called and says.
fn read(found: &ConfigMap) -> Result<(Vec<u8>, FrontProxy), FrontProxyError> {
    const CA: &str = "requestheader-client-ca-file";
    const USERNAME: &str = "requestheader-username-headers";
    let text = |key: &'static str| found.data.as_ref().and_then(|data| data.get(key)).map(String::as_str);
    let list = |key: &'static str| match text(key) {
        None | Some("") => Ok(Vec::new()),
        Some(text) => serde_json::from_str::<Option<Vec<String>>>(text)
            .map(Option::unwrap_or_default)
            .map_err(|source| FrontProxyError::Unreadable { key, source }),
    };
    let ca = text(CA).filter(|ca| !ca.trim().is_empty()).ok_or(FrontProxyError::Missing(CA))?;
    let front_proxy = FrontProxy {
        allowed_names: list("requestheader-allowed-names")?,
        username_headers: list(USERNAME)?,
        uid_headers: list("requestheader-uid-headers")?,
        group_headers: list("requestheader-group-headers")?,
        extra_prefixes: list("requestheader-extra-headers-prefix")?,
    };
    if front_proxy.username_headers.is_empty() {
        return Err(FrontProxyError::Missing(USERNAME));
    }
    // An empty prefix begins every header there is, those of strangers too.
    let is_empty = |names: &[String]| names.iter().any(|name| name.trim().is_empty());
    let FrontProxy { allowed_names: _, username_headers, uid_headers, group_headers, extra_prefixes } =
        &front_proxy;
    if [username_headers, uid_headers, group_headers, extra_prefixes].into_iter().any(|names| is_empty(names))
    {
        return Err(FrontProxyError::Missing("the name of a header"));
    }
    Ok((ca.as_bytes().to_vec(), front_proxy))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(fields: &[(&str, &str)]) -> ConfigMap {
        let data = fields.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        ConfigMap { data: Some(data), ..ConfigMap::default() }
    }

    fn check(fields: &[(&str, &str)], expected: Result<FrontProxy, &str>) {
        let read = read(&found(fields)).map(|(_, front_proxy)| front_proxy);
        match (read, expected) {
            (Ok(read), Ok(expected)) => assert_eq!(read, expected),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (read, expected) => panic!("{read:?} is not {expected:?}"),
        }
    }

    #[test]
    fn the_config_map_says_whom_to_believe() {
        let ca = ("requestheader-client-ca-file", "PEM");
        let user = ("requestheader-username-headers", "[\"X-Remote-User\"]");
        let least =
            FrontProxy { username_headers: vec!["X-Remote-User".to_owned()], ..FrontProxy::default() };
        check(&[ca, user], Ok(least.clone()));
        check(
            &[
                ca,
                user,
                ("requestheader-allowed-names", "[\"front-proxy\"]"),
                ("requestheader-group-headers", "[\"X-Remote-Group\"]"),
                ("requestheader-uid-headers", "null"),
                ("requestheader-extra-headers-prefix", "[\"X-Remote-Extra-\"]"),
            ],
            Ok(FrontProxy {
                allowed_names: vec!["front-proxy".to_owned()],
                group_headers: vec!["X-Remote-Group".to_owned()],
                extra_prefixes: vec!["X-Remote-Extra-".to_owned()],
                ..least
            }),
        );
        check(&[user, ("client-ca-file", "PEM")], Err("requestheader-client-ca-file"));
        check(&[ca], Err("requestheader-username-headers"));
        check(&[ca, user, ("requestheader-allowed-names", "front-proxy")], Err("a list of texts"));
        check(&[ca, user, ("requestheader-extra-headers-prefix", "[\" \"]")], Err("the name of a header"));
        check(&[], Err("requestheader-client-ca-file"));
    }
}
