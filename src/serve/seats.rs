//! Who is connected: the bounds on how many, and the end of those who outstay.
//!
//! A connection arms no timer. It writes down what it is doing (see [`PhaseCell`]); one watch per server ends what
//! lasts too long by shutting the socket under it, which the connection sees as the end of its stream.

use std::collections::HashMap;
use std::net::{IpAddr, Shutdown, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use async_std::net::TcpStream;
use event_listener::{Event, EventListener};

use crate::limits::Limits;
use crate::phase::{Phase, PhaseCell};

/// All connections of one server.
pub(crate) struct Seats {
    limits: Limits,
    began: Instant,
    table: Mutex<Table>,
    left: Event,
    closing: AtomicBool,
}

/// One connection's seat; dropping it gives it back.
pub(crate) struct Seat {
    seats: Arc<Seats>,
    place: Arc<Place>,
    id: u64,
}

/// Why there is no seat.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoSeat {
    /// The peer has as many as it may, all busy.
    ForPeer,
    /// All are taken and busy.
    ForAnybody,
}

#[derive(Default)]
struct Table {
    places: HashMap<u64, Arc<Place>>,
    per_peer: HashMap<IpAddr, usize>,
    next: u64,
}

struct Place {
    peer: IpAddr,
    stream: TcpStream,
    phase: PhaseCell,
}

// === impl Seats ===

impl Seats {
    pub(crate) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            began: Instant::now(),
            table: Mutex::default(),
            left: Event::new(),
            closing: AtomicBool::new(false),
        })
    }

    /// A seat for a new connection, if need be that of somebody who has long been waiting.
    pub(crate) fn take(self: &Arc<Self>, stream: &TcpStream, peer: SocketAddr) -> Result<Seat, NoSeat> {
        let peer = peer.ip();
        let mut table = self.table();
        let of_peer = table.per_peer.get(&peer).copied().unwrap_or_default();
        if of_peer >= self.limits.connections_per_peer_max && table.make_room(Some(peer)) == 0 {
            return Err(NoSeat::ForPeer);
        }
        if table.places.len() >= self.limits.connections_max && table.make_room(None) == 0 {
            return Err(NoSeat::ForAnybody);
        }
        let phase = PhaseCell::new(Phase::Waiting, self.now_us());
        let place = Arc::new(Place { peer, stream: stream.clone(), phase });
        let id = table.add(Arc::clone(&place));
        Ok(Seat { seats: Arc::clone(self), place, id })
    }

    /// Ends some of those who wait, for the machine has run out of something.
    pub(crate) fn make_room(&self) {
        self.table().make_room(None);
    }

    /// Ends what has lasted too long.
    pub(crate) fn end_overdue(&self) {
        let now_us = self.now_us();
        for place in self.table().places.values() {
            if place.phase.is_overdue(now_us, &self.limits) {
                place.end_overdue();
            }
        }
    }

    /// From now on a connection ends with the answer in progress; those without a whole request end at once.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
        for place in self.table().places.values() {
            // Half a head is nothing anybody has begun to answer.
            if place.phase.get().0.is_unasked() {
                place.cut();
            }
        }
    }

    /// Ends every connection, whatever it is doing.
    pub(crate) fn cut_all(&self) {
        self.table().places.values().for_each(|place| place.cut());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.table().places.is_empty()
    }

    /// Hears the next connection that ends.
    pub(crate) fn listen(&self) -> EventListener {
        self.left.listen()
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // Nothing panics while it holds the lock, and a half-done count would still only be a count.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Seat ===

impl Seat {
    pub(crate) fn limits(&self) -> &Limits {
        &self.seats.limits
    }

    /// Microseconds since the server began.
    pub(crate) fn now_us(&self) -> u64 {
        self.seats.now_us()
    }

    pub(crate) fn enter(&self, phase: Phase, since_us: u64) {
        self.place.phase.enter(phase, since_us);
    }

    /// Whether the end of the stream was our own doing, for the peer was too slow.
    pub(crate) fn is_overdue(&self) -> bool {
        self.place.phase.is_overdue(self.now_us(), &self.seats.limits)
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.seats.closing.load(Ordering::SeqCst)
    }

    /// Tells the peer that nothing more will come.
    pub(crate) fn end_sending(&self) {
        let _ = self.place.stream.shutdown(Shutdown::Write);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.table().remove(self.id);
        self.seats.left.notify(usize::MAX);
    }
}

// === impl Table ===

impl Table {
    fn add(&mut self, place: Arc<Place>) -> u64 {
        let id = self.next;
        self.next += 1;
        *self.per_peer.entry(place.peer).or_default() += 1;
        self.places.insert(id, place);
        id
    }

    fn remove(&mut self, id: u64) {
        let Some(place) = self.places.remove(&id) else { return };
        if let Some(count) = self.per_peer.get_mut(&place.peer) {
            *count -= 1;
            if *count == 0 {
                self.per_peer.remove(&place.peer);
            }
        }
    }

    /// Ends the longest-waiting connections (of one peer, or of all) and says how many. A good client sends its
    /// request at once, so whoever has waited longest is most likely silent by intent. A sixty-fourth at a time, so
    /// that a flood of silent peers does not cost a look at everybody for each of them.
    fn make_room(&mut self, of: Option<IpAddr>) -> usize {
        let mut waiting: Vec<(u64, u64)> = self
            .places
            .iter()
            .filter(|(_, place)| of.is_none_or(|peer| place.peer == peer))
            .filter_map(|(id, place)| {
                let (phase, since_us) = place.phase.get();
                phase.is_expendable().then_some((since_us, *id))
            })
            .collect();
        let ended = waiting.len().div_ceil(64);
        if ended > 0 {
            waiting.select_nth_unstable(ended - 1);
        }
        for (_, id) in &waiting[..ended] {
            self.places[id].cut();
            self.remove(*id);
        }
        ended
    }
}

// === impl Place ===

impl Place {
    fn end_overdue(&self) {
        match self.phase.get().0 {
            // Only the way in, so that the peer can still be told why.
            Phase::Head | Phase::Body => {
                let _ = self.stream.shutdown(Shutdown::Read);
            }
            _ => self.cut(),
        }
    }

    fn cut(&self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}
