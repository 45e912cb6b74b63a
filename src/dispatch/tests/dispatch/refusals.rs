//! What is not done, and in which words.

use async_std::task::block_on;
use netreach_wire::limits::{HELD_ROUNDS_MAX, KEYS_MAX, LISTENING_MAX, POLL_BYTES_MAX};
use netreach_wire::{AgentResult, EchoKey, Poll, PollReply};
use tide::Body;

use crate::bench::{Bench, asking, result, round};

/// Sends a body as it is; expects the status and a part of the sentence.
fn check(path: &str, token: &str, body: &str, status: u16, sentence: &str) {
    let bench = Bench::new();
    bench.open(1, &["a"]);
    let mut response = block_on(bench.send(path, token, Body::from(body)));
    let said = block_on(response.body_string()).unwrap();
    assert_eq!(u16::from(response.status()), status, "{said}");
    assert!(said.starts_with("{\"error\":\"") && said.contains(sentence), "{said}");
    assert_eq!(response.header("www-authenticate").is_some(), status == 401);
}

fn check_result(change: impl FnOnce(&mut AgentResult), status: u16, sentence: &str) {
    let mut words = result(1);
    change(&mut words);
    check("/v1/results", "token-a", &serde_json::to_string(&words).unwrap(), status, sentence);
}

#[test]
fn strangers_are_told_nothing_but_that() {
    let poll = serde_json::to_string(&asking()).unwrap();
    for path in ["/v1/poll", "/v1/results"] {
        check(path, "", &poll, 401, "authorization: Bearer");
        check(path, "token-x", &poll, 401, "no longer good");
        check(path, &"x".repeat(9_000), &poll, 401, "authorization: Bearer");
        // Before anything else is looked at.
        check(path, "token-x", "garbage", 401, "no longer good");
    }
}

#[test]
fn an_agent_cannot_speak_for_another() {
    let words = serde_json::to_string(&result(1)).unwrap();
    check("/v1/results", "token-b", &words, 404, "round 0815/1 was not assigned to agent-b on node-b");
}

#[test]
fn a_round_that_was_never_assigned_is_not_found() {
    check_result(|result| result.round.number = 2, 404, "round 0815/2 was not assigned");
}

#[test]
fn what_cannot_be_read_is_said_to_be_so() {
    for path in ["/v1/poll", "/v1/results"] {
        check(path, "token-a", "", 400, "EOF");
        check(path, "token-a", "{}", 400, "missing field");
        check(path, "token-a", "[[[[", 400, "could not understand the body");
        check(path, "token-a", &"[".repeat(10_000), 400, "could not understand the body");
    }
    check("/v1/poll", "token-a", &" ".repeat(POLL_BYTES_MAX + 1), 413, "exceeds 65536 bytes");
}

#[test]
fn another_version_is_told_apart_from_garbage() {
    check_result(|result| result.version = 7, 426, "speaks version 7");
    // Even where nothing else is as we know it.
    check("/v1/poll", "token-a", r#"{"version": 2, "new": []}"#, 426, "speaks version 2");
}

#[test]
fn a_contradictory_result_is_refused_with_the_contradiction() {
    check_result(|result| result.targets[0].began_us = 3, 400, "another order");
    check_result(|result| result.usage.cpu_max_percent = -1.0, 400, "CPU share");
    check_result(|result| result.targets.clear(), 409, "0 targets, 1 were assigned");
}

#[test]
fn a_poll_is_bounded() {
    let bench = Bench::new();
    let refused = |poll: &Poll| block_on(bench.call::<PollReply>("/v1/poll", "a", poll)).unwrap_err();
    let address = "127.0.0.1:80".parse().unwrap();
    let listening = refused(&Poll { listening: vec![address; LISTENING_MAX + 1], ..asking() });
    assert_eq!(listening.0, 400);
    assert!(listening.1.contains("33 addresses, at most 32"), "{}", listening.1);
    assert_eq!(refused(&Poll { held: vec![round(1); HELD_ROUNDS_MAX + 1], ..asking() }).0, 400);
    assert_eq!(refused(&Poll { keys: vec![EchoKey::new([1; 32]).id(); KEYS_MAX + 1], ..asking() }).0, 400);
    assert_eq!(refused(&Poll { probing: vec![round(1); HELD_ROUNDS_MAX + 1], ..asking() }).0, 400);
}
