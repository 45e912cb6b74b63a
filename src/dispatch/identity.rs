//! Who is asking. Never from what is asked: an agent can only speak for its own node.

use std::collections::HashMap;
use std::fmt;

use async_trait::async_trait;
use http_types::headers::AUTHORIZATION;
use netreach_wire::AgentId;

use crate::limits::TOKEN_BYTES_MAX;
use crate::refused::Refused;

/// Knows whose a token is.
#[async_trait]
pub trait Identify: Send + Sync {
    /// The agent the token was given to; none when it was given to nobody, or is no longer good.
    async fn identify(&self, token: &str) -> Option<AgentId>;
}

/// Tokens given out by this very process, to agents it has started itself.
///
/// They are found by their hash under a key that only this process knows, so how long the search takes says nothing
/// about how near a guess has come; and a token of 128 random bits is not guessed. Hence no comparison in constant
/// time.
#[derive(Default)]
pub struct Tokens {
    agents: HashMap<String, AgentId>,
}

impl Tokens {
    /// Gives an agent its token: 128 random bits or more, in characters a header may hold.
    pub fn give(&mut self, token: String, agent: AgentId) {
        self.agents.insert(token, agent);
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.agents.values()).finish()
    }
}

#[async_trait]
impl Identify for Tokens {
    async fn identify(&self, token: &str) -> Option<AgentId> {
        self.agents.get(token).cloned()
    }
}

/// The agent a request comes from.
pub(crate) async fn identify<S>(who: &dyn Identify, request: &tide::Request<S>) -> Result<AgentId, Refused> {
    let token = request
        .header(AUTHORIZATION)
        .filter(|values| values.iter().count() == 1)
        .and_then(|values| values.last().as_str().split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .filter(|token| !token.is_empty() && token.len() <= TOKEN_BYTES_MAX)
        .ok_or(Refused::NoToken)?;
    who.identify(token).await.ok_or(Refused::UnknownToken)
}
