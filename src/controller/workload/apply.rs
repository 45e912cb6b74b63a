//! Built → applied, from the server's side and under our own name; and removed.

use std::fmt::Debug;

use k8s_openapi::NamespaceResourceScope;
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::{Api, Client, Resource};
use netreach_api::names::FIELD_MANAGER;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::ControllerError;

/// What is applied.
pub(super) trait Applied:
    Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + Serialize + DeserializeOwned
{
}

impl<K> Applied for K where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + Serialize
        + DeserializeOwned
{
}

/// Applies it. Forced: it is made by nobody but us.
pub(super) async fn apply<K: Applied>(client: &Client, object: &K) -> Result<(), ControllerError> {
    let (name, api) = place(client, object);
    let params = PatchParams::apply(FIELD_MANAGER).force();
    match api.patch(&name, &params, &Patch::Apply(object)).await {
        Ok(_) => Ok(()),
        Err(source) => {
            let what = format!("{} {name}", K::kind(&()));
            Err(match &source {
                // Somebody else was quicker, or the server has too much to do: soon it will be taken.
                kube::Error::Api(status) if matches!(status.code, 401 | 409 | 429) => {
                    ControllerError::Write { what, source: Box::new(source) }
                }
                // Such as an admission webhook of somebody else's that does not answer.
                kube::Error::Api(status) if status.code >= 500 => {
                    ControllerError::Unmade { what, why: status.message.clone() }
                }
                // The object itself is what is wrong: trying again would not help.
                kube::Error::Api(status) => ControllerError::Refused { what, why: status.message.clone() },
                _ => ControllerError::Write { what, source: Box::new(source) },
            })
        }
    }
}

/// Removes it, and what it has made.
pub(super) async fn remove<K: Applied>(client: &Client, object: &K) -> Result<(), ControllerError> {
    let (name, api) = place(client, object);
    match api.delete(&name, &DeleteParams::background()).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        Err(source) => {
            Err(ControllerError::Write { what: format!("{} {name}", K::kind(&())), source: Box::new(source) })
        }
    }
}

fn place<K: Applied>(client: &Client, object: &K) -> (String, Api<K>) {
    let meta = object.meta();
    let namespace = meta.namespace.as_deref().unwrap_or_default();
    (meta.name.clone().unwrap_or_default(), Api::namespaced(client.clone(), namespace))
}
