//! A listening socket, or plain words why there is none.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;

use async_std::net::TcpListener;
use socket2::{Domain, Protocol, Socket, Type};

use crate::limits::BACKLOG;

/// Why an address cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Somebody listens there.
    #[error("could not listen on {address} (something else does): stop it, or choose another port")]
    InUse {
        /// The address asked for.
        address: SocketAddr,
    },
    /// Any port would do, and there is none.
    #[error(
        "could not listen on {ip} (no port is free: net.ipv4.ip_local_port_range is used up): \
         end what holds them, or name a port outside of it"
    )]
    NoPortFree {
        /// The address asked for.
        ip: IpAddr,
    },
    /// Every port of a range is taken.
    #[error("could not listen on {ip} (every port of {first}-{last} is taken): give a wider range")]
    NoPortLeft {
        /// The address asked for.
        ip: IpAddr,
        /// The first port tried.
        first: u16,
        /// The last port tried.
        last: u16,
    },
    /// The port is for the privileged.
    #[error(
        "could not listen on {address} (this user may not): choose a port from 1024 up, \
         or lower net.ipv4.ip_unprivileged_port_start"
    )]
    NotPermitted {
        /// The address asked for.
        address: SocketAddr,
    },
    /// No interface has the address.
    #[error(
        "could not listen on {address} (this machine has no such address): \
         choose one that `ip address` lists, or leave out {}",
        family(*address)
    )]
    NoSuchAddress {
        /// The address asked for.
        address: SocketAddr,
    },
    /// The kernel does not speak this IP version.
    #[error("could not listen on {address} (the kernel has {0} switched off): leave it out", family(*address))]
    NoSuchFamily {
        /// The address asked for.
        address: SocketAddr,
    },
    /// Anything else, in the system's words.
    #[error("could not listen on {address}")]
    Other {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Listens on `address`; port 0 takes a free one. An IPv6 socket takes IPv6 only, so that both may share a port.
///
/// # Errors
/// When the address is taken, not ours or not allowed; each says what to do.
pub fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    listen(address).map(TcpListener::from).map_err(|source| match source.kind() {
        ErrorKind::AddrInUse if address.port() == 0 => BindError::NoPortFree { ip: address.ip() },
        ErrorKind::AddrInUse => BindError::InUse { address },
        ErrorKind::PermissionDenied => BindError::NotPermitted { address },
        ErrorKind::AddrNotAvailable => BindError::NoSuchAddress { address },
        _ if source.raw_os_error() == Some(EAFNOSUPPORT) => BindError::NoSuchFamily { address },
        _ => BindError::Other { address, source },
    })
}

/// Listens on the first free port of a range.
///
/// # Errors
/// When all are taken, or the address cannot be listened on at all.
pub fn bind_first(ip: IpAddr, ports: RangeInclusive<u16>) -> Result<TcpListener, BindError> {
    let (first, last) = (*ports.start(), *ports.end());
    for port in ports {
        match bind(SocketAddr::new(ip, port)) {
            Err(BindError::InUse { .. }) => {}
            listener => return listener,
        }
    }
    Err(BindError::NoPortLeft { ip, first, last })
}

/// Listens on every address of this machine: on one socket for each IP version that the kernel has.
///
/// # Errors
/// When the port is taken or not allowed.
fn bind_all(port: u16) -> Result<Vec<TcpListener>, BindError> {
    let each = [IpAddr::from(Ipv4Addr::UNSPECIFIED), IpAddr::from(Ipv6Addr::UNSPECIFIED)];
    let listeners = each.into_iter().map(|ip| bind(SocketAddr::new(ip, port)));
    listeners.filter(|listener| !matches!(listener, Err(BindError::NoSuchFamily { .. }))).collect()
}

/// Listens on each of these addresses, or, where none is asked for, on this port of every address.
///
/// # Errors
/// When one of them cannot be listened on.
pub fn bind_each(asked: &[SocketAddr], port: u16) -> Result<Vec<TcpListener>, BindError> {
    if asked.is_empty() { bind_all(port) } else { asked.iter().copied().map(bind).collect() }
}

/// Linux's "address family not supported by protocol", which has no name in [`ErrorKind`].
const EAFNOSUPPORT: i32 = 97;

fn listen(address: SocketAddr) -> std::io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // A server that restarts must not wait for its old connections to time out.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn family(address: SocketAddr) -> &'static str {
    if address.is_ipv4() { "IPv4" } else { "IPv6" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_taken_port_and_a_foreign_address_are_told_in_words() {
        let first = bind(address("127.0.0.1:0")).unwrap();
        let taken = first.local_addr().unwrap();
        let error = bind(taken).unwrap_err();
        assert!(matches!(error, BindError::InUse { .. }), "{error}");
        assert!(error.to_string().contains(&taken.to_string()));
        let range = taken.port()..=taken.port();
        let error = bind_first(taken.ip(), range).unwrap_err();
        assert!(matches!(error, BindError::NoPortLeft { first, last, .. } if first == last), "{error}");
        // 192.0.2.0/24 is for documentation: nobody has it.
        let error = bind(address("192.0.2.1:0")).unwrap_err();
        assert!(matches!(error, BindError::NoSuchAddress { .. }), "{error}");
        assert!(error.to_string().ends_with("leave out IPv4"), "{error}");
    }

    #[test]
    fn both_ip_versions_share_a_port_where_both_are_there() {
        match bind(address("[::]:0")) {
            Ok(six) => {
                let port = six.local_addr().unwrap().port();
                assert!(bind(SocketAddr::from(([0, 0, 0, 0], port))).is_ok());
            }
            Err(error) => assert!(matches!(error, BindError::NoSuchFamily { .. }), "{error}"),
        }
    }
}
