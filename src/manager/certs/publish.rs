//! Tells API servers whom to believe: `caBundle` in every webhook of a configuration.

use k8s_openapi::ByteString;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams};
use kube::{Api, Client};
use serde_json::{Value, json};

use super::CertsError;

/// Who we are when we apply: the rest of a configuration is its owner's.
const FIELD_MANAGER: &str = "netreach-certs";
const GROUP: &str = "admissionregistration.k8s.io";
const VERSION: &str = "v1";

/// Of which kinds the configurations are.
pub(super) const KINDS: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// One configuration.
#[derive(Clone)]
pub(super) struct Configuration {
    kind: &'static str,
    name: String,
    api: Api<DynamicObject>,
}

impl Configuration {
    pub(super) fn new(client: &Client, kind: &'static str, name: &str) -> Self {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(GROUP, VERSION, kind));
        Self { kind, name: name.to_owned(), api: Api::all_with(client.clone(), &resource) }
    }

    pub(super) fn api(&self) -> Api<DynamicObject> {
        self.api.clone()
    }

    /// Sees to it that each of its webhooks has these certificates. One that is not there has nobody to tell.
    pub(super) async fn publish(&self, bundle: &str) -> Result<(), CertsError> {
        let (webhooks, bundle) = (self.webhooks().await?, json!(ByteString(bundle.as_bytes().to_vec())));
        if webhooks.iter().all(|webhook| webhook["clientConfig"]["caBundle"] == bundle) {
            return Ok(());
        }
        let config = json!({"caBundle": bundle});
        let each = webhooks.iter().map(|webhook| json!({"name": webhook["name"], "clientConfig": config}));
        let patch = json!({
            "apiVersion": format!("{GROUP}/{VERSION}"),
            "kind": self.kind,
            "metadata": {"name": self.name},
            "webhooks": each.collect::<Vec<_>>(),
        });
        // Forced: whoever else has written into caBundle was mistaken, for it is our CA that signs.
        let params = PatchParams::apply(FIELD_MANAGER).force();
        let applied = self.api.patch(&self.name, &params, &Patch::Apply(patch)).await;
        applied.map_err(|source| CertsError::Write { what: self.to_string(), source })?;
        tracing::info!(configuration = %self, "the CA certificates are published");
        Ok(())
    }

    async fn webhooks(&self) -> Result<Vec<Value>, CertsError> {
        let there = self.api.get_opt(&self.name).await;
        let there = there.map_err(|source| CertsError::Read { what: self.to_string(), source })?;
        let webhooks = there.and_then(|mut there| Some(there.data.get_mut("webhooks")?.take()));
        Ok(webhooks.and_then(|webhooks| webhooks.as_array().cloned()).unwrap_or_default())
    }
}

impl std::fmt::Display for Configuration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}
