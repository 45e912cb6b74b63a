//! A peer that answers rightly after a time it chooses, and writes down how long it held each request.

use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use netreach_tests::wait_until;

use super::peers::{next_probe, peer, right_answer};

pub(crate) struct Holding {
    pub(crate) address: SocketAddr,
    log: Arc<Log>,
}

#[derive(Default)]
struct Log {
    held_us: Mutex<Vec<u64>>,
    grown: Condvar,
}

impl Holding {
    /// `delay` is asked, with the instant, for each request that has come. A connection that is kept keeps its worker: there
    /// must be more of them than connections at once.
    pub(crate) fn new(workers: usize, delay: impl FnMut(Instant) -> Duration + Send + 'static) -> Self {
        let (log, delay) = (Arc::<Log>::default(), Mutex::new(delay));
        let written = Arc::clone(&log);
        let address = peer(workers, move |mut stream| {
            stream.set_nodelay(true).unwrap();
            while let Some(tag) = next_probe(&mut stream) {
                let came = Instant::now();
                let until = came + (delay.lock().unwrap())(came);
                let answer = right_answer(&tag);
                wait_until(until);
                written.add(came.elapsed());
                if std::io::Write::write_all(&mut stream, &answer).is_err() {
                    return;
                }
            }
        });
        Self { address, log }
    }

    /// Blocks until it has answered so many requests.
    pub(crate) fn has_answered(&self, requests: usize) {
        let held = self.log.held_us.lock().unwrap();
        drop(self.log.grown.wait_while(held, |held| held.len() < requests).unwrap());
    }

    /// How long it held the requests, microseconds, rising.
    pub(crate) fn held_us(&self) -> Vec<u64> {
        let mut held = self.log.held_us.lock().unwrap().clone();
        held.sort_unstable();
        held
    }
}

impl Log {
    fn add(&self, held: Duration) {
        self.held_us.lock().unwrap().push(u64::try_from(held.as_micros()).unwrap());
        self.grown.notify_all();
    }
}
