//! Asks the API server who may do what: a SubjectAccessReview for each new question, remembered for a short while.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_std::future::timeout;
use async_trait::async_trait;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec, SubjectAccessReviewStatus,
};
use kube::api::PostParams;
use kube::{Api, Client};
use netreach_apiserver::{Access, Authorizer, Caller, Ruling, Trouble};

use super::rulings::Rulings;

/// How long the API server may take, seconds.
const REVIEW_WITHIN_S: u64 = 5;

/// Rights as the API server has them.
pub struct Reviewer {
    reviews: Api<SubjectAccessReview>,
    rulings: Mutex<Rulings>,
}

/// A question without an answer.
#[derive(Debug, thiserror::Error)]
enum ReviewError {
    #[error(
        "could not create a SubjectAccessReview ({0}): see that the role system:auth-delegator is bound to this service account"
    )]
    Create(#[from] kube::Error),
    #[error("could not get an answer to a SubjectAccessReview within {REVIEW_WITHIN_S} seconds")]
    Late,
    #[error("the answer to a SubjectAccessReview says nothing")]
    Empty,
}

impl Reviewer {
    /// Asks by this client.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { reviews: Api::all(client), rulings: Mutex::default() }
    }

    async fn review(&self, caller: &Caller, access: &Access) -> Result<Ruling, ReviewError> {
        let review = SubjectAccessReview { spec: spec(caller, access), ..SubjectAccessReview::default() };
        let params = PostParams::default();
        let asked = self.reviews.create(&params, &review);
        let answer =
            timeout(Duration::from_secs(REVIEW_WITHIN_S), asked).await.map_err(|_| ReviewError::Late)?;
        Ok(ruling(answer?.status.ok_or(ReviewError::Empty)?))
    }

    fn rulings(&self) -> MutexGuard<'_, Rulings> {
        // Whole entries are put in and taken out: a poisoned lock still guards ones that were ruled so.
        self.rulings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Authorizer for Reviewer {
    async fn rule(&self, caller: &Caller, access: &Access) -> Result<Ruling, Trouble> {
        let question = (caller.clone(), access.clone());
        if let Some(ruling) = self.rulings().recall(&question, Instant::now()) {
            return Ok(ruling);
        }
        let asked = Instant::now();
        let ruling = self.review(caller, access).await?;
        self.rulings().keep(&question, ruling.clone(), asked);
        Ok(ruling)
    }
}

fn spec(caller: &Caller, access: &Access) -> SubjectAccessReviewSpec {
    let Caller { user, uid, groups, extra } = caller;
    let Access { group, version, resource, subresource, verb, name } = access;
    SubjectAccessReviewSpec {
        user: Some(user.clone()),
        uid: Some(uid.clone()).filter(|uid| !uid.is_empty()),
        groups: Some(groups.clone()),
        extra: Some(extra.clone()),
        resource_attributes: Some(ResourceAttributes {
            group: Some((*group).to_owned()),
            version: Some((*version).to_owned()),
            resource: Some((*resource).to_owned()),
            subresource: subresource.map(str::to_owned),
            verb: Some(verb.to_string()),
            name: name.clone(),
            ..ResourceAttributes::default()
        }),
        non_resource_attributes: None,
    }
}

fn ruling(status: SubjectAccessReviewStatus) -> Ruling {
    let SubjectAccessReviewStatus { allowed, denied, evaluation_error, reason } = status;
    if let Some(error) = evaluation_error {
        tracing::debug!(error, "a SubjectAccessReview was not evaluated to its end");
    }
    if allowed && denied != Some(true) {
        Ruling::Allowed
    } else {
        Ruling::Denied(reason.filter(|reason| !reason.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_yes_is_one() {
        let ruled = |allowed: bool, denied: Option<bool>, reason: &str| {
            let evaluation_error = Some("a webhook is down".to_owned());
            ruling(SubjectAccessReviewStatus {
                allowed,
                denied,
                evaluation_error,
                reason: Some(reason.to_owned()),
            })
        };
        assert_eq!(ruled(true, None, "RBAC"), Ruling::Allowed);
        assert_eq!(ruled(true, Some(false), ""), Ruling::Allowed);
        assert_eq!(ruled(true, Some(true), ""), Ruling::Denied(None));
        assert_eq!(ruled(false, None, "no"), Ruling::Denied(Some("no".to_owned())));
    }
}
