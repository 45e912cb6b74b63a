//! Tells those who have to believe our CAs about them: API servers, by `caBundle` of webhook configurations and of an APIService,
//! and agents, by a ConfigMap that they mount.

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams};
use kube::{Api, Client};
use netreach_api::names::label;
use serde_json::{Value, json};

use super::{CertsError, Settings};

/// Who we are when we apply: the rest of an object is its owner's.
const FIELD_MANAGER: &str = "netreach-certs";
/// Key of the certificates in a ConfigMap.
const CONFIG_MAP_KEY: &str = "ca.crt";

/// One object that says which CAs to believe.
#[derive(Clone)]
pub(super) struct Place {
    form: Form,
    name: String,
    api: Api<DynamicObject>,
    only_within: Option<Within>,
}

/// A namespace that need not be there: then nobody in it has to be told.
#[derive(Clone)]
pub(super) struct Within {
    pub(super) name: String,
    pub(super) api: Api<Namespace>,
}

/// In which form an object says it.
#[derive(Debug, Clone, Copy)]
enum Form {
    /// In each webhook of a configuration of this kind.
    Webhooks(&'static str),
    /// In the one place that an APIService has for it.
    ApiService,
    /// As text under a key. It has no owner but us.
    ConfigMap,
}

/// Every place there is.
pub(super) fn places(client: &Client, settings: &Settings) -> Vec<Place> {
    let Settings { namespace, configurations, api_service, ca_config_map, host_network_namespace, .. } =
        settings;
    let for_all = |form: Form, name: &str| Place {
        form,
        name: name.to_owned(),
        api: Api::all_with(client.clone(), &form.resource()),
        only_within: None,
    };
    let config_map = |namespace: &str, only_within| Place {
        form: Form::ConfigMap,
        name: ca_config_map.clone(),
        api: Api::namespaced_with(client.clone(), namespace, &Form::ConfigMap.resource()),
        only_within,
    };
    let within = Within { name: host_network_namespace.clone(), api: Api::all(client.clone()) };
    vec![
        for_all(Form::Webhooks("MutatingWebhookConfiguration"), configurations),
        for_all(Form::Webhooks("ValidatingWebhookConfiguration"), configurations),
        for_all(Form::ApiService, api_service),
        config_map(namespace, None),
        config_map(host_network_namespace, Some(within)),
    ]
}

// === impl Place ===

impl Place {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn api(&self) -> Api<DynamicObject> {
        self.api.clone()
    }

    pub(super) fn only_within(&self) -> Option<&Within> {
        self.only_within.as_ref()
    }

    /// Sees to it that these certificates are there, and no others.
    pub(super) async fn publish(&self, bundle: &str) -> Result<(), CertsError> {
        if let Some(within) = &self.only_within
            && !within.is_there().await?
        {
            return Ok(());
        }
        let there = self.api.get_opt(&self.name).await;
        let there = there.map_err(|source| CertsError::Read { what: self.to_string(), source })?;
        let Some(mut patch) = self.form.patch(there.as_ref().map(|there| &there.data), bundle) else {
            return Ok(());
        };
        let kind = self.form.kind();
        patch["apiVersion"] = json!(kind.api_version());
        patch["kind"] = json!(kind.kind);
        patch["metadata"]["name"] = json!(self.name);
        // Forced: whoever else has written into our fields was mistaken, for it is our CA that signs.
        let params = PatchParams::apply(FIELD_MANAGER).force();
        let applied = self.api.patch(&self.name, &params, &Patch::Apply(patch)).await;
        applied.map_err(|source| CertsError::Write { what: self.to_string(), source })?;
        tracing::info!(place = %self, "the CA certificates are published");
        Ok(())
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.form.kind().kind, self.name)?;
        self.only_within.as_ref().map_or(Ok(()), |within| write!(f, " in namespace {}", within.name))
    }
}

// === impl Within ===

impl Within {
    /// One on its way out takes nothing new.
    async fn is_there(&self) -> Result<bool, CertsError> {
        let there = self.api.get_opt(&self.name).await;
        let there =
            there.map_err(|source| CertsError::Read { what: format!("Namespace {}", self.name), source })?;
        Ok(there.is_some_and(|there| there.metadata.deletion_timestamp.is_none()))
    }
}

// === impl Form ===

impl Form {
    fn kind(self) -> GroupVersionKind {
        match self {
            Self::Webhooks(kind) => GroupVersionKind::gvk("admissionregistration.k8s.io", "v1", kind),
            Self::ApiService => GroupVersionKind::gvk("apiregistration.k8s.io", "v1", "APIService"),
            Self::ConfigMap => GroupVersionKind::gvk("", "v1", "ConfigMap"),
        }
    }

    fn resource(self) -> ApiResource {
        ApiResource::from_gvk(&self.kind())
    }

    /// Our fields, where the object has to be written: not where it says the same already, and what others have to make and
    /// is not there has nobody to tell.
    fn patch(self, there: Option<&Value>, bundle: &str) -> Option<Value> {
        let ca_bundle = json!({"caBundle": ByteString(bundle.as_bytes().to_vec())});
        let says = |place: &Value| place["caBundle"] == ca_bundle["caBundle"];
        match self {
            Self::Webhooks(_) => {
                let webhooks = there?["webhooks"].as_array()?;
                let each = webhooks.iter().map(|one| json!({"name": one["name"], "clientConfig": ca_bundle}));
                let is_said = webhooks.iter().all(|webhook| says(&webhook["clientConfig"]));
                (!is_said).then(|| json!({"webhooks": each.collect::<Vec<_>>()}))
            }
            Self::ApiService => (!says(&there?["spec"])).then(|| json!({"spec": ca_bundle})),
            Self::ConfigMap => {
                let is_said = there.is_some_and(|there| there["data"][CONFIG_MAP_KEY] == bundle);
                let labels = json!({label::MANAGED_BY: "netreach-manager"});
                let patch = || json!({"metadata": {"labels": labels}, "data": {CONFIG_MAP_KEY: bundle}});
                (!is_said).then(patch)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_written_where_it_says_something_else() {
        let check = |form: Form, there: Value, expected: Value| {
            let there = Some(there).filter(|there| !there.is_null());
            let patch = form.patch(there.as_ref(), "new").unwrap_or_default();
            assert_eq!(patch, expected, "{form:?} {there:?}");
        };
        let (old, new) = (json!({"caBundle": "b2xk"}), json!({"caBundle": "bmV3"}));
        let webhooks = |first: &Value, second: &Value| json!({"webhooks": [{"name": "a", "clientConfig": first}, {"name": "b", "clientConfig": second}]});
        let configuration = Form::Webhooks("MutatingWebhookConfiguration");
        check(configuration, Value::Null, Value::Null);
        check(configuration, json!({}), Value::Null);
        check(configuration, webhooks(&new, &new), Value::Null);
        check(configuration, webhooks(&new, &old), webhooks(&new, &new));
        check(Form::ApiService, Value::Null, Value::Null);
        check(Form::ApiService, json!({"spec": new}), Value::Null);
        check(Form::ApiService, json!({"spec": old}), json!({"spec": new}));
        check(Form::ApiService, json!({"spec": {"group": "a"}}), json!({"spec": new}));
        let data = |text: &str| json!({"data": {"ca.crt": text}});
        let labels = json!({"labels": {"app.kubernetes.io/managed-by": "netreach-manager"}});
        let written = json!({"metadata": labels, "data": {"ca.crt": "new"}});
        check(Form::ConfigMap, data("new"), Value::Null);
        check(Form::ConfigMap, data("old"), written.clone());
        check(Form::ConfigMap, Value::Null, written);
    }
}
