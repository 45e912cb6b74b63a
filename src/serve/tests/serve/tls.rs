//! TLS: who is let in, what is shown to them, and what becomes of callers who mean no good.

use std::fs;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use futures_rustls::rustls::SupportedProtocolVersion;
use futures_rustls::rustls::version::{TLS12, TLS13};
use netreach_serve::{Callers, IdentityFiles, Limits, Stop, Tls, TlsError, follow_identity};

use crate::host::Host;
use crate::peer::{PATIENCE, Peer};
use crate::tls_caller::{Authority, Caller, Leaf, ask};

static BOTH: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];
static OLDER: [&SupportedProtocolVersion; 1] = [&TLS12];
static NEWER: [&SupportedProtocolVersion; 1] = [&TLS13];

static CA: LazyLock<Authority> = LazyLock::new(Authority::new);

fn tls(leaf: &Leaf) -> Tls {
    Tls::new(leaf.pem.as_bytes(), leaf.key_pem.as_bytes()).unwrap()
}

fn caller() -> Caller<'static> {
    Caller { trusts: &CA, shows: None, speaks: &BOTH, from: Ipv4Addr::LOCALHOST.into() }
}

fn good(answer: Result<String, String>) {
    assert_eq!(answer.as_deref(), Ok(r#"200 close "ok""#));
}

#[test]
fn tls_1_2_and_1_3_are_spoken_and_http_1_1_above_them() {
    let host = Host::behind(&tls(&CA.leaf("127.0.0.1")), Limits::default());
    for speaks in [&OLDER, &NEWER] {
        let caller = Caller { speaks, ..caller() };
        good(caller.ask(host.address, "/ok"));
        let mut line = caller.call(host.address);
        ask(&mut line, "/ok", "close").unwrap();
        line.read_to_end(&mut Vec::new()).unwrap();
        assert_eq!(line.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
    }
    host.end();
}

#[test]
fn a_key_that_is_another_ones_is_refused_with_its_reason() {
    let (one, other) = (CA.leaf("a"), CA.leaf("b"));
    let new = |certificates: &str, key: &str| Tls::new(certificates.as_bytes(), key.as_bytes()).unwrap_err();
    assert!(matches!(new(&one.pem, &other.key_pem), TlsError::Refused(_)));
    assert!(matches!(new("", &one.key_pem), TlsError::NoCertificate));
    assert!(matches!(new(&one.pem, ""), TlsError::Key(_)));
    assert!(tls(&one).set_callers(&Callers::Required(b"no PEM".to_vec())).is_err());
}

#[test]
fn a_new_identity_is_shown_to_new_callers_and_connections_go_on() {
    let (old, new) = (CA.leaf("127.0.0.1"), CA.leaf("127.0.0.1"));
    let tls = tls(&old);
    let before = tls.fingerprint();
    let host = Host::behind(&tls, Limits::default());
    let mut kept = caller().call(host.address);
    ask(&mut kept, "/wait", "close").unwrap();
    assert_eq!(host.hear(), "waits");
    tls.set_identity(new.pem.as_bytes(), new.key_pem.as_bytes()).unwrap();
    assert_ne!(tls.fingerprint(), before);
    let mut line = caller().call(host.address);
    ask(&mut line, "/ok", "close").unwrap();
    line.read_to_end(&mut Vec::new()).unwrap();
    assert_eq!(line.conn.peer_certificates().unwrap()[0].len(), new.bytes());
    host.open_gate();
    let mut answer = String::new();
    kept.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("through"), "{answer}");
    host.end();
}

/// Writes the pair as a kubelet does: a folder of its own, then the link to it.
fn mount(dir: &Path, generation: &str, certificates: &str, key: &str) {
    let folder = dir.join(generation);
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("tls.crt"), certificates).unwrap();
    fs::write(folder.join("tls.key"), key).unwrap();
    symlink(generation, dir.join("..data_tmp")).unwrap();
    fs::rename(dir.join("..data_tmp"), dir.join("..data")).unwrap();
}

#[test]
fn a_mounted_pair_is_followed_and_a_broken_one_is_not() {
    let (old, new) = (CA.leaf("127.0.0.1"), CA.leaf("127.0.0.1"));
    let dir = tempfile::tempdir().unwrap();
    mount(dir.path(), "..1", &old.pem, &old.key_pem);
    let files = IdentityFiles::in_folder(dir.path());
    let (tls, stop) = (files.load().unwrap(), Stop::new());
    let of_old = tls.fingerprint();
    let following = {
        let (files, tls, stop) = (files, tls.clone(), stop.clone());
        async_std::task::spawn(async move { follow_identity(&files, &tls, &stop).await })
    };
    mount(dir.path(), "..2", &new.pem, &old.key_pem);
    mount(dir.path(), "..3", &new.pem, &new.key_pem);
    // Nothing tells when it was loaded but the certificate that is shown.
    let until = Instant::now() + PATIENCE;
    while tls.fingerprint() == of_old {
        assert!(Instant::now() < until, "the new pair was never loaded");
        std::thread::yield_now();
    }
    assert_eq!(
        tls.fingerprint(),
        Tls::new(new.pem.as_bytes(), new.key_pem.as_bytes()).unwrap().fingerprint()
    );
    stop.stop();
    async_std::task::block_on(following).unwrap();
}

#[test]
fn callers_certificates_are_asked_for_required_or_neither() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let (known, stranger) = (ours.leaf("front-proxy"), theirs.leaf("front-proxy"));
    let tls = tls(&CA.leaf("127.0.0.1"));
    let host = Host::behind(&tls, Limits::default());
    let ask = |shows| Caller { shows, ..caller() }.ask(host.address, "/certificate");
    let (none, shown) = (r#"200 close "none""#.to_owned(), format!(r#"200 close "{} bytes""#, known.bytes()));
    assert_eq!(ask(None), Ok(none.clone()));
    tls.set_callers(&Callers::Asked(ours.pem.clone().into_bytes())).unwrap();
    assert_eq!((ask(None), ask(Some(&known))), (Ok(none.clone()), Ok(shown.clone())));
    assert!(ask(Some(&stranger)).is_err());
    tls.set_callers(&Callers::Required(ours.pem.clone().into_bytes())).unwrap();
    assert_eq!(ask(Some(&known)), Ok(shown));
    assert!(ask(None).is_err() && ask(Some(&stranger)).is_err());
    tls.set_callers(&Callers::Unasked).unwrap();
    assert_eq!(ask(None), Ok(none));
    host.end();
}

/// A ClientHello of TLS 1.0: record and handshake of version 3.1, one cipher suite, no extension.
fn old_hello() -> Vec<u8> {
    let mut hello = vec![3, 1];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0, 0x2f, 1, 0]);
    let length = u8::try_from(hello.len()).unwrap();
    let mut record = vec![22, 3, 1, 0, length + 4, 1, 0, 0, length];
    record.append(&mut hello);
    record
}

