//! Reads and writes the two kinds of Secret. A write rests on what was read: whoever was quicker wins, and the other reads again.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::PostParams;
use kube::{Api, Client};

use super::CertsError;
use super::secret::secret;

/// The Secrets of one namespace.
#[derive(Clone)]
pub(super) struct Secrets(Api<Secret>);

impl Secrets {
    pub(super) fn new(client: Client, namespace: &str) -> Self {
        Self(Api::namespaced(client, namespace))
    }

    pub(super) fn api(&self) -> Api<Secret> {
        self.0.clone()
    }

    pub(super) async fn read(&self, name: &str) -> Result<Option<Secret>, CertsError> {
        self.0
            .get_opt(name)
            .await
            .map_err(|source| CertsError::Read { what: format!("Secret {name}"), source })
    }

    /// Writes it, unless it says the same already.
    pub(super) async fn write(
        &self,
        name: &str,
        kind: &str,
        before: Option<&Secret>,
        change: Change,
    ) -> Result<(), CertsError> {
        let mut wanted = secret(name, kind, before, change.data);
        if let Some(annotations) = &mut wanted.metadata.annotations {
            annotations.retain(|key, _| Some(key.as_str()) != change.without_annotation);
        }
        if before.is_some_and(|before| {
            before.data == wanted.data && before.metadata.annotations == wanted.metadata.annotations
        }) {
            return Ok(());
        }
        let params = PostParams::default();
        let written = match before {
            Some(_) => self.0.replace(name, &params, &wanted).await,
            None => self.0.create(&params, &wanted).await,
        };
        match written {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.code == 409 => {
                Err(CertsError::Overtaken(name.to_owned()))
            }
            Err(source) => Err(CertsError::Write { what: format!("Secret {name}"), source }),
        }
    }
}

/// What a Secret is to hold.
pub(super) struct Change {
    pub(super) data: BTreeMap<String, ByteString>,
    pub(super) without_annotation: Option<&'static str>,
}

impl Change {
    pub(super) fn to(data: BTreeMap<String, ByteString>) -> Self {
        Self { data, without_annotation: None }
    }
}
