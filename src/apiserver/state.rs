//! What every request is answered from.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use async_channel::{Receiver, Sender, bounded};

use crate::limits::WHOLE_AT_ONCE_MAX;
use crate::{Authorizer, FrontProxy, Reports};

/// Who knows the reports, who knows the rights, and whom to believe who is asking. Clones are the same.
#[derive(Clone)]
pub struct State(Arc<Shared>);

struct Shared {
    reports: Box<dyn Reports>,
    authorizer: Box<dyn Authorizer>,
    front_proxy: RwLock<Option<Arc<FrontProxy>>>,
    turns: (Sender<()>, Receiver<()>),
}

impl State {
    /// A state that believes nobody yet.
    #[must_use]
    pub fn new(reports: impl Reports + 'static, authorizer: impl Authorizer + 'static) -> Self {
        Self(Arc::new(Shared {
            reports: Box::new(reports),
            authorizer: Box::new(authorizer),
            front_proxy: RwLock::default(),
            turns: bounded(WHOLE_AT_ONCE_MAX),
        }))
    }

    /// Believes this front proxy from now on. Its CA is the TLS server's to know, and should be set there first.
    pub fn set_front_proxy(&self, front_proxy: FrontProxy) {
        let mut known = self.0.front_proxy.write().unwrap_or_else(PoisonError::into_inner);
        *known = Some(Arc::new(front_proxy));
    }

    /// Whether it is known whom to believe: until then everybody is refused.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.front_proxy().is_some()
    }

    pub(crate) fn front_proxy(&self) -> Option<Arc<FrontProxy>> {
        self.0.front_proxy.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn reports(&self) -> &dyn Reports {
        &*self.0.reports
    }

    pub(crate) fn authorizer(&self) -> &dyn Authorizer {
        &*self.0.authorizer
    }

    /// Waits until an answer with whole objects may be put together: each may take megabytes.
    pub(crate) async fn turn(&self) -> impl Drop + '_ {
        // The channel cannot be closed: both of its ends live as long as the state.
        let _ = self.0.turns.0.send(()).await;
        Turn(&self.0.turns.1)
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("front_proxy", &self.front_proxy()).finish_non_exhaustive()
    }
}

struct Turn<'a>(&'a Receiver<()>);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let _ = self.0.try_recv();
    }
}
