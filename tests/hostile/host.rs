//! Our webhook as a process, and what the kernel says of it.

use std::net::{Ipv4Addr, SocketAddr};
use std::process;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU16, Ordering};

use netreach_tests::{Authority, Mount, Program, Running, most_resident_kib};

pub(crate) struct Host {
    pub(crate) address: SocketAddr,
    pub(crate) authority: Authority,
    // Threads that attack share the host, and this alone cannot be shared.
    running: Mutex<Running>,
    _certificates: Mount,
}

impl Host {
    pub(crate) fn start() -> Self {
        // All of 127.0.0.0/8 is loopback: an address of this process's own, so that no port can be taken.
        static PORTS: AtomicU16 = AtomicU16::new(29_443);
        let [_, a, b, c] = (process::id() << 2).to_be_bytes();
        let address = SocketAddr::from((Ipv4Addr::new(127, a, b, c), PORTS.fetch_add(1, Ordering::Relaxed)));
        let authority = Authority::new("hostile");
        let leaf = authority.sign("netreach-webhook.netreach-system.svc");
        let certificates = Mount::of(&[("tls.crt", &leaf.certificate), ("tls.key", &leaf.key)]);
        let health = SocketAddr::new(address.ip(), address.port() + 1_000);
        let program = Program::at(env!("CARGO_BIN_EXE_netreach-webhook"))
            .args(&format!("--listen {address} --health-listen {health}"))
            .arg("--certificates")
            .arg(certificates.dir());
        let mut running = program.start();
        running.hear("ready");
        Self { address, authority, running: Mutex::new(running), _certificates: certificates }
    }

    /// The most memory it has ever had, KiB.
    pub(crate) fn most_resident_kib(&self) -> u64 {
        let pid = self.running.lock().unwrap().pid();
        most_resident_kib(pid)
    }
}
