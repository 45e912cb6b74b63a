//! TLS: who is let in, and what is shown to them.

use std::fs;
use std::io::Read;
use std::net::Ipv4Addr;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Instant;

use futures_rustls::rustls::SupportedProtocolVersion;
use futures_rustls::rustls::version::{TLS12, TLS13};
use netreach_serve::{
    Callers, CallersFile, IdentityFiles, Limits, Stop, Tls, TlsError, follow_callers, follow_identity,
};

use crate::host::Host;
use crate::peer::PATIENCE;
use crate::tls_caller::{Authority, Caller, Leaf, ask};

static BOTH: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];
static OLDER: [&SupportedProtocolVersion; 1] = [&TLS12];
static NEWER: [&SupportedProtocolVersion; 1] = [&TLS13];

pub(crate) static CA: LazyLock<Authority> = LazyLock::new(Authority::new);

pub(crate) fn tls(leaf: &Leaf) -> Tls {
    Tls::new(leaf.pem.as_bytes(), leaf.key_pem.as_bytes()).unwrap()
}

pub(crate) fn caller() -> Caller<'static> {
    Caller { trusts: &CA, shows: None, speaks: &BOTH, from: Ipv4Addr::LOCALHOST.into() }
}

pub(crate) fn good(answer: Result<String, String>) {
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

/// Nothing tells when something has been taken over but the effect.
fn until(what: &str, holds: impl Fn() -> bool) {
    let latest = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < latest, "never: {what}");
        std::thread::yield_now();
    }
}

#[test]
fn a_mounted_pair_is_followed_and_a_broken_one_is_not() {
    let (old, new) = (CA.leaf("127.0.0.1"), CA.leaf("127.0.0.1"));
    let dir = tempfile::tempdir().unwrap();
    mount(dir.path(), "..1", &old.pem, &old.key_pem);
    let files = IdentityFiles::in_folder(dir.path());
    let (shown, stop) = (files.load().unwrap(), Stop::new());
    let of_old = shown.fingerprint();
    let following = {
        let (files, tls, stop) = (files, shown.clone(), stop.clone());
        async_std::task::spawn(async move { follow_identity(&files, &tls, &stop).await })
    };
    mount(dir.path(), "..2", &new.pem, &old.key_pem);
    mount(dir.path(), "..3", &new.pem, &new.key_pem);
    until("the new pair is loaded", || shown.fingerprint() != of_old);
    assert_eq!(shown.fingerprint(), tls(&new).fingerprint());
    stop.stop();
    async_std::task::block_on(following).unwrap();
}

#[test]
fn no_request_fails_while_the_pair_is_replaced_again_and_again() {
    const CALLERS: usize = 4;
    const CHANGES: usize = 20;
    let leaves = [CA.leaf("127.0.0.1"), CA.leaf("127.0.0.1")];
    let dir = tempfile::tempdir().unwrap();
    mount(dir.path(), "..0", &leaves[0].pem, &leaves[0].key_pem);
    let files = IdentityFiles::in_folder(dir.path());
    let (shown, stop) = (files.load().unwrap(), Stop::new());
    let host = Host::behind(&shown, Limits::default());
    let following = {
        let (files, tls, stop) = (files, shown.clone(), stop.clone());
        async_std::task::spawn(async move { follow_identity(&files, &tls, &stop).await })
    };
    let (address, stopped) = (host.address, stop.clone());
    let callers = std::array::from_fn::<_, CALLERS, _>(|_| {
        let stopped = stopped.clone();
        std::thread::spawn(move || {
            let mut asked = 0;
            while !stopped.is_stopped() {
                good(caller().ask(address, "/ok"));
                asked += 1;
            }
            asked
        })
    });
    for change in 1..=CHANGES {
        let leaf = &leaves[change % 2];
        mount(dir.path(), &format!("..{change}"), &leaf.pem, &leaf.key_pem);
        until("the next pair is loaded", || shown.fingerprint() == tls(leaf).fingerprint());
    }
    stop.stop();
    let asked: usize = callers.map(|caller| caller.join().unwrap()).iter().sum();
    println!("changes: {CHANGES}, requests: {asked}, failed: 0");
    assert!(asked >= CHANGES, "{asked} requests are too few to have met the changes");
    async_std::task::block_on(following).unwrap();
    host.end();
}

#[test]
fn the_ca_of_callers_is_followed_and_an_empty_one_is_not() {
    let (old, new) = (Authority::new(), Authority::new());
    let (by_old, by_new) = (old.caller("old", &[]), new.caller("new", &[]));
    let dir = tempfile::tempdir().unwrap();
    let file = CallersFile::required(dir.path().join("ca.crt"));
    assert!(matches!(file.load(), Err(TlsError::Read { .. })));
    let swap = |content: &str| {
        fs::write(dir.path().join("next"), content).unwrap();
        fs::rename(dir.path().join("next"), dir.path().join("ca.crt")).unwrap();
    };
    swap(&old.pem);
    let (tls, stop) = (tls(&CA.leaf("127.0.0.1")), Stop::new());
    tls.set_callers(&file.load().unwrap()).unwrap();
    let following = {
        let (file, tls, stop) = (file, tls.clone(), stop.clone());
        async_std::task::spawn(async move { follow_callers(&file, &tls, &stop).await })
    };
    let host = Host::behind(&tls, Limits::default());
    let is_in = |leaf| Caller { shows: Some(leaf), ..caller() }.ask(host.address, "/ok").is_ok();
    assert!(is_in(&by_old) && !is_in(&by_new));
    swap("");
    swap(&format!("{}{}", old.pem, new.pem));
    until("the new CA is believed", || is_in(&by_new));
    assert!(is_in(&by_old));
    swap(&new.pem);
    until("the old CA is not believed any more", || !is_in(&by_old));
    stop.stop();
    async_std::task::block_on(following).unwrap();
    host.end();
}

#[test]
fn callers_certificates_are_asked_for_required_or_neither() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let (known, stranger) =
        (ours.caller("front-proxy", &["masters"]), theirs.caller("front-proxy", &["masters"]));
    let tls = tls(&CA.leaf("127.0.0.1"));
    let host = Host::behind(&tls, Limits::default());
    let ask = |shows| Caller { shows, ..caller() }.ask(host.address, "/certificate");
    let none = r#"200 close "none""#.to_owned();
    let shown = format!(r#"200 close "front-proxy of masters, {} bytes""#, known.bytes());
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
