use std::net::{TcpListener, TcpStream};

use async_io::Async;
use async_std::task::block_on;

use super::*;

/// Takes a seat for a new connection from loopback.
fn take(seats: &Arc<Seats>, listener: &Async<TcpListener>) -> Result<Seat, NoSeat> {
    block_on(async {
        let _client = TcpStream::connect(listener.get_ref().local_addr().unwrap()).unwrap();
        let (socket, peer) = Socket::accept(listener).await.unwrap();
        seats.take(&socket, peer)
    })
}

#[test]
fn those_who_were_ended_for_others_are_let_go_before_many_more_come() {
    const MAX: usize = 64;
    let limits = Limits { connections_max: MAX, connections_per_peer_max: 10 * MAX, ..Limits::default() };
    let seats = Seats::new(limits, Arc::default());
    let listener = Async::<TcpListener>::bind(([127, 0, 0, 1], 0)).unwrap();
    // Nobody leaves, as when the machine is busy: those who are ended still hold what they held.
    let mut taken = Vec::new();
    let full = loop {
        match take(&seats, &listener) {
            Ok(seat) => taken.push(seat),
            Err(none) => break none,
        }
        assert!(taken.len() < 2 * MAX, "there is no bound");
    };
    assert_eq!((full, taken.len()), (NoSeat::ForAnybody, MAX + MAX / ENDING_PART + 1));
    // The first were ended. One of them leaves, and the next is let in.
    drop(taken.remove(0));
    taken.push(take(&seats, &listener).unwrap());
    assert_eq!(take(&seats, &listener).err(), Some(NoSeat::ForAnybody));
    // All leave, ended or not, and nothing is counted any more.
    taken.clear();
    assert!(seats.is_empty());
    assert_eq!(seats.table().ending, 0);
}

#[test]
fn whoever_came_first_makes_room_first_however_late_it_is_looked_at() {
    let limits = Limits { connections_per_peer_max: 2, ..Limits::default() };
    let seats = Seats::new(limits, Arc::default());
    let listener = Async::<TcpListener>::bind(([127, 0, 0, 1], 0)).unwrap();
    let [first, second] = [(); 2].map(|()| take(&seats, &listener).unwrap());
    // Tasks begin in an order of their own.
    second.wait();
    while seats.now_us() <= second.place.phase.get().1 {}
    first.wait();
    let _third = take(&seats, &listener).unwrap();
    let has_place = |seat: &Seat| seats.table().places.contains_key(&seat.id);
    assert_eq!((has_place(&first), has_place(&second)), (false, true));
}
