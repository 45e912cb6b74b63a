//! Which system error counts as which failure.

use std::io;

use netreach_measure::Failure;
use rustix::io::Errno;

/// Where in its life an exchange was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Before the connection stood.
    Connect,
    /// After.
    Exchange,
}

/// Sorts a system error into the taxonomy.
pub(super) fn classify(error: &io::Error, phase: Phase) -> Failure {
    let Some(errno) = Errno::from_io_error(error) else { return Failure::LocalResource };
    match errno {
        Errno::CONNREFUSED => Failure::Refused,
        Errno::NETUNREACH | Errno::HOSTUNREACH | Errno::NETDOWN | Errno::HOSTDOWN | Errno::NONET => {
            Failure::Unreachable
        }
        // A local firewall rule that refuses: the packet did not leave, but by policy, not for want of anything.
        Errno::ACCESS | Errno::PERM => Failure::Unreachable,
        Errno::TIMEDOUT if phase == Phase::Connect => Failure::TimeoutConnect,
        Errno::TIMEDOUT => Failure::TimeoutResponse,
        Errno::CONNRESET | Errno::CONNABORTED | Errno::PIPE => Failure::Reset,
        Errno::PROTO | Errno::NOPROTOOPT => Failure::Protocol,
        // No descriptor, no port, no memory, no such address family here.
        _ => Failure::LocalResource,
    }
}

/// The failure of an exchange that was not over at its deadline.
pub(super) fn expired(phase: Phase) -> Failure {
    match phase {
        Phase::Connect => Failure::TimeoutConnect,
        Phase::Exchange => Failure::TimeoutResponse,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_system_error_has_its_place() {
        let of = |errno: Errno, phase| classify(&io::Error::from(errno), phase);
        assert_eq!(of(Errno::CONNREFUSED, Phase::Connect), Failure::Refused);
        assert_eq!(of(Errno::HOSTUNREACH, Phase::Connect), Failure::Unreachable);
        assert_eq!(of(Errno::TIMEDOUT, Phase::Connect), Failure::TimeoutConnect);
        assert_eq!(of(Errno::TIMEDOUT, Phase::Exchange), Failure::TimeoutResponse);
        assert_eq!(of(Errno::CONNRESET, Phase::Exchange), Failure::Reset);
        for errno in [Errno::MFILE, Errno::NFILE, Errno::ADDRNOTAVAIL, Errno::NOBUFS, Errno::NOMEM] {
            assert_eq!(of(errno, Phase::Connect), Failure::LocalResource, "{errno}");
        }
    }
}
