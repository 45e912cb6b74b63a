//! Records that are damaged on the disk while they are shown.

use std::fs::File;

use serde_json::json;

use super::calls::GROUP;
use super::shelf::Shelf;

/// Tears a round's record in two.
fn tear(shelf: &Shelf, name: &str, number: u64) {
    let record = shelf.ground.store().join(shelf.ground.uid(name)).join(format!("rounds/{number}/closed"));
    let record = File::options().write(true).open(record).unwrap();
    record.set_len(record.metadata().unwrap().len() / 2).unwrap();
}

#[test]
fn what_cannot_be_read_any_more_is_told_and_the_round_before_is_shown() {
    let shelf = Shelf::new();
    let kubectl = &shelf.ground.kubectl;
    tear(&shelf, "beta", 3);
    tear(&shelf, "gamma", 1);
    let names = || {
        kubectl.ok("get kr -o custom-columns=NAME:.metadata.name,ROUND:.spec.ReportRoundNumber --no-headers")
    };
    let shown = || {
        names().lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>()
    };
    assert_eq!(shown(), ["netreach-alpha 2", "netreach-beta 2"]);
    // Looking at the NetReach again changes nothing about it.
    kubectl.ok("label netreach beta gamma seen=yes");
    let is_seen = |report: &serde_json::Value| report["metadata"]["labels"]["seen"] == "yes";
    kubectl.await_object("kdoctorreport netreach-beta", is_seen);
    assert_eq!(shown(), ["netreach-alpha 2", "netreach-beta 2"]);
    let wide = kubectl.ok("get kr netreach-beta -o wide --no-headers");
    let wide: Vec<_> = wide.split_whitespace().collect();
    assert_eq!(wide[2..], ["beta", "2", "NotFinished", "1", "3.000ms"]);

    let raw = |path: &str| {
        kubectl.call("get --raw").arg(format!("{GROUP}/kdoctorreports/netreach-beta/{path}")).run()
    };
    let rounds = raw("rounds").json();
    let numbers: Vec<_> =
        rounds["items"].as_array().unwrap().iter().map(|round| &round["RoundNumber"]).collect();
    assert_eq!(numbers, [&json!(2), &json!(1)]);
    let torn = raw("rounds/3");
    assert_eq!(torn.code, 1);
    for words in ["(InternalError)", "the record of round 3 is damaged", "its bytes are kept as quarantine/"]
    {
        assert!(torn.err.contains(words), "{words}: {}", torn.err);
    }
    assert_eq!(raw("rounds/last").json()["spec"]["ReportRoundNumber"], 2);
}
