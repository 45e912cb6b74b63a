//! How a probe can end.

/// How one probe ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A whole, well-formed answer with this status code. A 2xx counts only from the agent that was meant to give it; anything
    /// else may be a proxy's, and is told as it came.
    Answered(u16),
    /// No such answer within the timeout.
    Failed(Failure),
}

/// Why a probe got no answer: a closed list, so that the keys of a report stay few and comparable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Failure {
    /// The name could not be resolved to an address of the wanted IP family.
    Dns,
    /// The peer answered the connection request with a reset: nothing listens there.
    Refused,
    /// No route, or a router answered that the address cannot be reached.
    Unreachable,
    /// No connection within the timeout.
    TimeoutConnect,
    /// Connected, but no whole answer within the timeout.
    TimeoutResponse,
    /// The connection was cut after it stood and before the answer was whole.
    Reset,
    /// The TLS handshake failed.
    Tls,
    /// What came back is not HTTP as the standard has it, or passes our bounds.
    Protocol,
    /// Somebody else answered: the echo is missing, forged, or another agent's.
    WrongBackend,
    /// This machine could not send: no descriptor, no port, no memory. Never the network's fault.
    LocalResource,
}

impl Failure {
    /// Every failure, in the order of the probe's life.
    pub const ALL: [Self; 10] = [
        Self::Dns,
        Self::Refused,
        Self::Unreachable,
        Self::TimeoutConnect,
        Self::TimeoutResponse,
        Self::Reset,
        Self::Tls,
        Self::Protocol,
        Self::WrongBackend,
        Self::LocalResource,
    ];

    /// The key under which reports count it.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::TimeoutConnect => "timeout-connect",
            Self::TimeoutResponse => "timeout-response",
            Self::Reset => "reset",
            Self::Tls => "tls",
            Self::Protocol => "protocol",
            Self::WrongBackend => "wrong-backend",
            Self::LocalResource => "local-resource",
        }
    }

    /// The failure counted under `key`, if there is one.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|failure| failure.key() == key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_is_found_again_by_its_key() {
        for failure in Failure::ALL {
            assert_eq!(Failure::from_key(failure.key()), Some(failure));
        }
        assert_eq!(Failure::from_key("cosmic-rays"), None);
    }
}
