//! The NetReach of a run: created, watched, deleted.

use std::time::Duration;

use async_io::Timer;
use futures_lite::{FutureExt, Stream};
use kube::api::{DeleteParams, PostParams, Preconditions};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{Error as WatchError, watch_object};
use kube::{Api, Client, Error};
use netreach_api::NetReach;

use super::trouble::ClusterTrouble;
use crate::connect::plain;

/// How long a cluster may take to delete it.
const DELETE_WITHIN: Duration = Duration::from_secs(10);

/// A NetReach that this run has created.
pub(super) struct Target {
    pub(super) client: Client,
    pub(super) name: String,
    /// Tells it from another one that is created later under the same name.
    pub(super) uid: String,
    api: Api<NetReach>,
}

impl Target {
    /// Creates it: what is there already is somebody else's.
    pub(super) async fn create(client: Client, object: &NetReach) -> Result<Self, ClusterTrouble> {
        let api: Api<NetReach> = Api::all(client.clone());
        let wanted = object.metadata.name.clone().unwrap_or_default();
        let created = api.create(&PostParams::default(), object).await;
        let created = created.map_err(|error| ClusterTrouble::of_creation(&wanted, &error))?;
        let (name, uid) = (created.metadata.name.unwrap_or(wanted), created.metadata.uid.unwrap_or_default());
        Ok(Self { client, name, uid, api })
    }

    /// It as it is, whenever it has changed; none when it is gone.
    pub(super) fn changes(&self) -> impl Stream<Item = Result<Option<NetReach>, WatchError>> + use<> {
        watch_object(self.api.clone(), &self.name).default_backoff()
    }

    /// Deletes it, unless it is gone already.
    pub(super) async fn delete(&self) -> Result<(), String> {
        let this_one = Preconditions { uid: Some(self.uid.clone()), ..Preconditions::default() };
        let params = DeleteParams::default().preconditions(this_one);
        let deleting = async {
            match self.api.delete(&self.name, &params).await {
                // A conflict: the name is another one's by now.
                Err(Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(()),
                Err(error) => Err(plain(&error)),
                Ok(_) => Ok(()),
            }
        };
        let too_long = async {
            Timer::after(DELETE_WITHIN).await;
            Err(format!("no answer within {} s", DELETE_WITHIN.as_secs()))
        };
        deleting.or(too_long).await
    }
}
