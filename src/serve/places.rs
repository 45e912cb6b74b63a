//! Whom the connections of a server are with, and who of them makes room for another.

use std::collections::HashMap;
use std::net::{IpAddr, Shutdown};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use crate::phase::{Phase, PhaseCell};
use crate::socket::Socket;

/// All of them.
#[derive(Default)]
pub(crate) struct Table {
    pub(crate) places: HashMap<u64, Arc<Place>>,
    pub(crate) per_peer: HashMap<IpAddr, usize>,
    next: u64,
    /// Ended to make room, and not yet gone: until then they take what they took.
    pub(crate) ending: usize,
}

/// One connection.
pub(crate) struct Place {
    pub(crate) peer: IpAddr,
    pub(crate) socket: Socket,
    pub(crate) phase: PhaseCell,
    /// What its request takes while it is not whole, bytes.
    pub(crate) held: AtomicUsize,
    /// Ended for want of memory. What the kernel has already received could still be read.
    pub(crate) is_ended: AtomicBool,
}

// === impl Table ===

impl Table {
    /// Adds one; gives its number.
    pub(crate) fn add(&mut self, place: Arc<Place>) -> u64 {
        let id = self.next;
        self.next += 1;
        *self.per_peer.entry(place.peer).or_default() += 1;
        self.places.insert(id, place);
        id
    }

    /// The connection is gone.
    pub(crate) fn leave(&mut self, id: u64) {
        if !self.remove(id) {
            self.ending -= 1;
        }
    }

    /// Takes its place away; says whether it still had one.
    fn remove(&mut self, id: u64) -> bool {
        let Some(place) = self.places.remove(&id) else { return false };
        if let Some(count) = self.per_peer.get_mut(&place.peer) {
            *count -= 1;
            if *count == 0 {
                self.per_peer.remove(&place.peer);
            }
        }
        true
    }

    /// Ends the longest-waiting connections (of one peer, or of all) and says how many. A good client sends its
    /// request at once, so whoever has waited longest is most likely silent by intent. A sixty-fourth at a time, so
    /// that a flood of silent peers does not cost a look at everybody for each of them.
    pub(crate) fn make_room(&mut self, of: Option<IpAddr>) -> usize {
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
        self.ending += ended;
        ended
    }
}

// === impl Place ===

impl Place {
    /// Ends what has lasted too long.
    pub(crate) fn end_overdue(&self) {
        match self.phase.get().0 {
            // Only the way in, so that the peer can still be told why.
            Phase::Head | Phase::Body => {
                self.socket.shutdown(Shutdown::Read);
            }
            _ => self.cut(),
        }
    }

    /// Ends it both ways.
    pub(crate) fn cut(&self) {
        self.socket.shutdown(Shutdown::Both);
    }
}
