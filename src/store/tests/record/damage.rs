//! Records that are torn or altered: an error that says what, or what was written; never a panic.

use std::io;
use std::ops::Range;

use netreach_report::{RoundReport, Verdict};
use netreach_store::record::{Bytes, Part, RecordError, encode, read_agents, read_all, read_head};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngSeed};

use crate::reports::{cluster, reports, verdicts};

fn record(agents: usize) -> (RoundReport, Vec<u8>) {
    let (report, verdict) = cluster(agents);
    let record = encode(&report, &verdict).unwrap();
    (report, record)
}

/// Reads all there is of a damaged record, in every way.
fn check(record: &[u8], report: &RoundReport) -> Result<(), String> {
    if let Ok(read) = read_all(record)
        && read != *report
    {
        return Err("another report was read".to_owned());
    }
    let Ok(head) = read_head(record) else { return Ok(()) };
    for agent in read_agents(record, &head, |line, _| line % 2 == 0) {
        if let Ok((line, agent)) = agent
            && report.agents.get(line) != Some(&agent)
        {
            return Err(format!("another agent was read at line {line}"));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(Config {
        cases: 256,
        rng_seed: RngSeed::Fixed(13),
        failure_persistence: None,
        ..Config::default()
    })]

    #[test]
    fn an_altered_byte_is_an_error_or_changes_nothing(
        (report, verdict) in reports(4).prop_flat_map(verdicts),
        at in any::<Index>(),
        with in 1..=u8::MAX,
    ) {
        let mut record = encode(&report, &verdict).unwrap();
        let at = at.index(record.len());
        record[at] ^= with;
        prop_assert_eq!(check(&record, &report), Ok(()));
    }

    #[test]
    fn bytes_cut_out_or_put_in_are_an_error(
        (report, verdict) in reports(4).prop_flat_map(verdicts),
        [from, to] in any::<[Index; 2]>(),
        put in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut record = encode(&report, &verdict).unwrap();
        let [from, to] = [from, to].map(|at| at.index(record.len()));
        record.splice(from.min(to)..from.max(to), put);
        prop_assert_eq!(check(&record, &report), Ok(()));
    }

    #[test]
    fn what_is_no_record_is_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(read_head(bytes.as_slice()).is_err());
    }
}

#[test]
fn a_record_that_is_torn_anywhere_is_an_error() {
    let (_, record) = record(2);
    for at in 0..record.len() {
        assert!(read_all(&record[..at]).is_err(), "torn at {at}");
        assert!(read_head(&record[..at]).is_err(), "torn at {at}");
    }
    assert!(read_all([record.as_slice(), b"tail"].concat().as_slice()).is_err());
}

#[test]
fn a_record_with_any_byte_altered_is_an_error_or_what_was_written() {
    let (report, record) = record(2);
    for at in 0..record.len() {
        for with in [0x01, 0x04, 0x80, 0xFF] {
            let mut altered = record.clone();
            altered[at] ^= with;
            check(&altered, &report).unwrap_or_else(|why| panic!("{why}: byte {at} altered by {with:#x}"));
        }
    }
}

#[test]
fn agents_that_are_damaged_are_named_and_the_others_are_there() {
    let (report, mut record) = record(60);
    let head = read_head(record.as_slice()).unwrap();
    // In the first frame, behind the magic, the version and the frame's own head.
    record[100] ^= 1;
    let (mut errors, mut agents) = (Vec::new(), Vec::new());
    for agent in read_agents(record.as_slice(), &head, |_, _| true) {
        match agent {
            Ok((line, agent)) => agents.push((line, agent)),
            Err(error) => errors.push(error),
        }
    }
    let [RecordError::Corrupt { part: Part::Agents { first: 0, last }, .. }] = errors.as_slice() else {
        panic!("{errors:?}")
    };
    let others = report.agents.iter().cloned().enumerate().skip(last + 1);
    assert_eq!(agents, others.collect::<Vec<_>>());
    let error = read_all(record.as_slice()).unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("could not understand agents 0 to {last} of the record: ")),
        "{error}"
    );
    assert!(error.ends_with("; restore it from a copy"), "{error}");
}

