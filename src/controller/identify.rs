//! Whose a token is: by TokenReview, and by our own cache of pods. Never by what an agent says.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_std::sync::Arc;
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec, UserInfo};
use kube::api::PostParams;
use kube::{Api, Client};
use netreach_dispatch::Identify;
use netreach_wire::AgentId;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::Settings;
use crate::limits::{REVIEWS_AT_ONCE_MAX, TOKEN_REFUSED_FOR, TOKEN_TRUSTED_FOR, TOKENS_MAX};
use crate::observe::World;

/// For whom an agent's token is made: nobody else takes it, and we take no other.
const AUDIENCE: &str = "netreach";
/// Where an API server puts what a token is bound to (KEP-1205).
const POD_UID: &str = "authentication.kubernetes.io/pod-uid";
const NODE_NAME: &str = "authentication.kubernetes.io/node-name";
const ACCOUNT_PREFIX: &str = "system:serviceaccount:";

/// Knows the service accounts' tokens.
pub struct Accounts {
    client: Client,
    world: World,
    /// `namespace:name` of every account that agents have.
    accounts: Vec<String>,
    known: Mutex<HashMap<[u8; 32], Known>>,
    reviewing: Arc<async_lock::Semaphore>,
}

#[derive(Clone)]
struct Known {
    /// The pod it is bound to; none for a token that was refused.
    pod_uid: Option<String>,
    until: Instant,
}

/// The part of a token that tells how long it is good: read without believing it.
#[derive(Deserialize)]
struct Claims {
    exp: i64,
    sub: String,
    #[serde(default)]
    aud: Vec<String>,
}

impl Accounts {
    pub(crate) fn new(client: Client, world: World, settings: &Settings) -> Self {
        let account = |namespace: &String| format!("{namespace}:{}", settings.agent_account);
        Self {
            accounts: world.namespaces.iter().map(account).collect(),
            client,
            world,
            known: Mutex::default(),
            reviewing: Arc::new(async_lock::Semaphore::new(REVIEWS_AT_ONCE_MAX)),
        }
    }

    /// The pod that the token is bound to.
    async fn pod_uid(&self, token: &str) -> Option<String> {
        let claims = claims(token)?;
        // What says itself that it is no agent's is not worth a question to the API server.
        let is_agents = claims
            .sub
            .strip_prefix(ACCOUNT_PREFIX)
            .is_some_and(|account| self.accounts.iter().any(|known| known == account));
        if !is_agents || !claims.aud.iter().any(|audience| audience == AUDIENCE) {
            return None;
        }
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some(known) = self.known().get(&hash).filter(|known| Instant::now() < known.until) {
            return known.pod_uid.clone();
        }
        let _turn = self.reviewing.acquire().await;
        let pod_uid = match self.review(token).await {
            Ok(pod_uid) => pod_uid,
            Err(error) => {
                tracing::warn!(%error, "an API server could not say whose a token is");
                return None;
            }
        };
        let left =
            Duration::from_secs(u64::try_from(claims.exp - Timestamp::now().as_second()).unwrap_or_default());
        let lasts = if pod_uid.is_some() { TOKEN_TRUSTED_FOR.min(left) } else { TOKEN_REFUSED_FOR };
        self.remember(hash, Known { pod_uid: pod_uid.clone(), until: Instant::now() + lasts });
        pod_uid
    }

    async fn review(&self, token: &str) -> Result<Option<String>, kube::Error> {
        let spec =
            TokenReviewSpec { audiences: Some(vec![AUDIENCE.to_owned()]), token: Some(token.to_owned()) };
        let review = TokenReview { spec, ..TokenReview::default() };
        let api: Api<TokenReview> = Api::all(self.client.clone());
        let status = api.create(&PostParams::default(), &review).await?.status.unwrap_or_default();
        let is_for_us = status.audiences.iter().flatten().any(|audience| audience == AUDIENCE);
        let user = status.user.filter(|_| status.authenticated == Some(true) && is_for_us);
        Ok(user.and_then(|user| self.bound(&user)))
    }

    /// The pod that the user of a good token is: one of the agents' accounts, on the node that the pod is on.
    fn bound(&self, user: &UserInfo) -> Option<String> {
        let account = user.username.as_deref()?.strip_prefix(ACCOUNT_PREFIX)?;
        self.accounts.iter().find(|known| *known == account)?;
        let extra = |key: &str| user.extra.as_ref()?.get(key)?.first().cloned();
        let pod_uid = extra(POD_UID)?;
        let agent = self.world.agents().find(|agent| agent.uid == pod_uid && agent.account == account)?;
        // Newer API servers name the node as well: then the two must agree.
        let is_there = extra(NODE_NAME).is_none_or(|node| node == agent.id.node);
        is_there.then_some(pod_uid)
    }

    fn remember(&self, hash: [u8; 32], known: Known) {
        let mut all = self.known();
        if all.len() >= TOKENS_MAX {
            let now = Instant::now();
            all.retain(|_, known| now < known.until);
            if all.len() >= TOKENS_MAX {
                all.clear();
            }
        }
        all.insert(hash, known);
    }

    fn known(&self) -> MutexGuard<'_, HashMap<[u8; 32], Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Identify for Accounts {
    async fn identify(&self, token: &str) -> Option<AgentId> {
        let pod_uid = self.pod_uid(token).await?;
        // Looked for each time: a pod that is gone speaks no more, however good its token is.
        self.world.agents().find(|agent| agent.uid == pod_uid).map(|agent| agent.id)
    }
}

fn claims(token: &str) -> Option<Claims> {
    let payload = token.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}
