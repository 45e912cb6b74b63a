//! A line to an API server that can go dead.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// An address on loopback behind which another one answers, until the line goes dead: then whatever is sent is swallowed either way, and
/// nobody is told. Ends with the test's process.
pub(crate) struct Line {
    address: SocketAddr,
    is_dead: Arc<AtomicBool>,
}

impl Line {
    /// To whom this kubeconfig leads.
    pub(crate) fn to(kubeconfig: &Path) -> Self {
        let server: SocketAddr = server(&fs::read_to_string(kubeconfig).unwrap()).parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let is_dead = Arc::new(AtomicBool::new(false));
        let of_thread = Arc::clone(&is_dead);
        thread::spawn(move || {
            for caller in listener.incoming().map_while(Result::ok) {
                let Ok(answering) = TcpStream::connect(server) else { continue };
                for (from, to) in [(&caller, &answering), (&answering, &caller)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let is_dead = Arc::clone(&of_thread);
                    thread::spawn(move || carry(from, to, &is_dead));
                }
            }
        });
        Self { address, is_dead }
    }

    /// The same credentials, by this line: beside those they are of.
    pub(crate) fn kubeconfig(&self, of: &Path) -> PathBuf {
        let text = fs::read_to_string(of).unwrap();
        let by_line = of.with_extension(format!("{}.kubeconfig", self.address.port()));
        fs::write(&by_line, text.replace(server(&text), &self.address.to_string())).unwrap();
        by_line
    }

    pub(crate) fn go_dead(&self) {
        self.is_dead.store(true, Ordering::SeqCst);
    }
}

fn server(kubeconfig: &str) -> &str {
    let from = kubeconfig.split("https://").nth(1).expect("it names a server");
    from.split(|end: char| end.is_whitespace() || end == '"' || end == '/').next().unwrap()
}

fn carry(mut from: TcpStream, mut to: TcpStream, is_dead: &AtomicBool) {
    let mut bytes = [0; 16 << 10];
    while let Ok(read @ 1..) = from.read(&mut bytes) {
        if !is_dead.load(Ordering::SeqCst) && to.write_all(&bytes[..read]).is_err() {
            break;
        }
    }
    if !is_dead.load(Ordering::SeqCst) {
        let _ = to.shutdown(Shutdown::Write);
    }
}
