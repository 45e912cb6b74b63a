//! What there is whoever leads: the cluster, what shows who we are, and where rounds are kept.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context;
use async_std::task::{sleep, spawn_blocking};
use jiff::Timestamp;
use kube::{Client, Config};
use netreach_apiserver::State;
use netreach_controller::Settings;
use netreach_manager::lead::Term;
use netreach_manager::reports::epoch_in_turn;
use netreach_serve::{IdentityFiles, Stop, Tls};
use netreach_store::{Store, StoreError};

use crate::run_args::RunArgs;

/// How long an API server may be silent when it was asked something.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// From a failure to open the store to the next try.
const OPEN_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What a manager stands on.
pub(super) struct Ground {
    pub(super) args: RunArgs,
    pub(super) stop: Stop,
    pub(super) settings: Settings,
    pub(super) client: Client,
    /// A watch may be silent for long. Nothing else may: whoever waits for an answer keeps a NetReach from going on.
    pub(super) watching: Client,
    pub(super) desk_tls: Tls,
    pub(super) api_tls: Tls,
    /// What reports are shown from, once there is work: metrics and readiness are asked for before.
    pub(super) shown: Arc<OnceLock<State>>,
}

impl Ground {
    pub(super) async fn find(args: RunArgs, stop: Stop) -> anyhow::Result<Self> {
        let mut config = Config::infer().await.context(
            "could not find a cluster: run in a pod with a service account, or name a kubeconfig in KUBECONFIG",
        )?;
        let settings = args.settings(&config.default_namespace);
        let connect =
            |config| Client::try_from(config).context("could not use the credentials of the cluster");
        let watching = connect(config.clone())?;
        config.read_timeout = Some(ANSWER_WITHIN);
        let client = connect(config)?;
        let (desk_tls, api_tls) =
            (identity(&args.desk_certificates, &stop)?, identity(&args.api_certificates, &stop)?);
        Ok(Self { args, stop, settings, client, watching, desk_tls, api_tls, shown: Arc::default() })
    }

    pub(super) async fn open_store(&self) -> Result<Arc<Store>, StoreError> {
        let location = self.args.store.clone();
        Ok(Arc::new(spawn_blocking(move || Store::open(&location)).await?))
    }

    /// The store, with an epoch above those of all leaders before. It could be opened before: whatever keeps it from that passes.
    pub(super) async fn take_over_store(&self, term: &Term) -> (Arc<Store>, u32) {
        loop {
            match self.open_for_next().await {
                Ok((store, epoch)) => {
                    tracing::debug!(term = term.number(), epoch, "the store is open");
                    return (store, epoch);
                }
                Err(error) => tracing::warn!(%error, "could not take over the store: trying again"),
            }
            sleep(OPEN_AGAIN_AFTER).await;
        }
    }

    async fn open_for_next(&self) -> Result<(Arc<Store>, u32), StoreError> {
        let store = self.open_store().await?;
        let at = Arc::clone(&store);
        // Before anything in it is told to anybody.
        let epoch = spawn_blocking(move || epoch_in_turn(&at, Timestamp::now())).await?;
        Ok((store, epoch))
    }
}

/// A server's certificate, followed as it changes.
fn identity(folder: &Path, stop: &Stop) -> anyhow::Result<Tls> {
    IdentityFiles::in_folder(folder).load_and_follow(stop).with_context(|| {
        format!("cannot serve without a certificate (put tls.crt and tls.key into {})", folder.display())
    })
}
