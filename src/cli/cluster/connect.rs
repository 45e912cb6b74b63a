//! Which cluster is meant, and a client for it.

use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};

use super::trouble::{ClusterTrouble, innermost, plain};

/// The cluster that a run acts on.
pub(super) struct Cluster {
    pub(super) client: Client,
    /// What users know it by.
    pub(super) place: String,
}

impl Cluster {
    /// That of the named context or else of the kubeconfig's current one; in a pod without a kubeconfig, the pod's own.
    pub(super) async fn of(context: Option<&str>) -> Result<Self, ClusterTrouble> {
        let (config, place) = match Kubeconfig::read() {
            Ok(kubeconfig) => by_kubeconfig(kubeconfig, context).await?,
            Err(error) => around_us(context, &error)?,
        };
        let place = format!("{place} ({})", config.cluster_url);
        let client = Client::try_from(config);
        let client = client
            .map_err(|error| ClusterTrouble::Credentials { place: place.clone(), why: plain(&error) })?;
        Ok(Self { client, place })
    }
}

async fn by_kubeconfig(
    kubeconfig: Kubeconfig,
    context: Option<&str>,
) -> Result<(Config, String), ClusterTrouble> {
    let current = kubeconfig.current_context.clone().filter(|name| !name.is_empty());
    let Some(context) = context.map(str::to_owned).or(current) else {
        return around_us(None, &KubeconfigError::CurrentContextNotSet)
            .map_err(|_| ClusterTrouble::NoContext);
    };
    let options = KubeConfigOptions { context: Some(context.clone()), ..KubeConfigOptions::default() };
    match Config::from_custom_kubeconfig(kubeconfig, &options).await {
        Ok(config) => Ok((config, format!("context {context}"))),
        Err(error) => Err(ClusterTrouble::Context { context, why: told(&error) }),
    }
}

/// The cluster in whose pod we are; the kubeconfig could not be used for this reason.
fn around_us(context: Option<&str>, why: &KubeconfigError) -> Result<(Config, String), ClusterTrouble> {
    if let Some(context) = context {
        return Err(ClusterTrouble::Context { context: context.to_owned(), why: told(why) });
    }
    match Config::incluster() {
        Ok(config) => Ok((config, "the cluster of this pod".to_owned())),
        Err(_) => Err(ClusterTrouble::NoCluster { why: told(why) }),
    }
}

fn told(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::ReadConfig(source, path) => format!("could not read {}: {source}", path.display()),
        KubeconfigError::LoadContext(_) => "there is no such context".to_owned(),
        KubeconfigError::Parse(_) => error.to_string().lines().next().unwrap_or_default().to_owned(),
        _ => innermost(error),
    }
}
