//! The desk over a real socket.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use async_std::task::{block_on, spawn};
use netreach_dispatch::limits::server_limits;
use netreach_serve::{Stop, bind, run};
use netreach_wire::{PollReply, Receipt};
use serde::de::DeserializeOwned;

use crate::bench::{Bench, result, round, waiting};

fn post(stream: &mut TcpStream, path: &str, body: &[u8]) {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: desk\r\nauthorization: Bearer token-a\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
}

fn answer<T: DeserializeOwned>(stream: &mut TcpStream) -> T {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        bytes.push(byte[0]);
    }
    let head = String::from_utf8(bytes).unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    serde_json::from_slice(&body).unwrap()
}

#[test]
fn a_round_goes_out_and_its_result_comes_in() {
    let bench = Bench::new();
    let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let stop = Stop::new();
    let served = spawn(run(listener, bench.desk.app(), server_limits(), stop.clone()));

    post(&mut stream, "/v1/poll", &serde_json::to_vec(&waiting()).unwrap());
    // The agent has come: what is laid down now finds its poll waiting.
    block_on(bench.events.recv()).unwrap();
    bench.open(1, &["a"]);
    let reply: PollReply = answer(&mut stream);
    assert_eq!(reply.assignment.unwrap().round, round(1));

    // Large enough to come in pieces.
    let mut body = serde_json::to_vec(&result(1)).unwrap();
    body.resize(2 << 20, b' ');
    let keeping = std::thread::scope(|scope| {
        scope.spawn(|| block_on(futures_lite::future::or(bench.keep_all(), stop.stopped())));
        post(&mut stream, "/v1/results", &body);
        let receipt: Receipt = answer(&mut stream);
        stop.stop();
        receipt
    });
    assert_eq!(keeping, Receipt::OnTime);
    bench.desk.end();
    block_on(served).unwrap();
}
