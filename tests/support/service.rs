//! What a Service does for those who connect to it, without kube-proxy: one address, in turns one of its endpoints.

use std::collections::HashMap;
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
    /// By their turn.
    open: Mutex<HashMap<usize, TcpStream>>,
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
        for (_, open) in self.inner.open.lock().expect("nothing panics under this lock").drain() {
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
    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for caller in listener.incoming().map_while(Result::ok) {
            if self.is_over.load(Ordering::Relaxed) {
                return;
            }
            let turn = self.turn.fetch_add(1, Ordering::Relaxed);
            if let Some(endpoint) = self.connect(turn) {
                let _ = self.pass(turn, caller, endpoint);
            }
        }
    }

    fn connect(&self, turn: usize) -> Option<TcpStream> {
        let endpoints = self.endpoints.lock().expect("nothing panics under this lock").clone();
        TcpStream::connect(endpoints.get(turn % endpoints.len().max(1))?).ok()
    }

    /// Carries bytes both ways until both sides have ended.
    fn pass(self: &Arc<Self>, turn: usize, caller: TcpStream, endpoint: TcpStream) -> io::Result<()> {
        // A Service holds nothing back.
        caller.set_nodelay(true)?;
        endpoint.set_nodelay(true)?;
        let (from_caller, to_endpoint) = (caller.try_clone()?, endpoint.try_clone()?);
        self.open.lock().expect("nothing panics under this lock").insert(turn, caller.try_clone()?);
        let asking = thread::spawn(move || carry(from_caller, &to_endpoint));
        let inner = Arc::clone(self);
        thread::spawn(move || {
            carry(endpoint, &caller);
            let _ = asking.join();
            inner.open.lock().expect("nothing panics under this lock").remove(&turn);
        });
        Ok(())
    }
}

/// All that comes from one side to the other.
fn carry(mut from: TcpStream, mut to: &TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}
