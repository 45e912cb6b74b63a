//! Which cluster is meant, and a client for it.

use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config, Error};

/// The cluster that a command acts on.
pub(crate) struct Cluster {
    pub(crate) client: Client,
    /// What users know it by.
    pub(crate) place: String,
}

/// Why there is none to act on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectTrouble {
    /// No kubeconfig, and no pod's credentials.
    #[error("could not find a cluster: {why}; name a kubeconfig in KUBECONFIG")]
    NoCluster { why: String },
    /// A context that there is not, or not whole.
    #[error("could not use context {context:?}: {why}; kubectl config get-contexts lists those there are")]
    Context { context: String, why: String },
    /// No context.
    #[error("the kubeconfig has no current context: choose one by --context, or kubectl config use-context")]
    NoContext,
    /// Credentials that cannot be used.
    #[error("could not use the credentials of {place}: {why}")]
    Credentials { place: String, why: String },
}

impl Cluster {
    /// That of the named context or else of the kubeconfig's current one; in a pod without a kubeconfig, the pod's own.
    pub(crate) async fn of(context: Option<&str>) -> Result<Self, ConnectTrouble> {
        Self::retrying(context, true).await
    }

    /// The same, for somebody who waits: that the cluster cannot answer now is heard at once. Otherwise the client asks
    /// again for minutes.
    pub(crate) async fn asked_once(context: Option<&str>) -> Result<Self, ConnectTrouble> {
        Self::retrying(context, false).await
    }

    async fn retrying(context: Option<&str>, retries: bool) -> Result<Self, ConnectTrouble> {
        let (mut config, place) = match Kubeconfig::read() {
            Ok(kubeconfig) => by_kubeconfig(kubeconfig, context).await?,
            Err(error) => around_us(context, &error)?,
        };
        let place = format!("{place} ({})", config.cluster_url);
        config.default_retry = retries;
        let client = Client::try_from(config);
        let client = client
            .map_err(|error| ConnectTrouble::Credentials { place: place.clone(), why: plain(&error) })?;
        Ok(Self { client, place })
    }
}

async fn by_kubeconfig(
    kubeconfig: Kubeconfig,
    context: Option<&str>,
) -> Result<(Config, String), ConnectTrouble> {
    let current = kubeconfig.current_context.clone().filter(|name| !name.is_empty());
    let Some(context) = context.map(str::to_owned).or(current) else {
        return around_us(None, &KubeconfigError::CurrentContextNotSet)
            .map_err(|_| ConnectTrouble::NoContext);
    };
    let options = KubeConfigOptions { context: Some(context.clone()), ..KubeConfigOptions::default() };
    match Config::from_custom_kubeconfig(kubeconfig, &options).await {
        Ok(config) => Ok((config, format!("context {context}"))),
        Err(error) => Err(ConnectTrouble::Context { context, why: told(&error) }),
    }
}

/// The cluster in whose pod we are; the kubeconfig could not be used for this reason.
fn around_us(context: Option<&str>, why: &KubeconfigError) -> Result<(Config, String), ConnectTrouble> {
    if let Some(context) = context {
        return Err(ConnectTrouble::Context { context: context.to_owned(), why: told(why) });
    }
    match Config::incluster() {
        Ok(config) => Ok((config, "the cluster of this pod".to_owned())),
        Err(_) => Err(ConnectTrouble::NoCluster { why: told(why) }),
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

/// An error in the words of whoever answered, or else its innermost cause: what lies around that is the client's own
/// layers.
pub(crate) fn plain(error: &Error) -> String {
    if let Error::Api(status) = error
        && !status.message.is_empty()
    {
        return status.message.clone();
    }
    innermost(error)
}

/// The cause that caused all others.
pub(crate) fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
