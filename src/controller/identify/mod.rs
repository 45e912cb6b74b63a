//! Whose a token is: by TokenReview, and by our own cache of pods. Never by what an agent says.

mod claims;
mod known;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use jiff::Timestamp;
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec, UserInfo};
use kube::api::PostParams;
use kube::{Api, Client};
use netreach_dispatch::Identify;
use netreach_wire::AgentId;
use sha2::{Digest, Sha256};

use self::claims::{AUDIENCE, Claims, account};
use self::known::{Hash, Known, Word};
use crate::Settings;
use crate::limits::REVIEWS_AT_ONCE_MAX;
use crate::observe::World;

/// Where an API server puts what a token is bound to (KEP-1205).
const POD_UID: &str = "authentication.kubernetes.io/pod-uid";
const NODE_NAME: &str = "authentication.kubernetes.io/node-name";

/// Knows the service accounts' tokens.
pub struct Accounts {
    client: Client,
    world: World,
    /// `namespace:name` of every account that agents have.
    accounts: Vec<String>,
    known: Mutex<Known>,
    reviewing: Arc<async_lock::Semaphore>,
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
        let claims = Claims::read(token, Timestamp::now())?;
        // What says itself that it is no agent's is not worth a question to an API server.
        self.agent(claims.user(), claims.pod_uid())?;
        let hash = Sha256::digest(token.as_bytes()).into();
        let word = match self.look(&hash) {
            Word::Ask => self.ask(token, &claims, hash).await,
            known => known,
        };
        match word {
            Word::Good(pod_uid) => Some(pod_uid),
            Word::Refused | Word::Ask => None,
        }
    }

    /// Asks an API server and remembers what it says; gives what is known then.
    async fn ask(&self, token: &str, claims: &Claims, hash: Hash) -> Word {
        let _turn = self.reviewing.acquire().await;
        // Whoever had a turn before may have asked about the same token, or found nobody to ask.
        let word = self.look(&hash);
        if word != Word::Ask {
            return word;
        }
        let reviewed = self.review(token).await;
        let (now, mut known) = (Instant::now(), self.known());
        match reviewed {
            Ok(Some(pod_uid)) => known.accept(hash, pod_uid, claims.left(Timestamp::now()), now),
            Ok(None) => known.refuse(hash, now),
            Err(error) => {
                tracing::warn!(%error, "an API server could not say whose a token is");
                known.miss(now);
            }
        }
        known.look(&hash, now)
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
        let extra = |key: &str| user.extra.as_ref()?.get(key)?.first().cloned();
        let pod_uid = extra(POD_UID)?;
        let agent = self.agent(user.username.as_deref()?, &pod_uid)?;
        // Newer API servers name the node as well: then the two must agree.
        let is_there = extra(NODE_NAME).is_none_or(|node| node == agent.node);
        is_there.then_some(pod_uid)
    }

    /// The agent in the pod of that uid, if it runs as that user, and that is one that agents are.
    fn agent(&self, user: &str, pod_uid: &str) -> Option<AgentId> {
        let account = account(user).filter(|account| self.accounts.iter().any(|known| known == account))?;
        self.world.agent(pod_uid).filter(|agent| agent.account == account).map(|agent| agent.id)
    }

    fn look(&self, hash: &Hash) -> Word {
        self.known().look(hash, Instant::now())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Identify for Accounts {
    async fn identify(&self, token: &str) -> Option<AgentId> {
        let pod_uid = self.pod_uid(token).await?;
        // Looked for each time: a pod that is gone speaks no more, however good its token is.
        self.world.agent(&pod_uid).map(|agent| agent.id)
    }
}
