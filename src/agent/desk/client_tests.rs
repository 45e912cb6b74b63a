use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;

use futures_rustls::rustls::crypto::ring;
use futures_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use futures_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};
use http_types::Method;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use super::*;

struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

fn authority() -> Authority {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = params.self_signed(&key).unwrap().pem();
    Authority { pem, issuer: Issuer::new(params, key) }
}

/// A desk that shows a certificate for `name` and says `hello` to everybody, on threads that end with the test process.
fn desk(authority: &Authority, name: &str) -> u16 {
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &authority.issuer).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
            // A client that does not trust us ends the handshake: the next one is served all the same.
            if stream.read(&mut [0; 1024]).is_ok() {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
            }
        }
    });
    port
}

fn ask(client: &Client, url: &str) -> Result<String, String> {
    let request = Request::new(Method::Get, Url::parse(url).unwrap());
    async_std::task::block_on(async {
        let mut response = client.send(request).await.map_err(|error| error.to_string())?;
        response.body_string().await.map_err(|error| error.to_string())
    })
}

fn trusting(bundle: &Path) -> Client {
    Client::new(Some(Trust::new(bundle.to_owned())))
}

#[test]
fn a_desk_is_believed_when_the_bundle_vouches_for_its_name() {
    let (ours, theirs) = (authority(), authority());
    let dir = tempfile::tempdir().unwrap();
    let bundle = dir.path().join("ca.crt");
    fs::write(&bundle, &ours.pem).unwrap();
    let client = trusting(&bundle);
    let url = format!("https://127.0.0.1:{}/", desk(&ours, "127.0.0.1"));
    assert_eq!(ask(&client, &url), Ok("hello".to_owned()));
    let other_name = format!("https://127.0.0.1:{}/", desk(&ours, "127.0.0.2"));
    let other_ca = format!("https://127.0.0.1:{}/", desk(&theirs, "127.0.0.1"));
    for url in [other_name, other_ca] {
        let why = ask(&client, &url).unwrap_err();
        assert!(why.contains("certificate"), "{why}");
    }
}

#[test]
fn a_changed_bundle_is_taken_and_a_spoilt_one_is_not() {
    let (old, new) = (authority(), authority());
    let dir = tempfile::tempdir().unwrap();
    let bundle = dir.path().join("ca.crt");
    // Each state under its own name, then swapped in: as mounted ConfigMaps change.
    let swap = |content: &str| {
        fs::write(dir.path().join("next"), content).unwrap();
        fs::rename(dir.path().join("next"), &bundle).unwrap();
    };
    swap(&old.pem);
    let client = trusting(&bundle);
    let by_old = format!("https://127.0.0.1:{}/", desk(&old, "127.0.0.1"));
    let by_new = format!("https://127.0.0.1:{}/", desk(&new, "127.0.0.1"));
    assert_eq!((ask(&client, &by_old).is_ok(), ask(&client, &by_new).is_ok()), (true, false));
    swap(&format!("{}{}", old.pem, new.pem));
    assert_eq!((ask(&client, &by_old).is_ok(), ask(&client, &by_new).is_ok()), (true, true));
    swap(&new.pem);
    assert_eq!((ask(&client, &by_old).is_ok(), ask(&client, &by_new).is_ok()), (false, true));
    swap("nothing in it");
    assert_eq!(ask(&client, &by_new), Ok("hello".to_owned()));
    fs::remove_file(&bundle).unwrap();
    assert_eq!(ask(&client, &by_new), Ok("hello".to_owned()));
}

#[test]
fn without_a_bundle_nothing_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = dir.path().join("ca.crt");
    let url = format!("https://127.0.0.1:{}/", desk(&authority(), "127.0.0.1"));
    for (content, told) in [(None, "could not read"), (Some("no PEM"), "no certificate in it")] {
        content.iter().for_each(|content| fs::write(&bundle, content).unwrap());
        let why = ask(&trusting(&bundle), &url).unwrap_err();
        assert!(why.contains(told), "{why}");
    }
    assert!(ask(&Client::new(None), &url).unwrap_err().contains("with a CA to trust"));
}
