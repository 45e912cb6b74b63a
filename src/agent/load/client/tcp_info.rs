//! What the kernel knows of a connection (`TCP_INFO`, linux/tcp.h): no privilege needed.
//!
//! The one place with `unsafe`: there is no safe wrapper for this socket option.
#![allow(unsafe_code, reason = "getsockopt(TCP_INFO) has no safe wrapper; the call is audited below")]

use std::mem::{MaybeUninit, size_of};
use std::os::fd::{AsFd, AsRawFd};

/// The parts of `struct tcp_info` that the report shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct TcpInfo {
    /// Smoothed round-trip time, microseconds.
    pub(super) rtt_us: u32,
    /// Segments sent again over the connection's life, the SYN included.
    pub(super) retransmits: u32,
}

/// Reads it; none when the kernel refuses (not a TCP socket).
pub(super) fn read(socket: &impl AsFd) -> Option<TcpInfo> {
    let mut info = MaybeUninit::<libc::tcp_info>::zeroed();
    let mut length = libc::socklen_t::try_from(size_of::<libc::tcp_info>()).ok()?;
    // SAFETY: `info` is writable for `length` bytes and the kernel writes at most that many; all-zero bytes are a valid
    // tcp_info (integers only), so what an older kernel leaves unwritten reads as zero. The descriptor is borrowed
    // and open for the length of the call.
    let info = unsafe {
        let refused = libc::getsockopt(
            socket.as_fd().as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            info.as_mut_ptr().cast(),
            &raw mut length,
        ) != 0;
        if refused {
            return None;
        }
        info.assume_init()
    };
    Some(TcpInfo { rtt_us: info.tcpi_rtt, retransmits: info.tcpi_total_retrans })
}
