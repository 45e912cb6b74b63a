//! What a Service does for those who connect to it, without kube-proxy: one address, in turns one of its endpoints.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

/// An address on loopback with endpoints behind it. Whoever connects while it has none is cut off.
#[derive(Debug)]
pub struct Service {
    address: SocketAddr,
    inner: Arc<Inner>,
    accepting: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct Inner {
    endpoints: Mutex<Vec<SocketAddr>>,
    open: Mutex<Vec<TcpStream>>,
    turn: AtomicUsize,
    is_over: AtomicBool,
}

impl Service {
    /// A service without endpoints.
    ///
    /// # Panics
    /// When loopback has no free port.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("it listens");
        let inner = Arc::new(Inner::default());
        let of_thread = Arc::clone(&inner);
        let accepting = thread::spawn(move || of_thread.accept(&listener));
        Self { address, inner, accepting: Mutex::new(Some(accepting)) }
    }

    /// Where it is reached.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends new connections to these from now on; those that are open stay.
    ///
    /// # Panics
    /// When an accepting thread has panicked.
    pub fn set_endpoints(&self, endpoints: &[SocketAddr]) {
        *self.inner.endpoints.lock().expect("nothing panics under this lock") = endpoints.to_vec();
    }

    /// Ends it: whoever connects is refused, and connections that are open are cut.
    ///
    /// # Panics
    /// When an accepting thread has panicked.
    pub fn stop(&self) {
        let accepting = self.accepting.lock().expect("nothing panics under this lock").take();
        if let Some(accepting) = accepting {
            self.inner.is_over.store(true, Ordering::Relaxed);
            // Wakes the one who accepts.
            let _ = TcpStream::connect(self.address);
            accepting.join().expect("accepting does not panic");
            self.cut();
        }
    }

    /// How many have connected so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.inner.turn.load(Ordering::Relaxed)
    }

    /// Cuts every connection that is open; whoever connects again is let in.
    ///
    /// # Panics
    /// When an accepting thread has panicked.
    pub fn cut(&self) {
        for open in self.inner.open.lock().expect("nothing panics under this lock").drain(..) {
            let _ = open.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Inner {
    fn accept(&self, listener: &TcpListener) {
        for caller in listener.incoming().map_while(Result::ok) {
            if self.is_over.load(Ordering::Relaxed) {
                return;
            }
            if let Some(endpoint) = self.connect() {
                pass(&caller, &endpoint);
                self.open.lock().expect("nothing panics under this lock").push(caller);
            }
        }
    }

    fn connect(&self) -> Option<TcpStream> {
        let endpoints = self.endpoints.lock().expect("nothing panics under this lock").clone();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        TcpStream::connect(endpoints.get(turn % endpoints.len().max(1))?).ok()
    }
}

/// Carries bytes both ways until both sides have ended.
fn pass(caller: &TcpStream, endpoint: &TcpStream) {
    for (from, to) in [(caller, endpoint), (endpoint, caller)] {
        let (Ok(mut from), Ok(mut to)) = (from.try_clone(), to.try_clone()) else { return };
        thread::spawn(move || {
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
    }
}
