//! What is written comes back, whole or in parts, and of what is not asked for nothing is read.

use netreach_report::{RoundHead, RoundReport, VERSION};
use netreach_store::record::{encode, read_agents, read_all, read_head};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};

use crate::reports::{Counted, cluster, reports, verdicts};

proptest! {
    #![proptest_config(Config {
        cases: 128,
        rng_seed: RngSeed::Fixed(11),
        failure_persistence: None,
        ..Config::default()
    })]

    #[test]
    fn what_is_written_comes_back((report, verdict) in reports(6).prop_flat_map(verdicts)) {
        let record = encode(&report, &verdict).unwrap();
        let head = read_head(record.as_slice()).unwrap();
        prop_assert_eq!(head.round(), &RoundHead::of(&report, &verdict));
        prop_assert_eq!(&head.round().verdict, &verdict);
        prop_assert_eq!(read_all(record.as_slice()).unwrap(), report);
    }

    #[test]
    fn agents_come_as_they_are_wanted(report in reports(6), wanted in any::<[bool; 6]>()) {
        let record = encode(&report, &netreach_report::Verdict::Succeeded).unwrap();
        let head = read_head(record.as_slice()).unwrap();
        let read = read_agents(record.as_slice(), &head, |line, _| wanted[line]);
        let read: Vec<_> = read.collect::<Result<_, _>>().unwrap();
        let expected: Vec<_> = report.agents.into_iter().enumerate().filter(|(line, _)| wanted[*line]).collect();
        prop_assert_eq!(read, expected);
    }
}

#[test]
fn one_agent_is_read_without_the_others() {
    let (report, verdict) = cluster(300);
    let record = Counted::new(encode(&report, &verdict).unwrap());
    let size = record.bytes.len() as u64;
    let head = read_head(&record).unwrap();
    let of_head = record.read.take();
    let node = &report.agents[150].agent.node;
    let read: Vec<_> = read_agents(&record, &head, |_, line| line.agent.node == *node).collect();
    let [Ok((150, agent))] = read.as_slice() else { panic!("{read:?}") };
    assert_eq!(*agent, report.agents[150]);
    let of_agent = record.read.take();
    assert!(of_head <= 64 << 10 && of_agent < size / 8, "{of_head} and {of_agent} of {size} bytes");
    assert_eq!(read_agents(&record, &head, |_, _| false).count(), 0);
    assert_eq!(record.read.take(), 0);
}

#[test]
fn a_head_that_is_longer_than_what_is_read_at_once_is_read_all_the_same() {
    let (mut report, verdict) = cluster(10);
    // Nothing in it is like anything else, so it stays long.
    let text = || std::iter::repeat_with(fastrand::alphanumeric).take(100_000).collect::<String>();
    report.sampling = Some(text());
    let record = encode(&report, &verdict).unwrap();
    assert!(record.len() > 64 << 10);
    assert_eq!(read_all(record.as_slice()).unwrap(), report);
}

/// A thousand agents have to fit into 3 MB: four times as many as here, from backends that are four times as many.
#[test]
fn a_record_is_small() {
    let (report, verdict) = cluster(250);
    let record = encode(&report, &verdict).unwrap();
    assert!(record.len() <= 3_000_000 / 4, "{} bytes", record.len());
}

#[test]
fn a_report_in_another_form_is_not_read() {
    let (report, verdict) = cluster(1);
    let newer = RoundReport { version: VERSION + 1, ..report };
    let record = encode(&newer, &verdict).unwrap();
    let error = read_head(record.as_slice()).unwrap_err().to_string();
    assert_eq!(
        error,
        "could not read the record: it has form 2 (this build knows 1); use the release that wrote it"
    );
}

#[test]
fn what_could_not_be_read_back_is_not_written() {
    let (report, verdict) = cluster(2);
    let check = |change: &dyn Fn(&mut RoundReport), why: &str| {
        let mut report = report.clone();
        change(&mut report);
        let error = encode(&report, &verdict).unwrap_err().to_string();
        assert!(error.starts_with("could not write ") && error.contains(why), "{error}");
    };
    check(
        &|report| {
            let target = report.agents[1].targets[0].clone();
            report.agents[1].targets = vec![target; 2_049];
        },
        "agents 1 to 1 of the record: it has 2049 targets (at most 2048)",
    );
    check(
        &|report| report.agents[0].targets[0].slots = 1 << 32,
        "agents 0 to 0 of the record: a count passes 4294967295",
    );
    check(&|report| report.task = "x".repeat(17 << 20), "the head of the record: it takes 178");
    check(
        &|report| report.agents[0].targets[0].url = "x".repeat(17 << 20),
        "the names of the record: it takes 178",
    );
    check(
        &|report| report.agents[0].agent.pod = "x".repeat(5 << 20),
        "agents 0 to 0 of the record: it takes 52",
    );
}