#[test]
fn records_whose_parts_are_anothers_are_not_believed() {
    let (_, one) = record(2);
    let (other_report, other_verdict) = cluster(40);
    let other = encode(&other_report, &other_verdict).unwrap();
    // The end of one on the agents of another.
    let swapped = [&other[..other.len() - one.len() / 2], &one[one.len() / 2..]].concat();
    assert!(read_all(swapped.as_slice()).is_err());
    let same =
        RoundReport { agents: other_report.agents.iter().rev().cloned().collect(), ..other_report.clone() };
    let same = encode(&same, &other_verdict).unwrap();
    let head = read_head(other.as_slice()).unwrap();
    let read = read_agents(same.as_slice(), &head, |_, _| true).filter_map(Result::ok);
    assert!(read.into_iter().all(|(line, agent)| agent.agent == other_report.agents[line].agent));
}

#[test]
fn an_object_of_an_earlier_release_is_told_to_be_none() {
    let json =
        zstd::encode_all(&br#"{"version":1,"id":{"uid":"uid","number":1},"agents":[]}"#[..], 3).unwrap();
    let error = read_head(json.as_slice()).unwrap_err().to_string();
    assert_eq!(error, "could not find the end of a record (it is torn, or is none); restore it from a copy");
}

#[test]
fn a_newer_form_is_told_apart_from_damage() {
    let (_, mut record) = record(1);
    let at = record.len() - 10;
    record[at] = 9;
    let error = read_all(record.as_slice()).unwrap_err().to_string();
    assert_eq!(
        error,
        "could not read the record: it has form 9 (this build knows 1); use the release that wrote it"
    );
}

/// A disk that fails behind the first so many reads, or gives less than was asked for.
struct Failing {
    bytes: Vec<u8>,
    left: std::cell::Cell<u32>,
    short: bool,
}

impl Bytes for Failing {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read(&self, range: Range<u64>) -> io::Result<Vec<u8>> {
        let Some(left) = self.left.get().checked_sub(1) else {
            let end = if self.short { range.end - 1 } else { return Err(io::Error::other("it is gone")) };
            return self.bytes.as_slice().read(range.start..end);
        };
        self.left.set(left);
        self.bytes.as_slice().read(range)
    }
}

#[test]
fn a_disk_that_fails_is_told_and_ends_the_reading() {
    let (_, bytes) = record(60);
    for (left, short, why) in [
        (0, false, "could not read the end of the record: it is gone; later calls may succeed"),
        (
            0,
            true,
            "could not understand the end of the record: 65535 of 65536 bytes are there; restore it from a copy",
        ),
        (2, false, "could not read the names of the record: it is gone; later calls may succeed"),
        (3, false, "could not read agents 0 to "),
    ] {
        let failing = Failing { bytes: bytes.clone(), left: left.into(), short };
        let error = read_all(&failing).unwrap_err().to_string();
        assert!(error.starts_with(why), "{error}");
    }
    let failing = Failing { bytes, left: 2.into(), short: false };
    let head = read_head(&failing).unwrap();
    let errors: Vec<_> = read_agents(&failing, &head, |_, _| true).collect();
    let [Err(RecordError::Read { .. })] = errors.as_slice() else { panic!("{} items", errors.len()) };
}

#[test]
fn a_verdict_is_kept_though_no_agent_is() {
    let (report, _) = cluster(1);
    let empty = RoundReport { agents: Vec::new(), ..report };
    let verdict = Verdict::Unknown("the disk was full".to_owned());
    let record = encode(&empty, &verdict).unwrap();
    assert_eq!(read_head(record.as_slice()).unwrap().round().verdict, verdict);
    assert_eq!(read_all(record.as_slice()).unwrap(), empty);
}
