//! Who is connected: the bounds on how many, and the end of those who outstay.
//!
//! A connection arms no timer. It writes down what it is doing (see [`PhaseCell`]); one watch per server ends what
//! lasts too long by shutting the socket under it, which the connection sees as the end of its stream.

use std::io;
use std::net::{IpAddr, Shutdown, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use event_listener::{Event, EventListener};

use crate::limits::{ENDING_PART, HEAD_BYTES_MAX, Limits};
use crate::meter::Meter;
use crate::phase::{Phase, PhaseCell};
use crate::places::{Place, Table};
use crate::socket::Socket;

/// All connections of one server.
pub(crate) struct Seats {
    limits: Limits,
    meter: Arc<Meter>,
    began: Instant,
    table: Mutex<Table>,
    changed: Event,
    leaving: AtomicBool,
    closing: AtomicBool,
    /// What requests that are not whole take together, bytes.
    held: AtomicUsize,
    /// What large heads take together whose requests are being answered, bytes.
    weight: AtomicUsize,
}

/// The part of that which one request has; dropping it gives it back.
pub(crate) struct Weight {
    seats: Arc<Seats>,
    bytes: usize,
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

/// Says what a request takes that is not whole yet.
#[cfg(feature = "tls")]
pub(crate) struct Scale {
    seats: Arc<Seats>,
    place: Arc<Place>,
}

// === impl Seats ===

impl Seats {
    pub(crate) fn new(limits: Limits, meter: Arc<Meter>) -> Arc<Self> {
        let seats = Arc::new(Self {
            limits,
            meter,
            began: Instant::now(),
            table: Mutex::default(),
            changed: Event::new(),
            leaving: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            held: AtomicUsize::new(0),
            weight: AtomicUsize::new(0),
        });
        seats.meter.watch(&seats);
        seats
    }

    /// A seat for a new connection, if need be that of somebody who has long been waiting.
    pub(crate) fn take(self: &Arc<Self>, socket: &Socket, peer: SocketAddr) -> Result<Seat, NoSeat> {
        let peer = peer.ip();
        let mut table = self.table();
        if table.ending > self.limits.connections_max / ENDING_PART {
            return Err(NoSeat::ForAnybody);
        }
        let of_peer = table.per_peer.get(&peer).copied().unwrap_or_default();
        if of_peer >= self.limits.connections_per_peer_max && self.make_room_in(&mut table, Some(peer)) == 0 {
            self.meter.over_peer_bound.add(1);
            return Err(NoSeat::ForPeer);
        }
        if table.places.len() >= self.limits.connections_max && self.make_room_in(&mut table, None) == 0 {
            return Err(NoSeat::ForAnybody);
        }
        let phase = PhaseCell::new(Phase::Waiting, self.now_us());
        let (held, is_ended) = (AtomicUsize::new(0), AtomicBool::new(false));
        let place = Arc::new(Place { peer, socket: socket.clone(), phase, held, is_ended });
        let id = table.add(Arc::clone(&place));
        self.changed.notify(usize::MAX);
        Ok(Seat { seats: Arc::clone(self), place, id })
    }

    /// Ends some of those who wait, for the machine has run out of something.
    pub(crate) fn make_room(&self) {
        self.make_room_in(&mut self.table(), None);
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

    /// From now on a connection ends with its next answer, which tells the peer so.
    pub(crate) fn begin_to_leave(&self) {
        self.leaving.store(true, Ordering::SeqCst);
    }

    /// From now on a connection ends with the answer in progress; those without a whole request end at once.
    pub(crate) fn close(&self) {
        self.begin_to_leave();
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

    /// Hears the next connection that comes or ends.
    pub(crate) fn listen(&self) -> EventListener {
        self.changed.listen()
    }

    /// Adds up who is doing what; says how many there may be.
    pub(crate) fn census(&self, phases: &mut [u64; Phase::ALL.len()]) -> u64 {
        for place in self.table().places.values() {
            phases[place.phase.get().0 as usize] += 1;
        }
        self.limits.connections_max as u64
    }

    fn make_room_in(&self, table: &mut Table, of: Option<IpAddr>) -> usize {
        let ended = table.make_room(of);
        self.meter.made_room.add(ended);
        ended
    }

    fn hold(&self, place: &Place, bytes: usize) -> io::Result<()> {
        let before = place.held.swap(bytes, Ordering::Relaxed);
        if bytes <= before {
            self.held.fetch_sub(before - bytes, Ordering::Relaxed);
        } else {
            let all = self.held.fetch_add(bytes - before, Ordering::Relaxed) + (bytes - before);
            if all > self.limits.unfinished_bytes_max {
                self.shed();
            }
        }
        if place.is_ended.load(Ordering::Relaxed) { Err(io::ErrorKind::OutOfMemory.into()) } else { Ok(()) }
    }

    /// Ends those who have been at an unfinished request longest. A good peer is through in no time, so they are most
    /// likely at it by intent. An eighth at a time, so that not every further byte costs a look at everybody.
    fn shed(&self) {
        let enough = self.limits.unfinished_bytes_max / 8 * 7;
        let table = self.table();
        let unfinished = table.places.values().filter_map(|place| {
            let (phase, since_us) = place.phase.get();
            phase.is_unfinished().then_some((since_us, place))
        });
        let mut unfinished: Vec<_> = unfinished.collect();
        unfinished.sort_unstable_by_key(|(since_us, _)| *since_us);
        for (_, place) in unfinished {
            if self.held.load(Ordering::Relaxed) <= enough {
                break;
            }
            place.is_ended.store(true, Ordering::Relaxed);
            place.cut();
            self.held.fetch_sub(place.held.swap(0, Ordering::Relaxed), Ordering::Relaxed);
            self.meter.shed.add(1);
        }
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

    pub(crate) fn meter(&self) -> &Meter {
        &self.seats.meter
    }

    /// Microseconds since the server began.
    pub(crate) fn now_us(&self) -> u64 {
        self.seats.now_us()
    }

    pub(crate) fn enter(&self, phase: Phase, since_us: u64) {
        self.place.phase.enter(phase, since_us);
        if !phase.is_unfinished() && self.place.held.load(Ordering::Relaxed) > 0 {
            let _ = self.hold(0);
        }
    }

    /// Begins to wait for a request. A new connection has waited since it was accepted: were it counted from when it is first looked at,
    /// the first to come need not be the first to make room.
    pub(crate) fn wait(&self) {
        if self.place.phase.get().0 != Phase::Waiting {
            self.enter(Phase::Waiting, self.now_us());
        }
    }

    /// Says what the request takes by now, bytes.
    ///
    /// # Errors
    /// When it has been ended to make room for others.
    pub(crate) fn hold(&self, bytes: usize) -> io::Result<()> {
        self.seats.hold(&self.place, bytes)
    }

    /// Room for a head while its request is answered: none where too much is taken. One such as anybody may send takes nothing.
    pub(crate) fn weigh(&self, bytes: usize) -> Option<Weight> {
        let bytes = if bytes > HEAD_BYTES_MAX { bytes } else { 0 };
        let weight = Weight { seats: Arc::clone(&self.seats), bytes };
        let before = self.seats.weight.fetch_add(bytes, Ordering::Relaxed);
        (bytes == 0 || before + bytes <= self.limits().unfinished_bytes_max).then_some(weight)
    }

    /// For whoever reads before there is a request.
    #[cfg(feature = "tls")]
    pub(crate) fn scale(&self) -> Scale {
        Scale { seats: Arc::clone(&self.seats), place: Arc::clone(&self.place) }
    }

    /// Whether the end of the stream was our own doing, for the peer was too slow.
    pub(crate) fn is_overdue(&self) -> bool {
        self.place.phase.is_overdue(self.now_us(), &self.seats.limits)
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.seats.leaving.load(Ordering::SeqCst)
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.seats.closing.load(Ordering::SeqCst)
    }

    /// Tells the peer that nothing more will come.
    pub(crate) fn end_sending(&self) {
        self.place.socket.shutdown(Shutdown::Write);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let _ = self.hold(0);
        self.seats.table().leave(self.id);
        self.seats.changed.notify(usize::MAX);
    }
}

// === impl Weight ===

impl Drop for Weight {
    fn drop(&mut self) {
        self.seats.weight.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

// === impl Scale ===

#[cfg(feature = "tls")]
impl Scale {
    /// As [`Seat::hold`].
    pub(crate) fn hold(&self, bytes: usize) -> io::Result<()> {
        self.seats.hold(&self.place, bytes)
    }
}

#[cfg(test)]
#[path = "seats_tests.rs"]
mod tests;
