//! A server that fails is the end of its process, whatever else is going on in it.

use std::fs;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;

use netreach_tests::Running;
use rustix::net::{Shutdown, shutdown};
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

use super::ground::{DESK_PORT, Ground, HEALTH_PORT};

/// The listening socket of a process at an address, as the kernel lists them.
fn listener(of: &Running, ip: Ipv4Addr, port: u16) -> OwnedFd {
    let pid = of.pid();
    let address = format!("{:08X}:{port:04X}", u32::from_ne_bytes(ip.octets()));
    let sockets = fs::read_to_string(format!("/proc/{pid}/net/tcp")).unwrap();
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let listening = sockets.lines().map(words).find(|words| words[1] == address && words[3] == "0A");
    let link = format!("socket:[{}]", listening.expect("it listens")[9]);
    let files = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    let is_it = |path: &std::path::Path| fs::read_link(path).is_ok_and(|to| to.as_os_str() == link.as_str());
    let file = files.map(|file| file.path()).find(|path| is_it(path)).expect("the socket is its own");
    let number = file.file_name().unwrap().to_str().unwrap().parse().unwrap();
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    let process = pidfd_open(pid, PidfdFlags::empty()).unwrap();
    pidfd_getfd(process, number, PidfdGetfdFlags::empty()).unwrap()
}

fn check(port: u16, is_alone: bool) {
    let ground = Ground::new();
    let [place, _] = ground.places();
    let mut manager = if is_alone { ground.manager_alone(&place) } else { ground.manager(&place) };
    manager.hear(if is_alone { "ready" } else { "ready term=" });
    shutdown(listener(&manager, place.ip, port), Shutdown::Both).unwrap();
    let ended = manager.finish();
    assert_eq!(ended.code, 1, "{}", ended.err);
    assert!(ended.err.contains("the listening socket failed"), "{}", ended.err);
    if !is_alone {
        // Nobody has to wait for its Lease, and nobody is sent to it.
        let lease = ground.kubectl.get("lease netreach-manager -n netreach-system");
        assert_eq!(lease["spec"]["holderIdentity"], "");
        assert!(ground.leaders().is_empty());
    }
}

#[test]
fn a_manager_whose_desk_fails_ends() {
    check(DESK_PORT, true);
}

#[test]
fn a_manager_whose_health_endpoints_fail_ends() {
    check(HEALTH_PORT, true);
}

#[test]
fn a_leader_whose_desk_fails_ends_and_gives_up_its_lease() {
    check(DESK_PORT, false);
}