#[test]
fn whoever_speaks_no_tls_of_today_is_sent_away() {
    let host = Host::behind(&tls(&CA.leaf("127.0.0.1")), Limits::default());
    let hellos =
        [old_hello(), b"GET /ok HTTP/1.1\r\nhost: a\r\n\r\n".to_vec(), vec![0; 4_000], vec![22; 4_000]];
    for hello in hellos {
        // An alert at most, and the end.
        let heard = Peer::new(host.address).say(&hello).hear_all();
        assert!(heard.is_empty() || heard == "and 7 bytes", "{hello:?}: {heard}");
        good(caller().ask(host.address, "/ok"));
    }
    host.end();
}

#[test]
fn a_handshake_that_does_not_go_on_is_ended() {
    let limits = Limits { handshake_ms: 100, ..Limits::default() };
    let host = Host::behind(&tls(&CA.leaf("127.0.0.1")), limits);
    let began = Instant::now();
    assert_eq!(Peer::new(host.address).say(&old_hello()[..20]).hear_all(), "");
    assert!(began.elapsed() < PATIENCE / 2);
    host.end();
}

#[test]
fn a_stop_waits_for_no_handshake() {
    let host = Host::behind(&tls(&CA.leaf("127.0.0.1")), Limits { drain_ms: 60_000, ..Limits::default() });
    let mut silent = Peer::new(host.address);
    let mut half = Peer::new(host.address);
    half.say(&old_hello()[..20]);
    good(caller().ask(host.address, "/ok"));
    let began = Instant::now();
    host.end();
    assert!(began.elapsed() < PATIENCE);
    assert_eq!((silent.hear_all(), half.hear_all()), (String::new(), String::new()));
}

#[test]
fn a_good_caller_is_served_within_a_second_among_thousands_who_hang() {
    let limits = Limits { connections_max: 1_024, ..Limits::default() };
    let host = Host::behind(&tls(&CA.leaf("127.0.0.1")), limits);
    let (mut hanging, mut slowest) = (Vec::new(), Duration::ZERO);
    for turn in 0..4_000_u32 {
        let from = IpAddr::from([127, 0, 0, u8::try_from(turn % 8).unwrap() + 2]);
        let mut peer = Peer::from(host.address, from);
        // Some say nothing, some begin a handshake and stop.
        if turn % 2 == 0 {
            peer.say(&old_hello()[..20]);
        }
        hanging.push(peer);
        if turn % 100 == 0 {
            let began = Instant::now();
            good(caller().ask(host.address, "/ok"));
            slowest = slowest.max(began.elapsed());
        }
    }
    println!("hanging: {}, slowest good answer: {slowest:?}", hanging.len());
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    host.end();
}
